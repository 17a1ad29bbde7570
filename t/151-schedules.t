#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# When schedules are due: cron expressions, clock changes, missed ticks.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg = WmTest::Postgres->start;
my $utc = q{to_char(cron_next($1, $2, $3) at time zone 'UTC', 'YYYY-MM-DD HH24:MI')};

# expression, zone, after (UTC), next (UTC). 1 January 2026 is a Thursday. Berlin's clocks go from 02:00 to 03:00 on
# 29 March (01:00 UTC) and from 03:00 to 02:00 on 25 October 2026 (01:00 UTC).
my @table = (
    [ '0 0 * * *',         'UTC',           '2026-01-01 00:00', '2026-01-02 00:00', 'the same minute does not count again' ],
    [ '5 4 * * *',         'UTC',           '2026-01-01 00:00', '2026-01-01 04:05', 'a time of the day' ],
    [ '5 4 * * *',         'Europe/Berlin', '2026-01-01 00:00', '2026-01-01 03:05', '... in its zone' ],
    [ '*/15 * * * *',      'UTC',           '2026-01-01 00:07', '2026-01-01 00:15', 'steps of all' ],
    [ '7/20 * * * *',      'UTC',           '2026-01-01 00:08', '2026-01-01 00:27', 'steps from a value on' ],
    [ '10-40/15 * * * *',  'UTC',           '2026-01-01 00:26', '2026-01-01 00:40', 'steps of a range' ],
    [ '1,50,30 * * * *',   'UTC',           '2026-01-01 00:02', '2026-01-01 00:30', 'a list in any order' ],
    [ '0 9-17/4 * * *',    'UTC',           '2026-01-01 13:30', '2026-01-01 17:00', 'ranges of hours' ],
    [ '0 0 * * mon-fri',   'UTC',           '2026-01-02 12:00', '2026-01-05 00:00', 'names of weekdays' ],
    [ '0 0 * * Sun',       'UTC',           '2026-01-02 12:00', '2026-01-04 00:00', '... in any case' ],
    [ '0 0 * * 7',         'UTC',           '2026-01-02 12:00', '2026-01-04 00:00', 'Sunday is 7' ],
    [ '0 0 * * 0',         'UTC',           '2026-01-02 12:00', '2026-01-04 00:00', '... and 0' ],
    [ '0 0 * * fri-sun',   'UTC',           '2026-01-03 12:00', '2026-01-04 00:00', 'a range that ends on Sunday' ],
    [ '0 0 1 feb,jul *',   'UTC',           '2026-02-01 12:00', '2026-07-01 00:00', 'names of months' ],
    [ '0 0 13 * fri',      'UTC',           '2026-01-01 00:00', '2026-01-02 00:00', 'day or weekday: the weekday first' ],
    [ '0 0 13 * fri',      'UTC',           '2026-01-10 00:00', '2026-01-13 00:00', '... or the day' ],
    [ '0 0 */2 * fri',     'UTC',           '2026-01-03 00:00', '2026-01-09 00:00', 'a day with * is no day: both must fit' ],
    [ '0 0 31 * *',        'UTC',           '2026-01-31 00:00', '2026-03-31 00:00', 'months without such a day are left out' ],
    [ '0 0 29 2 *',        'UTC',           '2026-01-01 00:00', '2028-02-29 00:00', 'a leap day' ],
    [ '0 0 29 2 *',        'UTC',           '2096-03-01 00:00', '2104-02-29 00:00', '... over a year that has none' ],
    [ '59 23 31 12 *',     'UTC',           '2026-12-31 23:59', '2027-12-31 23:59', 'the last minute of a year' ],
    [ '  0   0 * *  * ',   'UTC',           '2026-01-01 00:00', '2026-01-02 00:00', 'blanks do not matter' ],
    [ '30 2 * * *',        'Europe/Berlin', '2026-03-28 12:00', '2026-03-29 01:30', 'a time that the spring change skips comes an hour late' ],
    [ '30 2 * * *',        'Europe/Berlin', '2026-03-29 01:30', '2026-03-30 00:30', '... once' ],
    [ '30 2,3 * * *',      'Europe/Berlin', '2026-03-29 01:30', '2026-03-30 00:30', '... together with what is due then anyway' ],
    [ '30 2 * * *',        'Europe/Berlin', '2026-10-24 12:00', '2026-10-25 01:30', 'of a time that comes twice in autumn, the second counts' ],
    [ '30 2 * * *',        'Europe/Berlin', '2026-10-25 01:30', '2026-10-26 01:30', '... once' ],
    [ '*/30 * * * *',      'Europe/Berlin', '2026-10-25 00:30', '2026-10-25 01:00', 'with every hour the doubled one is not left out' ],
    [ '*/30 * * * *',      'Europe/Berlin', '2026-03-29 00:30', '2026-03-29 01:00', '... and the missing one is no gap' ],
    [ '0 0 * * *',         'Europe/Berlin', '2026-03-28 23:00', '2026-03-29 22:00', 'a day of 23 hours' ],
    [ '0 0 * * *',         'Europe/Berlin', '2026-10-24 22:00', '2026-10-25 23:00', 'a day of 25 hours' ],
    [ '15 * * * *',        'Asia/Kolkata',  '2026-01-01 00:00', '2026-01-01 00:45', 'a zone of half hours' ],
);
is($pg->scalar("select $utc", $_->[0], $_->[1], "$_->[2]+00"), $_->[3], "$_->[0]: $_->[4]") for @table;

