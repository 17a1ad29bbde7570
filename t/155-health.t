#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# How the server is: what a sample counts, what each check finds and says, the ring, and the command that monitors call.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg  = WmTest::Postgres->start;
my $url = $pg->url =~ s/user=\w+/user=wm_jobs/r;
my %env = (WEBMUNK_EXPORT_DIR => workdir());

sub sample
{
    my $done = webmunkd({ env => {%env} }, $pg, '-d', $url, '--once', 'health');
    is($done->{code}, 0, 'a sample is taken') or diag($done->{err});
    return $done;
}
sub health { my (%more) = @_; return webmunkd({ env => { %env, %more } }, $pg, '-d', $url, 'health', '--json') }

# Check NAME is in STATE and says WHY.
sub found
{
    my ($name, $state, $why, $what, %more) = @_;
    my $done = health(%more);
    my ($check) = grep { $_->{name} eq $name } @{ from_json($done->{out})->{checks} };
    is($check->{state}, $state, "$what: $name is $state");
    like($check->{words}, $why, '... in words');
    return $done;
}

# --- before anything ---
my $done = webmunkd({ env => {%env} }, $pg, '-d', $url, 'health');
is($done->{code}, 2, 'without runner and partitions the state is critical');
like($done->{out}, qr/^WEBMUNK CRITICAL: No sample was ever taken: start webmunkd/, '... the first line says why');
like($done->{out}, qr/^critical  Partitions: There is none for this month: run webmunkd partitions/m, '... and a line of its own says what helps');
$pg->do('select partitions_ahead(3, 1)');
sample();
$done = webmunkd({ env => {%env} }, $pg, '-d', $url, 'health');
is($done->{code}, 0, 'with both it is well') or diag($done->{out});
like($done->{out}, qr/^WEBMUNK OK: everything is well \| points=0 bundles=0 .*database_bytes=\d+/, '... and says so, with numbers');
like($done->{out}, qr/^ok        Disk: \S+ has [\d.]+ GB free, \d+ %\./m, 'the folder of archives is watched');

