#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Several studies on one server: whoever has a role in one sees that one, and nothing of the others.
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
my $password = people($pg, alice => 'manager', ann => undef, bob => undef, carl => undef, audrey => undef);
$pg->do(<<'EOT');
insert into study (slug, name, time_zone) values ('sleep', 'Sleep <study>', 'Europe/Vienna');
insert into source_group (study_id, name) values (1, 'ours'), (2, 'theirs');
insert into source (identifier, name, study_id, group_id) select 'd' || n, 'd' || n, 1, 1 from generate_series(1, 3) n;
insert into source (identifier, name, study_id, group_id) select 's' || n, 's' || n, 2, 2 from generate_series(1, 4) n;
insert into source (identifier, name) values ('d1x', 'd1x');
insert into source (identifier, name, study_id, merged_into) select 'was-s1', '', 2, id from source where identifier = 's1';
EOT
for my $role ([ ann => 'analyst', 'default' ], [ bob => 'analyst', 'sleep' ], [ carl => 'viewer', 'default' ], [ carl => 'analyst', 'sleep' ],
    [ audrey => 'auditor', 'sleep' ]) {
    is(webmunkd($pg, 'account', 'grant', $role->[0], '--role', $role->[1], '--study', $role->[2])->{code}, 0, "$role->[0] is $role->[1] of $role->[2]");
}
my $httpd = WmTest::Httpd->start(pg => $pg);
is($httpd->post('/data/add-bundle.json', { payload => json([ map { my $source = $_; map { { n => $_,
    'passive-data-metadata' => { source => $source, generator => 'g: a/1', 'generator-id' => 'g', timestamp => time - $_ } } } 1 .. 3 } qw(d1 s1) ]) })->{status},
    201, 'participants of both send data');
my %who = map { $_ => WmTest::Browser->signed_in($httpd, $_, $password) } qw(alice ann bob carl audrey);

sub page
{
    my ($name, $path) = @_;
    my $answer = $who{$name}->get("/dashboard/$path", { accept => 'application/json' });
    is($answer->{status}, 200, "$name sees /$path") or diag($answer->{content});
    return from_json($answer->{content});
}

sub ids { return join(' ', sort map { $_->{identifier} } @{ $_[0]{rows} }) }

