#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The time zone of a page's address: which names are taken, that all local times follow it and nothing else does, and
# that every link, form and redirect carries it on.
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
my $password = people($pg, alice => 'manager', adam => 'administrator');
$pg->do('select partitions_ahead(1, 1)');

# Whose names say when they were last heard of, around the hours at which clocks change in New York.
my %heard = (
    'before-spring' => '2026-03-08T06:59:00Z', 'behind-spring' => '2026-03-08T07:00:00Z',
    'first-autumn'  => '2026-11-01T05:30:00Z', 'second-autumn' => '2026-11-01T06:30:00Z', 'new-year' => '2025-12-31T19:00:00Z',
);
$pg->do(<<'EOT');
update study set time_zone = 'America/Chicago' where is_default;
insert into study (slug, name, time_zone) values ('sleep', 'Sleep', 'UTC');
insert into source (identifier, name, study_id, added) select 'p' || n, '', 1, '2026-01-01' from generate_series(1, 60) n;
insert into source (identifier, name) values ('nobody-knows', '');
insert into generator (identifier, label) values ('g', 'g');
insert into destination (name, kind) values ('Shelf', 'local');
insert into schedule (name, every, built_in, next_due) values ('partitions', '1 day', true, '2026-03-08T07:00:00Z');
insert into schedule (name, what, study_id, daily_at, time_zone, next_due) values ('export-nightly', 'study 1', 1, '00:30', 'Europe/Vienna', '2026-03-08T07:00:00Z');
insert into health_sample (span, at, taken, state, facts, checks) select 'minute', at, at, 'ok', '{}', '[]' from date_trunc('minute', now()) as at;
insert into alert (check_name, source_id, study_id, level, opened, last_seen) select 'clock-wrong', id, study_id, 'warning', '2026-03-08T07:00:00Z', now()
  from source where identifier in ('p1', 'p2');
insert into job (name, state, finished) values ('partitions', 'done', '2026-03-08T07:00:00Z');
insert into export (study_id, purpose, definition, state, finished, expires) values (1, 'x', '{"study": 1, "types": ["pdk-user"], "clock": "created", "zone": "Asia/Tokyo", "sensitive": false}',
    'ready', '2026-03-08T07:00:00Z', now() + interval '1 day');
EOT
for my $name (keys %heard) {
    $pg->do('insert into source (identifier, name, study_id, added) values ($1, $1, 1, $2)', $name, '2025-01-01');
    $pg->do('insert into source_status (source_id, last_received, points) select id, $2, 1 from source where identifier = $1', $name, $heard{$name});
}
my $httpd = WmTest::Httpd->start(pg => $pg);
is($httpd->post('/data/add-bundle.json', { payload => json([ map { { n => $_, 'passive-data-metadata' => { source => 'p1', generator => 'g: a/1',
    'generator-id' => 'g', timestamp => time - $_ } } } 1 .. 60 ]) })->{status}, 201, 'somebody sends data');
my $alice = WmTest::Browser->signed_in($httpd, 'alice', $password);
my $adam  = WmTest::Browser->signed_in($httpd, 'adam', $password);
my $token = WmTest::Browser::token($alice->get('/dashboard/'));
my $kolkata = 'zone=Asia%2FKolkata';

sub page
{
    my ($path) = @_;
    my $answer = $alice->get($path =~ m{^/} ? $path : "/dashboard/$path", { accept => 'application/json' });
    is($answer->{status}, 200, "$path answers") or diag($answer->{content});
    return $answer->{status} == 200 ? from_json($answer->{content}) : {};
}

sub words { return $_[0] =~ s/<[^>]*>/ /gr =~ s/\s+/ /gr }

# When each of %heard was last heard of, by a clock.
sub by_clock
{
    my ($zone) = @_;
    return { map { $_->{identifier} => $_->{received}{local} } grep { $heard{ $_->{identifier} } } @{ page("participants?limit=250$zone")->{rows} } };
}

