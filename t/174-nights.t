#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A chain of nights: what is in their archives together is every point that was stored, once, whatever was late, missed, or done
# by two at a time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Export;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $pg    = WmTest::Postgres->start;
my $lab   = WmTest::Export->new($pg);
my $dir   = workdir() . '/exports';
my %env   = (WEBMUNK_EXPORT_DIR => $dir);
my $type  = 'webmunk-extension-action';

sub command { return webmunkd({ env => {%env} }, $pg, @_) }

# Nine days, the last of which goes on: uploads at all hours, points that are weeks old, and midnight to the second.
my $zone = 'America/New_York';
$pg->do(q{update study set time_zone = $1, starts = (date_trunc('day', now() at time zone $1) - interval '8 days') at time zone $1}, $zone);
my @midnights = $pg->list(q{select extract(epoch from (date_trunc('day', now() at time zone $1) - n * interval '1 day') at time zone $1)::bigint
    from generate_series(8, 0, -1) n}, $zone);
my $number = 0;
for my $day (0 .. 8) {
    my $start = $midnights[$day];
    for my $at ($start, $start + 1, $start + 9 * 3600, ($day < 8 ? $midnights[ $day + 1 ] - 1 : ())) {
        next if $at > time();
        $lab->store($at, map { [ 'anna', $type, $at - $_, { action => 'n' . ++$number } ] } 5, 86_400, 30 * 86_400);
    }
}
my $expected = $pg->scalar(q{select count(*) from data_point where recorded < to_timestamp($1)}, $midnights[8]);
cmp_ok($expected, '>=', 90, 'there are points to export');

# Nobody ran for eight days; now two do at once.
my @jobs = map { WmTest::spawn(workdir() . "/nightly$_.log", { %{ $pg->env }, %env }, builddir() . '/jobs/webmunkd', 'run', '--once', 'export-nightly',
    '--params', json({ grace => 0 })) } 1, 2;
is((waitpid($_, 0), $?)[1], 0, 'a runner plans nights') or diag(slurp(workdir() . '/nightly1.log'), slurp(workdir() . '/nightly2.log')) for @jobs;
command('run', '--once', 'export-nightly', '--params', json({ grace => 0 }));
my @nights = map { from_json($_) } $pg->list(q{select json_build_object('id', id, 'day', definition ->> 'from', 'to', definition ->> 'to') from export order by definition ->> 'from'});
is(@nights, 8, 'E32: every night that was missed is made up for, each once');
is_deeply([ map { $_->{day} } @nights ], [ $pg->list(q{select (to_timestamp(t) at time zone $1)::date::text from unnest(string_to_array($2, ',')::bigint[]) t order by 1}, $zone,
    join(',', @midnights[ 0 .. 7 ])) ], 'E31: ... by the days of the study\'s zone, none that is not over');

my (%seen, $rows);
for my $night (@nights) {
    is(command('export', 'run', $night->{id})->{code}, 0, "the night of $night->{day} is made");
    my @lines = split(/\r\n/, run($unzip, '-p', "$dir/$night->{id}.zip", "$type.txt")->{out});
    shift @lines;
    $seen{ (split(/\t/))[4] }++ for @lines;
    $rows += @lines;
    my $manifest = from_json(run($unzip, '-p', "$dir/$night->{id}.zip", 'manifest.json')->{out});
    is($manifest->{window}{clock}, 'recorded', '... by the time of recording, which its manifest says');
}
is($rows, $expected, 'E6: the nights together have as many points as were stored');
is(keys %seen, $expected, '... none is missing');
is_deeply([ grep { $_ != 1 } values %seen ], [], '... and none is there twice');

# What the profile has is data: types, whom, how; t/171 has where to.
my $last = $pg->scalar('select max(id) from export');
$pg->do(q{delete from export_day; insert into source_group (study_id, name) values (1, 'g');});
command('run', '--once', 'export-nightly', '--params', json({ grace => 0, days => 2, definition => { types => [$type], sensitive => JSON::PP::false(), format => 'csv', groups => [1] } }));
my @own = map { from_json($_) } $pg->list(q{select definition from export where id > $1 order by id}, $last);
is(@own, 2, 'the schedule says how many nights one run asks for');
is_deeply([ map { [ @$_{qw(types format clock)}, $_->{from} eq $_->{to} ? 1 : 0, $_->{groups} ] } @own ], [ ([ [$type], 'csv', 'recorded', 1, [1] ]) x 2 ],
    '... and what they have; days and clock stay those of nights');
my $bad = command('run', '--once', 'export-nightly', '--params', json({ grace => 0, definition => { types => ['nonsense'] } }));
isnt($bad->{code}, 0, 'a type that is none is refused');
like($bad->{err}, qr/no type of data "nonsense"/, '... in words');
done_testing();
