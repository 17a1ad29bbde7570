#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A type of export is a file: the one that HACKING shows is compiled in, and exports points.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Export;
use WmTest::Postgres;

my $pg  = WmTest::Postgres->start;
my $lab = WmTest::Export->new($pg);
my $dir = workdir();

# What HACKING shows, as it stands there.
my ($shown) = slurp(srcdir() . '/HACKING') =~ /\nAdding an export type\n-+\n(.*?)\nAdding an /s or die 'HACKING does not say how a type is added';
my @file = map { s/^ {7}//r } grep { /^ {7}(?:--|SELECT|FROM|\s)/ } split(/\n/, $shown);
cmp_ok(@file, '<=', 10, 'a type takes no more than ten lines') or diag(join("\n", @file));
spew("$dir/acme-by-hour.sql", join("\n", @file, ''));
my @types = sort { ($a =~ m{([^/]+)$})[0] cmp ($b =~ m{([^/]+)$})[0] } "$dir/acme-by-hour.sql", glob(srcdir() . '/sql/exports/*.sql');

# A variable of the build.
spew("$dir/ask.mk", "include Makefile\nask-%: ; \@echo '\$(\$*)'\n");
sub built { my ($name) = @_; return run({ env => { MAKEFLAGS => '', MAKELEVEL => '' } }, 'make', '-s', '--no-print-directory', '-C', builddir(), '-f', "$dir/ask.mk", "ask-$name")->{out} =~ s/\s+\z//r }
sub build { my ($words) = @_; return run({ env => { MAKEFLAGS => '', MAKELEVEL => '' } }, 'sh', '-c', 'cd "$1" && eval "$2"', 'sh', builddir(), $words) }

my $table = run('awk', '-f', srcdir() . '/build-aux/exports2c.awk', @types);
is($table->{code}, 0, 'the table of types is made with it') or diag($table->{err});
spew("$dir/types.c", $table->{out});
my $done = build(built('COMPILE') . " -Ilib -I" . srcdir() . "/lib -c -o $dir/types.o $dir/types.c");
is($done->{code}, 0, '... and compiled') or diag($done->{err});
# Its table comes before that of the library.
$done = build(built('LINK') =~ s/-o \S*$//r . " -o $dir/export_rows t/unit/export_rows.o $dir/types.o " . built('WM_LIBS') . ' ' . built('LIBS'));
is($done->{code}, 0, '... and linked') or diag($done->{out}, $done->{err});
$lab->{program} = "$dir/export_rows";

my $time = 1741536000;
$lab->store($time + 60, [ 'p', 'acme-steps', $time, { steps => 17 } ], [ 'p', 'acme-steps', $time + 1, { steps => undef } ], [ 'p', 'acme-steps', $time + 2, {} ]);
my ($said, $got) = $lab->export({ types => ['acme-by-hour'] });
is_deeply(lines($got->{'acme-by-hour.txt'}), [ [ 'Source', 'Created Timestamp', 'Created Date', 'Recorded Timestamp', 'Recorded Date', 'Steps' ],
    map { [ 'p', $time + $_->[0], "2025-03-09T12:00:0$_->[0]-04:00", $time + 60, '2025-03-09T12:01:00-04:00', $_->[1] ] } [ 0, 17 ], [ 1, '' ], [ 2, '' ] ],
    'it exports the points of its generator') or diag($said);
done_testing();
