#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The first pages over HTTP: what they count, that every number leads to the rows it counts, and that lists can be
# walked to their end in any order.
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
my $password = 'a long enough password';
my $done = webmunkd($pg, 'account', 'add', 'alice', '--role', 'manager', '--password-file',
    spew(workdir() . '/password', "$password\n"));
die "account add: $done->{err}" if $done->{code};
$pg->do('select partitions_ahead(1, 2)');

# 1000 participants: 7 stopped 13 hours ago, 3 stopped 50 hours ago, 2 never began, 1 was invited today.
$pg->do(<<'EOT');
update study set time_zone = 'America/Chicago' where is_default;
insert into source_group (study_id, name) select id, unnest(array['one', 'two']) from study where is_default;
insert into source (identifier, name, study_id, group_id, added)
select 'p' || n, case when n % 10 = 0 then 'Person ' || n else 'p' || n end, 1, case when n % 3 > 0 then n % 3 end,
       now() - interval '30 days'
  from generate_series(1, 1000) n;
update source set added = now() - interval '2 hours' where identifier = 'p1000';
insert into source_status (source_id, last_received, last_created, last_sign_of_life, client, version, points)
select id, at, at - interval '1 minute', at, 'Webmunk', '2.' || id % 3, id * 10
  from source cross join lateral (select now() - case when id <= 7 then interval '13 hours' when id <= 10
       then interval '50 hours' else id % 300 * interval '1 minute' end as at) x
 where id <= 997;
insert into source (identifier, name) values ('p99B', 'p99B'), ('<script>alert("x")</script>', 'x');
EOT

my $httpd   = WmTest::Httpd->start(pg => $pg);
my $browser = WmTest::Browser->new($httpd);
is($browser->sign_in('alice', $password)->{status}, 303, 'alice signs in');

# The JSON of a page of ours, by the address that a link has.
sub page
{
    my ($link) = @_;
    $link =~ s{^/dashboard/(\w*)}{'/dashboard/' . ($1 || 'overview') . '.json'}e;
    my $answer = $browser->get($link);
    is($answer->{status}, 200, "$link answers") or diag($answer->{content});
    return from_json($answer->{content});
}

sub ids { return map { $_->{identifier} } @{ $_[0]{rows} } }

# All rows, from the first page on by the links of the pages.
sub walk
{
    my ($link, $direction) = @_;
    my @found;
    for (my $n = 0; $link && $n < 50; $n++) {
        my $answer = $browser->get($link =~ s{^/dashboard/(\w+)}{/dashboard/$1.json}r);
        my $page   = from_json($answer->{content});
        push @found, $direction eq 'next' ? [ ids($page) ] : [ reverse(ids($page)) ];
        $link = $page->{table}{$direction};
    }
    return map { @$_ } @found;
}

subtest 'the overview answers whether every participant sends data' => sub {
    my $page = page('/dashboard/');
    my $says = $page->{sentence};
    is($says->{received}{count}, 987,  'who sent within 12 hours is counted');
    is($says->{expected}{count}, 999,  '... of those who should');
    is_deeply({ map { $_->{words} => $_->{count} } @{ $says->{others} } },
        { late => 7, silent => 3, 'never started' => 2 }, '... and who did not, by state');
    for my $number ($says->{received}, $says->{expected}, @{ $says->{others} }, map { $_ } @{ $page->{bar}{parts} }) {
        my $list = page($number->{link});
        is($list->{total}, $number->{count}, "$number->{link} lists exactly these");
    }
    is_deeply([ sort { $a cmp $b } ids(page('/dashboard/participants?state=silent')) ], [qw(p10 p8 p9)], 'the silent ones are the right ones');
    is(scalar(@{ $page->{attention} }), 12, 'all with a problem need attention');
    is($page->{unassigned}{count}, 2, 'unassigned sources are counted');
    is($browser->get('/dashboard/')->{content} =~ s/<[^>]*>//gr =~ s/\s+/ /gr =~ /(987 of 999 participants sent data in the last 12 hours; 7 late, 3 silent, 2 never started)/ ? $1 : '',
        '987 of 999 participants sent data in the last 12 hours; 7 late, 3 silent, 2 never started', 'the sentence reads well');
};

