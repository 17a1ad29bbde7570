#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Deliveries to httpd's mod_dav.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Deliver;
use WmTest::Httpd;
use WmTest::Postgres;

-e WmTest::configured('HTTPD_MODULES') . '/mod_dav_fs.so' or give_up('mod_dav_fs is missing: apt-get install apache2-bin');
my $pg    = WmTest::Postgres->start;
my $share = workdir() . '/share';
environment();
mkdir $share or die;
my (undef, undef, $uid, $gid) = account();
chown $uid, $gid, $share if $> == 0;
my $users = workdir() . '/users';
spew($users, 'lab:' . crypt('a long password', '$6$saltsalt') . "\n");
my $httpd = WmTest::Httpd->start(modules => [qw(dav dav_fs auth_basic authn_file)], conf => <<"EOT");
DavLockDB "$share.lock/db"
Alias "/share" "$share"
<Directory "$share">
    Dav On
    AuthType Basic
    AuthName "share"
    AuthUserFile "$users"
    Require valid-user
</Directory>
EOT
mkdir "$share.lock";
chown $uid, $gid, "$share.lock" if $> == 0;
my $url = "http://127.0.0.1:$httpd->{port}/share";
secret('dav', '{"user": "lab", "password": "a long password"}', 'a long password');
secret('dav-wrong', '{"user": "lab", "password": "a wrong password"}', 'a wrong password');

my $to   = destination($pg, 'dav', 'webdav', { url => $url, path => 'a b/{profile}' }, '--secret', 'dav');
my $test = WmTest::Deliver::command($pg, 'destination', 'test', 'dav');
is($test->{code}, 0, 'the test goes well') or diag($test->{err}, $httpd->error_log);
is_deeply([ glob("'$share/a b/test/*' '$share/a b/test/.*part'") ], [], '... and leaves nothing');

my $export = archive($pg, 2_000_000);
my $id     = delivery($pg, $export, $to);
my $done   = deliver($pg, $id);
is($done->{code}, 0, 'an archive is delivered') or diag($done->{err});
is(ledger($pg, $id)->{remote_bytes}, 2_000_000, '... and its size compared');
ok(slurp("$share/a b/nightly/archive1.zip") eq slurp(workdir() . '/exports/archive1.zip'), '... and its bytes are right');
is_deeply([ glob("'$share/a b/nightly/.*part'") ], [], '... and its other name is gone');

my $sure = destination($pg, 'sure', 'webdav', { url => "$url/", verify => 'content' }, '--secret', 'dav');
spew("$share/archive1.zip", 'an old file');
spew("$share/.archive1.zip.part", 'half a file');
chown $uid, $gid, "$share/archive1.zip", "$share/.archive1.zip.part" if $> == 0;
$id = delivery($pg, $export, $sure);
is(deliver($pg, $id)->{code}, 0, 'over what is there and what was left, an archive is delivered and read back');
like(ledger($pg, $id)->{remote_checksum}, qr/^sha256 /, '... and its checksum compared');
ok(slurp("$share/archive1.zip") eq slurp(workdir() . '/exports/archive1.zip'), '... and its bytes are right');
ok(!-e "$share/.archive1.zip.part", '... once');

sub says
{
    my ($like, $what, $settings, $secret, $state) = @_;
    my $place = destination($pg, $what =~ tr/ /-/r, 'webdav', { url => $url, %$settings }, '--secret', $secret);
    my $delivery = delivery($pg, $export, $place);
    isnt(deliver($pg, $delivery)->{code}, 0, "$what: it fails");
    like(ledger($pg, $delivery)->{error}, $like, '... and says what to do');
    is(ledger($pg, $delivery)->{state}, $state, "... and the delivery is $state");
    return $delivery;
}
says(qr/refused .*\(401\): check the secret/, 'a wrong password', {}, 'dav-wrong', 'failed');
says(qr/refused/, 'a folder that is not there', { url => "$url/none/here" }, 'dav', 'failed');
my $plain = WmTest::Deliver::command($pg, 'destination', 'add', 'plain', '--kind', 'webdav', '--secret', 'dav', '--settings',
    '{"url": "http://example.org/"}');
like($plain->{err}, qr/must begin with https/, 'a password never goes without TLS to another host');
$plain = WmTest::Deliver::command($pg, 'destination', 'add', 'inside', '--kind', 'webdav', '--secret', 'dav', '--settings',
    '{"url": "https://lab:pw@example.org/"}');
like($plain->{err}, qr/no user or password/, 'nor in an address');
$httpd->stop;
says(qr/does not accept connections/, 'a server that is down', {}, 'dav', 'waiting');
secrets_nowhere($pg);
unlike($httpd->error_log, qr/password/, 'nor is it in the log of the server');
done_testing();
