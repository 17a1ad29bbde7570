#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Calls and words that are not in this source.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my @calls;
for my $path (source_files(qr/\.[ch]$/, qw(lib mod_webmunk jobs bench t))) {
    my $line = 0;
    for (split(/\n/, code_of($path))) {
        $line++;
        push @calls, "$path:$line: $1" while /\b(sprintf|vsprintf|strcpy|strcat|strncpy|atoi|gets|strtok|system)\s*\(/g;
    }
}
clean('no banned function is called', @calls);

my @words;
for my $path (source_files(qr/./)) {
    next if $path =~ m{^t/907-banned\.t$|\.(?:png|ico|bin|gz)$|^docs/style-};
    my $line = 0;
    for (lines($path)) {
        $line++;
        # The words are put together so that this file does not hold them.
        push @words, "$path:$line: $_" if /\b(?:TO[D]O|FIX[M]E|XX[X]|not implement[e]d)\b/;
    }
}
clean('nothing is marked as unfinished', @words);

# In another cluster transaction ids begin again: what is stored has positions.
my @ids;
for my $path (source_files(qr/\.sql$/, 'sql')) {
    my $line = 0;
    for (lines($path)) {
        $line++;
        push @ids, "$path:$line: $_" if /\b(?:pg_current_(?:xact_id|snapshot)|pg_snapshot_\w+|txid_\w+)\b/ && !/webmunk\.position_offset\(\)/;
    }
}
clean('transaction ids are looked at by the functions of positions alone', @ids);

# What is shared between threads is const or belongs to a child's own structure.
my @state;
for my $path (source_files(qr/\.c$/, qw(lib mod_webmunk))) {
    my $line = 0;
    for (split(/\n/, code_of($path))) {
        $line++;
        push @state, "$path:$line: $_" if /\b(?:setlocale|localtime|gmtime|ctime|strerror|rand|srand)\s*\(/;
    }
}
clean('no call uses a static buffer or the process locale', @state);
done_testing();