subtest 'an upload is on the overview when it is answered' => sub {
    my $before = page('/dashboard/');
    my $bundle = json([ map { { n => $_, text => '</script><b>"&', 'passive-data-metadata' => { source => 'newcomer',
        generator => 'test: test/1', 'generator-id' => 'test', timestamp => time - $_ } } } 1 .. 5 ]);
    is($httpd->post('/data/add-bundle.json', { payload => $bundle })->{status}, 201, 'a client uploads');
    my $after = page('/dashboard/');
    is($after->{sentence}{received}{count}, $before->{sentence}{received}{count} + 1, 'its participant has sent data');
    is($after->{arrivals}{points}, $before->{arrivals}{points} + 5, 'its points arrived');
    is($after->{arrivals}{bundles}, $before->{arrivals}{bundles} + 1, 'its upload arrived');
    my %at = map { $_->{at} => 1 } @{ $after->{arrivals}{rows} };
    is(scalar(grep { /^\d{4}-\d\d-\d\dT\d\d:00:00Z\z/ } keys %at), 48, 'each of the 48 hours is told from the others, also when clocks go back');
    my $points = page('/dashboard/participant?id=newcomer&tab=points');
    is(scalar(@{ $points->{rows} }), 5, 'its points can be looked at');
    is($points->{generator}, 'test', '... of the generator that came last');
    my $html = $browser->get('/dashboard/participant?id=newcomer&tab=points')->{content};
    unlike($html, qr{</script><b>}, 'text of a device is no markup');
    like($html, qr{&lt;/script&gt;&lt;b&gt;}, '... but can be read');
    # What is counted over all participants is shared between pages for a little while.
    my $test = wait_until {
        my ($found) = grep { $_->{generator} eq 'test' && $_->{sources} } @{ page('/dashboard/')->{generators} };
        $found;
    } 'the generator on the overview';
    is($test->{sources}, 1, 'its generator has one participant');
    is_deeply([ ids(page($test->{link})) ], ['newcomer'], '... and the number leads there');
    is(scalar(@{ page('/dashboard/participant?id=newcomer&tab=uploads')->{rows} }), 1, 'its upload is listed');
    is(page('/dashboard/participant?id=newcomer&tab=generators')->{rows}[0]{points}, 5, 'its generator is listed');
    is(page('/dashboard/participant?id=newcomer')->{completeness}{generators}[0]{cells}[-1]{class}, 'some',
        'the grid has an event today');
    is(scalar(@{ page('/dashboard/participant?id=newcomer&tab=day')->{day}{generators} }), 1, 'the day has its lane');
};

