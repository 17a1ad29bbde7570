#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every closed local day of a study is exported once: windows tile time across clock changes, and no day is taken before
# all that may belong to it is stored.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use WmTest;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $pg    = WmTest::Postgres->start;
my $dir   = workdir() . '/exports';
my %env   = (WEBMUNK_EXPORT_DIR => $dir);

sub nightly { return webmunkd({ env => {%env} }, $pg, '-d', $pg->url =~ s/user=\w+/user=wm_jobs/r, 'run', '--once', 'export-nightly', '--params', json({@_})) }

sub entry { return run($unzip, '-p', @_)->{out} }

# Days are planned when they are over, each once.
$pg->do(q{update study set time_zone = 'America/New_York', starts = '2024-03-08 12:00-05'});
sub planned { return $pg->scalar(q{select export_days_plan('test', $1, interval '5 minutes', null)}, $_[0]) }
is(planned('2024-03-09 04:59:59+00'), 0, 'a day that is not over is not planned');
is(planned('2024-03-09 05:04:59+00'), 0, 'nor within the grace after its midnight');
is(planned('2024-03-09 05:05:00+00'), 1, 'then it is');
is(planned('2024-03-09 05:05:00+00'), 0, 'once');
is(planned('2024-03-12 05:00:00+00'), 3, 'nights that were missed are made up for');
is(planned('2024-11-05 12:00:00+00'), 238, 'however many they are');
is($pg->scalar(q{select count(*) from (select day - lag(day) over (order by day) as step from export_day where profile = 'test') d where step <> 1}),
    0, 'no day is left out');
for my $zone ('America/New_York', 'Europe/Prague', 'America/Havana', 'Asia/Beirut', 'Australia/Lord_Howe', 'Pacific/Apia') {
    # What the export's window and the planner's midnight are made of.
    my ($bad) = $pg->list(q{
        select count(*) from (
            select ((d + interval '1 day')::timestamp at time zone $1) as ends,
                   lead(d::timestamp at time zone $1) over (order by d) as begins
              from generate_series(timestamp '2011-01-01', timestamp '2024-12-31', interval '1 day') d) w
         where begins is not null and ends <> begins}, $zone);
    is($bad, 0, "windows of $zone follow each other without gap or overlap");
}

# Points around both clock changes, each hour of UTC, by their time of recording.
$pg->do(q{delete from export_day});
$pg->do(q{select partition_make('bundle', m), partition_make('data_point', m)
            from (values (date '2024-03-01'), (date '2024-11-01')) v(m)});
$pg->do(<<'EOT');
insert into source (identifier, name, study_id) select 'anna', 'anna', id from study where is_default;
insert into generator (identifier, label) values ('webmunk-extension-scroll-position', 's');
insert into agent (generator, user_agent) values ('g', 'a');
insert into bundle (received, recorded, uid, body_digest, source_id, method, form, points)
select t, t, md5(t::text)::uuid, md5(t::text)::uuid, 1, 'POST', 'json', 1
  from (select generate_series(timestamptz '2024-03-09 05:00+00', '2024-03-12 03:59:59+00', '30 minutes')
        union all select generate_series(timestamptz '2024-11-02 04:00+00', '2024-11-05 04:59:59+00', '30 minutes')) g(t);
insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
select id << 20, 1, recorded - interval '3 days', recorded, body_digest, 1, 1, jsonb_build_object('tab-id', id) from bundle;
EOT
my (%seen, @hours);
for my $days ([ '2024-03-09', '2024-03-10', '2024-03-11' ], [ '2024-11-02', '2024-11-03', '2024-11-04' ]) {
    for my $day (@$days) {
        my $made = webmunkd({ env => {%env} }, $pg, 'export', 'create', '--types', 'webmunk-extension-scroll-position', '--from', $day,
            '--to', $day, '--clock', 'recorded');
        my ($id) = $made->{out} =~ /(\d+)/ or diag($made->{err});
        is(webmunkd({ env => {%env} }, $pg, 'export', 'run', $id)->{code}, 0, "$day is exported");
        my @rows = split(/\r\n/, entry("$dir/$id.zip", 'webmunk-extension-scroll-position.txt'));
        shift @rows;
        $seen{ (split(/\t/))[4] }++ for @rows;
        push @hours, @rows / 2;
    }
}
is_deeply(\@hours, [ 24, 23, 24, 24, 25, 24 ], 'the days have 24, 23, 24 and 24, 25, 24 hours');
is(keys %seen, $pg->scalar('select count(*) from bundle'), 'every point is in a night');
is_deeply([ grep { $_ != 1 } values %seen ], [], 'and in one alone');

