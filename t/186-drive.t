#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Deliveries by Google Drive's API, as a stand-in follows its documentation; signatures are checked by node's own library.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Deliver;
use WmTest::Postgres;
use WmTest::Server;

WmTest::Server->need;
my $openssl = need_program('openssl', 'openssl');
my $pg  = WmTest::Postgres->start;
my $dir = workdir() . '/drive';
environment();
mkdir $dir or die;
for my $key (qw(good other)) {
    run($openssl, 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', workdir() . "/$key.pem");
}
run($openssl, 'pkey', '-in', workdir() . '/good.pem', '-pubout', '-out', workdir() . '/public.pem');
my $server = WmTest::Server->start('drive.js', $dir, workdir() . '/public.pem');
for my $key (qw(good other)) {
    my $pem = slurp(workdir() . "/$key.pem");
    secret($key, json({ client_email => 'lab@example.org', private_key => $pem }), (split /\n/, $pem)[3], 'drive-token-secret');
}
my %there = (api_url => $server->url, folder => 'folder1');
my $to   = destination($pg, 'drive', 'drive', { %there, prepend_host => \1 }, '--secret', 'good');
my $test = WmTest::Deliver::command($pg, 'destination', 'test', 'drive');
is($test->{code}, 0, 'the test goes well') or diag($test->{err}, $server->log);
is_deeply([ glob("$dir/*test*") ], [], '... and leaves nothing');

my $export = archive($pg, 2_000_000);
my $id     = delivery($pg, $export, $to);
my $done   = deliver($pg, $id);
is($done->{code}, 0, 'an archive is delivered') or diag($done->{err}, $server->log);
like(ledger($pg, $id)->{remote_checksum}, qr/^md5 [0-9a-f]{32}$/, '... and its checksum compared');
ok(slurp("$dir/data.example.org_archive1.zip") eq slurp(workdir() . '/exports/archive1.zip'), '... and its bytes are right');
$pg->do("update delivery set state = 'sending' where id = $id");
is(deliver($pg, $id)->{code}, 0, 'delivered again after a kill, it is replaced') or diag(ledger($pg, $id)->{error});
is(scalar(() = glob("$dir/*archive1*")), 1, '... not doubled');

sub fault { spew("$dir/fault", $_[0]); return }
fault('busy');
$id = delivery($pg, archive($pg, 1000), $to);
is(deliver($pg, $id)->{code}, 0, 'a limit that names a time to wait is waited for');
fault('expired');
$id = delivery($pg, archive($pg, 1000), $to);
deliver($pg, $id);
is(ledger($pg, $id)->{state}, 'waiting', 'a session that has expired: the delivery waits');
is(deliver($pg, $id)->{code}, 0, '... and another session delivers it');
fault('full');
my $full = delivery($pg, archive($pg, 1000), $to);
isnt(deliver($pg, $full)->{code}, 0, 'a full drive: it fails');
like(ledger($pg, $full)->{error}, qr/Google Drive is full: make room/, '... and says what to do');
is(ledger($pg, $full)->{state}, 'waiting', '... and the delivery waits');
unlink "$dir/fault";
is(deliver($pg, $full)->{code}, 0, '... and is made when there is room');
my $wrong = destination($pg, 'wrong', 'drive', \%there, '--secret', 'other');
$id = delivery($pg, $export, $wrong);
isnt(deliver($pg, $id)->{code}, 0, 'another key: it fails');
like(ledger($pg, $id)->{error}, qr/refused the service account's key: make a new one/, '... and says what to do');
secrets_nowhere($pg);
done_testing();