subtest 'times follow the address' => sub {
    is(by_clock('')->{'new-year'}, '2025-12-31 13:00', 'without a zone times are in that of the study');
    is_deeply(by_clock('&zone=America/New_York'), { 'before-spring' => '2026-03-08 01:59', 'behind-spring' => '2026-03-08 03:00',
        'first-autumn' => '2026-11-01 01:30', 'second-autumn' => '2026-11-01 01:30', 'new-year' => '2025-12-31 14:00' },
        'with one in that, on either side of the hour that clocks leave out, and in the one that they repeat');
    is_deeply(by_clock("&$kolkata"), { 'before-spring' => '2026-03-08 12:29', 'behind-spring' => '2026-03-08 12:30',
        'first-autumn' => '2026-11-01 11:00', 'second-autumn' => '2026-11-01 12:00', 'new-year' => '2026-01-01 00:30' },
        '... also where a zone has half an hour, and the day is another one');
    is(by_clock('&zone=UTC')->{'new-year'}, '2025-12-31 19:00', 'UTC is one');
    my ($row) = grep { $_->{identifier} eq 'new-year' } @{ page("participants?limit=250&$kolkata")->{rows} };
    is_deeply([ @{ $row->{received} }{qw(at epoch)} ], [ '2025-12-31T19:00:00.000Z', 1767207600 ], 'a moment is the same one');
    my $html = $alice->get("/dashboard/participants?limit=250&$kolkata")->{content};
    like($html, qr{<time datetime="2025-12-31T19:00:00.000Z" title="2026-01-01 00:30">}, '... which the page says beside its age');
    like(words($html), qr/Numbers of [-0-9]{10} \d\d:\d\d , times in Asia\/Kolkata, chosen here; the study’s is America\/Chicago/, 'the footer says which zone, and whose');
    like(words($alice->get('/dashboard/participants')->{content}), qr/times in America\/Chicago, the study’s time zone/, '... and that of the study is called so');
    is_deeply(page("participants?$kolkata")->{times}, { zone => 'Asia/Kolkata', own => JSON::PP::false() }, '... in JSON, too');
    my $csv = sub { return $alice->get("/dashboard/participants.csv?sort=identifier$_[0]")->{content} };
    is($csv->("&$kolkata"), $csv->(''), 'a table to download has moments, which are the same in each');
};

