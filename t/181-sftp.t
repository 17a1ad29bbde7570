#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Deliveries to a real OpenSSH server: pinned host key, resumed uploads, and what goes wrong.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Deliver;
use WmTest::Postgres;

my $sshd   = need_program('sshd', 'openssh-server');
my $keygen = need_program('ssh-keygen', 'openssh-client');
my $pg     = WmTest::Postgres->start;
my $dir    = workdir() . '/ssh';
my $home   = "$dir/files";
environment();
mkdir $_ or die "mkdir $_: $!" for $dir, $home;
mkdir '/run/sshd' if $> == 0;    # where its children without rights sit

for my $key (qw(host other user)) {
    my $made = run($keygen, '-q', '-t', 'ed25519', '-N', '', '-f', "$dir/$key", '-C', 'test');
    die $made->{err} if $made->{code};
}
my ($pin)   = run($keygen, '-lf', "$dir/host.pub")->{out} =~ /(SHA256:\S+)/;
my ($wrong) = run($keygen, '-lf', "$dir/other.pub")->{out} =~ /(SHA256:\S+)/;
my $private = slurp("$dir/user");
secret('sftp-key', $private, (split /\n/, $private)[1]);

my ($port, $pid);
sub up
{
    for (1 .. 5) {
        $port ||= free_port();
        spew("$dir/conf", <<"EOT");
ListenAddress 127.0.0.1:$port
HostKey $dir/host
PidFile none
AuthorizedKeysFile $dir/user.pub
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
Subsystem sftp internal-sftp -d $home
LogLevel VERBOSE
EOT
        $pid = WmTest::spawn("$dir/log", {}, WmTest::launcher(), $sshd, '-D', '-e', '-f', "$dir/conf");
        my $up = wait_until {
            waitpid($pid, POSIX::WNOHANG()) == $pid ? -1
                : IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        } 'sshd';
        return if ref $up;
        undef $port;
    }
    die slurp("$dir/log");
}
require IO::Socket::INET;
up();
WmTest::guard(sub { WmTest::reap($pid, 'TERM') });

my %there = (host => '127.0.0.1', port => $port, username => scalar getpwuid($>), root => $home, path => 'nightly');
my $to    = destination($pg, 'ssh', 'sftp', { %there, host_key => $pin }, '--secret', 'sftp-key');
my $test  = WmTest::Deliver::command($pg, 'destination', 'test', 'ssh');
is($test->{code}, 0, 'the test goes well') or diag($test->{err}, slurp("$dir/log"));
is_deeply([ glob("$home/nightly/*test* $home/nightly/.*part") ], [], '... and leaves nothing');

my $export = archive($pg, 2_000_000);
my $id     = delivery($pg, $export, $to);
my $done   = deliver($pg, $id);
is($done->{code}, 0, 'an archive is delivered') or diag($done->{err});
is(ledger($pg, $id)->{remote_bytes}, 2_000_000, '... and its size compared');
ok(slurp("$home/nightly/archive1.zip") eq slurp(workdir() . '/exports/archive1.zip'), '... and its bytes are right');
is(scalar(() = glob("$home/nightly/.*part")), 0, '... and its other name is gone');

# Read back.
my $sure = destination($pg, 'sure', 'sftp', { %there, path => 'sure', host_key => $pin, verify => 'content' }, '--secret', 'sftp-key');
$id = delivery($pg, $export, $sure);
is(deliver($pg, $id)->{code}, 0, 'an archive is delivered and read back');
like(ledger($pg, $id)->{remote_checksum}, qr/^sha256 /, '... and its checksum compared');

