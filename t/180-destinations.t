#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Destinations at the command line, the ledger of deliveries, and the local folder.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Deliver;
use WmTest::Postgres;

my $pg     = WmTest::Postgres->start;
my $folder = workdir() . '/share';
environment();
mkdir $folder or die;

sub refused
{
    my ($like, $name, @words) = @_;
    my $done = WmTest::Deliver::command($pg, 'destination', 'add', @words);
    isnt($done->{code}, 0, $name);
    like($done->{err}, $like, '... in words');
    return;
}

# Settings.
my $kinds = webmunkd(undef, 'destination', 'kinds')->{out};
like($kinds, qr/^local: .*^  folder .*\(needed\).*^sftp: .*^all kinds:\n.*prepend_source_range/ms, 'the kinds and their settings are listed');
refused(qr/no kind "floppy"/, 'an unknown kind is refused', 'x', '--kind', 'floppy');
refused(qr/needs the setting "folder"/, 'a missing setting is refused', 'x', '--kind', 'local');
refused(qr/no setting "foldr"/, 'an unknown setting is refused', 'x', '--kind', 'local', '--settings', '{"foldr": "/x"}');
refused(qr/"prepend_host" must be true or false/, 'a setting of the wrong type is refused', 'x', '--kind', 'local', '--settings',
    '{"folder": "/x", "prepend_host": "yes"}');