subtest 'one is not many' => sub {
    my $words = sub { return $browser->get($_[0])->{content} =~ s/<(script|style|title)\b.*?<\/\1>//gsr =~ s/<[^>]*>//gr =~ s/\s+/ /gr };
    like($words->('/dashboard/participants?q=newcomer'), qr/\b1 participant with these filters, 1 shown/, 'one participant');
    like($words->('/dashboard/participants?state=silent'), qr/\b3 participants with/, 'three participants');
    like($words->('/dashboard/unassigned?q=p99B'), qr/\b1 source, 1 shown/, 'one source');
    like($words->('/dashboard/'), qr/\b5 points in 1 upload in 48 hours/, 'one upload');
    like($words->('/dashboard/'), qr/\b2 unassigned: data arrive from ids that are on no list/, 'two ids');
    like(page('/dashboard/participant?id=newcomer')->{completeness}{generators}[0]{cells}[-1]{words}, qr/; 5 points in (?:1 hour|[2-9] hours)\z/, 'one hour');
    $pg->do("insert into quarantine (received, bundle_id, reason, raw) select received, id, 'bad-json', 'x' from bundle limit 1");
    like($words->('/dashboard/'), qr/\b1 piece of an upload went to quarantine within 24 hours: it is kept/, 'one piece');
    $pg->do("update source set study_id = 1 where identifier = 'p99B'; update source set completed = now() where identifier not in ('p1', 'newcomer')");
    like($words->('/dashboard/'), qr/\b1 unassigned: data arrive from an id that is on no list/, 'one id');
    like($words->('/dashboard/'), qr/\bThe one with a problem/, 'one problem');
    $pg->do("update source set completed = now() where identifier = 'p1'");
    like($words->('/dashboard/'), qr/\b1 of 1 participant sent data in the last 12 hours: everyone\./, 'one of one participant');
    $pg->do("update source set completed = null; update source set study_id = null where identifier = 'p99B'; delete from quarantine");
};

subtest 'a day counts only as far as it goes' => sub {
    # A participant that began today eight hours ago at most, and one that ended three days ago.
    $pg->do(<<'EOT');
insert into generator (identifier, label, kind) values ('steady', 'Steady', 'continuous'), ('nightly', 'Nightly', 'daily');
insert into source (identifier, name, study_id, added, completed) values
    ('fresh', '', 1, greatest(now() - interval '8 hours', date_trunc('day', now(), 'UTC')), null),
    ('ended', '', 1, now() - interval '5 days', now() - interval '3 days');
insert into source_day (source_id, generator_id, day, points, quarters)
select s.id, g.id, d.day, 5, repeat('1', 96)::bit(96)
  from source s cross join generator g cross join lateral (values ((now() at time zone 'UTC')::date - case s.identifier when 'ended' then 4 else 0 end)) d(day)
 where s.identifier in ('fresh', 'ended') and g.identifier = 'steady';
insert into source_day (source_id, generator_id, day, points)
select s.id, g.id, (now() at time zone 'UTC')::date - 1, 1 from source s, generator g where s.identifier = 'fresh' and g.identifier = 'nightly';
EOT
    my %row = map { $_->{generator} => $_ } @{ page('/dashboard/participant?id=fresh')->{completeness}{generators} };
    my $today = $row{steady}{cells}[-1];
    cmp_ok($today->{expected}, '<=', 8, 'of a day that is not over, or not all in the study, less is expected');
    is($today->{class}, 'full', '... and a full part of it is full');
    is($today->{basis}, 'part', '... as the cell says');
    is($row{nightly}{cells}[-1]{class}, 'blank', 'what comes once a day is not missing before the day is over');
    is($row{nightly}{cells}[-2]{ratio}, '1/1', '... and once is all of it');
    is($row{nightly}{cells}[-2]{expected}, undef, '... without hours that are expected');
    like($row{nightly}{cells}[-2]{words}, qr/: came, as once a day; 1 point in 0 hours\z/, '... in words, not so many of 24 hours');
    is($today->{ratio}, "24/$today->{expected}", 'hours are counted where hours are expected');
    is($row{nightly}{cells}[0]{ratio}, "\x{2013}", '... and nothing before the enrolment');
    my ($ended) = grep { $_->{identifier} eq 'ended' } @{ page('/dashboard/participants?q=ended')->{rows} };
    like($ended->{cells_words}, qr/^(?:\x{2013}, ){8}0, 24, 0(?:, \x{2013}){3}\z/, 'days before the enrolment and after the end are blank, not zero');
    is(scalar(@{ $ended->{cells} }), 3, '... and not drawn');
    my ($fresh) = grep { $_->{identifier} eq 'fresh' } @{ page('/dashboard/participants?q=fresh')->{rows} };
    is($fresh->{cells}[-1]{class}, 'full', 'today is judged by its hours so far in the list, too');
    $pg->do("delete from source_day where source_id in (select id from source where identifier in ('fresh', 'ended'));
             delete from source where identifier in ('fresh', 'ended')");
};

subtest 'all days' => sub {
    # Enrolled so many days ago, with data of another day.
    my %since = (begins => [ 0, 0 ], backlog => [ 60, 100 ], silent => [ 200, 5 ], year => [ 369, 369 ], longer => [ 500, 370 ], astray => [ 3, 20_000 ], ahead => [ 2, -9 ]);
    my %shown = (begins => 1, backlog => 101, silent => 201, year => 370, longer => 370, astray => 370, ahead => 3);
    for my $name (sort keys %since) {
        my ($added, $day) = @{ $since{$name} };
        $pg->do("insert into source (identifier, name, study_id, added) values ('all-$name', '', 1, now() - interval '$added days');
                 insert into source_day (source_id, generator_id, day, points, quarters)
                 select s.id, g.id, (now() at time zone 'UTC')::date - ($day), 5, B'1'::bit(96) from source s, generator g where s.identifier = 'all-$name' and g.identifier = 'steady'");
        my $grid = page("/dashboard/participant?id=all-$name&days=all")->{completeness};
        is(scalar(@{ $grid->{days} }), $shown{$name}, "$name: all days are from the enrolment or the first data on, up to a bound");
        is(scalar(@{ $grid->{generators}[0]{cells} }), $shown{$name}, '... with a cell each');
        is($grid->{cut} && $grid->{cut}{days}, $name =~ /longer|astray/ ? 370 : undef, '... and it is said when some are left out');
    }
    is(page('/dashboard/participant?id=all-longer&days=90')->{completeness}{cut}, undef, 'of a range that was chosen nothing is left out');
    for my $many ([ 100, 120 ], [ 200, 90 ]) {
        $pg->do("insert into generator (identifier, label) select 'all-' || n, '' from generate_series(1, $many->[0]) n on conflict do nothing;
                 insert into source_day (source_id, generator_id, day, points) select s.id, g.id, (now() at time zone 'UTC')::date, 1
                   from source s, generator g where s.identifier = 'all-year' and g.identifier like 'all-%' on conflict do nothing");
        $pg->do("delete from source_day where generator_id = (select id from generator where identifier = 'steady') and source_id = (select id from source where identifier = 'all-year')");
        is(page('/dashboard/participant?id=all-year&days=all')->{completeness}{cut}{days}, $many->[1], "... sooner where there are $many->[0] generators");
    }
    my $html = $browser->get('/dashboard/participant?id=all-longer&days=all')->{content};
    my $first = $pg->scalar("select (now() at time zone 'UTC')::date - 500");
    like($html, qr/Only the newest 370 days are shown. The first day, of the enrolment or of data, is $first\./, 'the page has it in words');
    like($html, qr{<a href="/dashboard/participant\?id=all-longer&amp;days=all" aria-current="true">all</a>}, '... and which range it is');
    like($html, qr{<a href="/dashboard/participant\?id=all-longer&amp;days=14">14</a>}, '... beside the others');
    is(scalar(@{ page('/dashboard/participant?id=all-longer&days=all')->{completeness}{totals} }), 30, 'the plot stays with thirty days');
    is($browser->get("/dashboard/participant?id=all-longer&days=$_")->{status}, 400, "\"$_\" is no number of days") for 'ALL', 'all%20', 'al', '-1', '1e3';
    is(page("/dashboard/participant?id=all-longer&days=$_")->{completeness}{days}[-14], page('/dashboard/participant?id=all-longer')->{completeness}{days}[0],
        "$_ days is no range of ours") for 0, 9999;
    is(page('/dashboard/system?days=all')->{health}{range}, '24 hours', 'nor is all of System');
    $pg->do("delete from source_day where source_id in (select id from source where identifier like 'all-%'); delete from source where identifier like 'all-%';
             delete from generator where identifier like 'all-%'");
};

subtest 'a week is seven days' => sub {
    # Each day another generator; in the week before another one, with a longer lag, and something of tomorrow.
    $pg->do(<<'EOT');
insert into generator (identifier, label) select 'weekly-' || n, '' from generate_series(0, 9) n;
insert into source (identifier, name, study_id, added) values ('weekly', '', 1, now() - interval '30 days');
insert into source_day (source_id, generator_id, day, points, quarters, lag_minute)
select s.id, g.id, (now() at time zone 'UTC')::date - n, 10, B'1'::bit(96), 10
  from generate_series(0, 6) n join generator g on g.identifier = 'weekly-' || n, source s where s.identifier = 'weekly';
insert into source_day (source_id, generator_id, day, points, quarters)
select s.id, g.id, (now() at time zone 'UTC')::date + n, 1000, repeat('1', 96)::bit(96)
  from (values (-8, 8), (1, 0)) v(n, g_n) join generator g on g.identifier = 'weekly-' || g_n, source s where s.identifier = 'weekly';
EOT
    my ($row) = @{ page('/dashboard/participants?q=weekly')->{rows} };
    is($row->{generators_7d}, 7, 'generators of the week are counted once each');
    is($row->{points_7d}, 70, '... with the points of those days');
    is($row->{lag}, 'minute', '... and their lag');
    is($row->{cells_words}, '0, 0, 0, 0, 0, 24, 0, 1, 1, 1, 1, 1, 1, 1', 'the cells have both weeks');
    my ($first) = grep { $_->{generator} eq 'weekly-0' } @{ page('/dashboard/participant?id=weekly&tab=generators')->{rows} };
    is($first->{hours_7d}, 1, 'what the device dates tomorrow is not of the last seven days');
    my $html = $browser->get('/dashboard/participants?q=weekly')->{content};
    like($html, qr{data-label="$_->[0]"><a href="/dashboard/participant\?id=weekly$_->[1]">$_->[2]</a>}, "$_->[0] is a link")
        for [ 'Points, 7 days', '', 70 ], [ 'Generators, 7 days', '&amp;tab=generators', 7 ], [ 'Points', '&amp;tab=generators', 0 ];
    like($browser->get('/dashboard/participant?id=weekly')->{content},
        qr{<dt>Points</dt><dd><a href="/dashboard/participant\?id=weekly&amp;tab=generators">0</a>}, '... also at the head of a participant');
    $pg->do("delete from source_day where source_id = (select id from source where identifier = 'weekly'); delete from source where identifier = 'weekly';
             delete from generator where identifier like 'weekly-%'");
};

subtest 'silence is judged by the server\'s clock' => sub {
    $pg->do("update source_status set last_created = now() + interval '2 days', last_received = now() - interval '49 hours' where source_id = 500");
    is((page('/dashboard/participant?id=p500'))->{participant}{state}{name}, 'silent', 'a clock two days ahead hides nothing');
    $pg->do("update source_status set last_created = now() - interval '9 days', last_received = now() where source_id = 500");
    is((page('/dashboard/participant?id=p500'))->{participant}{state}{name}, 'active', 'who sends a backlog is active');
};

subtest 'a required generator that stops makes its participants partial' => sub {
    $pg->do(<<'EOT');
insert into generator (identifier, label, kind) values ('battery', 'Battery', 'continuous');
insert into source_day (source_id, generator_id, day, points, last_received)
select s, g.id, current_date, 1, case when s = 600 then now() - interval '30 hours' else now() end
  from generate_series(1, 1004) s, generator g where g.identifier = 'battery';
insert into study_generator (study_id, generator_id) select 1, id from generator where identifier = 'battery';
EOT
    my $partial;
    wait_until(sub { $partial = page('/dashboard/participants?state=partial'); $partial->{total} });
    is_deeply([ ids($partial) ], ['p600'], 'the one who lacks it, and nobody else');
    my $page = page('/dashboard/');
    is(($page->{attention}[0])->{identifier}, 'p600', '... comes first of those who need attention');
    is_deeply([ map { "$_->{count} $_->{words}" } @{ $page->{sentence}{among} } ], ['1 partial'], '... is among those who sent');
    is(scalar(grep { $_->{words} eq 'partial' } @{ $page->{sentence}{others} }), 0, '... and not among those who did not');
    like($browser->get('/dashboard/')->{content} =~ s/<[^>]*>//gr =~ s/\s+/ /gr, qr/ in the last 12 hours \(1 partial\); /, '... as the sentence says');
    $pg->do('delete from study_generator');
    wait_until(sub { !page('/dashboard/participants?state=partial')->{total} });
};

subtest 'lists can be walked in any order' => sub {
    my $page = page('/dashboard/participants?limit=25');
    is($page->{total}, 1001, 'everybody is there');
    for my $column (grep { $_->{link} } @{ $page->{table}{columns} }) {
        for my $sort ($column->{key}, "-$column->{key}") {
            my @there = walk("/dashboard/participants?group=one&sort=$sort&limit=100", 'next');
            my %seen  = map { $_ => 1 } @there;
            is(scalar(@there) . ' ' . scalar(keys %seen), '334 334', "by $sort everybody comes once");
        }
    }
    my @there = walk('/dashboard/participants?sort=-points&limit=100', 'next');
    is($there[0], 'p997', 'the greatest number comes first');
    my $last = page('/dashboard/participants?sort=-points&limit=100&after=1:0000000000000000010');
    my @back = walk($last->{table}{previous}, 'previous');
    is_deeply([ reverse @back ], [ @there[ 0 .. $#back ] ], 'the way back shows the same rows in the same order');
    is(scalar(@{ page('/dashboard/participants?limit=25')->{rows} }), 25, 'a page has the rows that were asked for');
    $page = page('/dashboard/participants?q=PERSON&group=one&limit=250');
    is($page->{total}, 34, 'search and filter work together');
    is(scalar(@{ $page->{table}{chips} }), 2, '... and each has a chip that removes it');
    is(page($page->{table}{chips}[0]{link})->{total}, 334, 'removing the search leaves the group');
    is(page('/dashboard/participants?group=-')->{total}, 334, 'those without a group can be listed');
    is(page('/dashboard/participants?q=%25')->{total}, 0, 'a percent sign is a percent sign');
    for my $bad ('state=asleep', 'sort=password', 'after=x', 'after=1', 'limit=many') {
        is($browser->get("/dashboard/participants?$bad")->{status}, 400, "$bad is refused");
    }
    for my $bad ('tab=day&day=2026-99-99', 'tab=uploads&after=1:sometime', 'tab=points&after=1:x') {
        is($browser->get("/dashboard/participant?id=newcomer&$bad")->{status}, 400, "$bad is refused");
    }
    is($browser->get('/dashboard/participant?id=newcomer&tab=none')->{status}, 404, 'a tab that is none is not there');
};

subtest 'points are walked by their time' => sub {
    my $answer = page('/dashboard/participant?id=newcomer&tab=points&generator=test');
    my @all    = map { $_->{digest} } @{ $answer->{rows} };
    my $third  = "$answer->{rows}[2]{id}:$answer->{rows}[2]{key}" =~ s/([^\w.~-])/sprintf('%%%02X', ord $1)/ger;
    is_deeply([ map { $_->{digest} } @{ page("/dashboard/participant?id=newcomer&tab=points&generator=test&after=$third")->{rows} } ],
        [ @all[ 3, 4 ] ], 'older ones follow');
    is_deeply([ map { $_->{digest} } @{ page("/dashboard/participant?id=newcomer&tab=points&generator=test&before=$third")->{rows} } ],
        [ @all[ 0, 1 ] ], 'newer ones come before');
};

subtest 'tables can be downloaded' => sub {
    $pg->do(q{update source set name = '=HYPERLINK("x")' where identifier = 'p20'});
    my $answer = $browser->get('/dashboard/participants.csv?group=two');
    is($answer->{status}, 200, 'participants as CSV');
    like($answer->{headers}{'content-type'}, qr{^text/csv}, '... say so');
    my @lines = split(/\r\n/, $answer->{content});
    is(scalar(@lines), 1 + 333, '... with the same filter and all rows');
    like($lines[0], qr/^id,name,group,state,/, '... begin with the names of the columns');
    is(scalar(grep { /^p20,"'=HYPERLINK\(""x""\)",two,/ } @lines), 1, 'a formula is only text');
    is($browser->get('/dashboard/overview.csv')->{status}, 404, 'a page without table has no CSV');
};

subtest 'ids on no list are seen, not made participants' => sub {
    my $page = page('/dashboard/unassigned');
    my ($near) = grep { $_->{identifier} eq 'p99B' } @{ $page->{rows} };
    like($near->{match}{identifier}, qr/^p99[89]$/, 'the nearest listed id that never started is proposed');
    $pg->do("insert into source (identifier, name) values ('q99C', ''), ('Pers0n-7O1', '');
             insert into source (identifier, name, study_id) values ('Person-701', '', 1)");
    my %match = map { $_->{identifier} => $_->{match}{identifier} } @{ page('/dashboard/unassigned')->{rows} };
    is($match{'q99C'}, undef, 'of several that are two letters off none is');
    is($match{'Pers0n-7O1'}, 'Person-701', '... but the only one');
    $pg->do("delete from source where identifier in ('q99C', 'Pers0n-7O1', 'Person-701')");
    my $html = $browser->get('/dashboard/unassigned')->{content};
    unlike($html, qr/<script>alert/, 'an id is no script');
    is($browser->get('/dashboard/participant?id=nobody')->{status}, 404, 'an unknown id is not there');
    is($pg->scalar("select count(*) from source where identifier = 'nobody'"), 0, '... and looking does not make it');
};

subtest 'nothing is loaded from elsewhere' => sub {
    for my $path ('/', '/participants', '/unassigned', '/participant?id=newcomer') {
        my $html = $browser->get("/dashboard$path")->{content};
        is_deeply([ grep { !m{^(?:/dashboard/|\#)} } $html =~ /(?:href|src|action|hx-get)="([^"]*)"/g ], [], "$path links only to our own");
        unlike($html, qr/\{\{|\}\}/, '... and no tag is left over');
    }
};

subtest 'names of states are the same everywhere' => sub {
    my $words = slurp(srcdir() . '/lib/wm_page_int.h');
    my ($rows) = $words =~ /#define WM_STATES\(X\)(.*?)\n\n/s;
    my @states = $rows =~ /X\("(\w+)"/g;
    is(scalar(@states), 12, 'there are twelve states');
    is_deeply([ $pg->list('select state_rank(s) from unnest($1::text[]) s', '{' . join(',', @states) . '}') ], [ 1 .. 12 ],
        'C and SQL have the same, in the same order');
};

$httpd->log_ok;
done_testing();
