#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What clients get when something is missing: the database, a connection, the disk, the rest of the body, patience.
# Nothing that an old client takes for success, unless it is stored (wire protocol 11.3).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;
use WmTest::Uploads;

my $pg   = WmTest::Postgres->start;
my $made = webmunkd({ stdin => "test-bearer-token\n" }, $pg, 'token', 'add', '--value-file', '-', 'faults');
is($made->{code}, 0, 'a token is registered') or diag($made->{err});
my $dir = workdir() . '/closed';    # the children may not write here
mkdir $dir, 0555;

my $mpm   = $ENV{WM_MPM} || 'event';
my $httpd = WmTest::Httpd->start(
    mpm        => $mpm,
    pg         => $pg,
    children   => 1,
    dbd_max    => 2,
    reqtimeout => 'header=2 body=0',
    server     => "WebmunkDatabaseConnections 2\nWebmunkDatabaseWait 300ms",
    data       => 'WebmunkBodyMax 8M',
    dashboard  => <<'EOT');
</Location>
<Location "/off">
    SetHandler webmunk
    WebmunkUploads off
</Location>
<Location "/hasty">
    SetHandler webmunk
    WebmunkBodyTimeout 1s
    WebmunkBodyRate 1M
</Location>
<Location "/steady">
    SetHandler webmunk
    WebmunkBodyRate 1
    WebmunkBodyTimeMax 1s
EOT
my $serial = 0;

# Every kind of upload; what the answers must be.
sub kinds
{
    my ($base, $content) = @_;
    $base //= '/data';
    my $body = $content // WmTest::Uploads::bundle('fault-' . ++$serial);
    my $send = sub { $httpd->request($_[0], "$base/add-bundle.json", { content => $body, headers => $_[1] }) };
    return (
        POST   => $send->('POST', { 'content-type' => 'application/json' }),
        PUT    => $send->('PUT', { authorization => 'Bearer test-bearer-token' }),
        CREATE => $send->('CREATE', {}),
    );
}

sub refused
{
    my ($what, $status, %got) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($got{POST}{status}, $status, "$what: POST is answered $status");
    ok(!defined eval { from_json($got{POST}{content}) }, '... with nothing that parses as JSON');
    is($got{POST}{headers}{'access-control-allow-origin'}, '*', '... and CORS headers');
    is($got{PUT}{status}, $status, "$what: PUT is answered $status") if $got{PUT};
    is($got{CREATE}{status}, 599, "$what: CREATE gets no answer");
    return;
}

sub stored { return $pg->scalar('select count(*) from webmunk.bundle') }

# Until the server notices: it asks a database that was away again after a second.
sub back
{
    my $what = shift;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $good = wait_until { !grep { $_->{status} != 201 } values %{ { kinds() } } } $what;
    return ok($good, "$what: all are accepted again");
}

back('a healthy server');

$pg->stop;
refused('the database is away', 503, kinds());
is($httpd->get('/data/health')->{status}, 503, 'health says 503');
is_deeply(from_json($httpd->get('/data/health')->{content})->{database}, JSON::PP::false, '... and why');
my %form = (payload => WmTest::Uploads::bundle('x'));
is($httpd->post('/data/add-point.json', \%form)->{status}, 503, 'a single point is refused as well');
like($httpd->raw_request("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n"
    . "Content-Type: application/json\r\n\r\n[]"), qr/^Retry-After: \d+\r$/m, 'clients are told when to come back');
$pg->up;
back('the database is back');

refused('uploads are off', 503, kinds('/off'));
is($httpd->request('OPTIONS', '/off/add-bundle.json')->{status}, 200, 'a preflight is answered all the same');

my $before = stored();
refused('too large', 413, kinds('/data', 'x' x (8 * 1024 * 1024 + 1)));
is(stored(), $before, 'nothing of that is stored');
my $large = WmTest::Uploads::bundle(map { "large-$_" } 1 .. 20_000);
cmp_ok(length $large, '>', 2 * 1024 * 1024, 'a body of two megabytes, which goes through a file,');
my $got = $httpd->request('POST', '/data/add-bundle.json',
    { content => $large, headers => { 'content-type' => 'application/json' } });
