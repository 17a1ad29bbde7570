#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# webmunkd run, --once and the commands about jobs and schedules; what the service manager hears.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg = WmTest::Postgres->start;
my $url = $pg->url =~ s/user=\w+/user=wm_jobs/r;
sub as_jobs { return webmunkd($pg, '-d', $url, @_) }

# --- in the foreground ---
my $done = as_jobs('--once', 'partitions');
is($done->{code}, 0, '--once runs a job') or diag($done->{err});
like($done->{out}, qr/^made 14 partitions$/, '... and prints what it did');
is($done->{err}, '', '... without a bar where there is no terminal');
is(as_jobs('run', '--once', $_)->{code}, 0, "run --once $_ does it too") for qw(arrival-fold session-purge body-purge);
$done = as_jobs('--once', 'nonsense');
is($done->{code}, 2, 'a job that does not exist is wrong usage');
like($done->{err}, qr/there is no job "nonsense"; there are .*body-purge/, '... and those that do are named');
is(as_jobs('--once', 'partitions', '--params', '[]')->{code}, 2, 'params that are no object are wrong usage');
is(as_jobs('run', '--what', 'x')->{code}, 2, '--what without --once is wrong usage');
is(as_jobs('run', '--lease', '1')->{code}, 2, 'a lease out of bounds is wrong usage');
is(webmunkd($pg, '-d', 'postgresql:///nowhere?host=' . $pg->dir, '--once', 'partitions')->{code}, 1, 'a database that does not answer is a failure');

# --- what the jobs of clean-up do ---
$pg->do(<<'EOT');
insert into bundle (received, uid, body_digest, method, form, body_expires, body)
select now(), md5('u' || n)::uuid, md5('b' || n)::uuid, 'POST', 'json', now() + (n - 450) * interval '1 hour', 'x' from generate_series(1, 600) n;
insert into job (name, what, state, finished) select 'old', n::text, 'done', now() - n * interval '1 day' from generate_series(1, 100) n;
insert into account (name) values ('a');
insert into session (digest, account_id, created, expires, last_used) select sha256(n::text::bytea), 1, now(), now() + (n - 2) * interval '1 hour', now() - interval '20 hours' from generate_series(1, 4) n;
EOT
like(as_jobs('--once', 'body-purge')->{out}, qr/^dropped 450 bodies and 11 old jobs$/, 'expired bodies and jobs of long ago are dropped, in batches');
is($pg->scalar('select count(*) from bundle where body is not null'), 150, '... the others are kept');
is($pg->scalar('select count(*) from bundle'), 600, '... and the bundles of all');
like(as_jobs('--once', 'session-purge')->{out}, qr/^deleted 2 sessions/, 'sessions past their end are deleted, idle ones are the server\'s');

# --- the service manager ---
my $path = workdir() . '/notify';
my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "socket: $!";
chmod 0777, $path;
my @heard;
sub listen_all
{
    $notify->blocking(0);
    while (defined $notify->recv(my $text, 1000)) { push @heard, $text }
    return;
}
sub heard
{
    my ($pattern, $times) = @_;
    return wait_until { listen_all(); (grep { /$pattern/ } @heard) >= ($times || 1) } "to hear $pattern";
}
# The runner is not kept waiting while the test waits for it.
sub eventually { my ($sql, $expected) = @_; return wait_until { listen_all(); $pg->scalar($sql) eq $expected } $sql }
my $log = workdir() . '/run.log';
my $runner = WmTest::spawn($log, { NOTIFY_SOCKET => $path, WATCHDOG_USEC => 2000000, DATABASE_URL => $url }, builddir() . '/jobs/webmunkd',
    'run', '--poll', '1', '--lease', '6');
WmTest::guard(sub { WmTest::reap($runner, 'KILL') if $runner });
ok(heard(qr/^READY=1$/m), 'the service manager hears that the runner is ready');
ok(heard(qr/WATCHDOG=1/, 3), '... and that it lives, again and again');
ok((grep { $_ eq 'arrival-fold' } $pg->list('select distinct name from schedule where built_in')), 'schedules of the jobs are there');
my $names = $pg->scalar('select count(*) from schedule where built_in');
ok(eventually("select count(distinct name) >= 4 from job where state = 'done' and name <> 'old'", 't'), '... and their jobs are run');
$pg->do("insert into study (slug, name, time_zone) values ('b', 'B', 'Europe/Berlin')");

