#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The server's health over HTTP: cards and charts of System, the same as JSON, and what monitors ask, whom httpd lets in.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $pg = WmTest::Postgres->start;
$pg->do('select partitions_ahead(1, 1)');
my $password = people($pg, alice => 'manager', ann => 'analyst');
my $locations = '';
for (['monitor', 'Require all granted'], ['closed', 'Require all denied'], ['elsewhere', 'Require ip 192.0.2.1']) {
    $locations .= "<Location \"/$_->[0]\">\n    SetHandler webmunk\n    WebmunkServe monitor\n    $_->[1]\n</Location>\n";
}
open(my $mounts, '<', '/proc/self/mounts') or die "/proc/self/mounts: $!";
my ($ignored) = sort grep { m{^/dev/(?!loop)} } map { (split)[0] } <$mounts>;
$locations .= "<Location \"/strict\">\n    SetHandler webmunk\n    WebmunkServe monitor\n    WebmunkMonitorCPUWarning 0\n    WebmunkMonitorCPUCritical 0\n"
    . "    WebmunkMonitorIgnoreDisk /dev/nothing " . ($ignored // '/dev/x') . "\n    Require all granted\n</Location>\n";
my $httpd = WmTest::Httpd->start(pg => $pg, server => $locations);
my $alice = WmTest::Browser->signed_in($httpd, 'alice', $password);

sub page { return from_json($alice->get('/dashboard/system.json')->{content})->{health} }
sub text { return $_[0]{content} =~ s/<[^>]*>//gr }

# --- before the first sample ---
my $health = page();
is($health->{state}{name}, 'critical', 'without any sample the state is critical');
is($health->{checks}[0]{name}, 'runner', '... because of the runner');
is(scalar @{ $health->{rows} }, 144, 'a day has its rows');
like(text($alice->get('/dashboard/system')), qr/Never looked at yet\..*No sample was ever taken: start webmunkd/s, 'the page says so');
is($httpd->get('/monitor/system.prom')->{status}, 200, 'monitors get an answer, too');

# --- samples ---
my $evil = '<b>g&\'"</b>\\';
my $jobs = sub { my $done = webmunkd({ env => { WEBMUNK_HEALTH_FOLDERS => '/tmp' } }, $pg, '--once', 'health'); die $done->{err} if $done->{code} };
$jobs->();
$pg->do("insert into schedule (name, what, every, next_due) values ('mail', \$q\$$evil\$q\$, '1 minute', now() - interval '1 hour')");
$pg->do("insert into bundle (received, uid, body_digest, method, form, points) select now(), gen_random_uuid(), gen_random_uuid(), 'POST', 'json', 617 from generate_series(1, 2)");
$pg->do("insert into source (identifier, name) values ('p-secret', 'Somebody')");
$pg->do("insert into quarantine (received, bundle_id, reason, raw) values (now(), 1, \$q\$$evil\$q\$, 'p-secret')");
$pg->do("insert into data_server (name, upload_url, failures) values (\$q\$$evil\$q\$, 'https://lab.example/', 3)");
$pg->do("insert into forward_batch (server_id, payload, points, oldest, source_ids, point_ids, recorded) select id, '[]', 1, now() - interval '3 hours', '{}', '{}', '{}' from data_server");
$jobs->();
$health = page();
is($health->{state}{name}, 'critical', 'the state is that of the worst check');
my %check = map { $_->{name} => $_ } @{ $health->{checks} };
is($check{runner}{state}{name}, 'ok', 'the runner works');
like($check{schedules}{words}, qr/^Overdue: mail\./, 'a check says what is wrong');
is((grep { defined $_->{points} } @{ $health->{rows} })[-1]{points}, 1234, 'the newest points are in the charts');
is($health->{rows}[0]{points}, undef, 'where nothing was looked at is a gap');
my $html = $alice->get('/dashboard/system');
like(text($html), qr/Schedules\s*✕ Critical\s*Overdue: mail\./, 'the page has a card for each check');
like(text($html), qr/Forwarding\s*! Warning\s*Points have waited for 3 hours to be forwarded to /, '... for servers that points wait for, too');
like(text($html), qr/1\W+234 points in 2 uploads were stored/, '... and words for the charts');
like($html->{content}, qr/<figure class="chart" data-chart="line" data-rows="health\.rows"/, '... which are drawn from its JSON');
like($html->{content}, qr{<td class="number">1\W+234</td>}, '... and a table of the same numbers');
unlike($html->{content}, qr/<b>g/, 'texts are text');
is($health->{range}, '24 hours', 'a day is shown');
$pg->do("insert into health_sample (span, at, taken, state, points, bundles, database_bytes, free_bytes) select 'hour', at, at, 'ok', 100, 10, n, n
    from generate_series(1, 719) n, lateral (select date_trunc('hour', now()) - n * interval '1 hour') x(at) on conflict do nothing");
for ([ 7, '7 days', 168, 3600 ], [ 30, '30 days', 180, 14400 ]) {
    my ($days, $words, $steps, $seconds) = @$_;
    my $long = from_json($alice->get("/dashboard/system.json?days=$days")->{content})->{health};
    is($long->{range}, $words, "$words are shown");
    is(scalar @{ $long->{rows} }, $steps, '... in so many steps');
    is_deeply([ grep { ($_->{points} // 0) % 100 } @{ $long->{rows} }[ 1 .. $steps - 2 ] ], [], '... of whole hours');
    is($long->{rows}[ $steps / 2 ]{points}, 100 * $seconds / 3600, '... with what came in each');
    like($long->{rows}[0]{label}, qr/^\d\d-\d\d \d\d:00$/, '... named by day and time');
    my $shown = text($alice->get("/dashboard/system?days=$days&q=mail"));
    like($shown, qr/The last $words.*Show the last\s+24 hours\s+7 days\s+30 days/s, '... and the page says so');
}
like($alice->get('/dashboard/system?days=7&q=mail')->{content}, qr{<a href="/dashboard/system\?q=mail&amp;days=30#health-day">30 days</a>}, 'a search stays with the link');
like($alice->get('/dashboard/system?days=7')->{content}, qr/name="days" value="7"/, '... and the range with a search');
is(from_json($alice->get('/dashboard/system.json?days=14')->{content})->{health}{range}, '24 hours', 'other ranges are not there');
my $again = 0;
for (1 .. 3) {    # a minute may end between the two, and the ages of what is shown change
    my $seen = $alice->get('/dashboard/system');
    $again = $alice->get('/dashboard/system', { 'if-none-match' => $seen->{headers}{etag} })->{status};
    last if $again == 304;
}
is($again, 304, 'asked again at once it has not changed');
my $ann = WmTest::Browser->signed_in($httpd, 'ann', $password);
is($ann->get('/dashboard/system.json')->{status}, 403, 'who manages nothing has no System');

# --- monitors ---
my $answer = $httpd->get('/monitor/system.json');
is($answer->{status}, 200, 'JSON for monitors');
my $json = from_json($answer->{content});
is($json->{state}, 'critical', '... has the state');
is($json->{facts}{database_bytes} > 1000000, 1, '... and the facts');
$answer = $httpd->get('/monitor/system.prom');
is($answer->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', 'Prometheus knows the form');
my %value;
for (split /\n/, $answer->{content}) {
    next if /^# (?:HELP webmunk_\w+ \S.*|TYPE webmunk_\w+ gauge)$/;
    if (/^(webmunk_\w+(?:\{\w+="(?:[^"\\]|\\.)*"(?:,\w+="(?:[^"\\]|\\.)*")*\})?) (-?\d+)$/) { $value{$1} = $2 }
    else { fail("a line of the form: $_") }
}
is($value{webmunk_state}, 2, 'the state is a number');
is($value{'webmunk_check_state{check="schedules"}'}, 2, '... as is that of each check');
is($value{'webmunk_check_state{check="runner"}'}, 0, '... well or not');
is((sort { $b <=> $a } map { $value{$_} } grep { /^webmunk_server_wait_seconds\{server="<b>/ } keys %value)[0] >= 10800, 1, 'servers that points are forwarded to are labels');
is((map { $value{$_} } grep { /^webmunk_server_failures\{/ } keys %value)[0], 3, '... with what failed');
is($value{webmunk_points}, 1234, 'facts are gauges');
ok($value{'webmunk_folder_free_bytes{path="/tmp"}'} > 0, 'folders are labels');
is((grep { /^webmunk_schedule_overdue\{job="mail",what="<b>/ } keys %value), 1, 'names are labels, whatever is in them');
unlike($answer->{content} . $httpd->get('/monitor/system.json')->{content}, qr/p-secret|Somebody/, 'nothing is about a participant');
is($httpd->get('/monitor/metrics')->{content} =~ s/^webmunk_connections .*//mr, $httpd->get('/monitor/system.prom')->{content} =~ s/^webmunk_connections .*//mr, 'metrics are the same');

# --- what Nagios asks ---
sub asked
{
    my ($name) = @_;
    my $got = $httpd->get("/monitor/$name.json");
    is($got->{status}, 200, "$name.json is there");
    return from_json($got->{content});
}
my $cpu = asked('cpu-load');
ok($cpu->{cpu_percentage} >= 0 && $cpu->{cpu_percentage} <= 100, '... a percentage');
is($cpu->{cpu_status}, $cpu->{cpu_percentage} >= 95 ? 'critical' : $cpu->{cpu_percentage} >= 80 ? 'warning' : 'normal', '... and its level');
is(from_json($httpd->get('/strict/cpu-load.json')->{content})->{cpu_status}, 'critical', '... by other levels');
like(asked('current-users')->{count}, qr/^\d+$/, '... a number');
my $disks = asked('disk-usage');
is_deeply([ grep { !m{^/dev/(?!loop)} || $disks->{$_} < 0 || $disks->{$_} > 100 } keys %$disks ], [], '... devices with percentages');
SKIP: {
    my ($device) = sort keys %$disks or skip('no device is mounted here', 1);
    is(from_json($httpd->get('/strict/disk-usage.json')->{content})->{$device}, undef, '... but those that are ignored');
}
my $zombies = asked('zombie-processes')->{count};
my $child = fork() // die 'fork';
POSIX::_exit(0) unless $child;
ok(wait_until { asked('zombie-processes')->{count} > $zombies } 'a process that ended and was not waited for is counted');
waitpid($child, 0);
cmp_ok(asked('total-processes')->{count}, '>', 3, '... as are all');
is_deeply(asked('background-jobs'), { errors => ["mail $evil"], warnings => [] }, '... schedules that are overdue');
my $issues = asked('other-issues')->{issues};
is_deeply([ grep { !/^webmunk: \S.*: \S/ } @$issues ], [], '... sentences');
is((grep { /^webmunk: Forwarding: Points have waited/ } @$issues), 1, '... about what is not well');
is((grep { /Schedules|Disk: .* has/ && !/Make room/ } @$issues), 0, '... and nothing else');

is($httpd->get("/monitor/$_->[0]")->{status}, $_->[1], "$_->[0]: $_->[1]") for [ '', 404 ], [ 'system', 404 ], [ 'health', 404 ], [ 'participants.json', 404 ];
is($httpd->request('POST', '/monitor/system.prom', { content => 'x' })->{status}, 405, 'POST: 405');
for my $closed (qw(closed elsewhere)) {
    is($httpd->get("/$closed/system.$_")->{status}, 403, "$closed: $_ is refused by httpd") for qw(json prom);
}
is($httpd->get('/data/system.prom')->{status}, 404, 'where uploads are there is none');
is($httpd->get('/dashboard/system.prom')->{status}, 303, 'nor on the pages without signing in');
$pg->do("update health_sample set taken = now() - interval '20 minutes'");
is_deeply(asked('background-jobs')->{errors}, [ 'runner', "mail $evil" ], 'when no runner works it is an error');
like($httpd->get('/monitor/system.prom')->{content}, qr/^webmunk_check_state\{check="runner"\} 2$/m, 'when samples stop coming monitors see it');
$pg->stop;
is($httpd->get("/monitor/$_")->{status}, 503, "without a database $_ answers 503") for qw(system.prom background-jobs.json other-issues.json);
is($httpd->get("/monitor/$_.json")->{status}, 200, "... and $_.json goes on") for qw(total-processes disk-usage);
$httpd->log_ok('WM0102', 'AH01630');
done_testing();