refused(qr/must begin with \//, 'a relative folder is refused', 'x', '--kind', 'local', '--settings', '{"folder": "x"}');
refused(qr/needs a secret: a private key/, 'a missing secret is refused', 'x', '--kind', 'sftp', '--settings',
    '{"host": "h", "username": "u", "host_key": "SHA256:x"}');
refused(qr/must be pinned/, 'a host key is needed', 'x', '--kind', 'sftp', '--secret', 's', '--settings', '{"host": "h", "username": "u"}');

# Naming.
my $to = destination($pg, 'share', 'local', { folder => $folder, path => '/in/{study}/{profile}', prepend_host => \1,
    prepend_date => \1, prepend_source_range => \1 });
refused(qr/already; --replace/, 'a name is taken', 'share', '--kind', 'local', '--settings', json({ folder => $folder }));
my $test = WmTest::Deliver::command($pg, 'destination', 'test', 'share');
is($test->{code}, 0, 'the test of a folder goes well') or diag($test->{err});
is($pg->scalar('select tested is not null and test_result is null from destination'), 't', '... and is kept');
is(scalar(() = glob("$folder/in/*/test/* $folder/in/*/test/.*part")), 0, '... and leaves nothing');

my $export = archive($pg, 3_000_000);
my $id     = delivery($pg, $export, $to);
my $done   = deliver($pg, $id);
is($done->{code}, 0, 'an archive is delivered') or diag($done->{err});
my $slug = $pg->scalar('select slug from study where id = 1');
my $name = "in/$slug/nightly/data.example.org_2026-03-29_p-1-p-9_archive1.zip";
my $row  = ledger($pg, $id);
is($row->{state}, 'delivered', 'the ledger says so');
is($row->{object}, $name, '... and where: path, host, day and range of participants');
is($row->{remote_bytes}, 3_000_000, '... with its size there');
like($row->{remote_checksum}, qr/^sha256 [0-9a-f]{64}$/, '... and its checksum there');
is($row->{resume}, undef, '... and nothing to go on from');
ok(slurp("$folder/$name") eq slurp(workdir() . '/exports/archive1.zip'), 'the bytes are the same');
is((stat "$folder/$name")[2] & 07777, 0600, 'the file is its owner\'s');
my $before = (stat "$folder/$name")[1];
is(deliver($pg, $id)->{code}, 0, 'delivering it again is harmless');
is((stat "$folder/$name")[1], $before, '... and sends nothing');

# Bad days: what a person can mend fails at once with the remedy, and tells by mail; the rest waits.
sub fails
{
    my ($state, $like, $what, $destination, %option) = @_;
    my $delivery = $option{id} || delivery($pg, archive($pg, 1000), $destination);
    my $try = deliver($pg, $delivery);
    isnt($try->{code}, 0, "$what: the try fails");
    my $left = ledger($pg, $delivery);
    is($left->{state}, $state, "... and the delivery is $state");
    like($left->{error}, $like, '... with the remedy');
    my $mails = $pg->scalar("select count(*) from mail where what like 'delivery ' || \$1 || ' failed%'", $delivery);
    is($mails, $state eq 'failed' ? 1 : 0, $state eq 'failed' ? '... and somebody is told' : '... and nobody is told yet');
    return $delivery;
}

rename $folder, "$folder.away" or die;
my $away = fails('waiting', qr/is not there: make or mount it/, 'a folder that is away', $to);
rename "$folder.away", $folder or die;
is(deliver($pg, $away)->{code}, 0, 'when it is back, the delivery is made');
is(ledger($pg, $away)->{tries}, 2, '... at the second try');
ok(-e $folder . '/' . ledger($pg, $away)->{object}, '... under its name');

my $climb = destination($pg, 'climb', 'local', { folder => $folder, path => 'a/../../b' });
fails('failed', qr/may not have empty parts/, 'a path that climbs out', $climb);
SKIP: {
    skip('no small file system can be made', 4) if $> || system_mount($folder);
    my $small = destination($pg, 'small', 'local', { folder => "$folder/small" });
    my $large = delivery($pg, archive($pg, 300_000), $small);
    isnt(deliver($pg, $large)->{code}, 0, 'a full file system: the try fails');
    is(ledger($pg, $large)->{state}, 'waiting', '... and the delivery waits');
    like(ledger($pg, $large)->{error}, qr/no room left: make some/, '... with the remedy');
    is(scalar(() = glob("$folder/small/* $folder/small/.*part")), 0, '... and nothing half is left');
}

# An archive that changed since it was built is not sent as if it were the same.
my $other = archive($pg, 1000);
my $wrong = delivery($pg, $other, $to);
open(my $out, '>>', $pg->scalar("select '" . workdir() . "/exports/' || path from export where id = $other")) or die;
print $out 'x';
close $out;
fails('failed', qr/its SHA-256 has changed/, 'an archive that changed', $to, id => $wrong);
my $gone = delivery($pg, my $expired = archive($pg, 1000), $to);
$pg->do("update export set state = 'expired', path = null where id = $expired");
fails('failed', qr/is expired/, 'an archive that has expired', $to, id => $gone);

# Pause and resume.
is(WmTest::Deliver::command($pg, 'destination', 'pause', 'share')->{code}, 0, 'a destination is paused');
my $waits = delivery($pg, archive($pg, 1000), $to);
is(deliver($pg, $waits)->{code}, 0, 'a delivery to it');
is(ledger($pg, $waits)->{state}, 'waiting', '... waits');
is(ledger($pg, $waits)->{tries}, 0, '... without a try');
my $resumed = WmTest::Deliver::command($pg, 'destination', 'resume', 'share');
like($resumed->{out}, qr/is active; 3 deliveries/, 'resuming tries what waits and what failed');
is($pg->scalar("select count(*) from job where name = 'deliver' and state = 'ready'"), 3, '... by a job each');
like(WmTest::Deliver::command($pg, 'destination', 'list')->{out}, qr/^share +local +active/m, 'the list shows it');
is(from_json(WmTest::Deliver::command($pg, 'destination', 'show', 'share')->{out})->{settings}{folder}, $folder, 'show shows it');
is(WmTest::Deliver::command($pg, 'destination', 'remove', 'share')->{code}, 0, 'a destination is removed');
isnt(WmTest::Deliver::command($pg, 'destination', 'test', 'share')->{code}, 0, '... and is gone');
done_testing();

# A file system of 64 KiB below FOLDER; false when it was made.
sub system_mount
{
    my ($below) = @_;
    mkdir "$below/small";
    my $made = run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', "$below/small");
    WmTest::guard(sub { run('umount', "$below/small") }) unless $made->{code};
    return $made->{code};
}
