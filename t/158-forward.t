#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Forwarding to a second server of ours, over a line that loses, lies and hangs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);
use WmTest;
use WmTest::Httpd;
use WmTest::Peer;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $pg    = WmTest::Postgres->start;
my $far   = WmTest::Postgres->start;
my $httpd = WmTest::Httpd->start(pg => $pg, data => "WebmunkBodyKeep 1d\n");
my $there = WmTest::Httpd->start(pg => $far, data => "WebmunkBodyMax 200K\n");
my $peer  = WmTest::Peer->start($there);
my %env   = (WEBMUNK_EXPORT_DIR => workdir() . '/exports', WEBMUNK_SECRETS_DIR => workdir() . '/secrets', WEBMUNK_FORWARD_TIMEOUT => '1s');
mkdir $env{WEBMUNK_SECRETS_DIR};
chmod 0600, spew("$env{WEBMUNK_SECRETS_DIR}/lab-key", "open sesame\n");
$_->do('select partitions_ahead(1, 1)') for $pg, $far;

sub command { return webmunkd({ env => {%env} }, $pg, @_) }
sub forward { return webmunkd({ env => {%env} }, $pg, '-d', $pg->url =~ s/user=\w+/user=wm_jobs/r, qw(run --once forward)) }
sub server { return from_json(command(qw(server list --json))->{out})->[0] }

my $serial = 0;
sub upload
{
    my (@points) = @_;
    my @all = map {
        my ($source, $name, %more) = @$_;
        my $at = exists $more{at} ? delete $more{at} : 1700000000 + ++$serial;
        { name => $name, %more, 'passive-data-metadata' => { 'generator-id' => 'clicks', generator => 'clicks: test/1.0',
            (defined $source ? (source => $source) : ()), (defined $at ? (timestamp => $at) : ()) } }
    } @points;
    my $answer = $httpd->request('POST', '/data/add-bundle.json', { content => json(\@all),
        headers => { 'content-type' => 'application/json', 'x-pdk-identifier' => 'by-header' } });
    die "upload: $answer->{status}" unless $answer->{status} == 201;
    return;
}

sub arrived { return join ' ', sort $far->list(q{select properties ->> 'name' from point}) }

