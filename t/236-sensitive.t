#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Sensitive fields: who sees them on the pages, asks for them in an export and downloads such an export, and what the access log has.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Encode qw(decode_utf8 encode_utf8);
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
my $password = people($pg, ann => 'analyst', sarah => 'analyst', mia => 'manager', carl => 'coordinator', victor => 'viewer',
    adam => 'administrator', olga => 'administrator', otto => 'analyst');
$pg->do("insert into study (slug, name) values ('other', 'Other study')");

sub grant
{
    my ($name, @what) = @_;
    my $done = webmunkd($pg, qw(account grant), $name, @what);
    is($done->{code}, 0, "$name is granted @what") or diag($done->{err});
    return;
}
grant('sarah', qw(--right sensitive --study default));
grant('mia', qw(--right sensitive));
grant('carl', qw(--right sensitive));
grant('victor', qw(--right sensitive));
grant('olga', '--right', $_) for qw(records sensitive export);
grant('otto', qw(--right sensitive --study other));

# Everything that must stay hidden says hush; everything else that must stay says plain.
my $httpd = WmTest::Httpd->start(pg => $pg);
my $now   = time;

sub upload
{
    my ($source, @points) = @_;
    my $body = decode_utf8 json([ map { { %$_, 'passive-data-metadata' => { source => $source, generator => 't', 'generator-id' => $_->{of} // 'test', timestamp => $now-- } } } @points ]);
    my $deep = ('[' x 900) . join(',', ('"plain"') x 20_000) . (']' x 900);
    is($httpd->post('/data/add-bundle.json', { payload => $body =~ s/"DEEP"/$deep/r })->{status}, 201, "$source sends");
    return;
}
my $deep = 'hush deep';
$deep = ($_ % 2) ? [ 1, $deep ] : { "n$_" => $deep } for 1 .. 200;
upload('p1',
    { of => 'fields', 'url*' => 'https://example.com/hush', 'page-title*' => '<b>hush</b>', 'x!' => 'hush', '*' => 'hush alone', '!' => 'hush too', plain => 'plain first',
        "n\x{fa}meros*" => 'hush in another alphabet', 'quoted"*' => 'hush', 'back\\*' => 'hush', 'empty*' => '', 'null*' => undef },
    { of => 'nested', matches => [ { 'element-content*' => { html => 'hush', list => [ 'hush', { 'hush' => ['hush'] } ] }, rule => 'plain rule' }, [ { 'a*' => 3.25, b => 'plain b' } ] ],
        'list*' => [ 'hush', [ { hush => 'hush' } ], '}]"hush' ], zzz => 'plain last', 'deep*' => $deep },
    { of => 'looks', text => '"url*": "plain url"', 'star*s' => 'plain stars', array => [ 'plain*', 'url*": "plain', ': ', 'plain!' ], 'u*' => 'hush', 'url' => 'plain*' },
    { of => 'numbers', n => 1.50, big => 12345678901234567890, 'n*' => 98765, 'yes*' => JSON::PP::true(), no => JSON::PP::false(), "\x{e4}" => "\x{f6} plain" });
upload('large',
    { of => 'large', 'body*' => 'hush "\\' x 12_000, 'page-title' => 'plain behind', 'a-long-text' => 'plain ' x 3000, 'all-the-rest*' => 'hush' },
    { of => 'cut', map { ("key$_*" => "hush $_", "key$_" => 'plain') } 10 .. 400 },
    { of => 'huge', 'a*' => 'hush' x 3_000_000, z => 'plain' },
    { of => 'deep', v => 'DEEP', 'deep*' => 'hush' });
upload('pdk',
    { of => 'pdk-location', provider => 'plain gps', latitude => 98765, longitude => -98765, altitude => 98765 },
    { of => 'pdk-text-messages', direction => 'plain in', person => 'hush', address => 'hush', body => 'hush' },
    { of => 'pdk-phone-calls', type => 'plain missed', number => 'hush' },
    { of => 'pdk-web-visit', visitId => 'plain 7', url => 'https://hush/', host => 'hush', title => 'hush' },
    { of => 'pdk-geofences', fence_details => { name => 'plain home', center_latitude => 98765, center_longitude => 98765 } },
    { of => 'weather', summary => 'plain rain', station => { latitude => 98765, longitude => 98765 } });
upload('clean', { of => 'clean', plain => 'nothing to hide' });
upload('elsewhere', { of => 'fields', 'url*' => 'https://example.com/hush' });
$pg->do("update source set study_id = 1; update source set study_id = 2 where identifier = 'elsewhere'");

my %who = map { $_ => WmTest::Browser->signed_in($httpd, $_, $password) } qw(ann sarah mia carl victor adam olga otto);
my %token = map { $_ => WmTest::Browser::token($who{$_}->get('/dashboard/')) } keys %who;
sub points { my ($id, $generator, $more) = @_; return "participant?id=$id&tab=points&generator=$generator" . ($more // '') }
sub newest { return ($pg->rows('select * from access_log order by id'))[-1] }

# The page of a participant's points as HTML and as JSON, refused if it has what is hidden.
sub look
{
    my ($who, $address) = @_;
    my $html = $who{$who}->get("/dashboard/$address");
    my $json = $who{$who}->get('/dashboard/' . $address =~ s/\?/.json?/r);
    return ($html, $json->{status} == 200 ? from_json($json->{content}) : undef, $json);
}

subtest 'without the right' => sub {
    for my $name (qw(ann carl otto)) {
        for my $generator (qw(fields nested looks numbers)) {
            for my $show ('', '&show=sensitive') {
                my ($html, $page, $json) = look($name, points('p1', $generator, $show));
                is($html->{status}, 200, "$name sees the points of $generator$show");
                unlike($html->{content}, qr/hush|98765/, '... without what is sensitive');
                unlike($json->{content}, qr/hush|98765/, '... in JSON, too');
                like($html->{content}, qr/&quot;: &quot;\(hidden\)&quot;/, '... for which a mask stands');
                like($html->{content}, qr/are hidden\. Ask an administrator .*webmunkd account grant NAME --right sensitive</, '... with the way to the right');
                unlike($html->{content}, qr/show=sensitive">Show/, '... and no link to what is not for them');
                is(newest()->{action}, 'view-participant', '... and that is what the access log has');
            }
        }
    }
    my (undef, $page) = look('ann', points('p1', 'fields'));
    is_deeply([ @{ $page->{sensitive} }{qw(shown hidden link)} ], [ JSON::PP::false(), JSON::PP::true(), undef ], 'JSON says that something is hidden');
    my $document = from_json(encode_utf8($page->{rows}[0]{properties}));
    is($document->{plain}, 'plain first', 'other fields are there');
    is($document->{$_}, '(hidden)', "\"$_\" is masked") for 'url*', 'page-title*', 'x!', '*', '!', "n\x{fa}meros*", 'quoted"*', 'back\\*', 'empty*', 'null*';
    (undef, $page) = look('ann', points('p1', 'nested'));
    $document = from_json($page->{rows}[0]{properties});
    is_deeply($document->{matches}, [ { 'element-content*' => '(hidden)', rule => 'plain rule' }, [ { 'a*' => '(hidden)', b => 'plain b' } ] ], 'objects and arrays are masked whole, at any depth');
    is_deeply([ @$document{qw(list* deep* zzz)} ], [ '(hidden)', '(hidden)', 'plain last' ], '... and what follows them is there');
    (undef, $page) = look('ann', points('p1', 'looks'));
    $document = from_json($page->{rows}[0]{properties});
    delete @$document{qw(of passive-data-metadata)};
    is_deeply($document, { text => '"url*": "plain url"', 'star*s' => 'plain stars', array => [ 'plain*', 'url*": "plain', ': ', 'plain!' ], 'u*' => '(hidden)', url => 'plain*' },
        'what only looks like a sensitive field inside of a text stays');
    (undef, $page) = look('ann', points('p1', 'numbers'));
    like($page->{rows}[0]{properties}, qr/"n": 1\.5,\s+"n\*": "\(hidden\)",.*"big": 12345678901234567890,/s, 'numbers are as stored');
    for my $generator (qw(pdk-location pdk-text-messages pdk-phone-calls pdk-web-visit pdk-geofences weather)) {
        my (undef, undef, $json) = look('ann', points('pdk', $generator));
        unlike($json->{content}, qr/hush|98765/, "what $generator says without a mark is masked");
        like($json->{content}, qr/plain .*\(hidden\)|\(hidden\).*plain /s, '... and nothing else');
        (undef, undef, $json) = look('sarah', points('pdk', $generator, '&show=sensitive'));
        like($json->{content}, qr/hush|98765/, '... and shown to who may see it');
    }
    is($who{$_}->get('/dashboard/' . points('p1', 'fields'))->{status}, 403, "$_ does not get so far") for qw(victor adam);
    like($who{ann}->get('/dashboard/' . points('clean', 'clean'))->{content}, qr/nothing to hide/, 'where nothing is sensitive');
    unlike($who{ann}->get('/dashboard/' . points('clean', 'clean'))->{content}, qr/\(hidden\)|are hidden/, '... nothing is said');
    is($who{ann}->get('/dashboard/' . points('p1', 'fields', '&show=everything'))->{status}, 400, 'nothing else can be shown');
};

subtest 'large documents' => sub {
    my (undef, $page, $json) = look('ann', points('large', 'large'));
    unlike($json->{content}, qr/hush/, 'what is cut is masked before');
    like($page->{rows}[0]{properties}, qr/"body\*": "\(hidden\)",.*"page-title": "plain behind"/s, '... so that what comes behind a large field is seen');
    is(length $page->{rows}[0]{properties}, 4001, '... up to as many characters as before, and an ellipsis');
    is($page->{rows}[0]{cut}, JSON::PP::true(), '... and it is said to be the beginning');
    (undef, $page, $json) = look('ann', points('large', 'cut'));
    unlike($json->{content}, qr/hush/, 'nor does a cut between fields tell any');
    my $before = time;
    (undef, $page, $json) = look('ann', points('large', 'huge', '&limit=250'));
    unlike($json->{content}, qr/hush/, 'a field of 12 MB is not told');
    is_deeply([ @{ $page->{rows}[0] }{qw(cut)} ], [ JSON::PP::true() ], '... also where its end is not looked for');
    cmp_ok(length $json->{content}, '<', 20_000, '... in little');
    (undef, $page, $json) = look('ann', points('large', 'deep'));
    is($json->{status}, 200, 'deep documents are shown');
    (undef, undef, $json) = look('sarah', points('large', 'huge', '&show=sensitive'));
    like($json->{content}, qr/hushhush/, 'with the right its beginning can be seen');
    cmp_ok(length $json->{content}, '<', 20_000, '... in little');
};

subtest 'with the right' => sub {
    for my $name (qw(sarah mia olga)) {
        my ($html, $page) = look($name, points('p1', 'fields'));
        unlike($html->{content}, qr/hush/, "$name sees them hidden first");
        my ($link) = $html->{content} =~ /are hidden\. <a href="([^"]+)">Show them/;
        unlike($html->{content}, qr/Ask an administrator/, '... and need not ask');
        is($link =~ s/&amp;/&/gr, $page->{sensitive}{link}, '... with a link to them');
        my $rows = $pg->scalar('select count(*) from access_log');
        my $shown = $who{$name}->get($page->{sensitive}{link});
        like($shown->{content}, qr{are shown; the access log says so\. <a href="[^"]+">Hide them<.*https://example\.com/hush}s, '... which leads there, and back');
        unlike($shown->{content}, qr/<b>hush/, '... as text');
        is($pg->scalar('select count(*) from access_log'), $rows + 1, '... and is a row of the access log');
        my $row = newest();
        is_deeply([ @$row{qw(account action object source_count result)}, $row->{extent}{tab} ], [ $name, 'view-sensitive', 'participant', 1, 'ok', 'points' ], '... an action of its own');
        my ($hide) = $shown->{content} =~ /<a href="([^"]+)">Hide them/;
        unlike($who{$name}->get($hide =~ s/&amp;/&/gr)->{content}, qr/hush/, '... and hidden again');
        is(newest()->{action}, 'view-participant', '... is a common view');
    }
    my ($html, $page) = look('sarah', points('p1', 'fields', '&show=sensitive'));
    is($page->{rows}[0]{properties} =~ /"url\*": "https:\/\/example\.com\/hush"/ ? 'there' : 'not', 'there', 'JSON has them, too');
    is(newest()->{action}, 'view-sensitive', '... for the record');
    like($page->{links}{self}, qr/show=sensitive/, 'the address says so');
    unlike($_->{link}, qr/show=/, 'other tabs do not carry it on') for @{ $page->{tabs} };
    is($who{sarah}->get('/dashboard/' . points('p1', 'fields', '&show=sensitive'), { 'if-none-match' => $html->{headers}{etag} })->{status}, 304, 'what was shown is not sent again');
    my $hidden = $who{sarah}->get('/dashboard/' . points('p1', 'fields'));
    is($who{sarah}->get('/dashboard/' . points('p1', 'fields', '&show=sensitive'), { 'if-none-match' => $hidden->{headers}{etag} })->{status}, 200, '... but nobody who saw the mask has seen that');
    is($who{sarah}->get('/dashboard/' . points('elsewhere', 'fields'))->{status}, 200, 'an analyst of all studies sees the other');
    unlike($who{sarah}->get('/dashboard/' . points('elsewhere', 'fields', '&show=sensitive'))->{content}, qr/hush/, '... but has the right in one');
    unlike($who{sarah}->get('/dashboard/' . points('elsewhere', 'fields', '&show=sensitive&study=default'))->{content}, qr/hush/, '... whichever the address names');
    unlike($who{otto}->get('/dashboard/' . points('p1', 'fields', '&show=sensitive&study=other'))->{content}, qr/hush/, '... nor the other way round');
    like($who{otto}->get('/dashboard/' . points('elsewhere', 'fields', '&show=sensitive'))->{content}, qr/example\.com\/hush/, '... where it holds');
    $pg->do('alter function access_log_add rename to access_log_add_away');
    my $answer = $who{sarah}->get('/dashboard/' . points('p1', 'fields', '&show=sensitive'));
    is($answer->{status}, 500, 'no row, nothing shown');
    unlike($answer->{content}, qr/hush/, '... at all');
    $pg->do('alter function access_log_add_away rename to access_log_add');
};

my %asked = ('generator-' . $pg->scalar("select id from generator where identifier = 'fields'") => 'on', purpose => 'paper');
sub form { my ($who, %more) = @_; return $who{$who}->post('/dashboard/exports', { csrf => $token{$who}, %asked, %more }) }

sub send_json
{
    my ($who, %more) = @_;
    return $who{$who}->request('POST', '/dashboard/exports', { content => json({ types => ['fields'], purpose => 'a program', %more }), headers => {
        'content-type' => 'application/json', accept => 'application/json', 'x-webmunk-token' => $token{$who} } });
}
sub exports { return $pg->scalar('select count(*) from export') + $pg->scalar("select count(*) from job where name = 'export'") }

subtest 'asking for an export' => sub {
    like($who{$_}->get('/dashboard/exports/new')->{content}, qr/name="sensitive"/, "$_ can choose sensitive fields") for qw(sarah mia olga);
    for my $name (qw(ann otto)) {
        my $form = $who{$name}->get('/dashboard/exports/new');
        unlike($form->{content}, qr/name="sensitive"/, "$name has no box for them");
        like($form->{content}, qr/are left out: .* Ask an administrator/, '... but the reason');
        for my $do ([ do => 'start' ], [ do => 'check' ], [ do => 'start', purpose => '' ], [ do => 'start', from => 'x' ]) {
            my $answer = form($name, sensitive => 'on', @$do);
            is($answer->{status}, 403, "... and asking all the same is refused: @$do");
            like($answer->{content}, qr/may not see sensitive fields here.*|Ask an administrator for the right/s, '... in words');
        }
        for my $value (JSON::PP::true(), undef) {
            my $answer = send_json($name, sensitive => $value);
            is($answer->{status}, 403, '... as JSON, "sensitive": ' . json([$value]));
            is(from_json($answer->{content})->{detail}, 'Ask an administrator for the right to sensitive fields: webmunkd account grant NAME --right sensitive', '... with the remedy');
        }
    }
    is($who{sarah}->get('/dashboard/exports/new?study=other')->{content} =~ /name="sensitive"/ ? 1 : 0, 0, 'in another study the right is none');
    is(form('sarah', sensitive => 'on', study => 'other', do => 'start')->{status}, 403, '... also when it is asked for');
    is(send_json('sarah', sensitive => JSON::PP::true(), study => 2)->{status}, 403, '... as JSON');
    is(form($_, sensitive => 'on', do => 'start')->{status}, 403, "$_ may not export at all") for qw(carl victor adam);
    is(exports(), 0, 'nothing of that was made');
    is(form('ann', do => 'start')->{status}, 303, 'without them an analyst exports as ever');
    is(send_json('ann')->{status}, 201, '... as JSON');
    is(form('sarah', sensitive => 'on', do => 'check')->{status}, 200, 'with the right a check is made');
    is(form('sarah', sensitive => 'on', do => 'start')->{status}, 303, '... and the export');
    is(newest()->{extent}{sensitive}, JSON::PP::true(), '... for the record');
    is(send_json('olga', sensitive => JSON::PP::true())->{status}, 201, '... as JSON, by whom the right to export was granted');
};

my $archive = 'PK of an archive' x 1000;
my $folder  = $httpd->dir . '/exports';
mkdir $folder;
chmod 0755, $folder;
chmod 0644, spew("$folder/1.zip", $archive);

# A finished export; DEFINITION as JSON text has "sensitive" or not.
sub finished
{
    my ($sensitive, $study, %more) = @_;
    my $definition = json({ study => $study, types => ['fields'], clock => 'created', zone => 'UTC', format => 'tsv', archives => 'one', pseudonyms => '', newline => '', %$sensitive });
    return $pg->scalar('insert into export (study_id, requested_by, profile, purpose, definition, state, path, file_name, file_bytes, file_sha256, rows, bytes, finished, expires)
        values ($1, (select id from account where name = $2), $3, $4, $5, $6, $7, $7, 1, sha256($7), 1, 1, now(), now() + interval $8) returning id',
        $study, $more{by} // 'ann', $more{profile} // '', 'paper', $definition, 'ready', '1.zip', '7 days');
}

subtest 'an export that has them' => sub {
    my $with    = finished({ sensitive => JSON::PP::true() }, 1);
    my $nightly = finished({}, 1, by => undef, profile => 'nightly');
    my $without = finished({ sensitive => JSON::PP::false() }, 1);
    my $other   = finished({ sensitive => JSON::PP::true() }, 2);
    for my $name (qw(ann otto)) {
        for my $id ($with, $nightly) {
            my $rows   = $pg->scalar('select count(*) from access_log');
            for my $headers ({}, { range => 'bytes=0-3' }, { 'if-none-match' => '"' . sha256_hex('1.zip') . '"' }) {
                my $answer = $who{$name}->get("/dashboard/exports/$id/download", $headers);
                is($answer->{status}, 403, "$name does not get export $id");
                like($answer->{content}, qr/may not see sensitive fields here/, '... in words');
                like($answer->{content}, qr/Ask an administrator .*webmunkd account grant NAME --right sensitive/, '... with the remedy');
                unlike($answer->{content}, qr/PK of/, '... not a byte');
            }
            is($who{$name}->request('HEAD', "/dashboard/exports/$id/download")->{status}, 403, '... nor its size');
            is($pg->scalar('select count(*) from access_log'), $rows, '... so nobody has downloaded it');
            my $page = $who{$name}->get("/dashboard/exports/$id");
            unlike($page->{content}, qr{/download"}, 'its page has no button for that');
            like($page->{content}, qr/has sensitive fields, which your account may not see, so it cannot be downloaded\. Ask an administrator/, '... but says why');
            like($page->{content}, qr{Sensitive fields</dt><dd>included}, '... and what is in it');
            unlike($page->{content}, qr{/$id/repeat"}, '... nor one to repeat it');
            is($who{$name}->post("/dashboard/exports/$id/repeat", { csrf => $token{$name} })->{status}, 403, 'repeating it is refused');
            my $copy = $who{$name}->get("/dashboard/exports/new?copy=$id");
            is($copy->{status}, 403, '... and taking it for another');
            like($copy->{content}, qr/Ask an administrator/, '... with the remedy');
        }
        my $list = $who{$name}->get('/dashboard/exports?who=all')->{content};
        unlike($list, qr{exports/$_/download"}, "the list has no button for export $_") for $with, $nightly;
        like($list, qr/Has sensitive fields: not for your account/, '... but says why');
        my ($row) = grep { $_->{id} == $with } @{ from_json($who{$name}->get('/dashboard/exports.json?who=all')->{content})->{rows} };
        is_deeply([ @$row{qw(download repeat)} ], [ undef, JSON::PP::false() ], '... in JSON, too');
        is($who{$name}->get("/dashboard/exports/$without/download")->{status}, 200, 'one without them is there for all who may export');
    }
    for my $name (qw(sarah mia olga)) {
        is($who{$name}->get("/dashboard/exports/$_/download")->{content}, $archive, "$name gets export $_") for $with, $nightly;
        is_deeply([ @{ newest() }{qw(account action object)} ], [ $name, 'export-download', "export:$nightly" ], '... for the record');
        like($who{$name}->get('/dashboard/exports?who=all')->{content}, qr{exports/$with/download"}, '... by the button of the list');
        is($who{$name}->post("/dashboard/exports/$with/repeat", { csrf => $token{$name} })->{status}, 303, '... and repeats it');
        like($who{$name}->get("/dashboard/exports/new?copy=$with")->{content}, qr/name="sensitive" checked/, '... or takes it for another');
    }
    is($who{sarah}->get("/dashboard/exports/$other/download")->{status}, 403, 'not in another study');
    is($who{otto}->get("/dashboard/exports/$other/download")->{status}, 200, '... where somebody else has the right');
    is($who{$_}->get("/dashboard/exports/$with/download")->{status}, 404, "$_ learns of no export") for qw(carl victor adam);
    is($httpd->get("/dashboard/exports/$with/download", { accept => 'application/json' })->{status}, 401, 'nobody is asked to sign in');
};

subtest 'a right that is taken away' => sub {
    my $id = finished({ sensitive => JSON::PP::true() }, 1);
    is(webmunkd($pg, qw(account ungrant sarah --right sensitive --study default))->{code}, 0, 'the right ends');
    is($who{sarah}->get("/dashboard/exports/$id/download")->{status}, 403, '... at once: for downloads');
    unlike($who{sarah}->get('/dashboard/' . points('p1', 'fields', '&show=sensitive'))->{content}, qr/hush/, '... and for pages');
    is(webmunkd($pg, qw(account ungrant olga --right records))->{code}, 0, 'without records an administrator');
    is($who{olga}->get('/dashboard/' . points('p1', 'fields', '&show=sensitive'))->{status}, 403, '... sees no records');
    is($who{olga}->get("/dashboard/exports/$id/download")->{status}, 403, '... and nothing sensitive in exports');
    is(webmunkd($pg, qw(account ungrant mia --role manager))->{code}, 0, 'without role');
    is($who{mia}->get("/dashboard/exports/$id/download")->{status}, 404, '... a right is nothing');
    is($pg->scalar('select access_log_verify()'), undef, 'the chain holds');
};

$httpd->log_ok('?WM0102');
done_testing();
