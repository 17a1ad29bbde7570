#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# webmunkd migrate: forward only, each file once, whoever comes at the same time.
use strict;
use warnings;
use File::Copy qw(copy);
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg     = WmTest::Postgres->start(migrate => 0);
my $schema = srcdir() . '/sql/schema';
my @files  = sort map { m{([^/]+)$} } glob("$schema/*.sql");
my $count  = @files;

# A schema directory of its own, with grants.sql beside it, that a test may change.
my $copies = 0;

sub schema_copy
{
    my $dir = workdir() . '/sql' . ++$copies;
    mkdir $_ or die "mkdir $_: $!" for $dir, "$dir/schema";
    copy("$schema/$_", "$dir/schema/$_") or die "copy $_: $!" for @files;
    copy(srcdir() . '/sql/grants.sql', "$dir/grants.sql") or die "copy grants.sql: $!";
    return "$dir/schema";
}

sub database
{
    my ($name, $owner) = @_;
    $pg->psql('-d', 'postgres', '-c', "create database $name" . ($owner ? " owner $owner" : ''));
    return { env => { DATABASE_URL => 'postgresql:///' . $name . '?host=' . $pg->dir . '&user=' . ($owner || 'postgres') } };
}

sub refused
{
    my ($dir, $like, $name) = @_;
    my $done = webmunkd($pg, 'migrate', '--schema-dir', $dir);
    is($done->{code}, 1, $name);
    like($done->{err}, $like, '... with a sentence');
}

# An owner who is no superuser and may make no roles: on this cluster nobody has made them yet.
$pg->psql('-d', 'postgres', '-c', 'create role plain login');
my $plain = database('plain', 'plain');
my $done = webmunkd($plain, $pg, 'migrate');
is($done->{code}, 0, 'the owner of a database needs no other right') or diag($done->{err});
like($done->{out}, qr/must connect as the owner/, 'and is told when the roles are missing');

# Forgotten.
$done = webmunkd($pg, 'account', 'list');
is($done->{code}, 1, 'without a schema there are no accounts');
like($done->{err}, qr/\Awebmunkd: [^\n]* does not exist; [^\n]*"webmunkd migrate" makes them\n\z/, '... and the sentence names what helps');

