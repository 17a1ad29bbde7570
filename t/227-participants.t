#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The list of participants as researchers use it to find who went silent, and why: its filters, the alerts of each, and the
# columns that each account chooses.
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
my $pg       = WmTest::Postgres->start;
my $password = people($pg, alice => 'manager', victor => 'viewer', audrey => 'auditor', nora => undef);
my $evil     = q{<script>alert("x")</script>};

# q0 to q9 sent 3 hours ago, and so many days; n0 and n1 never did, enrolled 90 minutes and three days ago.
$pg->do(<<'EOS');
insert into study (slug, name) values ('other', 'Other study');
insert into source (identifier, name, study_id, added) select 'q' || n, '', 1, now() - interval '90 days' from generate_series(0, 9) n;
insert into source (identifier, name, study_id, added) values ('n0', '', 1, now() - interval '90 minutes'), ('n1', '', 1, now() - interval '3 days'),
    ('elsewhere', '', 2, now() - interval '90 days');
insert into source_status (source_id, last_received, last_created, last_sign_of_life, client, version, points)
select s.id, at, at, at, case when n < 6 then 'Webmunk' when n < 8 then 'REX' else '' end, case when n < 4 then '0.39' when n < 6 then '0.40' when n < 7 then '' when n < 8 then '2' else '' end, 1
  from generate_series(0, 9) n join source s on s.identifier = 'q' || n cross join lateral (select now() - interval '3 hours' - n * interval '1 day' as at) x;
insert into source_status (source_id, last_received, client, version) select id, now(), 'Elsewhere', '1' from source where identifier = 'elsewhere';
EOS

my $httpd = WmTest::Httpd->start(pg => $pg);
my %who   = map { $_ => WmTest::Browser->signed_in($httpd, $_, $password) } qw(alice victor audrey nora);
my %token = map { $_ => WmTest::Browser::token($who{$_}->get('/dashboard/')) } qw(alice victor audrey);

