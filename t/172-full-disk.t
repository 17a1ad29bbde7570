#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# An export whose disk is full waits, says so, and goes on when there is room.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use WmTest;
use WmTest::Postgres;

$> == 0 or plan(skip_all => 'only root mounts a small disk');
my $dir = workdir() . '/small';
mkdir $dir or die "mkdir: $!";
run('mount', '-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'wm-small', $dir)->{code} == 0
    or plan(skip_all => 'a small disk cannot be mounted here');
my $main = $$;
WmTest::guard(sub { run('umount', '-l', $dir) if $$ == $main });
my $pg  = WmTest::Postgres->start;
my %env = (WEBMUNK_EXPORT_DIR => $dir);

$pg->do(<<'EOT');
select partitions_ahead(2, 2);
insert into source (identifier, name, study_id) select 'anna', 'anna', id from study where is_default;
insert into generator (identifier, label) values ('webmunk-extension-scroll-position', 's');
insert into agent (generator, user_agent) values ('g', 'a');
insert into bundle (received, uid, body_digest, source_id, method, form, points)
select now() - n * interval '1 second', md5('u' || n)::uuid, md5('b' || n)::uuid, 1, 'POST', 'json', 30
  from generate_series(1, 1000) n;
insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
select b.id << 20 | n, 1, b.received - n * interval '1 second', b.recorded, md5(b.id || '.' || n)::uuid, 1, 1,
       jsonb_build_object('url*', md5(b.id::text || n) || md5(n || '.' || b.id))
  from bundle b, generate_series(1, 30) n
EOT
sub export { return webmunkd({ env => {%env} }, $pg, 'export', @_) }
sub shown  { return from_json(export('show', $_[0])->{out}) }

my @asked = ('create', '--types', 'webmunk-extension-scroll-position', '--sensitive');
my ($id) = export(@asked)->{out} =~ /(\d+)/;
my $pid = fork() // die "fork: $!";
if (!$pid) {
    open(STDOUT, '>', '/dev/null');
    @ENV{ keys %env } = values %env;
    $ENV{DATABASE_URL} = $pg->url;
    exec { builddir() . '/jobs/webmunkd' } 'webmunkd', 'export', 'run', $id or POSIX::_exit(127);
}
my $said = wait_until { (shown($id)->{error} // '') =~ /is full; the export waits for \d+ MB/ } 'the sentence';
ok($said, 'the export says that the disk is full');
is(shown($id)->{state}, 'running', 'and has not failed');
is(waitpid($pid, POSIX::WNOHANG()), 0, 'it waits');
is(getpriority(0, $pid), 19, 'as every export it runs behind everything else on the machine');
is(run('mount', '-o', 'remount,size=64m', $dir)->{code}, 0, 'there is room again');
my $ended = wait_until { waitpid($pid, POSIX::WNOHANG()) == $pid } 'the end';
is($ended && $?, 0, 'it goes on by itself to its end');
my $e = shown($id);
is($e->{state}, 'ready', 'and is ready');
is($e->{error}, undef, 'with nothing to complain about');
is(export('verify', "$dir/$id.zip")->{code}, 0, 'its archive is whole');

# Whoever cancels need not wait for room.
is(run('mount', '-o', 'remount,size=4m', $dir)->{code}, 0, 'the disk is small again') or diag('umount it');
my ($other) = export(@asked)->{out} =~ /(\d+)/;
$pid = fork() // die "fork: $!";
if (!$pid) {
    open(STDOUT, '>', '/dev/null');
    open(STDERR, '>', '/dev/null');
    @ENV{ keys %env } = values %env;
    $ENV{DATABASE_URL} = $pg->url;
    exec { builddir() . '/jobs/webmunkd' } 'webmunkd', 'export', 'run', $other or POSIX::_exit(127);
}
ok(scalar(wait_until { (shown($other)->{error} // '') =~ /is full/ || shown($other)->{state} eq 'ready' } 'it'), 'another one begins');
SKIP: {
    skip('it had room', 3) if shown($other)->{state} eq 'ready';
    # It has no runner: its job waits in the table, and cancelling that is what it hears.
    is(export('cancel', $other)->{code}, 0, 'it is cancelled');
    ok(scalar(wait_until { waitpid($pid, POSIX::WNOHANG()) == $pid } 'the end'), 'and ends');
    ok(!-e "$dir/$other.parts", 'without a trace');
}
done_testing();
