#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The page Alerts: who sees and acknowledges what, tabs, search, order and paging, and text of strangers.
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
my $password = people($pg, alice => 'manager', ann => 'analyst', victor => 'viewer', carl => 'coordinator', audrey => 'auditor',
    adam => 'administrator', nora => undef);
my $evil = '<script>alert("x")</script>&\'';
$pg->do(<<'EOS');
insert into study (slug, name) values ('other', 'Other study');
update role_grant set study_id = 1 where account_id in (select id from account where name in ('ann', 'victor', 'carl'));
insert into source (identifier, name, study_id) select 'p' || n, 'Name ' || n, 1 + (n > 6)::integer from generate_series(1, 8) n;
EOS
$pg->do('insert into source (identifier, name, study_id) values ($1, $1, 1)', $evil);

# An alert, columns as SQL; returns its number.
sub alert
{
    my (%column) = (check_name => "'battery-low'", study_id => 1, level => "'warning'", value => 25, reached => 33, opened => "now() - interval '2 hours'",
        last_seen => 'now()', @_);
    my @names = sort keys %column;
    return $pg->scalar('insert into alert (' . join(', ', @names) . ') values (' . join(', ', @column{@names}) . ') returning id');
}
sub source { return "(select id from source where identifier = '$_[0]')" }
my $low    = alert(source_id => source('p1'));
my $silent = alert(source_id => source('p2'), check_name => "'upload-silence'", level => "'critical'", value => 180000, reached => 172800, opened => "now() - interval '1 hour'");
my $never  = alert(source_id => source('p3'), check_name => "'never-uploaded'", level => "'info'", value => 'null', reached => 'null');
my $full   = alert(source_id => source('p4'), check_name => "'storage-low'", level => "'critical'", value => '1e300', reached => 1e9);
my $odd    = alert(source_id => "(select max(id) from source)");
my $other  = alert(source_id => source('p7'), study_id => 2);
my $job    = alert(check_name => "'job-failed'", study_id => 'null', subject => "'partitions'", level => "'critical'", value => 'null', reached => 'null',
    message => "\$q\$disk full $evil\nsecond line\$q\$");
my $night  = alert(check_name => "'night-failed'", subject => "'default nightly 2026-02-01'", level => "'critical'", value => 'null', reached => 'null');
my $closed = alert(source_id => source('p5'), closed => "now() - interval '1 day'");
alert(source_id => source('p5'), closed => "now() - interval '91 days'");
my $known  = alert(source_id => source('p6'), acknowledged => 'now()', acknowledged_by => "(select id from account where name = 'carl')");
my $back   = alert(source_id => source('p6'), check_name => "'upload-silence'", acknowledged => "now() - interval '2 days'", acknowledged_until => "now() - interval '1 minute'");

