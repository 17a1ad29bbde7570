#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Signing in as httpd's configuration has it: locations, other sign-ins, plain http, a database that is away.
use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $pg       = WmTest::Postgres->start;
my $password = people($pg, alice => 'manager', nora => undef, dora => 'manager');
webmunkd($pg, 'account', 'disable', 'dora');

# Somebody else's sign-in, as mod_auth_openidc would be: what counts is r->user.
my $users = spew(workdir() . '/users', join('', map { "$_:{SHA}" . sha1_base64('x') . "=\n" } qw(alice nora stranger dora)));
chmod 0644, $users;
my $ours = "SetHandler webmunk\nWebmunkServe dashboard\nAuthType webmunk\nAuthName Webmunk";
my $theirs = "SetHandler webmunk\nWebmunkServe dashboard\nAuthType Basic\nAuthName Other\nAuthUserFile \"$users\"";
my $httpd = WmTest::Httpd->start(pg => $pg, modules => [qw(auth_basic authn_file)], server => <<"EOT");
ServerAdmin study-desk\@example.org
<Location "/bare">
    $ours
</Location>
<Location "/open">
    $ours
    Require all granted
</Location>
<Location "/inside">
    $ours
    <RequireAll>
        Require valid-user
        Require ip 192.0.2.1
    </RequireAll>
</Location>
<Location "/other">
    $theirs
    Require valid-user
</Location>
<Location "/only">
    $theirs
    Require webmunk-role manager
    SetEnv WEBMUNK_SIGN_OUT "/only/oidc?logout=%2Fonly%2F"
</Location>
<Location "/loose">
    SetHandler webmunk
    WebmunkServe dashboard
</Location>
<Location "/files">
    AuthType webmunk
    AuthName "Webmunk"
    Require valid-user
</Location>
EOT
mkdir $httpd->dir . '/htdocs/files';
spew($httpd->dir . '/htdocs/files/report.txt', 'a report');

sub calm { $pg->do('delete from login_throttle'); return }
sub signed_in { return WmTest::Browser->signed_in($httpd, $_[0], $password) }

subtest 'locations' => sub {
    calm();
    my $alice = signed_in('alice');
    for my $base ('/bare', '/open') {
        my $what = $base eq '/bare' ? 'without Require' : 'with Require all granted';
        is($httpd->get("$base/")->{status}, 303, "a location $what asks who it is");
        is($httpd->get("$base/overview.json")->{status}, 401, '... also for JSON');
        is($httpd->get("$base/sign-in")->{status}, 200, '... with a page for it');
        is($alice->get("$base/")->{status}, 200, '... and serves who is signed in');
    }
    is($httpd->get('/loose/')->{status}, 401, 'without AuthType nobody gets in');
    like($httpd->error_log, qr{WM0203 the location /loose serves pages, but has no AuthType}, '... and the log says why');
    is($httpd->get('/inside/sign-in')->{status}, 403, 'what Require ip keeps out gets no sign-in page either');
    is($alice->get('/inside/')->{status},        403, '... and no other');
    is($httpd->get('/files/report.txt')->{status},   401,        'files behind AuthType webmunk need a session');
    is($alice->get('/files/report.txt')->{content},  'a report', '... and are served with one');
    is($httpd->get('/files/add-bundle.json')->{status}, 401,     '... whatever they are called');
};

subtest "somebody else's sign-in" => sub {
    my $as = sub { return { authorization => 'Basic ' . encode_base64("$_[0]:x", '') } };
    my $answer = $httpd->get('/other/', $as->('alice'));
    is($answer->{status}, 200, 'r->user is who it is, however httpd found out');
    like($answer->{content}, qr/alice/, '... and is shown');
    is($pg->scalar("select via from access_log where account = 'alice' order by id desc limit 1"), 'proxy',
        '... and stands in the access log');
    is($httpd->get('/other/sign-in', $as->('alice'))->{status}, 404, '... and there is no form of ours');
    $answer = $httpd->get('/other/', $as->('stranger'));
    is($answer->{status}, 403, 'who has no account here is refused');
    like($answer->{content}, qr/Ask the administrator of this server, study-desk\@example\.org/, '... with the words whom to ask');
    is($httpd->get('/other/', $as->('dora'))->{status}, 403, '... and so is a disabled account');
    is($httpd->get('/other/', $as->('nora'))->{status}, 403, '... and one without role');
    is($httpd->get('/only/', $as->('alice'))->{status}, 200, 'Require webmunk-role works there too');
    $answer = $httpd->get('/only/', $as->('stranger'));
    is($answer->{status}, 403, '... and refuses');
    like($answer->{content}, qr/Ask the administrator/, '... in words');
    my $browser = WmTest::Browser->new($httpd, headers => $as->('alice'), base => '/other');
    my $token   = WmTest::Browser::token($browser->get('/other/'));
    is($browser->post('/other/sign-out', { csrf => 'x' x 43 })->{status}, 403, 'its forms need a token as well');
    unlike($browser->get('/other/')->{content}, qr/>Sign out</, 'its end is not ours to make: there is no button');
    is($browser->post('/other/sign-out', { csrf => $token })->{status}, 404, '... and no address');
    my $only = WmTest::Browser->new($httpd, headers => $as->('alice'), base => '/only');
    my $page = $only->get('/only/');
    like($page->{content}, qr/>Sign out</, '... unless WEBMUNK_SIGN_OUT says where');
    is(header($only->post('/only/sign-out', { csrf => WmTest::Browser::token($page) }), 'location'), '/only/oidc?logout=%2Fonly%2F',
        '... which is where signing out leads');
};