is($got->{status}, 201, '... is accepted');
is($pg->scalar(q{select count(*) from webmunk.point where properties ->> 'name' like 'large-%'}), 20_000, '... and stored');
is(scalar(grep { !/^\d{4}$/ } map { s{.*/}{}r } glob($httpd->dir . '/data/*')), 0, '... and the file is gone');

# Every connection is busy: a lock holds the two that may be borrowed.
my $lock = $pg->session;
$lock->do('begin');
$lock->do('lock table webmunk.bundle in access exclusive mode');
my @busy;
SKIP: {
    skip 'prefork has one request per process, none can wait for another', 6 if $mpm eq 'prefork';
    # Each is first tried together with others, and when that takes too long waits by itself.
    my $alone = q{select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'INSERT INTO bundle (%'};
    for my $n (1 .. 2) {
        my $raw  = $httpd->raw;
        my $body = WmTest::Uploads::bundle("busy-$n");
        $raw->send("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
            . length($body) . "\r\n\r\n$body");
        push @busy, $raw;
        ok(wait_until(sub { $n == $pg->scalar($alone) }, "$n waiting transactions"), "$n of two connections is busy");
    }
    refused('all connections are busy', 503, kinds());
}
$lock->do('commit');
$lock->close;
is($_->response->{status}, 201, 'who had a connection is stored when the lock is gone') for @busy;
back('connections are free');

# Bodies that do not come.
sub head
{
    my ($method, $length, $base) = @_;
    $base //= '/data';
    return "$method $base/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        . "Content-Length: $length\r\n\r\n";
}

# Send HEAD, then DRIP ten times a second until the server has enough; its answer.
sub drip
{
    my ($head, $drip) = @_;
    my $raw = $httpd->raw;
    $raw->send($head);
    $raw->send($drip) while !$raw->{ended} && !IO::Select->new($raw->{socket})->can_read(0.1);
    $raw->read_all(20);
    return $raw;
}

$before = stored();
for my $method (qw(POST CREATE)) {
    my $raw = $httpd->raw;
    $raw->send(head($method, 100, '/hasty') . '[{"never": "comp');
    my $answer = $raw->read_all(20);
    if ($method eq 'POST') {
        like($answer, qr{\AHTTP/1.1 408 .*^Access-Control-Allow-Origin: \*\r\n.*\r\n\r\nThe request arrived}ms,
            'a declared length that is not sent is 408 in words');
    } else {
        is($answer, '', '... and nothing for CREATE');
    }
    my $chunked = "$method /hasty/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n";
    for (['ten bytes a second', head($method, 1000, '/hasty') . '[', ' '],
        ['ten chunks a second',                  $chunked,                          "1\r\n \r\n"],
        ['a chunk that is described for long',   "${chunked}1;",                    'x'],
        ['a trailer that does not end',          "${chunked}1\r\n[\r\n0\r\nX: x", 'x'],
        ['a thousand bytes a second that the rate allows', head($method, 100_000, '/steady') . '[', ' ' x 100])
    {
        my ($what, @parts) = @$_;
        $raw = drip(@parts);
        ok($raw->{ended}, "a $method of $what ends when its time is over");
        like($raw->{buffer}, $method eq 'POST' ? qr{\AHTTP/1.1 408 } : qr{\A\z}, '... with an answer only for POST');
    }

    $raw = $httpd->raw;
    $raw->send("$method /hasty/add-bundle.json HTTP/1.1\r\nHost: x\r\n");
    $answer = $raw->read_all(20);
    like($answer, $method eq 'POST' ? qr{\AHTTP/1.1 408 } : qr{\A\z}, "a $method whose header does not come ends as it should");

    $raw = $httpd->raw;
    $raw->send(head($method, 1000, '/hasty') . '[{"half": 1');
    $raw->abort;
    ok($httpd->logged('WM0101'), "a $method that is cut off is logged at info");
    $raw = $httpd->raw;
    $raw->send(head($method, 1000, '/hasty') . '[{"half": 1');
    $raw->finish;
    is($raw->read_all(20), '', "a $method that ends early gets nothing");
}
is(stored(), $before, 'nothing of all these is stored');

