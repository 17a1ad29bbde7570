#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Deliveries by Dropbox's API, as a stand-in follows its documentation.
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
my $pg  = WmTest::Postgres->start;
my $dir = workdir() . '/box';
my $log = workdir() . '/box.requests';
environment();
mkdir $dir or die;
my $server = WmTest::Server->start('dropbox.js', $dir, $log);
secret('box', '{"app_key": "key", "app_secret": "app secret", "refresh_token": "refresh secret"}', 'app secret', 'refresh secret',
    'short-lived-secret');
secret('box-wrong', '{"app_key": "key", "app_secret": "app secret", "refresh_token": "old refresh"}', 'old refresh');
my %there = (api_url => $server->url, content_url => $server->url, piece_mib => 4);
sub fault { spew("$dir/fault", $_[0]); return }
sub same  { return -e "$dir/store/$_[0]" && slurp("$dir/store/$_[0]") eq slurp(workdir() . "/exports/$_[1]") }

my $to   = destination($pg, 'box', 'dropbox', { %there, path => 'lab/{profile}' }, '--secret', 'box');
my $test = WmTest::Deliver::command($pg, 'destination', 'test', 'box');
is($test->{code}, 0, 'the test goes well') or diag($test->{err}, slurp($log), $server->log);
is_deeply([ glob("$dir/store/lab/test/*") ], [], '... and leaves nothing');

my $large = archive($pg, 14_000_000);
my $id    = delivery($pg, $large, $to);
fault('slow');
my $pid = WmTest::spawn(workdir() . '/killed.log', { %{ $pg->env }, %{ environment() } }, builddir() . '/jobs/webmunkd', 'run', '--once',
    'deliver', '--params', json({ delivery => $id + 0 }));
my $two = wait_until { ($pg->scalar("select (resume ->> 'offset')::int from delivery where id = \$1", $id) // 0) >= 8 << 20 } 'two pieces';
ok($two, 'pieces arrive, and are kept');
kill 'KILL', $pid;
waitpid($pid, 0);
unlink "$dir/fault";
unlink $log;
my $done = deliver($pg, $id);
is($done->{code}, 0, 'after a kill the next try goes on') or diag($done->{err});
ok(same('lab/nightly/archive1.zip', 'archive1.zip'), '... and the bytes are right');
unlike(slurp($log), qr/upload_session\/start/, '... in the same session');
like(ledger($pg, $id)->{remote_checksum}, qr/^content_hash [0-9a-f]{64}$/, '... and the checksum was compared');

# Dropbox knows better how far it is; a session that is gone; a busy server; a connection that breaks.
my $number = 1;
for my $case ([ 'offset', 'a wrong idea of the offset' ], [ 'expired', 'a session that has expired' ], [ 'busy', 'too many requests' ],
    [ 'drop', 'a connection that breaks' ]) {
    my $name = 'archive' . ++$number . '.zip';
    $id = delivery($pg, archive($pg, 9_000_000), $to);
    if ($case->[0] eq 'offset') {
        fault('slow');
        $pid = WmTest::spawn(workdir() . '/killed.log', { %{ $pg->env }, %{ environment() } }, builddir() . '/jobs/webmunkd', 'run', '--once',
            'deliver', '--params', json({ delivery => $id + 0 }));
        wait_until { ($pg->scalar("select (resume ->> 'offset')::int from delivery where id = \$1", $id) // 0) > 0 } 'a piece';
        kill 'KILL', $pid;
        waitpid($pid, 0);
        unlink "$dir/fault";
        $pg->do("update delivery set resume = jsonb_set(resume, '{offset}', '0') where id = $id");
    } else {
        fault($case->[0]);
    }
    deliver($pg, $id)->{code} == 0 or deliver($pg, $id);
    is(ledger($pg, $id)->{state}, 'delivered', "$case->[1]: it is delivered") or diag(ledger($pg, $id)->{error});
    ok(same("lab/nightly/$name", $name), '... with the right bytes');
}

sub says
{
    my ($like, $what, $secret, $state) = @_;
    my $place = destination($pg, $what =~ tr/ /-/r, 'dropbox', \%there, '--secret', $secret);
    my $delivery = delivery($pg, $large, $place);
    isnt(deliver($pg, $delivery)->{code}, 0, "$what: it fails");
    like(ledger($pg, $delivery)->{error}, $like, '... and says what to do');
    is(ledger($pg, $delivery)->{state}, $state, "... and the delivery is $state");
    return;
}
says(qr/refused the refresh token: .*make a new one/, 'a refresh token that was revoked', 'box-wrong', 'failed');
fault('full');
says(qr/Dropbox is full: make room there/, 'a full box', 'box', 'waiting');
$server->stop;
says(qr/does not accept connections/, 'a server that is down', 'box', 'waiting');
secrets_nowhere($pg);
done_testing();
