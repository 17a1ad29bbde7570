#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The settings that webmunkd has, those of man/webmunkd.conf.5 and those of conf/webmunkd.conf.in are the same, and nothing
# else reads them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

# "section.key" and its default, by the form of the program's own list.
my ($section, $variable, $default, %has, %env);
for (split(/\n/, webmunkd(undef, 'check-config', '--show')->{out})) {
    $section = $1 if /^\[(\w+)\]$/;
    ($variable, $default) = ($1, $2 // '') if /^# environment: (\w+)(?:; default: (.+))?$/;
    if (/^#(\w+) = /) {
        $has{"$section.$1"} = $default;
        $env{"$section.$1"} = $variable;
    }
}
ok(scalar(keys %has) > 10, 'webmunkd lists its settings');
my %variables = map { $_ => 1 } values %env;
is(scalar(keys %variables), scalar(keys %env), 'each has a variable of its own');

my (%described, %said);
my $manual = slurp(srcdir() . '/man/webmunkd.conf.5') =~ s/\\-/-/gr;
my ($settings) = $manual =~ /^\.SH SETTINGS$(.*?)^\.SH /ms;
while ($settings =~ /^\.SS \[(\w+)\]$(.*?)(?=^\.SS |\z)/msg) {
    my ($name, $text) = ($1, $2);
    while ($text =~ /^\.TP\n\.B (\w+)$(.*?)(?=^\.TP|\z)/msg) {
        my ($key, $words) = ($1, $2);
        ($described{"$name.$key"}) = $words =~ /^Default: \\fB(.*?)\\fR/m;
        $described{"$name.$key"} //= '';
        ($said{"$name.$key"}) = $words =~ /^Environment: \\fB(\w+)\\fR\.$/m;
    }
}
clean('each is described in man/webmunkd.conf.5', grep { !exists $described{$_} } sort keys %has);
clean('the manual page knows none that is gone',  grep { !exists $has{$_} } sort keys %described);
clean('the manual page says the same defaults',
    grep { exists $described{$_} && $described{$_} ne $has{$_} } sort keys %has);
clean('the manual page says the same variables', grep { ($said{$_} // '') ne $env{$_} } sort keys %has);

my %sample;
for (lines('conf/webmunkd.conf.in')) {
    $section = $1 if /^\[(\w+)\]$/;
    $sample{"$section.$1"} = $2 if /^#?(\w+) = (.*)$/;
}
clean('each stands in conf/webmunkd.conf.in',    grep { !exists $sample{$_} } sort keys %has);
clean('conf/webmunkd.conf.in has no other',      grep { !exists $has{$_} } sort keys %sample);
clean('conf/webmunkd.conf.in says the defaults', grep { length $has{$_} && $sample{$_} ne $has{$_} } sort keys %has);

my @others;
for my $path (source_files(qr/\.[ch]$/, 'jobs')) {
    next if $path =~ m{^jobs/settings\w*\.[ch]$};
    my $line = 0;
    for (lines($path)) {
        $line++;
        push @others, "$path:$line: $_" if /getenv\("(?:WEBMUNK|DATABASE_URL)/;
    }
}
clean('nothing but jobs/settings.c reads them from the environment', @others);
done_testing();