# Fresh.
$done = webmunkd($pg, 'migrate', '--status');
is($done->{code}, 0, 'the state of an empty database can be asked for');
like($done->{out}, qr/^$count pending$/m, 'everything is pending');
is($pg->scalar('select to_regnamespace($1)', 'webmunk'), undef, 'asking makes nothing');
$done = webmunkd($pg, 'migrate');
is($done->{code}, 0, 'an empty database is migrated') or diag($done->{err});
is($done->{out}, "$count migrations applied\n", 'by all files');
is($done->{err}, '', 'without noise where no terminal is');
is_deeply([ $pg->list('select number::text || $1 || title || $2 from wm_schema order by number', '-', '.sql') ],
    [ map { s/^0+//r } @files ], 'each file is recorded');
my $secret = $pg->scalar('select secret from server_secret');
like($secret, qr/^\\x[0-9a-f]{64}$/, 'the secret for forms is there');

# Again.
$done = webmunkd($pg, 'migrate');
is_deeply([ @$done{qw(code out)} ], [ 0, "0 migrations applied\n" ], 'a second run changes nothing');
is($pg->scalar('select secret from server_secret'), $secret, 'not even the secret');
like(webmunkd($pg, 'migrate', '--status')->{out}, qr/^0 pending$/m, 'nothing is pending');

# Roles.
is($pg->scalar(<<'EOT'), undef, 'wm_owner owns everything, so that it can migrate the next time');
select string_agg(c.oid::regclass::text, ' ') from pg_class c
 where c.relnamespace = 'webmunk'::regnamespace and c.relowner <> 'wm_owner'::regrole
EOT
$pg->psql('-d', 'postgres', '-c', 'grant create on database webmunk to wm_owner');
$done = webmunkd({ env => { DATABASE_URL => $pg->url =~ s/user=\w+/user=wm_owner/r } }, $pg, 'migrate');
is($done->{code}, 0, 'and does') or diag($done->{err});
$pg->do('grant delete on data_point to wm_web');
webmunkd($pg, 'migrate');
is($pg->scalar("select has_table_privilege('wm_web', 'data_point', 'delete')"), 'f',
    'what grants.sql does not list is taken away');
is($pg->scalar("select count(*) from pg_db_role_setting where 'log_error_verbosity=terse' = any(setconfig)"), 3,
    'logs of the roles carry no data');
for my $role (qw(wm_web wm_jobs wm_export)) {
    is($pg->scalar("select has_table_privilege('$role', 'wm_schema', 'insert')"), 'f', "$role changes no schema");
}

# What is refused.
my $dir = schema_copy();
spew("$dir/$files[1]", slurp("$dir/$files[1]") . "-- one more line\n");
refused($dir, qr/\Q$files[1]\E was changed after it was applied/, 'a changed file is refused');
is(webmunkd($pg, 'migrate', '--status', '--schema-dir', $dir)->{code}, 1, 'its state is no success either');
$dir = schema_copy();
unlink "$dir/$files[-1]";
refused($dir, qr/the database is newer than the program/, 'a database that is newer is refused');
$dir = schema_copy();
unlink "$dir/$files[1]";
refused($dir, qr/number 0002 is missing before \Q$files[2]\E/, 'a gap is refused');
$dir = schema_copy();
spew("$dir/0002-other.sql", "select 1;\n");
refused($dir, qr/0002-\S+ and 0002-\S+ have the same number/, 'a duplicate number is refused');
$dir = schema_copy();
spew("$dir/5-short.sql", "select 1;\n");
refused($dir, qr/5-short\.sql is not named NNNN-title\.sql/, 'another name is refused');
refused(workdir() . '/nowhere', qr/nowhere/, 'a directory that is not there is named');
mkdir workdir() . '/empty';
refused(workdir() . '/empty', qr/has no NNNN-title\.sql file/, 'an empty directory is refused');

# A file that fails.
my $next = sprintf('%04d', $count + 1);
$dir = schema_copy();
spew("$dir/$next-broken.sql", "create table half (n integer);\n\nselect nonsense;\n");
refused($dir, qr/$next-broken\.sql: line 3: 42703/, 'a file that fails is named with its line');
is($pg->scalar("select to_regclass('half')"), undef, 'and leaves nothing');
is($pg->scalar('select max(number) from wm_schema'), $count, 'not even a record');
spew("$dir/$next-broken.sql", "create table whole (n integer);\n");
$done = webmunkd($pg, 'migrate', '--schema-dir', $dir);
is($done->{out}, "1 migration applied\n", 'repaired, it is applied');
$done = webmunkd($pg, 'migrate');
is($done->{code}, 1, 'then the program without it is too old');
$pg->do("drop table whole");
$pg->do("delete from wm_schema where number = $count + 1");

# At the same time.
my $fresh = database('together');
my %state;
for my $n (1 .. 3) {
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        my $result = webmunkd($fresh, $pg, 'migrate');
        spew(workdir() . "/together$n", "$result->{code} $result->{out}$result->{err}");
        POSIX::_exit(0);
    }
    $state{$pid} = $n;
}
waitpid($_, 0) for keys %state;
my @said = map { slurp(workdir() . "/together$_") } 1 .. 3;
is_deeply([ sort @said ], [ ("0 0 migrations applied\n") x 2, "0 $count migrations applied\n" ],
    'three that come together: one migrates, the others wait');

# Interrupted.
my $locked = $pg->session;
$locked->do('select pg_advisory_lock(5277036310)');
my $log = workdir() . '/interrupted';
my $pid = WmTest::spawn($log, { %{ $pg->env }, WM_SCHEMA_DIR => $schema }, builddir() . '/jobs/webmunkd', 'migrate');
wait_until { $pg->scalar("select count(*) from pg_locks where locktype = 'advisory' and not granted") } 'a waiting run';
kill 'INT', $pid;
waitpid($pid, 0);
is($? >> 8, 130, 'a run that is interrupted says so to its caller');
like(slurp($log), qr/interrupted; what was not finished is rolled back/, 'and to the operator');
$locked->close;
is(webmunkd($pg, 'migrate')->{code}, 0, 'the next run finds no lock left');

# Without a database.
$done = webmunkd({ env => { DATABASE_URL => 'postgresql:///webmunk?host=/nonexistent' } }, undef, 'migrate');
is($done->{code}, 1, 'a database that is away is a failure');
like($done->{err}, qr/^webmunkd: cannot connect to the database: /, 'with a sentence');

# Partitions.
$done = webmunkd($pg, 'partitions');
like($done->{out}, qr/^\d+ partitions made$/, 'partitions are made ahead');
isnt($done->{out}, "0 partitions made\n", 'where none were');
is(webmunkd($pg, 'partitions')->{out}, "0 partitions made\n", 'a second time there is nothing to do');
is($pg->scalar(<<'EOT'), 'f', 'the third month from now has its place');
select bool_or(to_regclass(t || to_char(now() at time zone 'UTC' + interval '3 months', '_YYYYMM')) is null)
  from unnest(array['data_point', 'bundle']) as u(t)
EOT
done_testing();