# An upload under way survives a graceful restart.
my $raw  = $httpd->raw;
my $body = WmTest::Uploads::bundle('graceful');
$raw->send(head('POST', length($body)) . substr($body, 0, 10));
ok($httpd->graceful, 'httpd restarts gracefully');
$raw->send(substr($body, 10));
is($raw->response->{status}, 201, 'the upload under way is answered by the old child');
is($pg->scalar(q{select count(*) from webmunk.point where properties ->> 'name' = 'graceful'}), 1, '... and stored');

# A disk that does not take it.
my $config = slurp($httpd->dir . '/httpd.conf');
(my $closed = $config) =~ s/^(Webmunk(?:TempDir|AttachmentDir)) .*$/$1 "$dir"/mg;
spew($httpd->dir . '/httpd.conf', $closed);
ok($httpd->graceful, 'httpd takes directories that it cannot write');
ok(wait_until(sub { kinds_of_large()->{POST}{status} == 503 }, 'the new generation'), 'the new generation answers');
sub kinds_of_large { return { kinds('/data', $large) } }
refused('no place for a large body', 503, %{ kinds_of_large() });
my $multipart = join('', map { "--b\r\nContent-Disposition: form-data; name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" }
    [ 'payload', WmTest::Uploads::bundle('with-file') ], [ 'f"; filename="blob', 'bytes' ]) . "--b--\r\n";
my $file = $httpd->request('POST', '/data/add-bundle.json',
    { content => $multipart, headers => { 'content-type' => 'multipart/form-data; boundary=b' } });
is($file->{status}, 503, 'a bundle whose files cannot be kept is refused');
is($pg->scalar(q{select count(*) from webmunk.point where properties ->> 'name' = 'with-file'}), 0, '... and not stored');
spew($httpd->dir . '/httpd.conf', $config);
ok($httpd->graceful, 'httpd takes the directories that it had');
ok(wait_until(sub { $httpd->request('POST', '/data/add-bundle.json',
    { content => $multipart, headers => { 'content-type' => 'multipart/form-data; boundary=b' } })->{status} == 201 }),
    'and then the same bundle is accepted');
is($pg->scalar(q{select count(*) from webmunk.attachment}), 1, '... with its file');

# A bundle that is not stored leaves no file behind.
my $lock2 = $pg->session;
$lock2->do('begin');
$lock2->do('lock table webmunk.bundle in access exclusive mode');
my @files = sub { split(/\n/, run('find', $httpd->dir . '/data', '-type', 'f')->{out}) }->();
$file = $httpd->request('POST', '/data/add-bundle.json',
    { content => $multipart =~ s/with-file/without/r, headers => { 'content-type' => 'multipart/form-data; boundary=b' } });
is($file->{status}, 503, 'a statement that takes too long is 503');
$lock2->do('commit');
$lock2->close;
is(scalar(split(/\n/, run('find', $httpd->dir . '/data', '-type', 'f')->{out})), scalar(@files),
    '... and the file of that bundle is removed');

$httpd->log_ok('WM0102', '?[dbd:error]', '?AH');

# The administrator may be stricter than we are.
my $strict = WmTest::Httpd->start(mpm => $mpm, pg => $pg, reqtimeout => 'header=2 body=1',
    server => "HttpProtocolOptions Strict RegisteredMethods\nLimitRequestBody 1000");
is($strict->request('CREATE', '/data/add-bundle.json', { content => WmTest::Uploads::bundle('registered') })->{status},
    201, 'CREATE is a registered method');
my $over = 'x' x 1001;
my $json = { 'content-type' => 'application/json' };
is($strict->request('POST', '/data/add-bundle.json', { content => $over, headers => $json })->{status}, 413,
    'a body over LimitRequestBody is 413');
is($strict->request('CREATE', '/data/add-bundle.json', { content => $over })->{status}, 599, '... and nothing for CREATE');
my @chunks = (substr($over, 0, 600)) x 2;
is($strict->request('POST', '/data/add-bundle.json', { content => sub { shift @chunks }, headers => $json })->{status}, 413,
    'so is one in chunks');
like($strict->raw_request(head('POST', 100) . '['), qr{\AHTTP/1.1 408 .*\r\n\r\nThe request arrived}s,
    'a body too slow for mod_reqtimeout is 408');
is($strict->raw_request(head('CREATE', 100) . '['), '', '... and nothing for CREATE');
$strict->log_ok;
done_testing();