sub ok_command
{
    my ($name, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $done = command(@words);
    is($done->{code}, 0, $name) or diag($done->{err});
    return $done->{out};
}

sub refused
{
    my ($like, $name, @words) = @_;
    my $done = command(@words);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    isnt($done->{code}, 0, $name);
    like($done->{err}, $like, '... in words');
    return;
}

# --- servers ---
my $url = $peer->url('/data/add-bundle.json');
refused(qr/must begin with https:/, 'points do not travel in clear', qw(server add lab --url http://lab.example/data/add-bundle.json));
refused(qr/no user or password/, 'nor with a password in the address', qw(server add lab --url https://me:secret@lab.example/));
refused(qr/no blanks and slashes/, 'a name is one word', 'server', 'add', 'my lab', '--url', $url);
refused(qr/a secret's name/, 'a secret is a name, not a path', 'server', 'add', 'lab', '--url', $url, '--secret', '../x');
ok_command('a server is added', qw(server add lab --secret lab-key --url), $url, '--metadata-url', $peer->url('/data/fetch-metadata.json'));
refused(qr/already; --replace/, 'a name is taken', 'server', 'add', 'lab', '--url', $url);
like(ok_command('its test goes well', qw(server test lab)), qr/takes uploads/, '... and says so');
is($far->scalar('select count(*) from point'), 0, '... and leaves no point there');
like(ok_command('it is asked for metadata', qw(server ask lab), 'p 1'), qr/"user_agent": "\\u001B\[31m"/, '... which are shown harmlessly');
refused(qr/does not know/, 'who is unknown there is said', qw(server ask lab nobody));
ok(index(command(qw(server list --json))->{out}, 'sesame') < 0 && $pg->scalar("select count(*) from data_server s where s::text like '%sesame%'") == 0,
    'the key is in no row and no list');
SKIP: {
    my ($openssl) = grep { -x } map { "$_/openssl" } split(/:/, $ENV{PATH});
    skip('openssl is missing', 2) unless $openssl;
    my ($key, $cert, $port) = (workdir() . '/key.pem', workdir() . '/cert.pem', free_port());
    run($openssl, qw(req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout), $key, '-out', $cert);
    my $pid = WmTest::spawn(workdir() . '/tls.log', {}, WmTest::launcher(), $openssl, 's_server', '-quiet', '-www', '-accept', "127.0.0.1:$port", '-cert', $cert, '-key', $key);
    WmTest::guard(sub { WmTest::reap($pid, 'KILL') });
    wait_until { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) } 'the TLS server';
    ok_command('a server with a bad certificate is added', qw(server add bad --url), "https://localhost:$port/");
    refused(qr/certificate of bad cannot be trusted/, '... and refused', qw(server test bad));
    ok_command('... and removed', qw(server remove bad));
}

# --- whose points ---
upload([ 'p 1', 'before1' ], [ 'p2', 'before2' ], [ 'p3', 'stays' ]);
upload([ 'p 1', 'before3' ]);
refused(qr/no participant "nobody"/, 'who does not exist is not assigned', qw(server assign lab p2 nobody));
is($pg->scalar('select count(*) from source_forward'), 0, '... and with it nobody');
spew(workdir() . '/names', "p 1\n\np2\n");
like(ok_command('participants are assigned by a file', qw(server assign lab --file), workdir() . '/names'), qr/^2 participants/, '... both of them');
is($pg->scalar("select count(*) from access_log l where action = 'server-assign' and 2 = (select count(*) from access_log_source where log_id = l.id)"),
    1, '... and the access log names them');
is($pg->scalar("select count(*) from job where name = 'forward' and state = 'ready'"), 1, '... and the runner is woken');
upload([ 'p 1', 'a1' ], [ 'p3', 'stays2' ], [ 'p2', 'a2' ]);
upload(map { [ 'p2', "b$_" ] } 1 .. 250);
is(server()->{behind}, 253, 'the list has what waits, and whoever else was in the same uploads');
my $done = forward();
is($done->{code}, 0, 'the job forwards') or diag($done->{err});
like($done->{out}, qr/^252 points were acknowledged$/, '... all of it');
my $all = join ' ', sort(qw(a1 a2), map { "b$_" } 1 .. 250);
is(arrived(), $all, 'everything since then has arrived once, and nothing else');
is_deeply([ $far->list(q{select distinct source from point}) ], [ 'p 1', 'p2' ], '... under its names');
my ($here, $over) = map { $_->scalar(q{select md5(string_agg((properties #- '{passive-data-metadata,encrypted_transmission}')::text, ',' order by properties ->> 'name'))
    from point where properties ->> 'name' ~ '^[ab][0-9]'}) } $pg, $far;
is($over, $here, '... as it was sent');
cmp_ok($far->scalar('select max(points) from bundle'), '<=', 100, 'a batch has a hundred points at most');
is_deeply([ @{ server() }{qw(points behind behind_seconds failures error)} ], [ 252, 0, 0, 0, undef ], 'the list has what was acknowledged');
is($pg->scalar('select count(*) from forward_batch'), 0, '... and no batch waits');
is(forward()->{out}, '', 'a second run has nothing to do');

# --- exports ---
my ($export) = ok_command('an export is asked for', qw(export create --types clicks)) =~ /^(\d+)/m;
ok_command('... and made', 'export', 'run', $export);
my ($zip) = glob("$env{WEBMUNK_EXPORT_DIR}/*.zip");
is_deeply(from_json(run($unzip, '-p', $zip, 'manifest.json')->{out})->{sources}{skipped},
    [ { source => 'p 1', why => 'forwarded' }, { source => 'p2', why => 'forwarded' } ], 'who is forwarded is skipped, and listed');
unlike(run($unzip, '-p', $zip, 'clicks.txt')->{out}, qr/^p(?: 1|2)\t/m, '... and in no row');
refused(qr/is forwarded to another server/, 'who is forwarded is not merged', qw(source merge p3 p2 --yes));

# --- a bad line ---
my %words = (
    500 => qr/cannot store anything now \(500\)/, redirect => qr/redirects \(301\)/, html => qr/200, but with no receipt/,
    error => qr/200, but with no receipt/, refused => qr/201, but with no receipt/, lost => qr/lab/, slow => qr/answers too slowly/,
    half => qr/lab/, none => qr/lab/,
);
for my $mode (sort keys %words) {
    # One has no time of its own: the other side knows such a repeat by the whole bundle alone.
    upload([ 'p2', "$mode 1" ], [ 'p2', "$mode 2", at => undef ]);
    $all .= " $mode 1 $mode 2";
    $peer->mode($mode);
    my $sent = $peer->bodies;
    is(forward()->{code}, 0, "$mode: the job goes on");
    my $state = server();
    is($state->{failures}, 1, '... it is a failure') or diag(json($state));
    like($state->{error}, $words{$mode}, '... with its reason');
    is($state->{behind}, 2, '... and what waits goes on waiting');
    is(forward()->{out}, '', '... for the next try');
    $peer->mode('ok');
    ok_command('... which resume makes now', qw(server resume lab));
    is(forward()->{out}, "2 points were acknowledged\n", '... and goes well');
    my @tries = ($peer->bodies)[$sent .. $peer->bodies - 1];
    is_deeply([ grep { $_ ne $tries[-1] } @tries ], [], '... with the same bytes') if @tries;
}
is(arrived(), join(' ', sort((split(/ /, $all))[ 0 .. 251 ], map { ("$_ 1", "$_ 2") } sort keys %words)), 'after all that everything is there once');
is($pg->scalar("select count(*) from mail where what like 'server lab stopped%'"), 0, 'a short trouble is nobody\'s');
$pg->do('update data_server set failures = 5');
$peer->mode('500');
upload([ 'p2', 'mail' ]);
forward();
is($pg->scalar("select count(*) from mail where what like 'server lab stopped%'"), 1, 'a long one is told the administrators');
like($pg->scalar('select next_try - now() from data_server'), qr/^00:1/, '... and tries are rarer by then');
$peer->mode('ok');

# --- size ---
ok_command('tries begin anew', qw(server resume lab));
upload(map { [ 'p 1', "large$_", fill => 'x' x 20_000 ] } 1 .. 40);
$done = forward();
like($done->{out}, qr/^41 points were acknowledged$/, 'a batch that is too large there is sent in halves') or diag($done->{err}, json(server()));
is($far->scalar("select count(*) from point where properties ->> 'name' like 'large%'"), 40, '... all of it once');
upload([ 'p 1', 'huge', fill => 'x' x 300_000 ], [ 'p 1', 'small' ]);
forward();
like(server()->{error}, qr/accepts no request of that size \(413\): raise its limit/, 'a point that is too large there waits, with the remedy');
is($far->scalar("select count(*) from point where properties ->> 'name' = 'small'"), 0, '... and what follows keeps its place');
$there->stop;
$there->{option}{data} = "WebmunkBodyMax 10M\n";
spew($there->dir . '/httpd.conf', $there->configuration);
$there->up;
ok_command('when there is room', qw(server resume lab));
forward();
is($far->scalar("select count(*) from point where properties ->> 'name' in ('small', 'huge')"), 2, '... both go');

# --- who is named by a header alone ---
upload([ undef, 'anonymous0' ]);
ok_command('one whom a header names is assigned', qw(server assign lab by-header));
upload([ undef, 'anonymous1' ]);
forward();
is($far->scalar("select source from point where properties ->> 'name' = 'anonymous1'"), 'by-header', '... and arrives under that name');

# --- what was there before ---
like(ok_command('a backfill of one', qw(server backfill lab), 'p 1'), qr/^what 1 participants/, '... is begun');
refused(qr/only 1 of the 2 are assigned/, 'of those who are not assigned there is none', qw(server backfill lab p2 p3));
forward();
is(join(' ', sort $far->list(q{select properties ->> 'name' from point where properties ->> 'name' like 'before%'})), 'before1 before3', 'what it had sent before arrives');
ok_command('a backfill of all', qw(server backfill lab));
forward();
is(join(' ', sort $far->list(q{select properties ->> 'name' from point where properties ->> 'name' ~ '^before|stays|anon'})),
    'anonymous0 anonymous1 before1 before2 before3', '... brings the rest, and nothing twice');
is(server()->{backfills}, 0, '... and ends');

# --- pause, two at once ---
ok_command('a server is paused', qw(server pause lab));
upload(map { [ 'p2', "c$_" ] } 1 .. 120);
is(forward()->{out}, '', '... and gets nothing');
is(server()->{behind}, 120, '... but waits');
ok_command('... until it is resumed', qw(server resume lab));
sub start
{
    my ($log, @words) = @_;
    my $pid = WmTest::spawn(workdir() . "/$log", { %{ $pg->env }, %env }, WmTest::launcher(), builddir() . '/jobs/webmunkd', @words);
    WmTest::guard(sub { WmTest::reap($pid, 'KILL') });
    return $pid;
}
my @two = map { start("two$_", qw(run --once forward)) } 1, 2;
is_deeply([ map { waitpid($_, 0); $? } @two ], [ 0, 0 ], 'two processes at once');
forward();
is($far->scalar("select count(*) from point where properties ->> 'name' ~ '^c[0-9]'"), 120, '... send everything once');
is($far->scalar("select coalesce(sum(repeats), 0) from bundle where id > (select max(bundle_id) from point where properties ->> 'name' = 'anonymous0')"), 0, '... and no batch twice');

# --- who has withdrawn ---
sub has { my ($names) = @_; return $far->scalar(q{select coalesce(string_agg(properties ->> 'name', ' ' order by properties ->> 'name'), '') from point where properties ->> 'name' ~ $1}, $names) }
$peer->mode('500');
upload([ 'p2', 'w1 of p2' ], [ 'p 1', 'w2', of => 'p 1', n => 1.50, text => "a, [\"b\"], {c}" ], [ 'p2', 'w3 of p2' ]);
forward();
is($pg->scalar('select points from forward_batch'), 3, 'points are packed when somebody withdraws');
$pg->do("update source set withdrawn = now() where identifier = 'p2'");
upload([ 'p2', 'w4 of p2' ], [ 'p 1', 'w5' ]);
upload([ 'p2', 'w6 of p2' ]);
$peer->mode('ok');
command(qw(server resume lab));
is(forward()->{out}, "2 points were acknowledged\n", '... what others sent goes');
is(has('^w[0-9]'), 'w2 w5', '... and nothing of theirs, packed or not');
is($far->scalar(q{select (properties #- '{passive-data-metadata,encrypted_transmission}')::text from point where properties ->> 'name' = 'w2'}),
    $pg->scalar(q{select (properties #- '{passive-data-metadata,encrypted_transmission}')::text from point where properties ->> 'name' = 'w2'}), '... which is as it was sent');
is_deeply([ @{ server() }{qw(behind sources withdrawn)} ], [ 0, 3, 1 ], '... and nothing waits for it');
$peer->mode('500');
upload([ 'p 1', 'w7 of p1' ]);
forward();
ok_command('a backfill of who has withdrawn', qw(server backfill lab p2));
$pg->do("update source set erased = now() where identifier = 'p 1'");
$peer->mode('ok');
command(qw(server resume lab));
forward();
forward();
is(has('^w[0-9]'), 'w2 w5', '... sends nothing, nor does what was packed of who was erased');
is($pg->scalar('select count(*) from forward_batch') . server()->{backfills}, '00', '... and nothing is left to be sent');
$pg->do("update source set withdrawn = null, erased = null");
upload([ 'p2', 'w8' ]);
forward();
is(has('^w8'), 'w8', 'who withdrew by mistake is forwarded again');
ok_command('what was passed by', qw(server unassign lab p2), 'p 1');
ok_command('... by assigning anew', qw(server assign lab p2), 'p 1');
ok_command('... and a backfill', qw(server backfill lab p2), 'p 1');
forward();
is(has('^w[0-9]'), 'w1 of p2 w2 w3 of p2 w4 of p2 w5 w6 of p2 w7 of p1 w8', '... arrives, too');

# --- under load: assigned meanwhile, the other side restarted, runs killed in the middle ---
$env{WEBMUNK_FORWARD_BATCH_POINTS} = 7;
my $uploads = fork() // die 'fork';
if (!$uploads) {
    for (my $n = 0; !-e workdir() . '/enough'; $n++) {
        upload([ 'p2', "load$n.1" ], [ 'late', "load$n.2" ], [ 'p3', "load$n.3" ]);
        spew(workdir() . '/sent.new', $n);
        rename workdir() . '/sent.new', workdir() . '/sent';
        sleep 0.005;
    }
    POSIX::_exit(0);
}
WmTest::guard(sub { kill 'KILL', $uploads });
my $sent = sub { -e workdir() . '/sent' ? slurp(workdir() . '/sent') : 0 };
ok(wait_until { $sent->() > 20 } 'uploads go on');
my $first;
for my $kill (1 .. 8) {
    my $before = $far->scalar('select count(*) from bundle');
    my $pid = start('killed', qw(run --once forward));
    wait_until { $far->scalar('select count(*) from bundle') > $before } 'something arrives', 20;
    kill 'KILL', $pid;
    waitpid($pid, 0);
    if ($kill == 3) {
        ok_command('one more is assigned meanwhile', qw(server assign lab late));
        $first = $sent->() + 2;    # this one is certainly after it
    }
    $there->restart if $kill == 5;
    $far->restart if $kill == 6;
    command(qw(server resume lab));
}
ok(wait_until { $sent->() > $first + 20 } 'uploads go on');
spew(workdir() . '/enough', '');
waitpid($uploads, 0);
is($?, 0, 'no upload was refused');
command(qw(server resume lab));
$done = forward();
is(server()->{behind}, 0, 'in the end nothing waits') or diag($done->{err}, json(server()));
my %expected = map { ("load$_.1" => 1, ($_ >= $first ? ("load$_.2" => 1) : ())) } 0 .. $sent->();
my %got;
$got{$_}++ for $far->list(q{select properties ->> 'name' from point where properties ->> 'name' like 'load%'});
is_deeply([ grep { !$got{$_} } sort keys %expected ], [], 'everything has arrived');
is_deeply([ grep { $got{$_} != 1 } sort keys %got ], [], '... once');
is_deeply([ grep { /\.3$/ } keys %got ], [], '... and nothing of who is not assigned');
delete $env{WEBMUNK_FORWARD_BATCH_POINTS};

# --- removal ---
ok_command('points are to be removed here', qw(server add lab --replace --remove --url), $url);
$peer->mode('500');
upload(map { [ 'p2', "gone$_" ] } 1 .. 3);
upload([ 'p2', 'gone4' ], [ 'p3', 'kept' ]);
my $boundary = 'bOuNdArY';
my $points = json([ { name => 'gone5', 'file@' => 'f1', 'passive-data-metadata' => { source => 'p2', 'generator-id' => 'clicks', generator => 'c: t/1', timestamp => 1800000000 } } ]);
my $multipart = join("\r\n", "--$boundary", 'Content-Disposition: form-data; name="payload"', '', $points, "--$boundary",
    'Content-Disposition: form-data; name="f1"; filename="blob"', 'Content-Type: text/plain', '', 'a file', "--$boundary--", '');
is($httpd->request('POST', '/data/add-bundle.json', { content => $multipart, headers => { 'content-type' => "multipart/form-data; boundary=$boundary" } })->{status}, 201, 'one has a file');
forward();
my $names = q{select string_agg(properties ->> 'name', ' ' order by properties ->> 'name') from point where properties ->> 'name' ~ '^gone|^kept$'};
is($pg->scalar($names), 'gone1 gone2 gone3 gone4 gone5 kept', 'without a receipt nothing is removed');
$peer->mode('ok');
command(qw(server resume lab));
forward();
is($far->scalar($names), 'gone1 gone2 gone3 gone4 gone5', 'what has arrived');
is($pg->scalar($names), 'gone5 kept', '... is gone here, but for what has a file');
is($pg->scalar("select string_agg(points || case when body is null then ' without' else ' with' end, ', ' order by id) from (select * from bundle order by id desc limit 3) b"),
    '3 without, 2 with, 1 with', '... and so is the body of an upload that is gone whole');

# --- the end ---
refused(qr/are assigned to "lab"/, 'a server with participants is not removed', qw(server remove lab));
my @who = $pg->list('select identifier from source_forward f join source s on s.id = f.source_id order by 1');
like(ok_command('they are no longer assigned', qw(server unassign lab), @who), qr/^4 participants/, '... all of them');
upload([ 'p2', 'own again' ]);
forward();
is($far->scalar("select count(*) from point where properties ->> 'name' = 'own again'"), 0, '... and what they send stays here');
ok_command('the server is removed', qw(server remove lab));
is_deeply(from_json(command(qw(server list --json))->{out}), [], '... and gone');
$httpd->log_ok('?WM0102');
$there->log_ok('?WM0102', '?[dbd:error]');
done_testing();