sub page
{
    my ($query, $who) = @_;
    my $answer = $who{ $who // 'alice' }->get("/dashboard/participants.json?$query");
    is($answer->{status}, 200, "?$query answers") or diag($answer->{content});
    return from_json($answer->{content});
}
sub ids { return join ' ', sort map { $_->{identifier} } @{ page(@_)->{rows} } }
sub html { return $who{ $_[1] // 'alice' }->get("/dashboard/participants?$_[0]")->{content} }
sub refused { my ($query) = @_; return is($who{alice}->get("/dashboard/participants?$query")->{status}, 400, "$query is refused") }

# A select of the form as {value => [label, chosen]}, and the order of its values.
sub choices
{
    my ($html, $name) = @_;
    my ($select) = $html =~ m{<select name="$name"[^>]*>(.*?)</select>}s;
    my @all = ($select // '') =~ m{<option value="([^"]*)"( selected)?>([^<]*)</option>}g;
    my (%of, @order);
    while (my ($value, $chosen, $label) = splice(@all, 0, 3)) {
        $of{$value} = [ $label, $chosen ? 1 : 0 ];
        push @order, $value;
    }
    return (\%of, \@order);
}

subtest 'nothing received for more than' => sub {
    is(ids('silent=24'), 'n1 q1 q2 q3 q4 q5 q6 q7 q8 q9', 'a day');
    is(ids('silent=168'), 'q7 q8 q9', '... a week');
    is(ids('silent=2'), 'n1 q0 q1 q2 q3 q4 q5 q6 q7 q8 q9', '... two hours');
    is(ids('silent=3'), 'n1 q0 q1 q2 q3 q4 q5 q6 q7 q8 q9', '... three');
    is(ids('silent=4'), 'n1 q1 q2 q3 q4 q5 q6 q7 q8 q9', '... four');
    is(ids('silent=1'), ids(''), '... and one: who never sent counts from the enrolment');
    is(ids('silent=71'), 'n1 q3 q4 q5 q6 q7 q8 q9', '... up to it');
    is(ids('silent=73'), 'q3 q4 q5 q6 q7 q8 q9', '... and not beyond');
    is(ids('silent=8760'), '', '... a year');
    is(ids('silent=24&state=never&q=n'), 'n1', 'it works together with others');
    refused("silent=$_") for qw(0 -1 8761 99999999999999999999 1.5 1e2 6h x + 0x10), '%20', '12%20';
    my ($of, $order) = choices(html(''), 'silent');
    is_deeply([ map { $of->{$_}[0] } @$order ], [ 'Any time', '6 hours', '12 hours', '24 hours', '2 days', '7 days' ], 'the form has choices');
    is_deeply([ grep { $of->{$_}[1] } @$order ], [], '... none of them chosen');
    ($of, $order) = choices(html('silent=48'), 'silent');
    is_deeply([ grep { $of->{$_}[1] } @$order ], [48], '... or the one in use');
    ($of, $order) = choices(html('silent=100'), 'silent');
    is_deeply($order, [ '', 6, 12, 24, 48, 100, 168 ], 'another number stands in its place');
    is_deeply($of->{100}, [ '100 hours', 1 ], '... in words');
    is_deeply((choices(html("silent=$_"), 'silent'))[1], [ $_ < 6 ? ('', $_, 6, 12, 24, 48, 168) : ('', 6, 12, 24, 48, 168, $_) ], "... also at the end: $_") for 1, 8760;
    is_deeply([ map { "$_->{label}: $_->{value}" } @{ page('silent=48')->{table}{chips} } ], ['Nothing received for more than: 2 days'], 'a chip says it');
    is(page('silent=48')->{table}{chips}[0]{link}, '/dashboard/participants', '... and removes it');
    like(html(''), qr/Those who never sent anything count from when they were enrolled\./, 'the form says what counts for those who never sent');
};

subtest 'client' => sub {
    my ($of, $order) = choices(html(''), 'client');
    is_deeply($order, [ '', 'Webmunk 0.39', 'Webmunk 0.40', 'REX', 'REX 2' ], 'the form has those of the study, the most frequent first');
    is($of->{'Webmunk 0.39'}[0], 'Webmunk 0.39 (4)', '... with their numbers');
    for my $value (grep { length } @$order) {
        my ($n) = $of->{$value}[0] =~ /\((\d+)\)\z/;
        is(page('client=' . $value =~ s/ /%20/gr)->{total}, $n, "... which $value lists");
    }
    is(ids('client=Webmunk+0.40'), 'q4 q5', 'a client is one with its version');
    is(ids('client=REX'), 'q6', '... or without one');
    is(ids("client=$_"), '', "$_ is nobody's") for 'Webmunk', '0.39', 'webmunk+0.39', 'Elsewhere+1', '%25', 'x%27+or+1=1';
    ($of, $order) = choices(html('client=Mine+7'), 'client');
    is_deeply([ $order->[-1], $of->{'Mine 7'}[1] ], [ 'Mine 7', 1 ], 'one that nobody has stays in the form');
    like(html('client=Mine+7'), qr/Nobody is here\. Remove a filter above/, '... and the page says what to do');
    unlike(html('client=' . $evil =~ s/([^\w])/sprintf '%%%02x', ord $1/ger), qr/<script>alert/, 'a client is no markup');
    refused('client=' . 'x' x 301);
    is(page('client=' . 'x' x 300)->{total}, 0, 'as long as links can carry it, it is a client');
    $pg->do("update source_status set version = null where source_id = (select id from source where identifier = 'q6')");
    is(ids('client=REX'), 'q6', 'no version and an empty one are the same');
    is((choices(html(''), 'client'))[0]{REX}[0], 'REX (1)', '... in the form');
    $pg->do("insert into source (identifier, name, study_id) select 'many' || n, '', 1 from generate_series(1, 70) n;
        insert into source_status (source_id, last_received, client, version) select id, now(), 'Many', identifier from source where identifier like 'many%';
        insert into source (identifier, name, study_id, merged_into) values ('merged', '', 1, (select id from source where identifier = 'q0'));
        insert into source_status (source_id, last_received, client, version) select id, now(), 'Webmunk', '0.39' from source where identifier = 'merged'");
    ($of, $order) = choices(html(''), 'client');
    is(scalar(@$order), 51, 'fifty of them are choices');
    is($of->{'Webmunk 0.39'}[0], 'Webmunk 0.39 (4)', '... with those who are listed');
    $pg->do("delete from source_status where client = 'Many'; delete from source where identifier like 'many%'");
    $pg->do('update source_status set client = $1, version = $2 where source_id = (select id from source where identifier = $3)', "\x{1f600}" x 100, 'x', 'q9');
    is_deeply((choices(html(''), 'client'))[1], [ '', 'Webmunk 0.39', 'Webmunk 0.40', 'REX', 'REX 2' ], 'one that no link can carry is no choice');
    $pg->do("update source_status set client = '', version = '' where source_id = (select id from source where identifier = 'q9')");
};

subtest 'without a generator' => sub {
    # "often" came from all; "backlog" yesterday from q0, q1 and q2, of days long ago from q1; "old" ten days ago.
    $pg->do(<<'EOS');
insert into generator (identifier, label) values ('often', ''), ('backlog', ''), ('old', ''), ('expected', ''), ('foreign', ''), ('ancient', '');
insert into study_generator (study_id, generator_id, required) select 1, id, false from generator where identifier = 'expected';
insert into arrival (study_id, generator_id, hour, points) select 1, id, date_trunc('hour', now()) - case identifier when 'ancient' then interval '30 days' else interval '26 hours' end, 5
  from generator where identifier in ('often', 'backlog', 'old', 'ancient');
insert into arrival (study_id, generator_id, hour, points) select 2, id, date_trunc('hour', now()), 5 from generator where identifier = 'foreign';
update source_status set last_received = now() - interval '1 hour' where source_id in (select id from source where identifier like 'q%');
insert into source_day (source_id, generator_id, day, points, last_received)
select s.id, g.id, (now() at time zone 'UTC')::date - back, 5, now() - received * interval '1 day'
  from (values ('q%', 'often', 0, 0), ('q0', 'backlog', 1, 1), ('q1', 'backlog', 40, 1), ('q2', 'backlog', 1, 1), ('q2', 'backlog', 60, 60), ('q%', 'old', 10, 10),
               ('q3', 'backlog', 3, 8)) v(source, generator, back, received)
  join source s on s.identifier like v.source join generator g on g.identifier = v.generator;
EOS
    is(ids('without=often'), 'n0 n1', 'who sent nothing lacks everything');
    is(ids('without=backlog'), 'n0 n1 q3 q4 q5 q6 q7 q8 q9', 'what counts is when it was received');
    is(ids('without=old'), 'n0 n1 q0 q1 q2 q3 q4 q5 q6 q7 q8 q9', '... within seven days');
    is(ids('without=backlog&generator=often'), 'q3 q4 q5 q6 q7 q8 q9', 'the filter for another generator goes with it');
    my ($of, $order) = choices(html(''), 'without');
    is_deeply($order, [ '', 'backlog', 'expected', 'often', 'old' ], 'the form has the generators of the study');
    is_deeply((choices(html('without=backlog'), 'without'))[0]{backlog}, [ 'backlog', 1 ], '... and the one in use');
    is_deeply((choices(html('without=ancient'), 'without'))[0]{ancient}, [ 'ancient', 1 ], '... also by hand');
    refused("without=$_") for 'nothing', 'OFTEN', 'often%20', 'x' x 301;
    my $list = page('without=backlog');
    is_deeply([ map { "$_->{label}: $_->{value}" } @{ $list->{table}{chips} } ], ['Nothing within 7 days of: backlog'], 'a chip says it');
    $pg->do("update source_status set last_received = now() - interval '8 days' where source_id = (select id from source where identifier = 'q0')");
    is(ids('without=often&q=q'), 'q0', 'who went silent lacks everything, too');
    $pg->do("insert into generator (identifier, label) select 'flood-' || n, '' from generate_series(1, 200) n;
        insert into arrival (study_id, generator_id, hour, points) select 1, id, date_trunc('hour', now()), 1 from generator where identifier like 'flood-%'");
    ($of, $order) = choices(html(''), 'without');
    is(scalar(@$order), 101, 'a hundred are choices, whatever clients invent');
    is_deeply([ grep { !$of->{$_} } qw(backlog expected often old) ], [], '... and those that count are among them');
    $pg->do("delete from arrival where generator_id in (select id from generator where identifier like 'flood-%')");
};

subtest 'filters go where the list goes' => sub {
    $pg->do("insert into source (identifier, name, study_id, added) select 'w' || n, '', 1, now() - interval '9 days' from generate_series(1, 70) n;
        insert into source_status (source_id, last_received, client, version) select id, now() - interval '50 hours', 'Walk & Co', '1?' from source where identifier like 'w%'");
    my $query = 'client=Walk+%26+Co+1%3f&silent=48&without=often&sort=-identifier&limit=25';
    my ($link, %seen, $pages) = "/dashboard/participants?$query";
    while ($link) {
        my $list = from_json($who{alice}->get($link =~ s/participants\?/participants.json?/r)->{content});
        is($list->{total}, 70, 'all pages know all rows');
        is(scalar(@{ $list->{table}{chips} }), 3, '... and each filter');
        $seen{ $_->{identifier} }++ for @{ $list->{rows} };
        $link = $list->{table}{next};
        last if ++$pages > 5;
    }
    is($pages, 3, 'the list has pages');
    is_deeply([ scalar(keys %seen), grep { $_ > 1 } values %seen ], [70], '... on which everybody is once');
    my $page = page($query);
    my $csv  = $who{alice}->get($page->{links}{csv})->{content};
    is(scalar(() = $csv =~ /^w\d+,/mg), 70, 'CSV has the same');
    is(scalar(() = $csv =~ /\r\n/g), 71, '... and nobody else');
    is(from_json($who{alice}->get($page->{links}{json})->{content})->{total}, 70, 'so has JSON');
    for my $chip (@{ $page->{table}{chips} }) {
        my $without = from_json($who{alice}->get($chip->{link} =~ s/participants\?/participants.json?/r)->{content});
        is(scalar(@{ $without->{table}{chips} }), 2, "without \"$chip->{label}\" the others stay");
    }
    like($_->{link}, qr/silent=48&client=Walk%20%26%20Co%201%3F&without=often/, "... by $_->{label}") for grep { $_->{link} } @{ $page->{table}{columns} };
    for my $query ('', 'q=w&state=silent&group=-') { unlike(html($query), qr/<details open>\s*<summary>More filters/, "?$query: rarer filters are folded") }
    for my $query ('silent=6', 'client=x', 'without=often') { like(html($query), qr/<details open>\s*<summary>More filters/, "... ?$query: but not one in use") }
    $pg->do("delete from source_status where client = 'Walk & Co'; delete from source where identifier like 'w%'");
};

subtest 'open alerts' => sub {
    # Of q1 two are open, of q10 one; others are acknowledged, for good or until a moment ago, or closed.
    $pg->do(<<'EOS');
insert into source (identifier, name, study_id) values ('q10', '', 1);
insert into alert (check_name, source_id, study_id, level, opened, last_seen, closed, acknowledged, acknowledged_until)
select check_name, s.id, 1, 'warning', now(), now(), case when closed then now() end, case when known then now() - interval '2 days' end, case when until then now() - interval '1 minute' end
  from (values ('q1', 'battery-low', false, false, false), ('q1', 'upload-silence', false, true, true), ('q1', 'storage-low', false, true, false),
               ('q1', 'clock-wrong', true, false, false), ('q1', 'clock-wrong', true, false, false), ('q2', 'battery-low', false, true, false),
               ('q10', 'battery-low', false, false, false)) v(source, check_name, closed, known, until)
  join source s on s.identifier = v.source;
insert into alert (check_name, subject, level, opened, last_seen) values ('job-failed', 'q3', 'critical', now(), now());
EOS
    my %row = map { $_->{identifier} => $_ } @{ page('q=q')->{rows} };
    is_deeply([ map { $row{$_}{alerts} } qw(q1 q2 q3 q10) ], [ 2, 0, 0, 1 ], 'those are counted that are open and that nobody has acknowledged');
    is($row{q1}{alerts_link}, '/dashboard/alerts?id=q1', '... with a link');
    for my $name (qw(q1 q2 q10)) {
        my $list = from_json($who{alice}->get($row{$name}{alerts_link} =~ s/alerts\?/alerts.json?/r)->{content});
        is($list->{total}, $row{$name}{alerts}, "... that lists as many, of $name");
        is_deeply([ grep { $_ ne $name } map { $_->{participant}{identifier} } @{ $list->{rows} } ], [], '... and of nobody else');
    }
    my $html = html('q=q1');
    like($html, qr{data-label="Open alerts"><a href="/dashboard/alerts\?id=q1">2</a></td>}, 'the page has the column');
    like(html('q=q3'), qr{data-label="Open alerts">0</td>}, '... of those without, too');
    my @csv = split(/\r\n/, $who{alice}->get('/dashboard/participants.csv?q=q1')->{content});
    like($csv[0], qr/,open_alerts\z/, 'and so has CSV');
    like($csv[1], qr/\Aq1,.*,2\z/, '... with the number');
    is({ map { $_->{identifier} => $_->{alerts} } @{ page('q=q1', 'victor')->{rows} } }->{q1}, 2, 'a viewer, who may see alerts, sees how many');
    is($who{audrey}->get("/dashboard/$_")->{status}, 403, "an auditor neither: $_") for 'participants', 'alerts?id=q1';
    $pg->do('insert into source (identifier, name, study_id) values ($1, $2, 1)', "\x{1f600}" x 1000, 'long');
    $pg->do("insert into alert (check_name, source_id, study_id, level, opened, last_seen) select 'battery-low', id, 1, 'info', now(), now() from source where name = 'long'");
    my ($long) = @{ page('q=long')->{rows} };
    like($long->{alerts_link}, qr{^/dashboard/alerts\?id-number=\d+\z}, 'an id that no link can carry is a number there');
    is(from_json($who{alice}->get($long->{alerts_link} =~ s/alerts\?/alerts.json?/r)->{content})->{total}, 1, '... that lists its alerts');
    $pg->do("delete from alert; delete from source where name = 'long' or identifier = 'q10'");
};

# The names of the columns, and how many cells each row has.
sub shown
{
    my ($html) = @_;
    my ($head) = $html =~ m{<thead>(.*?)</thead>}s;
    my @names = $head =~ /class="col-(\w+)/g;
    my %cells = map { scalar(() = /<t[hd] /g) => 1 } grep { /rowheader/ } split(/<tr /, $html);
    return (\@names, join(' ', keys %cells));
}

# Save for WHO which columns are shown.
sub choose
{
    my ($who, $shown, %more) = @_;
    return $who{$who}->post('/dashboard/columns/participants', { csrf => $token{$who}, (map { ("show-$_" => 1) } @$shown), %more });
}

subtest 'columns' => sub {
    my @all = qw(identifier state name group received hours points_7d alerts life created lag generators battery client points enrolled);
    my ($names, $cells) = shown(html(''));
    is_deeply($names, \@all, 'all are shown to who has not chosen');
    is($cells, scalar(@all), '... in each row');
    like(html(''), qr/<table class="stack sticky brief"/, '... on narrow screens fewer');
    unlike(html(''), qr/name="default"/, '... and there is nothing to undo');
    for my $hidden (@all[ 1 .. $#all ]) {
        my $answer = choose('alice', [ grep { $_ ne $hidden } @all ]);
        is($answer->{status}, 303, "$hidden can be hidden");
        ($names, $cells) = shown(html(''));
        is_deeply($names, [ grep { $_ ne $hidden } @all ], '... its heading');
        is($cells, $#all, '... and its cell');
    }
    my $html = html('');
    like($html, qr/<table class="stack sticky" role/, 'who has chosen gets the same on narrow screens');
    my %box = $html =~ /name="show-(\w+)" value="1"( checked)?>/g;
    is_deeply([ sort keys %box ], [ sort @all[ 1 .. $#all ] ], 'the form has a box for each but the id');
    is_deeply([ grep { !$box{$_} } keys %box ], ['enrolled'], '... checked as chosen');
    is_deeply([ shown(html('', 'victor')) ], [ \@all, scalar(@all) ], 'somebody else sees the own choice');
    is($pg->scalar("select hidden from account_columns where page = 'participants'"), '{enrolled}', 'what is hidden is kept');
    my %row = %{ page('q=q1')->{rows}[0] };
    is_deeply([ grep { !exists $row{$_} } qw(enrolled points hours alerts lag) ], [], 'JSON has everything');
    like($who{alice}->get('/dashboard/participants.csv')->{content}, qr/\Aid,name,group,state,enrolled,/, '... and so has CSV');
    choose('alice', []);
    is_deeply([ shown(html('')) ], [ ['identifier'], 1 ], 'the id is always shown');
    choose('alice', ['state'], default => 1);
    is_deeply((shown(html('')))[0], \@all, 'the default comes back by one button');
    is($pg->scalar('select count(*) from account_columns'), 0, '... and nothing is kept');
    choose('alice', \@all);
    is_deeply((shown(html('')))[0], \@all, 'all can be chosen');
    like(html(''), qr/<table class="stack sticky" role/, '... for narrow screens, too');
    $pg->do(q{update account_columns set hidden = '{gone,"<b>",state,identifier}'});
    is_deeply((shown(html('')))[0], [ grep { $_ ne 'state' } @all ], 'what is kept of columns that are gone does no harm');
    choose('alice', [], default => 1);
};

subtest 'the way back, and who may not' => sub {
    my $back = '/dashboard/participants?q=q&silent=24&sort=-points&after=3%3A00';
    is(choose('alice', ['state'], back => $back)->{headers}{location} =~ s{^https?://[^/]+}{}r, $back, 'it leads to the same address');
    my ($self) = html('q=q&silent=24') =~ /name="back" value="([^"]*)"/;
    is($self, '/dashboard/participants?q=q&amp;silent=24', '... which the form has');
    for my $back ('', 'http://elsewhere.example/', '//elsewhere.example/', '/dashboard/alerts', '/dashboard/participantsx', "/dashboard/participants\r\nx: y", $evil) {
        is(choose('alice', ['state'], back => $back)->{headers}{location} =~ s{^https?://[^/]+}{}r, '/dashboard/participants', '... or to the page, not to another: ' . $back =~ s/\s/./gr);
    }
    choose('alice', [], default => 1);
    for my $bad ('nothing', 'State', 'state ', '', "state'", $evil, 'x' x 2000) {
        my $answer = choose('alice', [ 'state', $bad ]);
        is($answer->{status}, 400, 'a column that is none is refused: ' . substr($bad, 0, 20));
        unlike($answer->{content}, qr/<script>alert/, '... as text');
    }
    is(choose('alice', ['state'], csrf => 'x')->{status}, 403, 'a form without its token is refused');
    is($who{alice}->post('/dashboard/columns/participants', { csrf => $token{alice}, 'show-state' => 1 }, { 'sec-fetch-site' => 'cross-site' })->{status}, 403, '... from another site, too');
    is($httpd->post('/dashboard/columns/participants', { 'show-state' => 1 })->{status}, 401, '... and of nobody');
    is($who{alice}->post("/dashboard/columns/$_", { csrf => $token{alice}, 'show-state' => 1 })->{status}, 404, "$_ has no columns to choose") for qw(overview unassigned nothing participants/1 %00);
    is($who{alice}->get('/dashboard/columns/participants')->{status}, 405, 'nothing changes by GET');
    is($who{alice}->request('POST', '/dashboard/columns/participants', { content => '{"default": 1}', headers => { 'content-type' => 'application/json', 'x-webmunk-token' => $token{alice} } })->{status},
        415, '... nor by JSON');
    is(choose('audrey', ['state'])->{status}, 403, 'who may not see the list has no columns');
    is($who{nora}->post('/dashboard/columns/participants', { 'show-state' => 1 })->{status}, 403, '... nor has who has no role');
    is($pg->scalar('select count(*) from account_columns'), 0, 'nothing of that is kept');
    choose('victor', ['state']);
    $pg->do("delete from session where account_id = (select id from account where name = 'victor'); delete from role_grant where account_id = (select id from account where name = 'victor');
        delete from account where name = 'victor'");
    is($pg->scalar('select count(*) from account_columns'), 0, 'an account takes its choice along');
};

$httpd->log_ok;
done_testing();
