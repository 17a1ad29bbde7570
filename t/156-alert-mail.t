#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Mail that tells people, through a real mail server: the digest of alerts, exports that are ready, jobs that failed.
use strict;
use warnings;
use Encode qw(decode);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(decode_base64);
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Deliver;
use WmTest::Postgres;
use WmTest::Server;

WmTest::Server->need('smtp-server');
my $pg  = WmTest::Postgres->start;
my $log = workdir() . '/mails';
people($pg, ann => 'analyst', bob => 'analyst');
my $url = $pg->url =~ s/user=\w+/user=wm_jobs/r;
my $server = WmTest::Server->start('smtp.js', 'plain', workdir(), $log);
my %mail = (WEBMUNK_SMTP_URL => 'smtp://127.0.0.1:' . $server->port, WEBMUNK_MAIL_FROM => 'webmunk@example.org',
    WEBMUNK_MAIL_ADMINS => 'admin@example.org', WEBMUNK_SITE_URL => 'https://data.example.org/dashboard/');

# Run a job as wm_jobs does.
sub once
{
    my ($job, %env) = @_;
    return webmunkd({ env => { %{ environment() }, %mail, %env } }, $pg, '-d', $url, '--once', $job);
}
my $read = 0;
# What came since the last look: [to, subject, text], sent by the job.
sub received
{
    my $done = once('mail');
    is($done->{code}, 0, 'mail is sent') or diag($done->{err});
    my @all = -e $log ? map { from_json($_) } split /\n/, slurp($log) : ();
    my @new = map {
        my ($head, $body) = split /\r\n\r\n/, $_->{text}, 2;
        my ($subject) = $head =~ /^Subject: ((?:.+\r\n )*.+)\r$/m;
        $body = decode('UTF-8', decode_base64($body)) if $head =~ /base64/;
        { to => join(' ', @{ $_->{to} }), subject => $subject, text => $body =~ s/\r//gr }
    } @all[ $read .. $#all ];
    $read = @all;
    return @new;
}
sub command_ok { my ($name, @words) = @_; my $done = webmunkd({ env => environment() }, $pg, @words); is($done->{code}, 0, $name) or diag($done->{err}); return $done->{out} }

subtest 'the digest' => sub {
    $pg->do("insert into source (identifier, name, study_id) values ('p1', '', 1), ('p2', '', 1), ('p3', '', 1), ('p4', '', 1), ('p5', '', 1)");
    $pg->do('insert into source (identifier, name, study_id) values ($1, $1, 1)', "evil\nBcc: x\@example.org\n\nStill open: 99");
    my $alert = sub {
        my ($source, $level, $more) = @_;
        return $pg->scalar("insert into alert (check_name, source_id, study_id, level, value, reached, opened, last_seen" . ($more ? ', ' . join(', ', sort keys %$more) : '')
            . ") values ('battery-low', (select id from source where identifier like '$source%'), 1, '$level', 12, 20, '2026-02-01 12:00Z', now()"
            . ($more ? ', ' . join(', ', map { $more->{$_} } sort keys %$more) : '') . ') returning id');
    };
    is(once('alert-digest')->{out}, "nothing has changed and nothing is open: no digest\n", 'nothing is wrong: no mail');
    is($pg->scalar('select count(*) from mail'), 0, '... at all');
    my $first = $alert->('p1', 'warning');
    my $worst = $alert->('p2', 'critical');
    $alert->('evil', 'critical');
    $alert->('p3', 'warning', { closed => "'2026-02-01 13:00Z'" });
    $alert->('p4', 'critical', { acknowledged => 'now()' });
    $pg->do("insert into alert (check_name, level, subject, message, opened, last_seen) values ('job-failed', 'critical', 'partitions', E'no room\\non the disk', now(), now())");
    my $done = once('alert-digest');
    is($done->{out}, "Alerts: 4 opened, 1 closed\n", 'what is new is told') or diag($done->{err});
    my @mails = received();
    is(scalar(@mails), 1, 'in one mail');
    is("$mails[0]{to}|$mails[0]{subject}", 'admin@example.org|Alerts: 4 opened, 1 closed', '... to the administrators');
    like($mails[0]{text}, qr/\AOpened since the last digest: 4\n\nCritical\n  p2: battery at 12 % in the last report \(limit 20 %\), since 2026-02-01 12:00\n/, '... the worst first');
    like($mails[0]{text}, qr/^  Server: the job partitions has failed: no room on the disk, since /m, '... the server among them');
    like($mails[0]{text}, qr/\nWarning\n  p1: battery.*\n\nClosed since the last digest: 1\n\nWarning\n  p3: battery.*, 2026-02-01 12:00 to 2026-02-01 13:00\n/, '... then what is over');
    unlike($mails[0]{text}, qr/^(?:Bcc|Still open)/m, 'an id is one line, whatever it says');
    unlike($mails[0]{text}, qr/p4/, 'what somebody knows is not told');
    like($mails[0]{text}, qr{^https://data\.example\.org/dashboard/alerts$}m, 'the page is one click away');

    $alert->('p5', 'warning');
    is(once('alert-digest')->{out}, "today's digest was made before\n", 'a second time on the same day tells nothing');
    is(scalar(received()), 0, '... and sends nothing');
    is($pg->scalar('select count(*) from alert where not told'), 1, '... and what came since is kept for tomorrow');
    my $tomorrow = sub { $pg->do("update mail set what = what || ' before' where what like 'alert digest%'") };
    $tomorrow->();
    $pg->do("update alert set closed = now(), told = false where id = $worst; insert into alert (check_name, source_id, study_id, level, opened, last_seen)
        select check_name, source_id, 1, 'warning', now(), now() from alert where id = $worst");
    once('alert-digest', WEBMUNK_ALERT_DIGEST_TO => 'team@example.org, lab@example.org');
    @mails = received();
    is($mails[0]{to}, 'team@example.org lab@example.org', 'tomorrow, to whom it should');
    is($mails[0]{subject}, 'Alerts: 2 opened, 3 still open', '... another level is one opening');
    $tomorrow->();
    is(once('alert-digest')->{out}, "Alerts: 5 still open\n", 'what is open and known to nobody is told again');
    received();
    $tomorrow->();
    $pg->do('update alert set acknowledged = now() where closed is null');
    like(once('alert-digest')->{out}, qr/no digest/, 'what somebody knows is not');
    $pg->do("insert into source (identifier, name, study_id) select 'many' || n, '', 1 from generate_series(1, 150) n;
        insert into alert (check_name, source_id, study_id, level, opened, last_seen) select 'clock-wrong', id, 1, 'warning', now(), now() from source where identifier like 'many%'");
    once('alert-digest');
    @mails = received();
    is(scalar(() = $mails[0]{text} =~ /^  many\d+:/mg), 100, 'a long list has an end');
    like($mails[0]{text}, qr/^  and 50 more$/m, '... that says so');
    my @runners = map { WmTest::spawn(workdir() . "/run$_.log", { %{ environment() }, %mail, WEBMUNK_ALERT_DIGEST_AT => '06:30' }, builddir() . '/jobs/webmunkd', '-d', $url, 'run', '--poll', '1') } 1, 2;
    WmTest::guard(sub { WmTest::reap($_, 'KILL') for @runners });
    ok(wait_until { $pg->scalar("select count(*) from schedule where name = 'alert-digest'") } 'the schedule');
    is($pg->scalar("select daily_at || ' ' || time_zone || ' ' || (next_due > now()) from schedule where name = 'alert-digest'"), '06:30:00 UTC true',
        'it comes once a day, when the settings say');
    kill 'TERM', @runners;
    waitpid($_, 0) for splice @runners;
    like(webmunkd({ env => { WEBMUNK_ALERT_DIGEST_AT => '25:00' } }, $pg, 'run')->{err}, qr/"25:00" and must be a time of day like 08:00/, 'a time that is none is refused');
    $pg->do('delete from job; delete from mail');
};

subtest 'an export is ready' => sub {
    is(webmunkd($pg, qw(account mail ann), "a\@b,c\@d")->{code}, 2, 'two addresses are refused');
    is(webmunkd($pg, qw(account mail nobody a@example.org))->{code}, 1, '... and so is an account that does not exist');
    command_ok('an account has an address', qw(account mail ann ann@example.org));
    my %number;
    for my $who (qw(ann bob)) {
        ($number{$who}) = command_ok("$who wants an export", qw(export create --types pdk-device-battery --purpose), 'a private reason') =~ /(\d+)/;
        $pg->do("update export set requested_by = (select id from account where name = '$who') where id = $number{$who}");
    }
    is_deeply([ received() ], [], 'what is not ready is not told');
    command_ok('it is made', 'export', 'run', $number{$_}) for qw(ann bob);
    my @mails = received();
    is(scalar(@mails), 1, 'who has an address is told');
    is("$mails[0]{to}|$mails[0]{subject}", "ann\@example.org|Export $number{ann} is ready", '... of the own export');
    like($mails[0]{text}, qr/Study    Default study\n  Archive  \S+\.zip\n  Rows     \d+\n  Size     \d+ \w+\n  Until    \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)/, '... name, rows, size and its end');
    like($mails[0]{text}, qr{^https://data\.example\.org/dashboard/exports/$number{ann}$}m, '... and where it is');
    unlike($mails[0]{text}, qr/private reason/, '... and not why');
    is(scalar(received()), 0, '... once');
    command_ok('an address can be forgotten', qw(account mail ann));
    is($pg->scalar("select mail_address from account where name = 'ann'"), undef, '... and is gone');
};

subtest 'a job failed' => sub {
    my $job = sub {
        my ($name, $what, $state, $ago, $error) = @_;
        my $id = $pg->scalar("insert into job (name, what, state, error, tries, finished) values ('$name', '$what', '$state', \$1, 5, now() - interval '$ago') returning id", $error // 'no room');
        $pg->do("insert into job_run (job_id, worker, finished, outcome) values ($id, 'h:1', now(), 'failed')");
        return $id;
    };
    $job->('partitions', '', 'done', '3 hours');
    my $one = $job->('partitions', '', 'failed', '2 hours', "no room\nleft");
    $job->('partitions', '', 'failed', '1 hour');
    $job->('body-purge', '', 'failed', '2 days');
    $job->('mail', '', 'failed', '1 hour');
    my @mails = received();
    is(scalar(@mails), 1, 'a job that has failed for good, and not as before');
    is("$mails[0]{to}|$mails[0]{subject}", 'admin@example.org|The job partitions has failed', '... is told the administrators');
    like($mails[0]{text}, qr/\(job $one, tries: 5\):\n\n  no room\nleft\n.*webmunkd job retry $one\n/s, '... with the reason and the remedy');
    is(scalar(received()), 0, '... once');
    $pg->do("update job set state = 'ready', finished = null where id = $one");
    $pg->do("insert into job_run (job_id, worker, finished, outcome) values ($one, 'h:1', now(), 'failed'); update job set state = 'failed', finished = now() where id = $one");
    is(scalar(received()), 1, 'another failure after another try is another mail');

    my $night = sub {
        my $work = $job->('export', 'export ' . ++$read . $$, 'failed', '1 minute');
        my $id = $pg->scalar("insert into export (study_id, job_id, profile, definition, state, finished) values (1, $work, 'nightly', '{\"from\": \"2026-02-01\"}', 'failed', now()) returning id");
        $read--;
        $pg->do("insert into export_day (study_id, profile, day, export_id) values (1, 'nightly', '2026-02-01', $id) on conflict (study_id, profile, day) do update set export_id = $id");
        return;
    };
    $night->();
    @mails = received();
    is($mails[0]{subject}, 'The nightly export of 2026-02-01 (Default study) has failed', 'a night is named');
    $night->();
    is(scalar(received()), 0, '... once, however often it is tried');

    my $work = $job->('deliver', 'delivery 1', 'failed', '1 minute');
    $pg->do("insert into destination (name, kind) values ('lab', 'local'); insert into delivery (export_id, destination_id, object, state, job_id) values (1, 1, 'x', 'failed', $work)");
    is(scalar(received()), 0, 'a delivery that failed tells itself');
    $pg->do("update delivery set state = 'sending'");
    is(scalar(received()), 1, '... unless its process did not come to it');
};

subtest 'no mail server' => sub {
    $pg->do("insert into job (name, what, state, finished) values ('session-purge', '', 'failed', now())");
    my $done = webmunkd({ env => environment() }, $pg, '-d', $url, '--once', 'mail');
    is($done->{code}, 0, 'nothing fails');
    is($pg->scalar("select state from mail where subject like '%session-purge%'"), 'unsent', '... and what there is to tell stays to be seen');
    $pg->do("update mail set added = now() - interval '31 days'");
    webmunkd({ env => environment() }, $pg, '-d', $url, '--once', 'mail');
    is($pg->scalar("select count(*) from mail where added < now() - interval '30 days'"), 0, '... for thirty days');
};
done_testing();
