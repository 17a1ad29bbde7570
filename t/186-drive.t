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
my $server = WmTest::Server->start('drive.js', $dir, workdir() . '/public.pem', my $log = workdir() . '/drive.requests');
for my $key (qw(good other)) {
    my $pem = slurp(workdir() . "/$key.pem");
    secret($key, json({ client_email => 'lab@example.org', private_key => $pem }), (split /\n/, $pem)[3], 'drive-token-secret', 'session-secret');
}
my %there = (api_url => $server->url, folder => 'folder1', piece_mib => 1);
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
sub there { return grep { slurp($_) eq slurp(workdir() . "/exports/$_[0]") } glob("$dir/*$_[0]") }
sub pieces { return [ map { /^PUT \S+ bytes (\S+)/ ? $1 : () } split(/\n/, slurp($log)) ] }

# Killed in the middle: the session is asked how far it is, and goes on there.
my $large = archive($pg, 5_500_000);
$id = delivery($pg, $large, $to);
fault('slow');
my $pid = WmTest::spawn(workdir() . '/killed.log', { %{ $pg->env }, %{ environment() } }, builddir() . '/jobs/webmunkd', 'run', '--once',
    'deliver', '--params', json({ delivery => $id + 0 }));
my $two = wait_until { ($pg->scalar("select (resume ->> 'offset')::int from delivery where id = \$1", $id) // 0) >= 2 << 20 } 'two pieces';
ok($two, 'pieces arrive, and are kept');
unlike(ledger($pg, $id)->{resume}{sealed}, qr/upload/, '... with the session, which nobody can read');
kill 'KILL', $pid;
waitpid($pid, 0);
unlink "$dir/fault";
unlink $log;
is(deliver($pg, $id)->{code}, 0, 'after a kill the next try goes on') or diag(ledger($pg, $id)->{error}, $server->log);
is(pieces()->[0], '*/5500000', '... asks how far it is');
like(pieces()->[1], qr/^[2-5]\d{6}-/, '... and sends the rest');
unlike(slurp($log), qr{^(?:POST|PATCH) /upload/drive}m, '... in the same session');
ok(there('archive2.zip'), '... and the bytes are right');
like(ledger($pg, $id)->{remote_checksum}, qr/^md5 /, '... which was compared');
is(ledger($pg, $id)->{resume}, undef, '... and the session is forgotten');

# What may happen to a piece.
my $number = 2;
for my $case ([ 'error', 'a server that stumbles' ], [ 'drop', 'a connection that breaks when all has arrived' ], [ 'short', 'a piece of which a part was kept' ]) {
    my $name = 'archive' . ++$number . '.zip';
    $id = delivery($pg, archive($pg, 2_500_000), $to);
    fault($case->[0]);
    is(deliver($pg, $id)->{code}, 0, "$case->[1]: it is delivered at once") or diag(ledger($pg, $id)->{error}, slurp($log));
    ok(there($name), '... with the right bytes');
}

# A session that is no more, or of another account, is followed by another.
for my $case ([ q{'gone'}, 'a session that cannot be read' ], [ q{resume ->> 'sealed'}, 'a session that has expired' ]) {
    my $name = 'archive' . ++$number . '.zip';
    $id = delivery($pg, archive($pg, 2_500_000), $to);
    fault('slow');
    $pid = WmTest::spawn(workdir() . '/killed.log', { %{ $pg->env }, %{ environment() } }, builddir() . '/jobs/webmunkd', 'run', '--once',
        'deliver', '--params', json({ delivery => $id + 0 }));
    wait_until { ($pg->scalar("select (resume ->> 'offset')::int from delivery where id = \$1", $id) // 0) > 0 } 'a piece';
    kill 'KILL', $pid;
    waitpid($pid, 0);
    $case->[0] =~ /resume/ ? fault('expired') : unlink "$dir/fault";
    $pg->do("update delivery set resume = jsonb_set(resume, '{sealed}', to_jsonb($case->[0]::text)) where id = $id");
    is(deliver($pg, $id)->{code}, 0, "$case->[1]: another begins") or diag(ledger($pg, $id)->{error});
    ok(there($name), '... with the right bytes');
}
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
