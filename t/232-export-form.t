#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A new export by form and as JSON, the jobs and schedules of System, and the destinations: what they say, and who may what.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $pg = WmTest::Postgres->start;
$pg->do('select partitions_ahead(1, 1)');
my $password = people($pg, alice => 'manager', ann => 'analyst', carl => 'coordinator', victor => 'viewer', audrey => 'auditor',
    adam => 'administrator');
my $evil = '<b>g&\'"</b>';
$pg->do(<<"EOT");
insert into study (slug, name) values ('other', 'Other study');
update role_grant set study_id = 1 where account_id in (select id from account where name in ('alice', 'ann'));
insert into source_group (study_id, name) values (1, 'one'), (1, 'two');
insert into source (identifier, name, study_id, group_id) select 'p' || n, 'p' || n, 1, 1 + n % 2 from generate_series(1, 10) n;
insert into generator (identifier, label) values ('webmunk-extension-scroll-position', 'Scroll'), (\$q\$$evil\$q\$, 'Evil');
insert into arrival (study_id, generator_id, hour, points) values (1, 1, now(), 5), (1, 2, now(), 5);
insert into source_day (source_id, generator_id, day, points, bytes, first_received, last_received)
select s, g, date '2026-01-10' + d, 10, 1000, '2026-03-01', '2026-03-02'
  from generate_series(1, 8) s, generate_series(1, 2) g, generate_series(0, 9) d;
EOT
my $httpd = WmTest::Httpd->start(pg => $pg);
my %who   = map { $_ => WmTest::Browser->signed_in($httpd, $_, $password) } qw(alice ann carl victor audrey adam);
my $form  = $who{ann}->get('/dashboard/exports/new');
my $token = WmTest::Browser::token($form);
my %good  = (csrf => $token, 'type-webmunk-extension-scroll-position' => 'on', from => '2026-01-12', to => '2026-01-14', purpose => "why $evil");

sub newest { return ($pg->rows('select * from access_log order by id'))[-1] }