# --- commands ---
sub works { my ($words, $name) = @_; my $did = webmunkd($pg, @$words); is($did->{code}, 0, $name) or diag($did->{err}); return $did->{out} }
sub refused { my ($words, $code, $why, $name) = @_; my $did = webmunkd($pg, @$words); ok($did->{code} == $code && $did->{err} =~ $why, $name) or diag($did->{code}, $did->{err}) }
like(works([qw(job run session-purge --what now)], 'job run adds a job'), qr/^job \d+$/, '... and prints its number');
my $id = $pg->scalar("select id from job where what = 'now'");
ok(eventually("select state from job where id = $id", 'done'), 'which the runner is woken for');
my $shown = from_json(works([ 'job', 'show', $id ], 'job show'));
is("$shown->{state} $shown->{runs}[0]{outcome} $shown->{runs}[0]{note}", 'done done deleted 0 sessions and 0 counters', '... has the history');
my $listed = from_json(works([qw(job list --json --state done --name session-purge)], 'job list'));
ok((grep { $_->{id} == $id } @$listed), '... has the job');
like(works([qw(job list)], 'job list for people'), qr/^ +$id done .* session-purge now/m, '... has its line');
refused([qw(job list --state odd)], 2, qr/--state is ready/, 'a state that is none is refused');
refused([qw(job run odd)], 2, qr/there is no job "odd"/, 'a job that is none is refused');
refused([qw(job show 999999)], 1, qr/there is no job 999999/, 'a number that is none is refused');
refused([qw(job cancel x)], 2, qr/"x" is no number/, 'a word for a number is refused');
refused([ 'job', 'cancel', $id ], 1, qr/neither waits nor runs/, 'what is done is not cancelled');
refused([ 'job', 'retry', $id ], 1, qr/is done/, '... nor tried again');
my $failed = $pg->scalar("insert into job (name, what, state, tries, finished) values ('session-purge', 'again', 'failed', 3, now()) returning id");
works([ 'job', 'retry', $failed ], 'job retry');
ok(eventually("select state from job where id = $failed", 'done'), '... has a failed job tried again');
my $far = $pg->scalar("insert into job (name, what, run_after) values ('session-purge', 'far', now() + interval '1 day') returning id");
works([ 'job', 'cancel', $far ], 'job cancel');
ok(eventually("select state from job where id = $far", 'cancelled'), '... ends a job that waits');
is($pg->scalar("select string_agg(action, ' ' order by id) from access_log where action like 'job-%'"), 'job-retry job-cancel', 'what people do to jobs is in the access log');

like(works([qw(schedule add session-purge --what night --study b --daily-at 03:30)], 'schedule add, daily'), qr/^schedule \d+, next \d{4}-\d\d-\d\dT0[12]:30:00Z$/, '... in the study\'s zone');
like(works([ qw(schedule add session-purge --what cron --time-zone UTC --cron), '5 4 * * *' ], 'schedule add, cron'), qr/T04:05:00Z$/, '... by a cron expression');
works([ qw(schedule add session-purge --what often --every), '1 second' ], 'schedule add, every');
ok(eventually("select count(*) > 1 from job where what = 'often' and state = 'done'", 't'), '... comes again and again');
refused([qw(schedule add session-purge --what x)], 2, qr/needs one of/, 'a schedule without a time is refused');
refused([ qw(schedule add session-purge --what x --cron), '61 * * * *' ], 2, qr/"61"/, '... with a cron expression that is none');
refused([qw(schedule add session-purge --what x --daily-at 03:30 --time-zone Mars/Base)], 2, qr/Mars/, '... or a zone that is none');
refused([ qw(schedule add session-purge --what x --every), '0 seconds' ], 2, qr/refused/, '... or no time at all');
refused([ qw(schedule add session-purge --every), '1 hour' ], 1, qr/has a schedule already/, '... or a second time');
like(works([qw(schedule list)], 'schedule list'), qr/session-purge night +daily at 03:30 Europe\/Berlin/, '... says when');
works([qw(schedule pause session-purge)], 'schedule pause');
is($pg->scalar("select paused from schedule where name = 'session-purge' and what = ''"), 't', '... pauses a built-in one');
refused([qw(schedule remove session-purge)], 1, qr/built-in/, '... which cannot be removed');
my $often = $pg->scalar("select id from schedule where what = 'often'");
works([ 'schedule', 'remove', $often ], 'schedule remove');

# --- reload and stop ---
listen_all();
my $ready = () = grep { /READY=1/ } @heard;
kill 'HUP', $runner;
ok(heard(qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/), 'HUP: the service manager hears of it');
ok(heard(qr/READY=1/, $ready + 1), '... and of its end');
is($pg->scalar("select paused from schedule where name = 'session-purge' and what = ''"), 't', 'a paused schedule stays paused');
is($pg->scalar('select count(*) from schedule where built_in'), $names, 'and there is one of each');
kill 'TERM', $runner;
ok(heard(qr/^STOPPING=1$/m), 'it hears of the stop');
waitpid($runner, 0);
is($?, 0, '... which is a success');
undef $runner;
is($pg->scalar("select count(*) from job where state = 'running'"), 0, 'nothing is left running');
works([qw(schedule resume session-purge)], 'schedule resume');

$done = webmunkd($pg, '-d', $pg->url =~ s/webmunk\?/postgres?/r, 'run');
is($done->{code}, 1, 'a database without our tables ends it');
like($done->{err}, qr/has migrate run\?/, '... with the remedy');
done_testing();
