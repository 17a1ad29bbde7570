#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Backup and restore as docs/operators.md describes them, into a cluster that has never seen the product.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $old = WmTest::Postgres->start;
is(webmunkd($old, 'partitions')->{code}, 0, 'the first server has partitions');
is(webmunkd($old, qw(demo --participants 5 --days 2))->{code}, 0, '... and data');
my $facts = 'select (select count(*) from point), (select count(*) from bundle), (select sum(points) from source_day)';
my @before = $old->rows("$facts as days");
cmp_ok($old->scalar('select count(*) from point'), '>', 10, '... some points at least');

my $dump = workdir() . '/webmunk.dump';
my $done = run({ env => $old->env }, WmTest::Postgres::program('pg_dump'), '-Fc', '-f', $dump, 'webmunk');
is($done->{code}, 0, 'the database is dumped') or diag($done->{err});
$old->stop;

my $new = WmTest::Postgres->start(migrate => 0);
$new->psql('-d', 'postgres', '-c', 'create database scratch');
my %scratch = (%{ $new->env }, PGDATABASE => 'scratch', DATABASE_URL => $new->url =~ s{/webmunk\?}{/scratch?}r);
is(webmunkd({ env => \%scratch }, undef, 'migrate')->{code}, 0, 'an empty scratch database makes the roles');
$done = run({ env => $new->env }, WmTest::Postgres::program('pg_restore'), '-d', 'webmunk', $dump);
is($done->{code}, 0, 'the dump is restored') or diag($done->{err});
my $again = webmunkd($new, 'migrate');
is($again->{code}, 0, 'migrate accepts what it finds') or diag($again->{err});
like($again->{out}, qr/^0 migrations applied/, '... and has nothing to add');

is_deeply([ $new->rows("$facts as days") ], \@before, 'everything is there');
my $web = run({ env => { %{ $new->env }, PGUSER => 'wm_web' } }, WmTest::Postgres::program('psql'), '-X', '-A', '-t', '-c',
    'select count(*) > 10 from webmunk.point');
is($web->{out}, "t\n", 'the server may read it') or diag($web->{err});
$web = run({ env => { %{ $new->env }, PGUSER => 'wm_web' } }, WmTest::Postgres::program('psql'), '-X', '-A', '-t', '-c',
    'delete from webmunk.data_point');
like($web->{err}, qr/permission denied/, '... and no more than before');
is(webmunkd($new, qw(demo --participants 5 --days 2))->{code}, 0, 'the study goes on');
done_testing();