for (
    [ '* * * *',     qr/five fields/,                  'four fields' ],
    [ '60 * * * *',  qr/"60" .* not between 0 and 59/, 'minute 60' ],
    [ '* 24 * * *',  qr/between 0 and 23/,             'hour 24' ],
    [ '* * 0 * *',   qr/between 1 and 31/,             'day 0' ],
    [ '* * * 13 *',  qr/between 1 and 12/,             'month 13' ],
    [ '* * * * 8',   qr/between 0 and 7/,              'weekday 8' ],
    [ '5-1 * * * *', qr/"5-1"/,                        'a range that runs backwards' ],
    [ '*/0 * * * *', qr/"\*\/0"/,                      'a step of nothing' ],
    [ '1,,2 * * * *', qr/""/,                          'an empty item' ],
    [ '* * * foo *', qr/"foo"/,                        'a name that is none' ],
    [ '* * jan * *', qr/"jan"/,                        'a name in the wrong field' ],
    )
{
    my ($cron, $why, $name) = @$_;
    my $got = eval { $pg->scalar("select $utc", $cron, 'UTC', '2026-01-01 00:00+00') };
    ok(!defined $got && $@ =~ $why, "$name is refused in words") or diag($got // $@);
}
is($pg->scalar("select cron_next('0 0 30 2 *', 'UTC', now())"), undef, 'a day that never comes has no next');

# --- rows of schedules ---
sub next_due
{
    my ($schedule, $after) = @_;
    my $columns = join(', ', sort keys %$schedule);
    my $values = join(', ', map { $pg->quote($schedule->{$_}) } sort keys %$schedule);
    return $pg->scalar("with s as (insert into schedule (name, $columns) values ('x', $values) returning *)
        select to_char(schedule_next(s::schedule, \$1) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') from s", "$after+00");
}
my @rows = (
    [ { every => '10 minutes', next_due => '2026-01-01 00:00+00' }, '2026-01-01 00:00', '2026-01-01 00:10', 'every so often' ],
    [ { every => '10 minutes', next_due => '2026-01-01 00:00+00' }, '2026-01-01 05:03', '2026-01-01 05:10', 'missed ticks are one, and the grid stays' ],
    [ { every => '1 month', next_due => '2026-01-15 00:00+00' }, '2026-07-16 00:00', '2026-08-15 00:00', 'months are not 30 days' ],
    [ { daily_at => '00:30', time_zone => 'America/New_York', next_due => '2026-01-01 00:00+00' }, '2026-01-01 04:00', '2026-01-01 05:30', 'daily in a zone' ],
    [ { daily_at => '00:30', time_zone => 'America/New_York', next_due => '2026-01-01 00:00+00' }, '2026-01-01 05:30', '2026-01-02 05:30', '... the next day' ],
    [ { daily_at => '02:30', time_zone => 'Europe/Berlin', next_due => '2026-01-01 00:00+00' }, '2026-03-28 12:00', '2026-03-29 01:30', 'daily at a time that spring skips' ],
    [ { daily_at => '02:30', time_zone => 'Europe/Berlin', next_due => '2026-01-01 00:00+00' }, '2026-03-29 01:30', '2026-03-30 00:30', '... once' ],
    [ { daily_at => '02:30', time_zone => 'Europe/Berlin', next_due => '2026-01-01 00:00+00' }, '2026-10-25 01:30', '2026-10-26 01:30', 'daily at a time that comes twice: once' ],
    [ { cron => '0 6 * * mon', time_zone => 'Europe/Berlin', next_due => '2026-01-01 00:00+00' }, '2026-01-01 00:00', '2026-01-05 05:00', 'by a cron expression' ],
);
for (@rows) {
    is(next_due($_->[0], $_->[1]), $_->[2], $_->[3]);
    $pg->do("delete from schedule where name = 'x'");
}

# A whole year of nights: each local day exactly once.
is_deeply([ $pg->rows(q{with recursive t(at) as (
        select cron_next('30 2 * * *', 'Europe/Berlin', '2026-01-01 00:00+00')
        union all select cron_next('30 2 * * *', 'Europe/Berlin', at) from t where at < '2026-12-31 00:00+00')
    select count(*) as nights, count(distinct (at at time zone 'Europe/Berlin')::date) as days from t}) ],
    [ { nights => 365, days => 365 } ], 'every night of a year is one');

# --- ticks ---
$pg->do("insert into schedule (name, what, every, next_due, params) values ('tally', 'a', '1 hour', now() - interval '5 hours', '{\"n\":1}')");
$pg->do("insert into schedule (name, what, every, paused) values ('tally', 'b', '1 hour', true)");
$pg->do("insert into schedule (name, what, every) values ('unknown', 'c', '1 hour')");
$pg->do("insert into schedule (name, what, cron) values ('tally', 'd', 'never * * * *')");
my $tick = "select schedule_tick('{tally}', now())";
is($pg->scalar($tick), 2, 'schedules that are due are ticked');
is_deeply([ $pg->rows("select name, what, state, params from job where state = 'ready' order by id") ],
    [ { name => 'tally', what => 'a', state => 'ready', params => { n => 1 } }, { name => 'tally', what => 'd', state => 'ready', params => {} } ],
    'five missed ticks are one job; paused ones and unknown ones add none');
is($pg->scalar($tick), 0, 'a tick comes once');
is_deeply([ $pg->rows("select paused, (select error from job where what = 'd' and state = 'failed') as error from schedule where what = 'd'") ],
    [ { paused => JSON::PP::true, error => 'its schedule is paused: "never" is no part of a cron expression' } ],
    'one that cannot be read is paused, says why, and stops no other');
$pg->do("update schedule set next_due = now() where what = 'a'");
is($pg->scalar($tick), 1, 'the next tick');
is($pg->scalar("select count(*) from job where what = 'a'"), 1, '... adds nothing while the job still waits');
done_testing();