subtest 'each page follows it' => sub {
    my $at = '2026-03-08 12:30';
    my ($arrivals, $own);
    for (1, 2) { # an hour may end between them
        ($arrivals, $own) = map { page($_)->{arrivals}{rows} } "?$kolkata", '';
        last if $own->[-1]{at} eq $arrivals->[-1]{at};
    }
    is(scalar(grep { $_->{hour} =~ /:30\z/ && $_->{at} =~ /:00:00Z\z/ } @$arrivals), 48, 'the hours of the arrivals begin at half past');
    is($own->[-1]{at}, $arrivals->[-1]{at}, '... and are the same hours');
    like(words($alice->get("/dashboard/?$kolkata")->{content}), qr/Hours by the clock of Asia\/Kolkata;/, '... as their caption says');
    my $system = page("system?$kolkata");
    like($system->{health}{rows}[0]{local}, qr/:[0-5]0\z/, 'the plots of System have local times');
    isnt($system->{health}{rows}[0]{local}, page('system')->{health}{rows}[0]{local}, '... of the zone');
    is($system->{schedules}[1]{next_due}{local}, $at, 'so have its schedules');
    like($system->{schedules}[0]{rhythm} . $system->{schedules}[1]{rhythm}, qr/at 00:30 Europe\/Vienna/, '... but what is due by a clock is by its own');
    is(page("jobs/1?$kolkata")->{job}{finished}{local}, $at, 'a job');
    is(page("exports?$kolkata&who=all")->{rows}[0]{finished}{local}, $at, 'exports');
    my $export = page("exports/1?$kolkata")->{export};
    is($export->{finished}{local}, $at, 'one export');
    is($export->{zone}, 'Asia/Tokyo', '... whose definition keeps its own');
    is(page("alerts?$kolkata")->{rows}[0]{opened}{local}, $at, 'alerts');
    like(page("unassigned?$kolkata")->{rows}[0]{first}{local}, qr/^\d{4}-/, 'unassigned sources');
    my $person = page("participant?id=new-year&$kolkata")->{participant};
    is($person->{received}{local}, '2026-01-01 00:30', 'a participant');
    like($person->{reason}, qr/no data since 2026-01-01 00:30/, '... in words');
    my %local = map { my $tab = $_; my ($here, $there) = map { page("participant?id=p1&tab=$tab&$_")->{rows}[0] } $kolkata, 'zone=UTC';
        my ($key) = grep { $here->{$_} } qw(created received); $tab => [ map { $_->{$key}{exact} } $here, $there ] } qw(generators uploads points);
    for my $tab (sort keys %local) {
        my ($here, $there) = map { my @t = /(\d+)/g; $pg->scalar("select extract(epoch from make_timestamp($t[0], $t[1], $t[2], $t[3], $t[4], $t[5]))::bigint") } @{ $local{$tab} };
        is($here - $there, 19800, "... its $tab, five hours and a half from UTC");
    }
    for my $path ('participant?id=p1', 'participant?id=p1&tab=day') {
        my ($here, $there) = map { page("$path&$_") } $kolkata, 'zone=America/New_York';
        is_deeply([ map { $_->{completeness}{days} // $_->{day}{generators}[0]{first} } $here ], [ map { $_->{completeness}{days} // $_->{day}{generators}[0]{first} } $there ],
            "days of the rollups stay in UTC: $path");
    }
};

subtest 'names' => sub {
    is(page("participants?zone=$_->[0]")->{times}{zone}, $_->[1], "\"$_->[0]\" is $_->[1]")
        for [ 'asia/kolkata', 'Asia/Kolkata' ], [ 'AMERICA/ARGENTINA/COMODRIVADAVIA', 'America/Argentina/ComodRivadavia' ], [ 'utc', 'UTC' ], [ 'Etc/GMT%2B5', 'Etc/GMT+5' ],
        [ '', 'America/Chicago' ], [ 'america/chicago', 'America/Chicago' ];
    like(page('participants?zone=asia/kolkata&sort=state')->{links}{self}, qr/\Q$kolkata\E/, 'links have the name as it is written');
    ok(page('participants?zone=america/chicago')->{times}{own}, 'the study\'s is its own also when it is named');
    for my $bad ('Mars/Olympus', 'x', 'FOO5', 'FOO%2B5BAR', '%2B05:30', '-8', 'PDT', 'America', 'America/', '/America/Chicago', '../../etc/passwd', 'America/../UTC', 
        "UTC'%20or%20''='", '%3Cscript%3E', '%C3%A9', '%E2%80%AE', 'UTC%20', '%25', '_TC', 'x' x 65, 'x' x 1500, 'x' x 5000, '%C3%A9' x 32) {
        for my $path ('', 'participants.json', 'participants.csv', 'exports/1', 'system') {
            my $answer = $alice->get("/dashboard/$path?zone=$bad");
            is($answer->{status}, 400, substr("no zone: $path $bad", 0, 60)) or next;
            next if length $bad > 1000;
            like($answer->{content}, qr/There is no such time zone\. Names look like America\/New_York/, '... and what one looks like is said');
            unlike($answer->{content}, qr/<script>|zone=/, '... without handing it on');
        }
    }
    is($alice->get("/dashboard/participants?zone=$_")->{status}, 200, "bytes that are no text are no argument: $_") for "%ff", "UTC%00";
    is(page("participants?zone=x&$kolkata")->{times}{zone}, 'Asia/Kolkata', 'of two the last one counts');
    like(WmTest::Browser->new($httpd)->get("/dashboard/participants?$kolkata")->{headers}{location},
        qr{^/dashboard/sign-in\?next=%2Fdashboard%2Fparticipants%3Fzone%3DAsia%252FKolkata$}i, 'who has to sign in comes back to it');
};

subtest 'everything carries it on' => sub {
    my @todo = ("/dashboard/?$kolkata", "/dashboard/participants?$kolkata&study=sleep");
    my (%seen, %lost, @wrong);
    while (@todo && keys %seen < 300) {
        my $path = shift @todo;
        next if $seen{$path}++;
        my $answer = $adam->get($path);
        push @wrong, "$answer->{status} $path" if $answer->{status} != 200 && $answer->{status} != 403;
        next unless header($answer, 'content-type') =~ m{text/html} && $answer->{status} == 200;
        # The choice itself leads to other zones.
        my $html = $answer->{content} =~ s{<details class="zone">.*?</details>}{}sr;
        my @links = grep { !m{/assets/|/sign-out$} } map { s/&amp;/&/gr =~ s/#.*//r } grep { m{^/} } $html =~ /\s(?:href|hx-get)="([^"#]*)/g;
        $lost{"$_ of $path"} = 1 for grep { !/[?&]\Q$kolkata\E(?:&|$)/ } @links;
        while ($html =~ m{<form\b([^>]*)>(.*?)</form>}gs) {
            my ($form, $inside) = ($1, $2);
            next if $form =~ m{/sign-out"};
            $lost{"<form$form> of $path"} = 1
                unless $form =~ /\?(?:study=\w+&amp;)?\Q$kolkata\E"/ || $inside =~ /name="zone" value="Asia\/Kolkata"|name="back" value="[^"]*\Q$kolkata\E/;
        }
        push @todo, @links;
    }
    cmp_ok(scalar keys %seen, '>', 100, 'the pages are full of links');
    is_deeply(\@wrong, [], '... and each answers');
    is_deeply([ sort keys %lost ], [], '... in the same zone, as every form does');
    my (%found, $link) = ();
    for ($link = "/dashboard/participants?limit=25&$kolkata"; $link; ) {
        my $page = page($link);
        is($page->{times}{zone}, 'Asia/Kolkata', 'a page of the list');
        $found{ $_->{identifier} }++ for @{ $page->{rows} };
        $link = $page->{table}{next};
    }
    is(scalar(keys %found), 60 + keys %heard, '... of which all together have everybody');
};

subtest 'what changes something leads back to it' => sub {
    my %next = ("schedules/2/run" => 'system', "destinations/1/test" => 'destinations', "exports/1/repeat" => 'exports/2');
    for my $path (sort keys %next) {
        my $answer = $alice->post("/dashboard/$path?$kolkata&study=sleep", { csrf => $token });
        is_deeply([ $answer->{status}, $answer->{headers}{location} ], [ 303, "/dashboard/$next{$path}?study=sleep&$kolkata" ], $path);
    }
    my $id = $pg->scalar("select id from source where identifier = 'p2'");
    my $answer = $alice->post("/dashboard/participants/$id/exclude?$kolkata", { csrf => $token, reason => 'x' });
    is($answer->{headers}{location}, "/dashboard/participant?$kolkata&id-number=$id", 'a form of a participant');
    $answer = $alice->post('/dashboard/schedules/2/run?zone=' . 'x' x 5000, { csrf => $token });
    is_deeply([ $answer->{status}, $answer->{headers}{location} ], [ 303, '/dashboard/system' ], 'an endless one is not carried on');

    my $form = $alice->get("/dashboard/exports/new?$kolkata")->{content};
    like($form, qr/name="zone" value="America\/Chicago"/, 'the form of exports proposes the zone of the study');
    my ($action) = $form =~ m{<form class="steps" method="post" action="([^"]*)"};
    my %field = (csrf => $token, purpose => 'x', 'type-pdk-user' => 'on', zone => 'Europe/Vienna');
    like(words($alice->post($action, { %field, do => 'check' })->{content}), qr/times in Asia\/Kolkata/, '... and is shown again in that of the page');
    is($alice->post('/dashboard/exports?zone=Mars', { %field, do => 'check' })->{status}, 400, '... which must be one');
    $answer = $alice->post($action, { %field, do => 'start' });
    like($answer->{headers}{location}, qr{^/dashboard/exports/\d+\?\Q$kolkata\E$}, 'a new export is shown in it');
    is(page($answer->{headers}{location})->{export}{zone}, 'Europe/Vienna', '... and is made in the one that the form says');
};

subtest 'the choice' => sub {
    my $choice = sub { my ($html) = $alice->get("/dashboard/$_[0]")->{content} =~ m{<details class="zone">(.*?)</details>}s; return $html =~ s/&amp;/&/gr };
    my $html = $choice->("participants?q=p&limit=25&$kolkata");
    like(words($html), qr/^ ?Times in Asia\/Kolkata America\/Chicago the study’s UTC Asia\/Kolkata Another/, 'the zone of the study, UTC, and the one in use');
    is_deeply([ $html =~ /href="([^"]*)"/g ], [ map { "/dashboard/participants?${_}q=p&limit=25" } '', 'zone=UTC&', "$kolkata&" ], '... each with the rest of the address');
    is(scalar(() = $html =~ /aria-current="true">Asia\/Kolkata</g), 1, '... of which one is marked');
    is_deeply([ $html =~ /type="hidden" name="([^"]*)" value="([^"]*)"/g ], [ q => 'p', limit => 25 ], 'the form for another one keeps it, too');
    my $page = page('participants?limit=25');
    my ($after) = $page->{table}{next} =~ /after=([^&]*)/;
    like($choice->("participants?limit=25&after=$after"), qr/href="[^"]*zone=UTC&after=\Q$after\E&limit=25"/, 'it keeps the place in a list');
    like($choice->("exports/1?$kolkata"), qr{action="/dashboard/exports/1"}, '... and the number of a page');
    unlike(words($choice->('participants?study=sleep')), qr/UTC the study’s UTC/, 'a study in UTC has one choice less');
    like($choice->('?study=sleep&zone=utc'), qr/href="\/dashboard\/\?study=sleep" data-zone="UTC" aria-current/, '... which is the current one');
    unlike($alice->get('/dashboard/nothing')->{content}, qr/<details class="zone">/, 'a page without times has no choice');
    like($alice->get("/dashboard/participants?$kolkata")->{content}, qr{href="/dashboard/participants\?$kolkata&amp;study=sleep"}, 'another study is shown in the same zone');
};

$httpd->log_ok;
done_testing();