subtest 'plain http' => sub {
    calm();
    my $client = sub {
        my ($host) = @_;
        return $httpd->raw_request("GET /dashboard/sign-in HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n");
    };
    for my $host ('webmunk.example.org', '192.0.2.7:8080', '127.0.0.1.example.org', 'localhost.example.org') {
        my $answer = $client->($host);
        like($answer, qr{^HTTP/1.1 403 }, "no sign-in at http://$host");
        like($answer, qr{https://.*SSH tunnel}s, '... but a sentence that names the remedies');
        unlike($answer, qr/type="password"/, '... and no field for a password');
    }
    like($client->($_), qr{^HTTP/1.1 200 }, "sign-in at http://$_") for 'localhost:8080', 'wm.localhost', '127.0.0.9', '[::1]:8080';
    my $browser = WmTest::Browser->new($httpd);
    my $token   = WmTest::Browser::token($browser->get('/dashboard/sign-in'));
    my $form    = HTTP::Tiny->new->www_form_urlencode({ user => 'alice', password => $password, csrf => $token });
    my $answer  = $httpd->raw_request("POST /dashboard/sign-in HTTP/1.1\r\nHost: webmunk.example.org\r\nConnection: close\r\n"
            . "Cookie: __Host-webmunk-form=$browser->{cookies}{'__Host-webmunk-form'}\r\n"
            . "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " . length($form) . "\r\n\r\n$form");
    like($answer, qr{^HTTP/1.1 403 }, 'a form that was sent all the same is refused');
    unlike($answer, qr/__Host-webmunk=/, '... without a session');
};

subtest 'the database is away' => sub {
    calm();
    my $alice = signed_in('alice');
    $pg->stop;
    for my $path ('/dashboard/', '/dashboard/overview.json') {
        my $answer = $alice->get($path);
        is($answer->{status}, 503, "$path is not available");
        like(header($answer, 'retry-after'), qr/^\d+$/, '... for a while');
    }
    is($httpd->get('/dashboard/')->{status}, 303, 'who is not signed in is led to the form');
    $pg->up;
    ok(wait_until { $alice->get('/dashboard/')->{status} == 200 } 'the database is back and the session still there');
};

subtest 'configuration' => sub {
    my $bad = WmTest::Httpd->try_config(pg => $pg, dashboard => 'Require webmunk-role viewer boss');
    isnt($bad->{code}, 0, 'a role that does not exist is refused by httpd -t');
    like($bad->{err}, qr/"boss" is no role; expected viewer, analyst/, '... with the roles that do');
    $bad = WmTest::Httpd->try_config(pg => $pg, dashboard => 'Require webmunk-role');
    isnt($bad->{code}, 0, 'so is a line without role');
    my $templates = workdir() . '/templates';
    run('cp', '-r', srcdir() . '/templates', $templates);
    my $conf = "WebmunkTemplateDir \"$templates\"\nWebmunkAssetDir \"" . srcdir() . "/assets\"\nWebmunkAttachmentDir /tmp\n"
        . "DBDriver pgsql\nDBDParams \"connect_timeout=1\"\n"
        . "<Location /d>\nSetHandler webmunk\nWebmunkServe dashboard\n</Location>\n";
    is(WmTest::Httpd->try_config(conf => $conf)->{code}, 0, 'good templates are accepted');
    spew("$templates/overview.mustache", "{{#open}}\n");
    $bad = WmTest::Httpd->try_config(conf => $conf);
    isnt($bad->{code}, 0, 'a broken template is refused by httpd -t');
    like($bad->{err}, qr/overview\.mustache\D+\d/, '... with file and line');
    unlink "$templates/overview.mustache";
    like(WmTest::Httpd->try_config(conf => $conf)->{err}, qr/has no overview\.mustache/, '... and so is a missing one');
};

subtest 'a flood of sign-ins takes bounded memory' => sub {
    calm();
    my $one = WmTest::Httpd->start(pg => $pg, children => 1, threads => 20, dbd_max => 12);
    my ($child) = $one->children;
    my @pids = map {
        my $pid = fork() // die "fork: $!";
        if (!$pid) {
            my $status = WmTest::Browser->new($one)->sign_in("flood$_", 'x')->{status};
            POSIX::_exit($status == 401 || $status == 503 ? 0 : 1);
        }
        $pid;
    } 1 .. 12;
    is(scalar(grep { waitpid($_, 0); $? } @pids), 0, 'every attempt is answered');
    my ($peak) = slurp("/proc/$child/status") =~ /^VmHWM:\s+(\d+) kB/m;
    SKIP: {
        skip('a sanitizer keeps freed memory', 1) if WmTest::sanitized();
        cmp_ok($peak, '<', 230 * 1024, 'two passwords at once fit into memory, twelve would not');
    }
    $one->log_ok('?WM0102');
    $one->stop;
};

$httpd->log_ok('AH01630', 'AH01631', 'WM0102', 'WM0203', '?AH00632', '?WM0202');
done_testing();
