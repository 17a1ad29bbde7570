#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The job runner, with jobs that misbehave (t/runner/testd): nothing runs twice, nothing is lost, everything ends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $testd = builddir() . '/t/runner/testd';
-x $testd or give_up("testd is not built: make $testd");
my $pg = WmTest::Postgres->start;
my $conninfo = $pg->url =~ s/user=\w+/user=wm_jobs/r;
$pg->do('create table public.ran (job bigint, run bigint, pid integer)');
$pg->do('grant insert on public.ran to wm_jobs');

my (%pids, $logs);

# Times in milliseconds.
sub runner
{
    my (%how) = (slots => 4, lease => 3000, poll => 200, grace => 20000, env => {}, @_);
    my $log = workdir() . '/testd' . ++$logs . '.log';
    my $pid = WmTest::spawn($log, $how{env}, $testd, $conninfo, @how{qw(slots lease poll grace)});
    $pids{$pid} = $log;
    return $pid;
}
WmTest::guard(sub { WmTest::reap($_, 'KILL') for keys %pids });

sub signal { my ($pid, @names) = @_; kill $_, $pid for @names; return }

# The exit status once it has ended by itself.
sub ended
{
    my ($pid) = @_;
    my $status;
    wait_until { waitpid($pid, POSIX::WNOHANG()) == $pid and $status = $?, 1 } 'the runner to end', 30;
    delete $pids{$pid};
    return $status;
}

