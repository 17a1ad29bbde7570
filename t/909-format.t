#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# clang-format decides how C looks; `make reformat` applies it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my $formatter = need_program('clang-format', 'clang-format');
my $top   = srcdir();
my @files = source_files(qr/\.[ch]$/, grep { -d "$top/$_" } qw(lib mod_webmunk jobs bench t));
my $done  = run({ dir => $top }, $formatter, '--dry-run', '-Werror', '--style=file', @files);
my %wrong = map { /^(\S+?):\d+:/ ? ($1 => 1) : () } split(/\n/, $done->{err});
clean(scalar(@files) . ' C files are formatted', sort keys %wrong);
is($done->{code}, 0, 'clang-format agrees');
done_testing();