# --- arrivals: each bundle once, whenever its transaction ended ---
my $bundles = "insert into bundle (received, uid, body_digest, method, form, points, quarantined) select now(), gen_random_uuid(), gen_random_uuid(), 'POST', 'json', 5, 1 from generate_series(1, 3)";
sub counted { return join ' ', map { $_ // 'none' } @{ $pg->row("select coalesce(sum(bundles), 0)::text as b, coalesce(sum(points), 0)::text as p, coalesce(sum(quarantined), 0)::text as q from health_sample where span = 'minute'") }{qw(b p q)} }
is(counted(), '0 0 0', 'nothing arrived');
$pg->do($bundles);
sample();
is(counted(), '3 15 3', 'bundles and their points are counted by their counters');
sample();
is(counted(), '3 15 3', '... once');
my $other = $pg->session;
$other->do("begin; $bundles");
$pg->do($bundles);
sample();
is(counted(), '3 15 3', 'beside an open transaction nothing is counted that it may come before');
$other->do('commit');
sample();
is(counted(), '9 45 9', '... and all of it afterwards');
is($pg->scalar("select sum(points) from health_sample where span = 'hour'"), 45, 'hours have the same');

# --- a transaction that is open for long ---
$other->do('begin; select pg_current_xact_id()');
sample();
$pg->do("update health_sample set facts = facts || jsonb_build_object('held_since', extract(epoch from now())::bigint - 7200) where span = 'minute'");
found('transactions', 'warning', qr/One is open for 2 hours.*pg_stat_activity/, 'somebody else writes for hours');
$other->do('rollback');
found('transactions', 'ok', qr/None is open for long/, 'when that ended');

# --- what else can be wrong ---
my $id = $pg->scalar("insert into job (name, what, run_after) values ('mail', 'late', now() - interval '2 hours') returning id");
$done = found('jobs', 'critical', qr/1 job due, and the oldest waits for 2 hours.*\[runner\]/, 'a job waits');
is($done->{code}, 2, '... and the exit status says so');
found('jobs', 'ok', qr/0 jobs running, 1 due/, 'by other limits', WEBMUNK_HEALTH_JOBS => '3h 4h');
is(found('jobs', 'warning', qr/2 hours/, 'between the limits', WEBMUNK_HEALTH_JOBS => '1h 3h')->{code}, 1, '... the exit status is that of a warning');
$pg->do("update job set state = 'running', lease_until = now() - interval '1 minute' where id = $id");
found('jobs', 'warning', qr/1 job interrupted: its runner is gone/, 'a runner died');
$pg->do('delete from job');
$pg->do("insert into schedule (name, every, next_due) values ('a-job', '1 minute', now() - interval '3 minutes'), ('b-job', '1 minute', now())");
found('schedules', 'critical', qr/Overdue: a-job\./, 'a schedule is not kept');
$pg->do("update schedule set next_due = now() + interval '1 hour'; insert into job (name, state, finished, error) values ('b-job', 'failed', now(), 'p-17 is bad')");
found('schedules', 'warning', qr/The last run failed: b-job\./, 'a job failed');
$pg->do("update schedule set paused = true, next_due = now() - interval '1 day' where name = 'a-job'; delete from job");
found('schedules', 'ok', qr/kept/, 'a pause is no failure');
$pg->do("insert into quarantine (received, bundle_id, reason, raw) select now() - n * interval '1 second', 1, case n when 1 then 'bad-json' else 'too-deep' end, 'x' from generate_series(1, 150) n");
found('quarantine', 'warning', qr/150 pieces in 24 hours, the newest as bad-json/, 'much goes to quarantine');
$pg->do("update bundle set received = received - interval '2 days'");
found('arrivals', 'ok', qr/The newest upload came 2 days ago/, 'silence');
found('arrivals', 'critical', qr/Nothing was received for 2 days: is the upload address/, 'silence', WEBMUNK_HEALTH_SILENCE => '1h 1d');
found('rollups', 'ok', qr/Up to date/, 'numbers that are new');
$pg->do("update bundle set recorded = recorded - interval '20 minutes'");
found('rollups', 'warning', qr/20 minutes old: run arrival-fold/, 'numbers that are old');
$pg->do('select arrival_fold()');
found('rollups', 'ok', qr/Up to date/, '... and folded');
found('connections', 'critical', qr/\d+ of \d+ connections are in use.*DBDMax/, 'many connections', WEBMUNK_HEALTH_CONNECTIONS => '1 1');
$pg->do("insert into export (study_id, definition, requested) values (1, '{}', now() - interval '7 hours')");
found('exports', 'warning', qr/1 export waiting, the oldest for 7 hours/, 'an export waits');
$pg->do("insert into export_day (study_id, profile, day) select 1, 'nightly', current_date - n from generate_series(3, 7) n");
found('archives', 'critical', qr/5 closed days without an archive\. The reason/, 'nights without archive');
$pg->do("update export set state = 'ready'; update export_day set export_id = 1");
found('archives', 'ok', qr/No closed day is without an archive/, 'when they have one');
$pg->do("insert into destination (name, kind) values ('d', 'local'); insert into delivery (export_id, destination_id, object, state) values (1, 1, 'o', 'failed')");
found('deliveries', 'warning', qr/1 delivery failed for good.*resume/, 'a delivery failed');
$pg->do("insert into mail (subject, body, what, state) values ('s', 'b', '1', 'failed'), ('s', 'b', '2', 'unsent')");
found('mail', 'warning', qr/1 mail failed in 7 days/, 'a mail failed');
$pg->do("delete from mail where state = 'failed'");
found('mail', 'ok', qr/1 mail unsent.*no mail server/, 'no mail server is no failure');
found('disk', 'critical', qr/has \S+ [kMGT]?B free, \d+ %\. Make room/, 'a full disk', WEBMUNK_HEALTH_DISK => '100 100');
found('disk', 'warning', qr/\/nonexistent\/x cannot be looked at/, 'a folder that is not there', WEBMUNK_HEALTH_FOLDERS => '/tmp, /nonexistent/x');
found('disk', 'ok', qr/No folder is watched/, 'no folder at all', WEBMUNK_EXPORT_DIR => '');
$pg->do("insert into bundle (received, uid, body_digest, method, form) values ('2001-01-01', gen_random_uuid(), gen_random_uuid(), 'POST', 'json')");
found('partitions', 'warning', qr/3 months ahead\. Uploads lie in the default partition/, 'a partition was missing');
$pg->do("drop table bundle_" . $pg->scalar("select to_char(now() at time zone 'UTC' + interval '1 month', 'YYYYMM')"));
my $soon = $pg->scalar("select date_trunc('month', now(), 'UTC') + interval '1 month' - now() < interval '7 days'");
found('partitions', $soon eq 't' ? 'critical' : 'warning', qr/There is none for the next month/, 'the next is missing');

# --- forwarding ---
unlike(health()->{out}, qr/"forwarding"/, 'without servers forwarding is nobody\'s concern');
$pg->do("insert into data_server (name, upload_url) values ('lab', 'https://lab.example/'), ('other lab', 'https://other.example/')");
found('forwarding', 'ok', qr/^Nothing waits\.$/, 'servers that have everything');
$pg->do("insert into forward_batch (server_id, payload, points, oldest, source_ids, point_ids, recorded) select id, '[]', 1, now() - interval '2 hours', '{}', '{}', '{}' from data_server where name = 'lab'");
found('forwarding', 'warning', qr/^Points have waited for 2 hours to be forwarded to lab: "webmunkd server list" has the reason/, 'points that wait');
found('forwarding', 'critical', qr/waited for 2 hours to be forwarded to lab/, '... for too long', WEBMUNK_HEALTH_FORWARD => '10min 1h');
found('forwarding', 'ok', qr/^The oldest point waits for 2 hours\.$/, '... and not for long', WEBMUNK_HEALTH_FORWARD => '0 0');
$pg->do("update data_server set paused = true where name = 'lab'");
found('forwarding', 'ok', qr/^Nothing waits; paused: lab\.$/, 'who is paused is not waited for');

# --- the runner ---
$pg->do("update health_sample set taken = now() - interval '5 minutes'");
found('runner', 'warning', qr/The newest sample is 5 minutes old/, 'samples that are old');
$pg->do("update health_sample set taken = now() - interval '11 minutes'");
found('runner', 'critical', qr/11 minutes old: no runner works/, 'samples that are older');
$pg->do("update health_sample set taken = now() - interval '2 hours'");
my $before = $pg->scalar('select count(*) from health_sample');
$pg->do("update health_sample set at = at - interval '2 hours'");
$pg->do($bundles);
sample();
is($pg->scalar("select bundles from health_sample where span = 'minute' order by at desc limit 1"), undef, 'after two hours without samples it is unknown when things arrived');

# --- the ring ---
$pg->do("insert into health_sample (span, at, taken, state) select s, now() - n * interval '1 hour', now(), 'ok' from unnest(array['minute', 'hour']) s, generate_series(2, 800) n on conflict do nothing");
sample();
is($pg->scalar("select max(now() - at) <= interval '24 hours' from health_sample where span = 'minute'"), 't', 'minutes are kept for a day');
is($pg->scalar("select max(now() - at) between interval '29 days' and interval '30 days' from health_sample where span = 'hour'"), 't', '... and hours for thirty');
is($pg->scalar("select count(*) from health_sample where span = 'hour' and (facts is not null or checks is not null)"), 0, 'hours have numbers alone');

# --- who may, and what cannot be known ---
is(webmunkd({ env => {%env} }, $pg, '-d', $url =~ s/wm_jobs/wm_export/r, 'health')->{code}, 3, 'a role without rights: unknown');
is(webmunkd({ env => {%env} }, $pg, '-d', $url =~ s/wm_jobs/wm_export/r, '--once', 'health')->{code}, 1, '... and it takes no sample');
is(webmunkd({ env => { %env, WEBMUNK_HEALTH_DISK => '5' } }, $pg, 'health')->{code}, 3, 'settings in error: unknown');
is(webmunkd({ env => { %env, DATABASE_URL => 'postgresql:///x?host=/nonexistent' } }, $pg, 'health')->{code}, 3, 'no database: unknown');
unlike($pg->scalar('select string_agg(facts::text || checks::text, chr(10)) from health_sample'), qr/p-17/, 'what a job says of a participant is in no sample');
done_testing();