subtest 'a role in one study' => sub {
    is(ids(page('ann', 'participants')), 'd1 d2 d3', 'shows its participants');
    is(ids(page('bob', 'participants')), 's1 s2 s3 s4', '... without naming it, where it is not the default one');
    is(page('bob', '')->{study}{slug}, 'sleep', '... and its overview');
    is(page('bob', '')->{sentence}{received}{count}, 1, '... with its numbers');
    for my $path ('', 'participants', 'participants.csv', 'alerts', 'exports/new', 'unassigned') {
        is($who{bob}->get("/dashboard/$path?study=default")->{status}, 404, "no other study is there: /$path");
        is($who{bob}->get("/dashboard/$path?study=none")->{status}, 404, '... nor one that does not exist');
    }
    my $d1 = $pg->scalar("select id from source where identifier = 'd1'");
    for my $tab ('', '&tab=generators', '&tab=uploads', '&tab=points', '&study=sleep') {
        is($who{bob}->get("/dashboard/participant?$_$tab")->{status}, 404, "nor anybody of another study: $_$tab") for 'id=d1', "id-number=$d1";
    }
    is(page('ann', 'participant?id=d1&tab=points')->{generator}, 'g', 'what participants of the study sent is there');
    is(page('bob', 'participant?id=was-s1')->{participant}{identifier}, 's1', '... also by an id that was merged');
    my $form = $who{bob}->get('/dashboard/exports/new')->{content};
    like($form, qr/Group theirs, 4 participants/, 'the form of exports has its groups');
    unlike($form, qr/Group ours/, '... and no others');
    my %field = (csrf => WmTest::Browser::token($who{bob}->get('/dashboard/')), do => 'check', 'type-webmunk-extension-scroll-position' => 'on');
    like($who{bob}->post('/dashboard/exports', \%field)->{content} =~ s/<[^>]*>//gr, qr/ of 4 participants with data/, '... and counts its participants');
    is($who{bob}->post('/dashboard/exports', { %field, study => 'default' })->{status}, 404, '... whatever the form says');
    my $id = $pg->scalar(q{insert into export (study_id, purpose, definition, state) values (2, 'x', '{"study": 2, "types": ["pdk-user"], "sources": ["s1"], "sensitive": false}', 'failed') returning id});
    is($who{alice}->get("/dashboard/exports/new?copy=$id")->{status}, 404, 'an export is not taken over into another study');
    like($who{alice}->get("/dashboard/exports/new?copy=$id&study=sleep")->{content}, qr/>s1\n<\/textarea>/, '... but in its own');
    my ($row) = map { $_->{match}{identifier} } @{ page('ann', 'unassigned')->{rows} };
    is($row, undef, 'who has sent already is no match for an unassigned id');
    $pg->do("insert into source (identifier, name, study_id) values ('d1y', '', 2)");
    is(page('ann', 'unassigned')->{rows}[0]{match}, undef, '... nor is who waits in another study');
    is(page('bob', 'unassigned')->{rows}[0]{match}{identifier}, 'd1y', '... but in the own one');
    $pg->do("delete from source where identifier = 'd1y'");
};

subtest 'two roles' => sub {
    is(page('carl', 'participants')->{study}{slug}, 'default', 'the default study comes first');
    is(page('carl', 'participants?study=sleep')->{study}{slug}, 'sleep', 'the other one has a name');
    is($who{carl}->get('/dashboard/participant?id=d1&tab=points')->{status}, 403, 'a viewer of one does not see what its participants sent');
    unlike($who{carl}->get('/dashboard/participant?id=d1')->{content}, qr/tab=points/, '... nor a link to it');
    is(page('carl', 'participant?id=s1&tab=points')->{generator}, 'g', 'an analyst of the other does, there');
    is(page('carl', 'exports/new')->{study}{slug}, 'sleep', 'a page begins with the study in which one may use it');
    is($who{carl}->get('/dashboard/exports/new?study=default')->{status}, 403, '... and is refused in the other');
    is($who{audrey}->get('/dashboard/participants')->{status}, 403, 'an auditor of one sees no list');
    is(page('audrey', '')->{study}{slug}, 'sleep', '... but its counts');
    is_deeply(page('audrey', '')->{attention}, [], '... without names');
};

subtest 'the switch' => sub {
    my $html = $who{alice}->get('/dashboard/participants')->{content};
    like($html, qr{<details class="study">.*<a href="/dashboard/participants\?study=default" aria-current="true">Default study</a>.*<a href="/dashboard/participants\?study=sleep">Sleep &lt;study&gt;</a>}s,
        'who may see several studies chooses');
    unlike($who{bob}->get('/dashboard/participants')->{content}, qr/<details class="study">/, 'who may see one does not');
    my $page = $who{alice}->get('/dashboard/participants?study=sleep&limit=25');
    like($page->{content}, qr{<a href="/dashboard/alerts\?study=sleep">Alerts</a>}, 'the navigation stays in the study');
    like($page->{content}, qr{<input type="hidden" name="study" value="sleep">\s*<label class="hidden" for="find">}, '... and so does the search');
    my $json = page('alice', 'participants?study=sleep');
    like($json->{table}{columns}[1]{link}, qr/study=sleep/, '... sorting');
    like($json->{links}{csv}, qr/study=sleep/, '... and downloads');
    is(scalar(() = $who{alice}->get($json->{links}{csv})->{content} =~ /^s\d,/mg), 4, '... which have its participants');
    is(page('alice', 'participants?study=default')->{table}{columns}[1]{link}, '/dashboard/participants?sort=state', 'the default study needs no name');
    $pg->do("insert into alert (check_name, source_id, study_id, level, opened, last_seen) select 'clock-wrong', id, study_id, 'warning', now(), now() from source where identifier in ('d1', 's1')");
    my ($theirs) = grep { $_->{participant}{identifier} eq 's1' } @{ page('alice', 'alerts')->{rows} };
    is(page('alice', $theirs->{participant}{link} =~ s{^/dashboard/}{}r)->{study}{slug}, 'sleep', 'an alert about another study leads to its participant');
    like($who{alice}->get('/dashboard/')->{content}, qr{<a href="/dashboard/alerts\?level=warning">2 warnings</a>}, 'the overview counts the alerts that its link lists');
    like($who{ann}->get('/dashboard/')->{content}, qr{<a href="/dashboard/alerts\?level=warning">1 warning</a>}, '... for those who see fewer, too');
};

subtest 'exports of a study that is not the default one' => sub {
    my $account = $pg->scalar("select id from account where name = 'bob'");
    my $definition = '{"study": 2, "types": ["pdk-user"], "sources": ["s1"], "sensitive": false}';
    my ($ready, $running) = map { $pg->scalar('insert into export (study_id, requested_by, purpose, definition, state, expires) values (2, $1, $3, $4, $2, now() + $5) returning id',
        $account, $_, 'x', $definition, '1 day') } qw(ready running);
    my %row = map { $_->{number} => $_ } @{ page('bob', 'exports')->{rows} };
    is($row{$ready}{download}, "/dashboard/exports/$ready/download?study=sleep", 'the address of an archive');
    my $html = $who{bob}->get('/dashboard/exports')->{content};
    my ($token) = $html =~ /name="csrf" value="([^"]+)"/;
    for ([ $running, 'cancel' ], [ $ready, 'repeat' ], [ $ready, 'delete' ]) {
        my ($id, $what) = @$_;
        my ($action) = $html =~ m{action="([^"]*/${id}\b[^"]*${what}[^"]*)"};
        is($who{bob}->post($action, { csrf => $token })->{status}, 303, "the button to $what leads there") or diag($action);
    }
    is($pg->scalar('select string_agg(state, $1 order by id) from export where id in ($2, $3)', ' ', $ready, $running), 'ready cancelled', '... and does it');
    isnt($pg->scalar('select deleted from export where id = $1', $ready), undef, '... all of it');
};

