#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A tag leads from a log line to one place in the code and to one paragraph for the operator.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my %sites;
for my $path (source_files(qr/\.[ch]$/, qw(lib mod_webmunk jobs))) {
    my $line = 0;
    for (split(/\n/, code_of($path, 1))) {
        $line++;
        push @{ $sites{$1} }, "$path:$line" while /\b(WM\d{4})\b/g;
    }
}
ok(%sites > 0, 'tags are found where they are');
clean('each tag has one call site',
    map { "$_ stands at @{$sites{$_}}" } grep { @{ $sites{$_} } > 1 } sort keys %sites);

my %listed;
$listed{$_}++ for slurp(srcdir() . '/docs/log-tags') =~ /^(WM\d{4})\b/mg;
clean('each tag is listed in docs/log-tags', map { "$_ at @{$sites{$_}}" } grep { !$listed{$_} } sort keys %sites);
clean('docs/log-tags lists each tag once and none that is gone',
    map { $sites{$_} ? "$_ is listed $listed{$_} times" : "$_ is in no source" }
        grep { !$sites{$_} || $listed{$_} > 1 } sort keys %listed);
done_testing();