# The job.  The zone is one whose midnight comes in some seconds.
$pg->do('delete from export');
$pg->do('delete from export_day');
my $into = (time() + 8) % 86400;
# POSIX counts westwards: local time is UTC minus what stands there.
$pg->do(q{update study set time_zone = $1, starts = now()}, sprintf('<NIGHT>+%02d:%02d:%02d', $into / 3600, $into / 60 % 60, $into % 60));
$pg->do('revoke pg_read_all_stats from wm_jobs');    # nor has it that where no superuser has migrated
my ($open, $about, $other) = map { $pg->session } 1 .. 3;
sub bundle { return "insert into bundle (received, uid, body_digest, source_id, method, form, points) values (now(), md5('$_[0]')::uuid, md5('$_[0]')::uuid, 1, 'POST', 'json', 0)" }
$_->do("set application_name = 'mod_webmunk'; begin; select now()") for $open, $about;
$open->do(bundle('slow'));
my $today = $pg->scalar(q{select (now() at time zone time_zone)::date from study});
is(nightly(grace => 0)->{code}, 0, 'the job runs before midnight');
is($pg->scalar('select count(*) from export_day where day >= $1', $today), 0, 'and leaves today alone');
my $passed = wait_until { $pg->scalar(q{select (now() at time zone time_zone)::date > $1 from study}, $today) eq 't' } 'midnight';
ok($passed, 'midnight passes');
is($pg->scalar('set role wm_jobs; select count(*) from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid()'), 0,
    'the jobs do not see since when the transactions of others are open');
$other->do("set application_name = 'psql'; begin; select now()");
like(nightly(grace => 0)->{out}, qr/^0 days asked for, 1 wait/, 'a transaction that began before midnight keeps the day open');
$open->do('commit');
like(nightly(grace => 0)->{out}, qr/^0 days asked for, 1 wait/, '... and one of the server that is about to store');
$about->do(bundle('slower'));
like(nightly(grace => 0)->{out}, qr/^0 days asked for, 1 wait/, '... and while it stores');
$about->do('commit');
is($pg->scalar(q{select count(*) from bundle b, export_day d where b.uid = md5('slower')::uuid and b.position >= d.fence}), 1,
    '... although it began to write when the day was noted');
$open->do('begin');
$open->do(bundle('next day'));
$pg->do(q{update study set time_zone = 'UTC'});    # where that day is yesterday; exports know zones by name alone
my $done = nightly(grace => 0);
like($done->{out}, qr/^1 days asked for, 0 wait/, 'when they are over the day is exported, whoever has begun since') or diag($done->{err});
$open->do('commit');
like(nightly(grace => 0)->{out}, qr/^0 days asked for/, 'once');
my $e = $pg->row(q{select id, profile, definition, job_id from export});
is($e->{profile}, 'nightly', 'as the profile that destinations know');
is($e->{definition}{from}, $today, 'the day that ended');
is($e->{definition}{to}, $today, 'alone');
is($e->{definition}{clock}, 'recorded', 'by the server\'s clock');
is(@{ $e->{definition}{types} }, 12, 'with the twelve types');
is($pg->scalar('select name from job where id = $1', $e->{job_id}), 'export', 'and a job makes it');

# What it leads to: the archive, and a delivery for those who want nights.
$pg->do(q{insert into destination (name, kind, profiles) values ('here', 'local', '{nightly}'), ('not', 'local', '{other}')});
$pg->do(q{insert into destination (name, kind, profiles, paused) values ('rests', 'local', '{nightly}', true)});
my $made = webmunkd({ env => {%env} }, $pg, 'export', 'run', $e->{id});
is($made->{code}, 0, 'the night is made') or diag($made->{err});
is_deeply([ $pg->list('select d.name from delivery v join destination d on d.id = v.destination_id order by 1') ], [ 'here', 'rests' ], 'and goes to the destinations that want it');
like($pg->scalar('select min(object) from delivery'), qr/^\Q$today\E\/\S+_nightly-\d+\.zip$/, 'under its day');
is_deeply([ $pg->list(q{select what from job where name = 'deliver' order by 1}) ], [ map { "delivery $_" } $pg->list('select id from delivery order by 1') ], 'each by a job of its own');
is(webmunkd({ env => {%env} }, $pg, 'run', '--once', 'deliver', '--params', json({ delivery => $pg->scalar(q{select v.id from delivery v join destination d on d.id = v.destination_id
    where d.name = 'rests'}) + 0 }))->{code}, 0, 'while a destination is paused');
is($pg->scalar(q{select v.state from delivery v join destination d on d.id = v.destination_id where d.name = 'rests'}), 'waiting', 'what is for it waits, and is not lost');
like(run($unzip, '-Z1', "$dir/$e->{id}.zip")->{out}, qr/^webmunk-extension-scroll-position\.txt$/m, 'with its files');

# A night that failed for good is asked for again.
$pg->do(q{update export set state = 'failed', finished = now() - interval '7 hours'});
like(nightly(grace => 0)->{out}, qr/^1 days asked for/, 'a night that failed is asked for again');
done_testing();