subtest 'every link stays in sight' => sub {
    my @todo = ('/dashboard/');
    my (%seen, @wrong);
    while (@todo && keys %seen < 150) {
        my $path = shift @todo;
        next if $seen{$path}++;
        my $answer = $who{bob}->get($path);
        push @wrong, "$answer->{status} $path" if $answer->{status} != 200;
        push @wrong, "a name in $path" if $answer->{content} =~ /\bd[123]\b/;
        next unless header($answer, 'content-type') =~ m{text/html};
        push @todo, grep { m{^/dashboard/} && !m{/assets/|/sign-out} } map { s/&amp;/&/gr =~ s/#.*//r } $answer->{content} =~ /\shref="([^"]*)"/g;
    }
    cmp_ok(scalar keys %seen, '>', 40, 'there are many');
    is_deeply(\@wrong, [], '... and none is refused or names somebody of another study');
};

subtest 'the form of exports names participants' => sub {
    my $before = $pg->scalar('select count(*) from access_log');
    my $answer = $who{ann}->post('/dashboard/exports', { csrf => WmTest::Browser::token($who{ann}->get('/dashboard/exports/new')), do => 'check',
        'generator-' . $pg->scalar("select id from generator where identifier = 'g'") => 'on' });
    like($answer->{content} =~ s/<[^>]*>//gr, qr/2 without data in this range, for example: d2 d3/, 'it says who has no data');
    my ($row) = ($pg->rows('select * from access_log order by id'))[-1];
    like($who{ann}->post('/dashboard/exports', { csrf => WmTest::Browser::token($answer), do => 'check', 'type-pdk-device-battery' => 'on' })->{content}
        =~ s/<[^>]*>//gr, qr/3 without data in this range, for example: d1 d2 d3/, '... also of a type that nobody has ever sent');
    is($row->{action}, 'view-export-form', '... which is written down');
    is($row->{source_count}, 2, '... with whom');
};

$httpd->log_ok;
done_testing();