subtest 'the form' => sub {
    is($form->{status}, 200, 'it is a page');
    like($form->{content}, qr/name="type-webmunk-extension-scroll-position"/, '... with the types');
    like($form->{content}, qr{name="generator-2"> <code>&lt;b&gt;g&amp;}, '... and other generators, as text');
    like($form->{content}, qr{Group one, 5 participants}, '... and the groups');
    my $check = $who{ann}->post('/dashboard/exports', { %good, do => 'check' });
    is($check->{status}, 200, 'a check answers at once');
    like($check->{content} =~ s/<[^>]*>//gr, qr/8 of 10 participants with data, 240 points, 24 kB/, '... with what there is');
    like($check->{content} =~ s/<[^>]*>//gr, qr/2 without data in this range, for example: p10 p9/, '... and who has nothing');
    like($check->{content}, qr/name="from" value="2026-01-12"/, '... and keeps what was said');
    unlike($check->{content}, qr/<b>g/, '... as text');
    is(scalar($pg->scalar('select count(*) from export')), 0, '... and makes nothing');
    $check = $who{ann}->post('/dashboard/exports', { %good, 'generator-2' => 'on', 'group-1' => 'on', clock => 'recorded', from => '2026-03-02', to => '2026-03-02' });
    like($check->{content} =~ s/<[^>]*>//gr, qr/4 of 5 participants with data, 800 points/, 'by the clock of receipt days count whole');
    for my $bad ([ from => '2026-02-01', qr/before the first/ ], [ from => 'x', qr/day like/ ], [ to => '2999-12-31', qr/is not over in/ ], [ zone => 'Mars', qr/no time zone/ ],
        [ clock => 'x', qr/clock/ ], [ format => 'x', qr/format/ ], [ sources => "p1\r\nnobody", qr/no participant/ ], [ 'type-no-such' => 'on', qr/no type/ ],
        [ 'group-99' => 'on', qr/no group/ ], [ purpose => " \n ", qr/what the data are for/ ]) {
        my $answer = $who{ann}->post('/dashboard/exports', { %good, $bad->[0] => $bad->[1], do => 'start' });
        is($answer->{status}, 400, "$bad->[0] \"$bad->[1]\" is refused");
        like($answer->{content}, $bad->[2], '... in words');
    }
    is($who{ann}->post('/dashboard/exports', { csrf => $token, purpose => 'x', do => 'start' })->{status}, 400, 'nothing is no export');
    is($pg->scalar('select count(*) from export') + $pg->scalar('select count(*) from job'), 0, 'so far nothing was made');
    my $answer = $who{ann}->post('/dashboard/exports', { %good, do => 'start', sources => "p1\r\np2\n", pseudonyms => 'on', newline => 'on', format => 'csv' });
    is($answer->{status}, 303, 'the export begins');
    my ($id) = WmTest::Browser::header($answer, 'location') =~ m{^/dashboard/exports/(\d+)$};
    my ($row) = $pg->rows("select e.*, j.name as job, j.what from export e join job j on j.id = e.job_id where e.id = $id");
    is_deeply([ @$row{qw(job what state purpose)} ], [ 'export', "export $id", 'queued', "why $evil" ], '... with its job');
    is_deeply($row->{definition}{sources}, [ 'p1', 'p2' ], '... about whom it was asked for');
    is($row->{definition}{sensitive}, JSON::PP::false(), '... without sensitive fields');
    is($row->{definition}{newline}, ' ', '... with words apart');
    like($row->{definition}{pseudonyms}, qr/^[0-9a-f]+$/, '... under a key of its own');
    is_deeply([ @{ newest() }{qw(account action object purpose source_count)} ], [ 'ann', 'export-request', "export:$id", "why $evil", 2 ], '... for the record');
    like($who{ann}->get("/dashboard/exports/new?copy=$id")->{content}, qr/>p1\np2\n<\/textarea>/, 'it can be taken for another');
    is($who{ann}->get("/dashboard/exports/new?copy=$_->[0]")->{status}, $_->[1], "copy=$_->[0] gets $_->[1]") for [ 999, 404 ], [ 'x', 400 ];
};

subtest 'as JSON' => sub {
    my $send = sub {
        my ($who, $body, %headers) = @_;
        return $who{$who}->request('POST', '/dashboard/exports', { content => ref $body ? json($body) : $body, headers => {
            'content-type' => 'application/json', accept => 'application/json', 'x-webmunk-token' => $token, %headers } });
    };
    my %asked  = (types => ['webmunk-extension-scroll-position'], from => '2026-01-01', purpose => 'a program');
    my $answer = $send->('ann', \%asked);
    is($answer->{status}, 201, 'an export is made') or diag($answer->{content});
    my $made = from_json($answer->{content});
    is(WmTest::Browser::header($answer, 'location'), "/dashboard/exports/$made->{id}", '... which is said');
    is(from_json($who{ann}->get("$made->{link}.json")->{content})->{export}{definition}{from}, '2026-01-01', '... and can be asked for');
    $answer = $send->('ann', { %asked, types => [ 'webmunk-extension-scroll-position', 'webmunk-local-tasks' ], archives => 'type' });
    $made = from_json($answer->{content});
    is(@{ $made->{ids} }, 2, 'an archive for each type is an export for each');
    is_deeply([ map { $_->{object} } ($pg->rows('select * from access_log order by id'))[ -2, -1 ] ], [ map { "export:$_" } @{ $made->{ids} } ], '... and a row of the access log');
    is(WmTest::Browser::header($answer, 'location'), '/dashboard/exports', '... and all of them are in the list');
    for my $bad ({ %asked, to => '2999-12-31' }, { %asked, clock => 'sent' }, { %asked, zone => 'Mars/Olympus' }, { %asked, types => ['nonsense'] },
        { %asked, purpose => '' }, { %asked, purpose => 5 }, { %asked, x => 1 }, { %asked, types => [] }, { %asked, study => 'x' }, { %asked, to => '2025-01-01' },
        '[]', '{', '', map { json(\%asked) =~ s/\}\z/,"study":$_}/r } '12345678901234567890', '1e400', '1.5') {
        $answer = $send->('ann', $bad);
        is($answer->{status}, 400, (ref $bad ? json($bad) : "\"$bad\"") . ' is refused');
        ok(length from_json($answer->{content})->{detail}, '... with the reason');
    }
    is($send->('ann', { %asked, study => 2 })->{status}, 403, 'not in a study of others');
    is($send->('ann', \%asked, 'x-webmunk-token' => undef)->{status}, 415, 'without token it is no form');
    is($send->('ann', \%asked, 'x-webmunk-token' => 'x' x 43)->{status}, 403, '... nor with a wrong one');
    is($send->('ann', \%asked, 'sec-fetch-site' => 'cross-site')->{status}, 403, '... nor from another site');
    is($pg->scalar('select count(*) from export'), 4, 'nothing of that was made');
};

subtest 'who may not export' => sub {
    for my $name (qw(carl victor audrey adam)) {
        my $own = WmTest::Browser::token($who{$name}->get('/dashboard/'));
        is($who{$name}->get('/dashboard/exports/new')->{status}, 403, "$name has no form");
        is($who{$name}->post('/dashboard/exports', { %good, csrf => $own, do => $_ })->{status}, 403, "... and may not $_") for qw(check start);
    }
    is($who{ann}->post('/dashboard/exports', { %good, csrf => 'x', do => 'start' })->{status}, 403, 'a form without token is refused');
    is($who{alice}->post('/dashboard/exports', { %good, do => 'start' })->{status}, 403, "... and with somebody else's");
};

my $server = $pg->scalar("insert into schedule (name, every, built_in, next_due) values ('partitions', '1 day', true, now() - interval '3 days') returning id");
my $study  = $pg->scalar("insert into schedule (name, what, study_id, daily_at, time_zone) values ('export-nightly', 'study 1', 1, '00:30', 'America/Chicago') returning id");
my $others = $pg->scalar("insert into schedule (name, what, study_id, cron) values ('export-nightly', 'study 2', 2, '0 1 * * *') returning id");
my $job = $pg->scalar("insert into job (name, what, state, error, tries, finished) values ('partitions', \$q\$$evil\$q\$, 'failed', \$q\$no $evil\$q\$, 5, now()) returning id");
$pg->do("insert into job_run (job_id, worker, finished, outcome, note, error) values ($job, 'host:1', now(), 'failed', 'did \$x', 'no')");

subtest 'system' => sub {
    my $page = from_json($who{alice}->get('/dashboard/system.json')->{content});
    is_deeply([ map { "$_->{name} $_->{rhythm}" } @{ $page->{schedules} } ], [ 'export-nightly daily at 00:30 America/Chicago', 'partitions every 24 hours' ],
        'a manager sees the schedules of the study and of the server');
    is_deeply([ map { $_->{change} } @{ $page->{schedules} } ], [ JSON::PP::true(), JSON::PP::false() ], '... and changes those of the study');
    is($page->{schedules}[1]{overdue}, JSON::PP::true(), 'what should have run says so');
    is(scalar @{ from_json($who{adam}->get('/dashboard/system.json')->{content})->{schedules} }, 3, 'an administrator sees all');
    my $html = $who{adam}->get('/dashboard/system');
    is($html->{status}, 200, 'it is a page');
    like($html->{content}, qr/1 schedule overdue/, '... that warns');
    unlike($html->{content}, qr/<b>g/, '... in which texts are text');
    is($who{adam}->get("/dashboard/system?$_->[0]")->{status}, $_->[1], "$_->[0] gets $_->[1]") for [ 'state=failed', 200 ], [ 'state=x', 400 ], [ 'q=part', 200 ], [ 'sort=x', 400 ];
    is(from_json($who{adam}->get('/dashboard/system.json?state=failed')->{content})->{total}, 1, 'jobs can be filtered');
    $pg->do("insert into job (name, what, state, finished) values ('old', 'news', 'failed', now() - interval '25 hours');
             insert into job (name, what, state, lease_until) values ('gone', '', 'running', now() - interval '1 minute'), ('here', '', 'running', now() + interval '1 hour')");
    my %count;
    for my $number (@{ from_json($who{adam}->get('/dashboard/system.json')->{content})->{numbers} }) {
        my $list = from_json($who{adam}->get($number->{link} =~ s/system/system.json/r)->{content});
        is($list->{total}, $number->{number}, "$number->{words}: the number leads to a list of as many");
        $count{ $number->{words} } = $number->{number};
    }
    is_deeply([ @count{ 'running', 'interrupted', 'failed in 24 hours' } ], [ 1, 1, 1 ], '... which are told apart');
    like($who{adam}->get('/dashboard/system?state=failed-today')->{content}, qr{State: <strong>Failed in 24 hours</strong>}, '... in words');
    $pg->do("delete from job where name in ('old', 'gone', 'here')");
    $html = $who{adam}->get("/dashboard/jobs/$job");
    is($html->{status}, 200, 'a job has a page');
    like($html->{content}, qr/no &lt;b&gt;.*host:1.*did \$x/s, '... with its tries');
    is($who{adam}->get("/dashboard/jobs/$_")->{status}, 404, "there is no job $_") for 999, 'x', 0;
    is($who{adam}->get('/dashboard/system/progress')->{status}, 200, 'a part of it answers alone');

    my %own = map { $_ => WmTest::Browser::token($who{$_}->get('/dashboard/')) } keys %who;
    my $press = sub { my ($name, $id, $what) = @_; return $who{$name}->post("/dashboard/schedules/$id/$what", { csrf => $own{$name} })->{status} };
    for my $name (qw(ann carl victor audrey)) {
        is($who{$name}->get('/dashboard/system')->{status}, 403, "$name has no System");
        is($who{$name}->get("/dashboard/jobs/$job")->{status}, 404, '... nor a job');
        is($press->($name, $study, $_), 404, "... and may not $_") for qw(pause resume run);
    }
    is($press->('alice', $server, $_), 403, "a manager does not $_ what is the server's") for qw(pause resume run);
    is($press->('alice', $others, 'run'), 403, '... nor what is of another study');
    is($press->('alice', $study, 'explode'), 404, 'there are no other buttons');
    is($who{alice}->get("/dashboard/schedules/$study/run")->{status}, 405, 'a visit changes nothing');
    is($who{alice}->post("/dashboard/schedules/$study/run", { csrf => 'x' })->{status}, 403, '... nor a form without token');
    is($press->('alice', $study, 'pause'), 303, 'a manager pauses');
    is($pg->scalar("select paused from schedule where id = $study"), 't', '... which holds');
    is(newest()->{action}, 'schedule-pause', '... and is recorded');
    is($press->('alice', $study, 'resume'), 303, '... and resumes');
    is($pg->scalar("select paused from schedule where id = $study"), 'f', '... which holds');
    is($press->('adam', $server, 'run'), 303, 'an administrator runs at once') for 1, 2;
    is($pg->scalar("select count(*) from job where name = 'partitions' and state = 'ready'"), 1, '... one job, however often');
};

subtest 'destinations' => sub {
    my $id = $pg->scalar("insert into destination (name, kind, settings, secret_name, test_result, tested) values (\$q\$$evil\$q\$, 'local', '{\"path\": \"/secret-path\"}', 'my-key', 'no way', now()) returning id");
    my $html = $who{adam}->get('/dashboard/destinations');
    is($html->{status}, 200, 'there is a page');
    like($html->{content}, qr/no way/, '... with the last result');
    unlike($html->{content}, qr/<b>g|my-key|secret-path/, '... without markup, secret or setting');
    my %own = map { $_ => WmTest::Browser::token($who{$_}->get('/dashboard/')) } keys %who;
    for my $name (qw(ann carl victor audrey)) {
        is($who{$name}->get('/dashboard/destinations')->{status}, 403, "$name does not see it");
        is($who{$name}->post("/dashboard/destinations/$id/test", { csrf => $own{$name} })->{status}, 404, '... and tests nothing');
    }
    is($who{alice}->post("/dashboard/destinations/$id/test", { csrf => $own{alice} })->{status}, 403, 'a manager of one study does not test what is of all');
    is($who{adam}->post("/dashboard/destinations/$id/test", { csrf => $own{adam} })->{status}, 303, 'an administrator does') for 1, 2;
    is_deeply([ $pg->rows("select name, params from job where what = 'destination $id'") ], [ { name => 'destination-test', params => { destination => $id + 0, name => $evil } } ],
        '... by one job');
};

is($pg->scalar('select access_log_verify()'), undef, 'the chain holds');
$httpd->log_ok;
done_testing();
