#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Deliveries to a server of S3 that checks signatures: one put, many parts, kills, refusals.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Deliver;
use WmTest::Postgres;
use WmTest::Server;

WmTest::Server->need('s3rver');
my $pg  = WmTest::Postgres->start;
my $dir = workdir() . '/s3';
my $log = workdir() . '/s3.requests';
environment();
mkdir $dir or die;
my $server = WmTest::Server->start('s3.js', $dir, $log, 'archive');
secret('s3', '{"access_key_id": "S3RVER", "secret_access_key": "S3RVER"}', '"S3RVER"');
secret('s3-wrong', '{"access_key_id": "S3RVER", "secret_access_key": "not-the-right-one"}', 'not-the-right-one');

my %there = (endpoint => $server->url, bucket => 'archive', region => 'eu-central-1', part_mib => 5);

sub fault { spew("$dir/fault", $_[0]); return }
sub requests { my ($like) = @_; return grep { $_ =~ $like } split /\n/, slurp($log) }
sub stored
{
    my ($object) = @_;
    my $got = HTTP::Tiny->new->get($server->url . "/archive/$object");
    return $got->{success} ? $got->{content} : undef;
}
require HTTP::Tiny;

my $to   = destination($pg, 's3', 's3', { %there, path => 'night/{profile}' }, '--secret', 's3');
my $test = WmTest::Deliver::command($pg, 'destination', 'test', 's3');
is($test->{code}, 0, 'the test goes well') or diag($test->{err}, slurp($log));
is_deeply([ map { s/ .*//r } requests(qr/./) ], [qw(PUT HEAD DELETE)], '... by writing, looking and removing');

# One put.
my $id   = delivery($pg, archive($pg, 1_000_000), $to);
my $done = deliver($pg, $id);
is($done->{code}, 0, 'a small archive is delivered') or diag($done->{err});
is(ledger($pg, $id)->{remote_bytes}, 1_000_000, '... and its size compared');
like(ledger($pg, $id)->{remote_checksum}, qr/^etag "[0-9a-f]{32}"$/, '... and its checksum');
ok(stored('night/nightly/archive1.zip') eq slurp(workdir() . '/exports/archive1.zip'), '... and its bytes are right');

# Names that the signature must encode.
my $odd = destination($pg, 'odd', 's3', { %there, path => "K\x{c3}\x{b6}ln + 100 % (a=b&c~d)" }, '--secret', 's3');
$id = delivery($pg, archive($pg, 1000), $odd);
$done = deliver($pg, $id);
is($done->{code}, 0, 'a path with blanks, signs and letters beyond ASCII works') or diag($done->{err});

# Parts, and a kill among them.
my $large = archive($pg, 18_000_000);
$id = delivery($pg, $large, $to);
fault('slow');
unlink $log;
my $pid = WmTest::spawn(workdir() . '/killed.log', { %{ $pg->env }, %{ environment() }, WM_SCHEMA_DIR => srcdir() . '/sql/schema' },
    builddir() . '/jobs/webmunkd', 'run', '--once', 'deliver', '--params', json({ delivery => $id + 0 }));
my $two = wait_until { ($pg->scalar("select jsonb_array_length(resume -> 'parts') from delivery where id = \$1", $id) // 0) >= 2 } 'two parts';
ok($two, 'parts arrive, and are kept');
kill 'KILL', $pid;
waitpid($pid, 0);
is(ledger($pg, $id)->{state}, 'sending', 'webmunkd is killed among them');
is(stored('night/nightly/archive3.zip'), undef, 'nothing stands under the name yet');
unlink "$dir/fault";
$done = deliver($pg, $id);
is($done->{code}, 0, 'the next try goes on') or diag($done->{err});
is(scalar(requests(qr/^POST .*\?uploads=/)), 1, '... with the same upload');
my @parts = map { /partNumber=(\d+)/ } requests(qr/^PUT/);
is(scalar(grep { $_ <= 2 } @parts), 2, '... and sends no part again that arrived');
is_deeply([ sort keys %{ { map { $_ => 1 } @parts } } ], [ 1 .. 4 ], '... and all four');
ok(stored('night/nightly/archive3.zip') eq slurp(workdir() . '/exports/archive3.zip'), '... and the bytes are right');
like(ledger($pg, $id)->{remote_checksum}, qr/^etag "[0-9a-f]{32}(?:-4)?"$/, '... and the checksum was compared');
is(ledger($pg, $id)->{resume}, undef, '... and nothing is left to go on from');

# An upload that the server has forgotten begins again.
$id = delivery($pg, archive($pg, 12_000_000), $to);
$pg->do("update delivery set resume = '{\"upload_id\": \"forgotten\", \"part_size\": 5242880, \"parts\": [{\"etag\": \"\\\"x\\\"\", \"md5\": \"x\"}]}',
    object = 'night/nightly/archive4.zip', state = 'sending' where id = $id");
$done = deliver($pg, $id);
is($done->{code}, 0, 'an upload that the server has forgotten is begun again') or diag($done->{err});
ok(stored('night/nightly/archive4.zip') eq slurp(workdir() . '/exports/archive4.zip'), '... and the bytes are right');

# A broken connection, and a server that asks for a moment.
fault('drop');
$id = delivery($pg, archive($pg, 12_000_000), $to);
$done = deliver($pg, $id);
if ($done->{code}) {
    is(ledger($pg, $id)->{state}, 'waiting', 'a connection that breaks in the middle: the delivery waits');
    like(ledger($pg, $id)->{error}, qr/the connection to the bucket archive broke/, '... and says so');
    is(deliver($pg, $id)->{code}, 0, '... and the next try delivers');
}
ok(stored('night/nightly/archive5.zip') eq slurp(workdir() . '/exports/archive5.zip'), 'after a broken connection the bytes are right');
fault('busy');
$id = delivery($pg, archive($pg, 1000), $to);
is(deliver($pg, $id)->{code}, 0, 'a server that says when to come again is waited for');

# Bad days.
sub says
{
    my ($like, $what, $settings, $secret, $state) = @_;
    my $place = destination($pg, $what =~ tr/ /-/r, 's3', { %there, %$settings }, '--secret', $secret);
    my $delivery = delivery($pg, $large, $place);
    isnt(deliver($pg, $delivery)->{code}, 0, "$what: it fails");
    like(ledger($pg, $delivery)->{error}, $like, '... and says what to do');
    is(ledger($pg, $delivery)->{state}, $state, "... and the delivery is $state");
    return;
}
says(qr/refused .*check the secret.*SignatureDoesNotMatch/, 'a wrong secret', {}, 's3-wrong', 'failed');
says(qr/bucket nowhere does not exist: create it/, 'a bucket that is not there', { bucket => 'nowhere' }, 's3', 'failed');
fault('full');
says(qr/is full \(XMinioStorageFull\): make room/, 'a full bucket', {}, 's3', 'waiting');
unlink "$dir/fault";
my $open = WmTest::Deliver::command($pg, 'destination', 'add', 'plain', '--kind', 's3', '--secret', 's3', '--settings',
    '{"bucket": "b", "endpoint": "http://example.org"}');
like($open->{err}, qr/must begin with https/, 'an endpoint without TLS is refused');
$server->stop;
says(qr/does not accept connections/, 'a server that is down', {}, 's3', 'waiting');
secrets_nowhere($pg);
unlike(slurp($log), qr/not-the-right-one/, 'no address holds a secret');
done_testing();
