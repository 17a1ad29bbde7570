#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# One database connection for all: who holds it, and for how long.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;
use WmTest::Uploads;

my $pg     = WmTest::Postgres->start;
my $digest = '{SHA}' . sha1_base64('secret') . '=';
my $httpd  = WmTest::Httpd->start(
    pg        => $pg,
    children  => 1,
    dbd_max   => 1,
    modules   => [qw(auth_basic authn_dbd)],
    dashboard => <<"EOT");
</Location>
<Location "/behind">
    SetHandler webmunk
    AuthType Basic
    AuthName "x"
    AuthBasicProvider dbd
    AuthDBDUserPWQuery "SELECT '$digest' WHERE %s = 'reader'"
    Require valid-user
EOT

sub upload
{
    my ($base, $name, $headers) = @_;
    return $httpd->request('POST', "$base/add-bundle.json",
        { content => WmTest::Uploads::bundle($name), headers => { 'content-type' => 'application/json', %{ $headers || {} } } });
}

my %login = (authorization => 'Basic ' . encode_base64('reader:secret', ''));
is(upload('/behind', 'a')->{status}, 401, 'httpd itself asks for the password');
is(upload('/behind', 'b', \%login)->{status}, 201,
    'a request whose login took the only connection stores by the same one instead of waiting for itself');
is(upload('/data', 'c')->{status}, 201, '... and gives it back');

my @slow = map { $httpd->raw } 1 .. 4;
$_->send("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n[")
    for @slow;
is(upload('/data', 'd')->{status}, 201, 'senders that take their time hold no connection');
my @many;
for my $n (1 .. 3) {
    my $body = WmTest::Uploads::bundle("many-$n");
    push @many, $httpd->raw;
    $many[-1]->send("POST /data/add-bundle.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body");
}
is($_->response->{status}, 201, 'who comes at the same time waits for the connection') for @many;
$_->abort for @slow;
ok($httpd->logged('WM0101'), 'the slow ones are gone');

# What one request leaves open is not the next one's trouble.
my $session = $pg->session;
$session->do('begin');
$session->do('lock table webmunk.bundle in access exclusive mode');
is(upload('/data', 'e')->{status}, 503, 'a statement that is stopped is 503');
$session->do('commit');
$session->close;
is(upload('/data', 'f')->{status}, 201, 'the same connection stores the next bundle');
is($pg->scalar(q{select count(*) from pg_stat_activity where application_name = 'mod_webmunk' and state <> 'idle'}), 0,
    'nothing stays open');
is($pg->scalar(q{select count(*) from pg_stat_activity where application_name = 'mod_webmunk'}), 1,
    'and there is one connection, as DBDMax says');
$httpd->log_ok('WM0102', '?AH01617', '?AH01654', '?AH01656');
done_testing();