# What an upload that was killed has left is gone on from, and a file of the name is replaced.
my $half = archive($pg, 3_000_000);
my $text = slurp(workdir() . '/exports/archive2.zip');
my ($digest) = $pg->scalar("select left(encode(file_sha256, 'hex'), 8) from export where id = \$1", $half);
spew("$home/sure/.archive2.zip.$digest.part", substr($text, 0, 1_234_567));
spew("$home/sure/archive2.zip", 'an old file');
$id = delivery($pg, $half, $sure);
$done = deliver($pg, $id);
is($done->{code}, 0, 'an upload that was broken off is delivered') or diag($done->{err});
ok(slurp("$home/sure/archive2.zip") eq $text, '... with the right bytes');
is_deeply([ map { s/.*\///r } glob("$home/sure/{*,.*part}") ], [ 'archive1.zip', 'archive2.zip' ], '... once');
my $whole = archive($pg, 100_000);
$text = slurp(workdir() . '/exports/archive3.zip');
($digest) = $pg->scalar("select left(encode(file_sha256, 'hex'), 8) from export where id = \$1", $whole);
spew("$home/sure/.archive3.zip.$digest.part", $text);
$id = delivery($pg, $whole, $sure);
$done = deliver($pg, $id);
is($done->{code}, 0, 'so is one that lacked its last name alone') or diag($done->{err});
ok(slurp("$home/sure/archive3.zip") eq $text, '... with the right bytes');

# A file of known hosts instead.
my $public = join ' ', (split ' ', slurp("$dir/host.pub"))[0, 1];
spew("$dir/known", "[127.0.0.1]:$port $public\n");
my $known = destination($pg, 'known', 'sftp', { %there, known_hosts => "$dir/known" }, '--secret', 'sftp-key');
is(WmTest::Deliver::command($pg, 'destination', 'test', 'known')->{code}, 0, 'known_hosts pins as well');

# Bad days.
sub says
{
    my ($like, $what, $settings, $secret, $state) = @_;
    my $place = destination($pg, $what =~ tr/ /-/r, 'sftp', { %there, %$settings }, '--secret', $secret);
    my $delivery = delivery($pg, $export, $place);
    isnt(deliver($pg, $delivery)->{code}, 0, "$what: it fails");
    like(ledger($pg, $delivery)->{error}, $like, '... and says what to do');
    is(ledger($pg, $delivery)->{state}, $state, "... and the delivery is $state");
    return $delivery;
}
my $log = length slurp("$dir/log");
says(qr/another host key than the one that is pinned/, 'another host key', { host_key => $wrong }, 'sftp-key', 'failed');
my $other = join ' ', (split ' ', slurp("$dir/other.pub"))[0, 1];
spew("$dir/known-wrong", "[127.0.0.1]:$port $other\n");
says(qr/another host key than the one that is pinned/, 'another known host', { known_hosts => "$dir/known-wrong" }, 'sftp-key', 'failed');
spew("$dir/known-none", '');
says(qr/another host key than the one that is pinned/, 'an unknown host', { known_hosts => "$dir/known-none" }, 'sftp-key', 'failed');
unlike(substr(slurp("$dir/log"), $log), qr/Accepted/, 'nobody signed in to a host that is not the pinned one');
my $stranger = slurp("$dir/other");
secret('stranger', $stranger, (split /\n/, $stranger)[1]);
says(qr/refused the login: check user and secret/, 'a key nobody knows', { host_key => $pin }, 'stranger', 'failed');
says(qr/the secret \S+\/nowhere is missing: put it there with mode 0600/, 'a secret that is missing', { host_key => $pin }, 'nowhere', 'failed');
chmod 0644, secret('open', $private);
says(qr/the secret \S+\/open can be read by others: chmod 0600/, 'a secret that is too open', { host_key => $pin }, 'open', 'failed');
says(qr/name is that of a file/, 'a secret elsewhere', { host_key => $pin }, '../ssh/user', 'failed');
WmTest::reap($pid, 'TERM');
my $later = says(qr/does not accept connections/, 'a server that is down', { host_key => $pin }, 'sftp-key', 'waiting');
up();
is(deliver($pg, $later)->{code}, 0, 'when it is back, the delivery is made');
secrets_nowhere($pg);
done_testing();
