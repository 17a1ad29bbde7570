#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The directives that the module has, those of the manual page, and those of the sample configuration are the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Source;

need_module();
my $mpm   = WmTest::configured('HTTPD_MODULES') . '/mod_mpm_event.so';
my $conf  = spew(workdir() . '/list.conf',
    "ServerName localhost\nErrorLog " . workdir() . "/error.log\n" . (-e $mpm ? "LoadModule mpm_event_module $mpm\n" : '')
        . 'LoadModule webmunk_module ' . module_file() . "\n");
my $httpd = WmTest::configured('HTTPD');
my $list  = run({ env => WmTest::Httpd::sanitizer_env() }, $httpd, '-d', workdir(), '-f', $conf, '-L');
$list = "$list->{out}$list->{err}";
my (%preset, $name);
for (split(/\n/, $list)) {
    if (/^(\S+) \(mod_webmunk\.c\)/) {
        $name = $1;
        $preset{$name} = undef;
    } elsif (/^\S/) {
        $name = undef;
    } elsif ($name && /\(default: (.*)\)\s*$/) {
        $preset{$name} //= $1;
    }
}
ok(scalar(keys %preset) > 10, 'httpd -L lists the directives') or diag($list);
clean('each says its default', grep { !defined $preset{$_} } sort keys %preset);
clean('each begins with Webmunk', grep { !/^Webmunk[A-Z]/ } sort keys %preset);

my $manual = slurp(srcdir() . '/man/mod_webmunk.5');
my %manual;
while ($manual =~ /^\.SS (Webmunk\w+)$(.*?)(?=^\.S[SH]|\z)/msg) {
    my ($directive, $text) = ($1, $2);
    ($manual{$directive}) = $text =~ /^Default: \\fB(.*?)\\fR/m;
    $manual{$directive} //= 'not said';
    $manual{$directive} =~ s/\\-/-/g;
}
clean('each has a section in man/mod_webmunk.5', grep { !exists $manual{$_} } sort keys %preset);
clean('the manual page knows none that is gone', grep { !exists $preset{$_} } sort keys %manual);
clean('the manual page says the same defaults',
    map { "$_: $manual{$_}, but the module says $preset{$_}" }
        grep { exists $manual{$_} && $manual{$_} ne ($preset{$_} // '') && $preset{$_} !~ m{^/} } sort keys %preset);

my $sample = slurp(srcdir() . '/conf/webmunk.conf.in');
clean('each stands in conf/webmunk.conf.in, as a comment at least',
    grep { $sample !~ /^\s*#?\s*$_\b/m } sort keys %preset);

my @unknown;
for my $path (source_files(qr/./, qw(conf man docs))) {
    my $line = 0;
    for (lines($path)) {
        $line++;
        while (/\b(Webmunk[A-Z][A-Za-z]+)\b/g) {
            push @unknown, "$path:$line: $1" unless exists $preset{$1};
        }
    }
}
clean('conf, man and docs name no directive that does not exist', @unknown);
done_testing();