my $httpd = WmTest::Httpd->start(pg => $pg);
my %who = map { $_ => WmTest::Browser->signed_in($httpd, $_, $password) } qw(alice ann victor carl audrey adam nora);
sub list { my ($who, $arguments) = @_; return from_json($who{$who}->get('/dashboard/alerts.json?' . ($arguments // ''))->{content}) }
sub numbers { return join ' ', map { $_->{id} } @{ list(@_)->{rows} } }
sub newest { return $pg->row('select * from access_log order by id desc limit 1') }

subtest 'what is listed' => sub {
    is(numbers('ann'), "$silent $full $night $low $odd $back $never", 'the worst first, of the own studies, without what is of the whole server');
    is(numbers('victor'), numbers('ann'), 'a viewer sees whether data arrive');
    is(numbers('alice'), "$silent $full $job $night $low $odd $other $back $never", 'who manages sees what is of the server as well');
    is(numbers('adam'), numbers('alice'), 'so does an administrator');
    is($who{$_}->get('/dashboard/alerts')->{status}, 403, "$_ sees none") for qw(audrey nora);
    is(numbers('ann', 'tab=acknowledged'), $known, 'what somebody knows is on a tab of its own, until its time is over');
    is(numbers('ann', 'tab=closed'), $closed, '... and what is over on another, for 90 days');
    my $page = list('ann');
    is_deeply([ map { $_->{count} } @{ $page->{tabs} }[ 0, 1 ] ], [ 7, 1 ], 'tabs have their numbers');
    my %row = map { $_->{id} => $_ } @{ list('alice')->{rows} };
    is($row{$silent}{words}, 'nothing received for 2 days (limit 2 days)', 'an alert says what is wrong, how much, and the limit');
    is($row{$low}{words}, 'battery at 25 % in the last report (limit 33 %)', '... in its own unit');
    is($row{$full}{level}{label}, 'Critical', '... and how bad it is');
    is($row{$job}{words}, "the job partitions has failed: disk full $evil second line", '... with the reason, on one line');
    is($row{$night}{participant}, undef, 'what is no participant\'s names none');
    is($row{$other}{other_study}, 'Other study', 'another study is named');
    is($row{$silent}{participant}{link}, '/dashboard/participant?id=p2', 'a participant is one click away');
    is(numbers('ann', 'level=critical'), "$silent $full $night", 'levels filter');
    is(numbers('ann', 'q=p2'), $silent, 'the search finds ids');
    is(numbers('ann', 'q=name+3'), $never, '... names');
    is(numbers('ann', 'q=nightly'), $night, '... what it is about');
    is(numbers('ann', 'q=storage'), $full, '... and checks');
    is(numbers('ann', 'sort=participant'), "$odd $night $low $silent $never $full $back", 'columns sort');
    for my $sort (map { ($_, "-$_") } qw(level participant check opened seen)) {
        is($who{ann}->get("/dashboard/alerts?sort=$sort")->{status}, 200, "... by $sort");
    }
    is($who{ann}->get("/dashboard/alerts?$_")->{status}, 400, "$_ is refused") for 'tab=x', 'level=x', 'sort=words', 'after=x';
};

subtest 'paging' => sub {
    $pg->do("insert into source (identifier, name, study_id) select 'many' || n, '', 1 from generate_series(1, 60) n;
        insert into alert (check_name, source_id, study_id, level, opened, last_seen) select 'clock-wrong', id, 1, 'warning', now(), now() from source where identifier like 'many%'");
    my (@seen, $pages);
    my $address = '/dashboard/alerts.json?limit=25&q=many';
    while ($address) {
        my $page = from_json($who{ann}->get($address)->{content});
        push @seen, map { $_->{id} } @{ $page->{rows} };
        $address = $page->{table}{next} && $page->{table}{next} =~ s/alerts\?/alerts.json?/r;
        last if ++$pages > 5;
    }
    is($pages, 3, 'a long list has pages');
    is(scalar(@seen), 60, '... with all rows');
    is(scalar(keys %{ { map { $_ => 1 } @seen } }), 60, '... each once');
    my $csv = $who{ann}->get('/dashboard/alerts.csv?q=many');
    is(scalar(() = $csv->{content} =~ /\r\n/g), 61, 'CSV has all of them');
    like($csv->{content}, qr/^number,level,participant,.*\r\n\d+,Warning,many\d+,,default,clock-wrong,/, '... in columns');
    $pg->do("delete from source where identifier like 'many%'");
};

subtest 'the alerts of one participant' => sub {
    $pg->do("insert into source (identifier, name, study_id) values ('p10', 'p1', 1)");
    my $ten = alert(source_id => source('p10'));
    is(numbers('ann', 'id=p1'), $low, 'are those of that id alone');
    is(numbers('ann', 'id=p6'), $back, '... open ones');
    is(numbers('ann', 'id=p6&tab=acknowledged'), $known, '... and others on their tabs');
    is_deeply([ map { $_->{count} } @{ list('ann', 'id=p6')->{tabs} }[ 0, 1 ] ], [ 1, 1 ], '... which count the same');
    is(numbers('ann', 'id=nobody'), '', 'an id that nobody has has none');
    my $number = $pg->scalar("select id from source where identifier = 'p1'");
    is(numbers('ann', "id-number=$number"), $low, 'a number does as well');
    is($who{ann}->get("/dashboard/alerts?id-number=$_->[0]")->{status}, $_->[1], "... but not $_->[0]") for [ 'x', 400 ], [ '9' x 30, 400 ], [ 999999, 404 ];
    is($who{ann}->get('/dashboard/alerts?id=p7')->{status}, 404, 'who is of another study is not there');
    is(numbers('alice', 'id=p7'), $other, '... but for those who see it');
    $pg->do("insert into role_grant (account_id, role, study_id) select id, 'auditor', 2 from account where name = 'victor'");
    $number = $pg->scalar("select id from source where identifier = 'p7'");
    for my $id ('id=p7', "id-number=$number") {
        my $answer = $who{victor}->get("/dashboard/alerts?$id");
        is($answer->{status}, 404, "... nor for whom that study has counts only: $id");
        unlike($answer->{content}, qr/\bp7\b/, '... who do not learn who it is');
    }
    $pg->do("delete from role_grant where role = 'auditor' and study_id = 2");
    $number = $pg->scalar("select id from source where identifier = 'p1'");
    my $page = list('ann', 'id=p1&level=warning');
    is_deeply([ map { "$_->{label}: $_->{value} $_->{link}" } @{ $page->{table}{chips} } ],
        [ 'Level: warning /dashboard/alerts?id=p1', 'Participant: p1 /dashboard/alerts?level=warning' ], 'a chip removes it');
    like($_->{link}, qr/[?&]id=p1\b/, "it stays with $_->{label}") for @{ $page->{tabs} }, grep { $_->{link} } @{ $page->{table}{columns} };
    like($who{ann}->get('/dashboard/alerts?id=p1')->{content}, qr/<input type="hidden" name="id" value="p1">/, '... and in the form');
    like($who{ann}->get("/dashboard/alerts?id-number=$number")->{content}, qr/<input type="hidden" name="id-number" value="$number">/, '... in either form');
    my $text = $who{ann}->get('/dashboard/alerts?' . HTTP::Tiny->new->www_form_urlencode({ id => $evil }))->{content};
    unlike($text, qr/<script>alert/, 'an id in the address is no markup');
    like($who{ann}->get('/dashboard/alerts.csv?id=p1')->{content}, qr/\A[^\n]+\r\n$low,[^\n]+\r\n\z/, 'CSV has the same');
    $pg->do("delete from alert where id = $ten; delete from source where identifier = 'p10'");
};

subtest 'text of strangers' => sub {
    my $html = $who{alice}->get('/dashboard/alerts');
    is($html->{status}, 200, 'it is a page');
    unlike($html->{content}, qr/<script>alert/, 'neither an id nor a reason is markup');
    like($html->{content}, qr/disk full &lt;script&gt;/, '... both can be read');
    like($html->{content}, qr{<a href="/dashboard/alerts" aria-current="page">Alerts</a>}, 'it is in the navigation');
    my $row = newest();
    is($row->{action}, 'view-alerts', 'looking is written down');
    is($row->{source_count}, 7, '... with whom one saw');
    for my $name (qw(alice victor)) {
        my $counts = from_json($who{$name}->get('/dashboard/overview.json')->{content})->{alerts};
        cmp_ok(scalar @$counts, '>', 1, "the Overview counts for $name what is open");
        is(from_json($who{$name}->get($_->{link} =~ s/alerts/alerts.json/r)->{content})->{total}, $_->{text}, "... $_->{words}: as many as its link lists") for @$counts;
    }
    like($who{alice}->get('/dashboard/')->{content}, qr{Open alerts: <a href="/dashboard/alerts\?level=critical">\d+ critical</a>, <a href="[^"]+">\d+ warnings</a>, <a href="[^"]+">1 notice</a>\.},
        '... in words');
    unlike($who{audrey}->get('/dashboard/')->{content}, qr/Open alerts/, '... not for those who may not see them');
};

subtest 'are they looked for?' => sub {
    like($who{ann}->get('/dashboard/alerts')->{content}, qr/Nothing has been checked yet\./, 'nobody looked');
    $pg->do("insert into job (name, state, finished) values ('status-checks', 'done', now() - interval '16 minutes 30 seconds')");
    like($who{ann}->get('/dashboard/alerts')->{content}, qr/The last check was <time[^>]*>16 minutes ago<.*webmunkd run/, 'not for a while');
    $pg->do("insert into job (name, state, finished) values ('status-checks', 'done', now())");
    like($who{ann}->get('/dashboard/alerts')->{content}, qr/Checked <time[^>]*>just now</, 'just now');
};

subtest 'acknowledging' => sub {
    my $token = WmTest::Browser::token($who{carl}->get('/dashboard/alerts'));
    my $post = sub {
        my ($who, $path, %field) = @_;
        my $own = WmTest::Browser::token($who{$who}->get('/dashboard/'));
        return $who{$who}->post("/dashboard/alerts/$path", { csrf => $own, %field });
    };
    like($who{carl}->get('/dashboard/alerts')->{content}, qr{action="/dashboard/alerts/$low/acknowledge"}, 'a coordinator has the buttons');
    unlike($who{victor}->get('/dashboard/alerts')->{content}, qr/acknowledge"/, 'a viewer has none');
    is($post->('victor', "$low/acknowledge")->{status}, 403, '... and may not');
    is($post->('carl', "$other/acknowledge")->{status}, 404, 'an alert of another study is not there');
    is($post->('carl', "$job/acknowledge")->{status}, 404, '... nor one of the server');
    is($post->('carl', "$night/acknowledge")->{status}, 403, 'what is of a study, but no participant\'s, is its manager\'s');
    is($post->('carl', "$_/acknowledge")->{status}, 404, "alert $_ is not there") for 0, 999999, 'x', '9' x 20;
    is($post->('carl', "$low/delete")->{status}, 404, 'there is no such button');
    is($post->('carl', "$low/acknowledge", csrf => 'x')->{status}, 403, 'a form of somebody else\'s is refused');
    is($who{carl}->post("/dashboard/alerts/$low/acknowledge", { csrf => $token }, { 'sec-fetch-site' => 'cross-site' })->{status}, 403, '... and one of another site');
    is($who{carl}->get("/dashboard/alerts/$low/acknowledge")->{status}, 405, 'a visit changes nothing');
    is($post->('carl', "$low/acknowledge", days => $_)->{status}, 400, "for $_ days is refused") for 'x', 0, 366, '-1';
    is($pg->scalar('select count(*) from alert where acknowledged > now() - interval \'1 hour\''), 1, 'nothing has changed');

    my $answer = $post->('carl', "$low/acknowledge", back => '/dashboard/alerts?level=warning&q=p1');
    is($answer->{status}, 303, 'it is acknowledged');
    is($answer->{headers}{location}, '/dashboard/alerts?level=warning&q=p1', '... and leads back to where one was');
    my $log = newest();
    is("$log->{action} $log->{object} $log->{source_count}", "alert-acknowledge alert:$low 1", '... and is in the access log');
    my ($row) = grep { $_->{id} == $low } @{ list('ann', 'tab=acknowledged')->{rows} };
    is("$row->{by} " . ($row->{until} // 'none'), 'carl none', 'everybody sees by whom');
    is($post->('carl', "$silent/acknowledge", days => 3, back => $_)->{headers}{location}, '/dashboard/alerts', "not back to $_")
        for '//evil.example/', 'https://evil.example/dashboard/alerts', '/elsewhere', '/dashboard/alertsx';
    is($pg->scalar("select acknowledged_until::date - acknowledged::date from alert where id = $silent"), 3, 'for some days');
    is($post->('carl', "$silent/reopen")->{status}, 303, 'it can be undone');
    is($pg->scalar("select num_nonnulls(acknowledged, acknowledged_by, acknowledged_until) from alert where id = $silent"), 0, '... without a trace but in the log');
    is($post->('carl', "$closed/acknowledge")->{status}, 409, 'what is over cannot be acknowledged');
    is($post->('alice', "$job/acknowledge")->{status}, 403, 'what is of the server is its administrators\'');
    is($post->('adam', "$job/acknowledge")->{status}, 303, '... who may');
    is($post->('alice', "$night/acknowledge")->{status}, 303, 'who manages a study may acknowledge what is of it');
};

subtest 'several at once' => sub {
    $pg->do('update alert set acknowledged = null, acknowledged_by = null, acknowledged_until = null where closed is null');
    my $open = sub { return join ' ', $pg->list('select id from alert where closed is null and acknowledged is null order by id') };
    my $all  = $open->();
    my $page = $who{carl}->get('/dashboard/alerts?sort=-opened');
    my $post = sub {
        my ($who, %field) = @_;
        return $who{$who}->post('/dashboard/alerts/acknowledge', { csrf => WmTest::Browser::token($who{$who}->get('/dashboard/')), back => '/dashboard/alerts?sort=-opened', %field });
    };
    is(join(' ', sort { $a <=> $b } $page->{content} =~ /type="checkbox" class="pick" form="several" name="alert-(\d+)"/g), join(' ', sort { $a <=> $b } $low, $silent, $never, $full, $odd, $known, $back),
        'what one may acknowledge has a box, and nothing else');
    unlike($who{victor}->get('/dashboard/alerts')->{content}, qr/class="pick"|id="several"/, 'who may acknowledge nothing has none');
    is($post->('carl', "alert-$low" => 1, "alert-$other" => 1)->{status}, 404, 'one of another study among them: none is acknowledged');
    is($post->('carl', "alert-$low" => 1, "alert-$night" => 1)->{status}, 403, 'one that they may only see: none');
    is($post->('victor', "alert-$low" => 1)->{status}, 403, 'a viewer may not');
    is($post->('carl', csrf => 'x', "alert-$low" => 1)->{status}, 403, 'nor a form of somebody else\'s');
    is($who{carl}->request('POST', '/dashboard/alerts/acknowledge', { content => qq({"alert-$low": 1}), headers => {
        'content-type' => 'application/json', 'x-webmunk-token' => WmTest::Browser::token($who{carl}->get('/dashboard/')) } })->{status}, 415, 'nor JSON');
    is($post->('carl', days => 0, "alert-$low" => 1)->{status}, 400, 'nor for no days');
    is($post->('carl', "alert-$low'" => 1, 'alert-' => 1, 'alert-' . '9' x 30 => 1, 'alert-999999' => 1, "alert-$closed" => 1)->{status}, 303, 'what is none, or over, is passed by');
    is($post->('carl')->{status}, 303, 'nothing is selected');
    is($open->(), $all, '... and nothing has changed');
    my $answer = $post->('carl', map { ("alert-$_" => 1) } $low, $never, $closed);
    is($answer->{headers}{location}, '/dashboard/alerts?sort=-opened', 'some are acknowledged, and one is back where one was');
    is(numbers('ann', 'tab=acknowledged'), "$low $never", '... these');
    my $log = $pg->row("select * from access_log where action = 'alert-acknowledge' order by id desc limit 1");
    is_deeply([ $log->{object}, $log->{extent}{alerts}, $log->{source_count} ], [ 'alerts', [ sort { $a <=> $b } $low, $never ], 2 ], '... and are one row of the access log, with whom they are about');
    my @shown = $who{carl}->get('/dashboard/alerts?level=critical')->{content} =~ /name="(shown-\d+)"/g;
    is($post->('carl', all => 1, map { ($_ => 1) } @shown)->{status}, 303, 'all that are shown');
    is(numbers('ann', 'tab=acknowledged'), "$silent $full $low $never", '... are acknowledged, without one being selected');
    $post->('carl', days => 1, "alert-$odd" => 1, "alert-$silent" => 1);
    is($pg->scalar("select acknowledged_until - acknowledged from alert where id = $odd"), '1 day', 'selected ones rest for a day');
    is($pg->scalar("select acknowledged_until from alert where id = $silent"), undef, '... and what somebody knows for good stays so');
};
$httpd->log_ok;
done_testing();
