#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Which method does what at which address, what every answer carries, and how paths are read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;

my $pg    = WmTest::Postgres->start;
my $httpd = WmTest::Httpd->start(
    pg      => $pg,
    modules => ['rewrite'],
    # The last section that says something about handlers wins, as everywhere in httpd.
    dashboard => "</Location>\n<Location \"/data/other-handler\">\nSetHandler server-status",
    data    => "WebmunkUploadAlias /v3/data/bundle other\nWebmunkBodyMax 100K\nSetInputFilter DEFLATE",
    server  => <<"EOT");
RewriteEngine on
RewriteRule ^/legacy/upload\$ /data/add-bundle.json [PT]
ErrorDocument 404 /error.html
<Location "/deep/er/mount/">
    SetHandler webmunk
</Location>
<LocationMatch "^/study-[0-9]+">
    SetHandler webmunk
</LocationMatch>
<Location "/wild/*/data/*">
    SetHandler webmunk
</Location>
<Location "/data/closed">
    Require all denied
</Location>
EOT
mkdir $httpd->dir . '/htdocs/data';    # a directory of the same name must not matter
spew($httpd->dir . '/htdocs/error.html', '{}');

my $cors = 'CREATE, POST, PUT, HEAD, OPTIONS';

sub has_cors
{
    my ($got, $what) = @_;
    my $h = $got->{headers};
    my $good = ($h->{'access-control-allow-origin'} // '') eq '*'
        && ($h->{'access-control-allow-methods'} // '') eq $cors
        && ($h->{'access-control-allow-headers'} // '') eq
            'Content-Type, X-PDK-IDENTIFIER, Authorization, Content-Encoding'
        && !exists $h->{'access-control-allow-credentials'};
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($good, "$what carries the CORS headers") || diag(explain($h));
}

my $serial = 0;

sub bundle
{
    return json([{ n => ++$serial, 'passive-data-metadata' =>
        { source => 's', generator => 'g: a/1', 'generator-id' => 'g', timestamp => 1700000000 } }]);
}

sub json_post
{
    my ($path, $content, $headers) = @_;
    return $httpd->request('POST', $path,
        { headers => { 'content-type' => 'application/json', %{ $headers || {} } }, content => $content // bundle() });
}

for my $name ('add-bundle.json', 'add-point.json') {
    my $path = "/data/$name";
    my $got  = $httpd->request('OPTIONS', $path);
    is($got->{status}, 200, "OPTIONS on $name is answered");
    is($got->{content}, '', '... with nothing');
    like($got->{headers}{'content-type'}, qr{^text/plain}, '... of text/plain');
    has_cors($got, 'the preflight answer');

    $got = $httpd->request('HEAD', $path);
    is($got->{status}, 200, "HEAD on $name is answered");
    has_cors($got, 'HEAD');

    for my $method (qw(GET DELETE PATCH create post REPORT)) {
        $got = $httpd->request($method, $path);
        is($got->{status}, 405, "$method on $name is refused");
        is($got->{headers}{allow}, $cors, '... with what is allowed');
        is($got->{content}, '', '... and nothing else');
        has_cors($got, "405 to $method");
    }
    has_cors($httpd->request('POST', $path, { headers => { 'content-type' => 'image/png' }, content => 'x' }), '415');
    has_cors(json_post($path, 'x' x 102_401), '413');
    has_cors($httpd->post($path, { nothing => 'here' }), '400');
    has_cors(json_post($path), '201');
    has_cors($httpd->request('PUT', $path, { content => '[]' }), '401');
    has_cors($httpd->request('POST', $path, { headers => { 'transfer-encoding' => 'gzip' }, content => '[]' }),
        'an error that httpd finds by itself');
}

my $point = $httpd->post('/data/add-point.json', { payload => bundle() });
is($point->{status}, 201, 'a point by form is accepted');
is_deeply(from_json($point->{content}), { message => 'Data point added successfully.' }, '... with its own message');

my $put = $httpd->request('PUT', '/data/add-bundle.json', { headers => { authorization => 'Basic eDp5' }, content => '[]' });
is($put->{status}, 401, 'PUT with another scheme than Bearer is refused');
is($put->{headers}{'www-authenticate'}, 'Bearer', '... and told which one');
ok(from_json($put->{content})->{error}, '... in JSON, which only PUT clients may get');

for my $path ('/data//add-bundle.json', '/data///add-bundle.json/', '//data/add-bundle.json', '/data/v3/data/bundle',
    '/data/v3//data/bundle', '/data/other', '/legacy/upload', '/deep/er/mount/add-bundle.json',
    '/deep//er/mount//add-bundle.json', '/study-17/add-bundle.json', '/wild/x/data/add-bundle.json', '/data/add-bundle.json?x=/y')
{
    my $before = $pg->scalar('select count(*) from webmunk.point');
    my $got = json_post($path);
    is($got->{status}, 201, "an upload to $path is accepted") or diag(explain($got));
    is($pg->scalar('select count(*) from webmunk.point'), $before + 1, '... and stored');
}
is(json_post('/data/v3/data/bundl')->{status}, 404, 'the beginning of an alias is no address');
is(json_post('/data/add-bundleXjson')->{status}, 404, 'the dot of an address is a dot');
is(json_post('/database/add-bundle.json')->{status}, 404, 'a longer name is another location');
is(json_post('/data/dashboard')->{status}, 404, 'a location offers only what WebmunkServe names');

my $got = $httpd->request('POST', '/data/unknown', { content => '{}' });
is($got->{status}, 404, 'an unknown path is 404');
ok(!defined eval { from_json($got->{content}) }, '... and no JSON, for an old client would take that for delivered');
is($httpd->get('/data')->{status}, 404, 'the mount itself is no directory that httpd redirects to');
is($httpd->get('/data/other-handler')->{headers}{'content-type'}, 'text/html; charset=ISO-8859-1',
    'another handler inside the location is left alone');

is($httpd->request('CREATE', '/data/unknown', { content => '[]' })->{status}, 599,
    'CREATE to an unknown path gets no answer, not even of ErrorDocument');
is($httpd->request('CREATE', '/data/closed/add-bundle.json', { content => '[]' })->{status}, 599,
    'CREATE to a closed place gets no answer');
is($httpd->request('CREATE', '/data/health', { content => '[]' })->{status}, 599,
    'CREATE to an address that does not take it gets no answer');
isnt($httpd->request('CREATE', '/elsewhere', { content => '[]' })->{status}, 599,
    'CREATE outside our locations is answered by whoever is there');
is($httpd->raw_request("CREATE /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n"), '',
    'CREATE with a broken header gets no answer');
is($httpd->raw_request("CREATE /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"), '',
    'CREATE of a body that is too large gets no answer, before the body is sent');
like($httpd->raw_request("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    . "Content-Length: 200000\r\n\r\n"), qr{\AHTTP/1.1 413 .*^Connection: close}ms,
    'POST of a body that is too large is refused before the body is sent');
is($httpd->raw_request("CREATE /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), '',
    'CREATE with broken chunks gets no answer');
like($httpd->raw_request("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    . "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), qr{\AHTTP/1.1 400 .*^Access-Control-Allow-Origin: \*\r\n.*\r\n\r\n<!}ms,
    'POST with broken chunks gets the answer of httpd, with CORS headers and no JSON');

my $raw = $httpd->raw;
for my $n (1 .. 3) {
    my $body = bundle();
    $raw->send("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
    is($raw->response->{status}, 201, "upload $n on one connection is accepted");
}
$raw->send("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    . "Content-Length: 2\r\n\r\n");
is($raw->response->{status}, 100, 'a client that waits for leave gets it');
$raw->send('[]');
is($raw->response->{status}, 201, '... and its answer');

my $body = bundle();
$raw->send("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    . "User-Agent: odd\xff\xfeagent\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
is($raw->response->{status}, 201, 'a User-Agent that is no UTF-8 harms nothing');

my $health = $httpd->get('/data/health');
is($health->{status}, 200, 'health is 200');
is_deeply([ sort keys %{ from_json($health->{content}) } ], [qw(database status version)], '... and says what it says');
ok(!exists $health->{headers}{'access-control-allow-origin'}, '... to this origin only');
is($httpd->request('HEAD', '/data/health')->{status}, 200, 'HEAD of it as well');

$httpd->log_ok('?AH00566', '?AH02429', '?AH00135');
done_testing();
