#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The simulated study of `webmunkd demo`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg  = WmTest::Postgres->start;
my $now = int(time / 3600) * 3600 - 1800;    # not within the first minutes of a partition

sub demo
{
    my ($database, @options) = @_;
    my %env = $database ? (env => { DATABASE_URL => $pg->url =~ s{/webmunk\?}{/$database?}r }) : ();
    my $done = webmunkd(\%env, $pg, 'demo', @options);
    return wantarray ? ($done->{code}, $done->{err}) : $done->{code} == 0 ? $done->{out} : diag($done->{err});
}

like(demo(undef, '--participants', 100, '--days', 7, '--until', $now), qr/^simulated study made: 100 participants/,
    'a study is made');

my %state = map { $_->{state} => $_->{count} } $pg->rows('select state, count(*) from source_states(to_timestamp($1)) group by 1',
    $now);
cmp_ok($state{active}, '>=', 75, 'most participants are active');
is($state{late}, 6, 'some are late');
is($state{silent}, 2, 'some are silent');
is($state{never}, 1, 'one never started');
is($state{invited}, 2, 'some were invited only now');
is($state{unassigned}, 1, 'one is on no list');
is_deeply([map { $state{$_} ? 1 : 0 } 'withdrawn', 'completed', 'paused'], [1, 1, 1], 'some left, completed, or pause');

is($pg->scalar('select count(*) from data_point'), $pg->scalar('select sum(points) from bundle'),
    'every bundle says how many points it brought');
is($pg->scalar('select sum(points) from source_day'), $pg->scalar('select sum(points) from bundle'),
    'and so do the rollups');
cmp_ok($pg->scalar('select sum(repeats) from bundle'), '>', 0, 'somebody sent twice');
cmp_ok($pg->scalar('select sum(quarantined) from bundle'), '>', 0, 'somebody has a broken client');
is($pg->scalar('select count(*) from bundle where received <> recorded or received > to_timestamp($1)', $now), 0,
    'every upload was stored at its simulated time');
is($pg->scalar(q{select count(*) from source_group}), 3, 'there are three arms');

my $before = $pg->scalar('select count(*) from bundle');
like(demo(undef, '--participants', 100, '--days', 7, '--until', $now), qr/continued: 100 participants, 0 uploads/,
    'a second time adds nothing');
is($pg->scalar('select count(*) from bundle'), $before, 'nothing at all');
like(demo(undef, '--participants', 100, '--days', 7, '--until', $now + 7200), qr/continued: 100 participants, [1-9]\d* uploads/,
    'two hours later the study goes on');
my ($code, $why) = demo(undef, '--participants', 90, '--days', 7);
isnt($code, 0, 'another size is refused');
like($why, qr/choose another --seed/, 'with what to do instead');
($code, $why) = demo(undef, '--participants', 0);
is($code, 2, 'no participants is an error of usage');

my @contents;
for my $database ('first', 'second') {
    $pg->psql('-d', 'postgres', '-c', "create database $database");
    my $done = webmunkd({ env => { DATABASE_URL => $pg->url =~ s{/webmunk\?}{/$database?}r } }, $pg, 'migrate');
    is($done->{code}, 0, "the $database database is ready");
    demo($database, '--participants', 20, '--days', 3, '--until', $now, '--seed', 5);
    push @contents, $pg->psql('-A', '-t', '-d', $database, '-c', q{
        select count(*), md5(string_agg(source || created::text || received::text || properties::text, ','
                                        order by source, received, ordinal)) from webmunk.point});
}
like($contents[0], qr/^\d{3}/, 'another seed makes another study');
is($contents[0], $contents[1], 'the same options make the same study, down to the last byte');

done_testing();
