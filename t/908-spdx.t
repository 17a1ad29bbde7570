#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every file says its licence in one line at the top.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my @without;
my $checked = 0;
for my $path (source_files(qr/./)) {
    # Formats without comments, and prose.
    next if $path =~ m{\.(?:json|md|txt|png|ico|svg|tsv|csv|bin|gz|supp)$|^docs/|^changes/|^t/(?:data|vectors)/|README$};
    my @first = lines($path);
    $checked++;
    push @without, $path unless grep { /SPDX-License-Identifier: Apache-2\.0/ } @first[0 .. ($#first > 3 ? 3 : $#first)];
}
clean("$checked files say their licence", @without);
like(slurp(srcdir() . '/LICENSE'), qr/Apache License\s+Version 2\.0/, 'LICENSE is that licence');
done_testing();