sub add
{
    my ($name, %more) = @_;
    return $pg->scalar('insert into job (name, what, params) values ($1, $2, $3) returning id', $name, $more{what} // '',
        $more{params} // '{}');
}
sub job  { return $pg->row('select * from job where id = $1', $_[0]) }
sub runs { return $pg->rows('select * from job_run where job_id = $1 order by id', $_[0]) }
sub state_is
{
    my ($id, $state) = @_;
    return wait_until { job($id)->{state} eq $state } "job $id to be $state";
}
sub begun { my ($id, $times) = @_; return wait_until { $pg->scalar('select count(*) from public.ran where job = $1', $id) >= ($times || 1) } "job $id to run" }

# --- two runners, many jobs ---
{
    my @two = (runner(), runner());
    $pg->do("insert into job (name, what) select 'tally', n::text from generate_series(1, 200) n");
    wait_until { $pg->scalar("select count(*) from job where state = 'done' and name = 'tally'") == 200 } 'all jobs to be done';
    is($pg->scalar("select count(*) from job where name = 'often' and state = 'done'"), 1, 'a built-in schedule has its job run');
    $pg->do("delete from public.ran where job = (select id from job where name = 'often')");
    $pg->do("delete from job where name = 'often'");
    is($pg->scalar("select count(*) || ' ' || count(distinct job) from public.ran"), '200 200', 'two runners run each job once');
    is($pg->scalar("select count(distinct worker) from job_run"), 2, '... and share them');
    is($pg->scalar("select count(distinct pid) from public.ran"), 200, 'each run is a process of its own');
    is($pg->scalar("select count(*) from job_run where outcome = 'done' and finished is not null"), 200, 'all are in the history');
    my $id = add('tally', what => 'x', params => '{"a":1}');
    state_is($id, 'done');
    is((runs($id))[0]{note}, 'study 0, what x, params {"a":1}', 'a run is told what it is about, and what it notes is kept');
    is(job($id)->{progress}{done}, 1, 'the last progress is kept');

    # Of one name, as many at once as it says, on all hosts together.
    my @patient = map { add('patient', what => $_) } 1 .. 5;
    wait_until { $pg->scalar("select count(*) from job where name = 'patient' and state = 'running'") == 3 } 'three to run';
    $pg->do("insert into job (name, what) select 'tally', 'y' || n from generate_series(1, 20) n");
    wait_until { $pg->scalar("select count(*) from job where what like 'y%' and state = 'done'") == 20 } 'others to be done';
    is($pg->scalar("select count(*) from job where name = 'patient' and state = 'running'"), 3, 'no more of a name run at once than it says');

    # Cancelled while it waits, and while it runs.
    my ($running) = $pg->list("select id from job where name = 'patient' and state = 'running' order by id limit 1");
    my ($waiting) = $pg->list("select id from job where name = 'patient' and state = 'ready' order by id desc limit 1");
    $pg->do('update job set stop = true where id in ($1, $2)', $waiting, $running);
    ok(state_is($waiting, 'cancelled'), 'a job that waits is cancelled when somebody asks');
    ok(state_is($running, 'cancelled'), '... and one that runs');
    is((runs($running))[0]{outcome}, 'cancelled', '... which the history says');
    is((runs($running))[0]{note}, 'stopped 0 times before', '... with its note');

    # Graceful stop: runs are told, their jobs are ready again and resume at their cursor.
    my @left = grep { $_ != $waiting && $_ != $running } @patient;
    wait_until { $pg->scalar("select count(distinct job) from public.ran where job in (@{[join(',', @left)]})") == 3 } 'the others to run';
    signal($_, 'TERM') for @two;
    is(ended($_), 0, 'TERM ends a runner with success') for @two;
    is_deeply([ map { job($_)->{state} } @left ], [ ('ready') x 3 ], 'what it interrupted is ready again');
    is((runs($_))[-1]{outcome}, 'stopped', 'and stopped in the history') for @left;
    is(job($left[0])->{tries}, 0, 'a stop is no failed try');
    my $next = runner();
    begun($_, 2) for @left;
    signal($next, 'INT');
    ended($next);
    is((runs($left[0]))[-1]{note}, 'stopped 1 times before', 'the next run goes on at its cursor');
    $pg->do("update job set stop = true where name = 'patient'");
}

# --- failures ---
{
    my $runner = runner();
    my ($crash, $fail, $input) = map { add($_) } qw(crash fail input);
    ok(state_is($input, 'failed'), 'an error of the input fails at once');
    is(job($input)->{error}, 'there is no export 17', '... with its reason');
    wait_until { (job($_)->{error} // '') ne '' } "$_" for $crash, $fail;
    like(job($crash)->{error}, qr/^its process died by signal \d+/, 'a process that dies is a failed try');
    is(job($crash)->{state}, 'ready', '... and tried again');
    is((runs($crash))[0]{outcome}, 'retry', '... which the history says');
    my $delay = 'select extract(epoch from j.run_after - max(r.finished)) from job j join job_run r on r.job_id = j.id where j.id = $1 group by j.run_after';
    cmp_ok($pg->scalar($delay, $fail), '>', 20, 'after a while');
    cmp_ok($pg->scalar($delay, $fail), '<', 40, '... of half a minute, more or less');
    $pg->do('update job set run_after = now() where id = any($1)', "{$crash,$fail}");
    ok(state_is($fail, 'failed'), 'so many tries, then it has failed');
    wait_until { scalar(runs($crash)) == 2 && (runs($crash))[1]{finished} } 'the second try';
    cmp_ok($pg->scalar($delay, $crash), '>', 43, 'the wait doubles');

    # Deadlines.
    my ($late, $asleep) = map { add($_) } qw(late asleep);
    wait_until { scalar(grep { (job($_)->{error} // '') eq 'took longer than 1 seconds' } $late, $asleep) == 2 } 'deadlines';
    is(job($asleep)->{error}, 'took longer than 1 seconds', 'a statement that takes too long is cancelled');
    is(job($late)->{error}, 'took longer than 1 seconds', 'a run that does not listen is killed');
    is($pg->scalar("select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid()"), 0,
        'nothing of it goes on in the database');

    # A run whose transaction holds its own row for longer than a lease.
    my $long = add('transaction');
    ok(state_is($long, 'done'), 'a run that holds its row longer than a lease goes on');
    is(scalar(runs($long)), 1, '... and is nobody else\'s');
    is_deeply(job($long)->{cursor}, { at => 2 }, '... with its cursor kept');
    signal($runner, 'TERM');
    is(ended($runner), 0, 'the runner is well');
}

# --- runners that die ---
{
    my $first = runner();
    my $id = add('patient', what => 'orphan');
    begun($id);
    my ($child) = $pg->list('select pid from public.ran where job = $1', $id);
    signal($first, 'KILL');
    ended($first);
    wait_until { !kill 0, $child } 'its run to end';
    ok(!kill(0, $child), 'a runner that is killed takes its runs along');
    is(job($id)->{state}, 'running', 'its job looks as if it ran');
    my $second = runner();
    begun($id, 2);
    is((runs($id))[0]{outcome}, 'lost', 'until its lease lapses: the run was lost');
    is(job($id)->{tries}, 2, 'and another runner has taken it');

    # Killed run: retried.
    my ($pid) = $pg->list('select pid from public.ran where job = $1 order by run desc limit 1', $id);
    kill 'KILL', $pid;
    wait_until { (runs($id))[1]{outcome} } 'the runner to notice';
    is((runs($id))[1]{error}, 'its process died by signal 9', 'a run that is killed is noticed at once');
    is(job($id)->{state}, 'ready', '... and its job tried again');
    $pg->do('update job set run_after = now() where id = $1', $id);
    begun($id, 3);

    # Somebody else takes the job although this runner lives (its host slept): its run is killed.
    my ($stale) = $pg->list('select pid from public.ran where job = $1 order by run desc limit 1', $id);
    $pg->do("insert into job_run (job_id, worker) values ($id, 'elsewhere:1')");
    wait_until { !kill 0, $stale } 'the lost run to end';
    ok(!kill(0, $stale), 'a run whose job another has taken is killed');
    is(job($id)->{state}, 'running', '... and leaves the job to the other');
    $pg->do("update job set state = 'cancelled', finished = now() where id = $id");

    # The database away for a moment.
    my $through = add('patient', what => 'through');
    begun($through);
    my ($run) = $pg->list('select pid from public.ran where job = $1', $through);
    $pg->restart;
    my $after = add('tally', what => 'after');
    ok(state_is($after, 'done'), 'a runner outlives a restart of the database');
    kill 'KILL', $run if kill 0, $run;

    # Deaf runs: the second signal hurries.
    my $deaf = add('deaf');
    begun($deaf);
    signal($second, 'TERM');
    wait_until { slurp($pids{$second}) =~ /WM0405/ } 'the runner to stop';
    signal($second, 'TERM');
    is(ended($second), 0, 'a second signal ends runs that do not listen');
    is(job($deaf)->{state}, 'ready', '... whose jobs are ready again');
}
done_testing();
