#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The access log only grows, whoever asks, and what was changed behind its back is found. Rights of the other roles.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg = WmTest::Postgres->start;

# A statement as one of the product's roles; undef when it is refused.
sub as_role
{
    my ($role, $sql) = @_;
    my $out = eval { $pg->psql('-U', $role, '-A', '-t', '-c', $sql) };
    return $out unless defined $out;
    chomp $out;
    return $out;
}

sub allowed { my ($role, $sql, $name) = @_; ok(defined as_role($role, $sql), $name) or diag($@); return }

sub denied
{
    my ($role, $sql, $name) = @_;
    is(as_role($role, $sql), undef, $name);
    like($@, qr/permission denied|must be owner|can only grow/, '... for lack of permission');
    return;
}

my $add = "select access_log_add('anna', 'session', 'page', 'participants', '{\"rows\": 2}', '{12, 5, 12}', null, 'ok', '192.0.2.1', 'r1')";
is(as_role('wm_web', $add), 1, 'the server appends');
is(as_role('wm_jobs', "select access_log_add(null, 'job', 'export', null, null, null, 'nightly', 'ok', null, null)"), 2, 'and so do the jobs');
is(as_role('wm_web', $add), 3, 'numbers have no gaps');

for my $role (qw(wm_web wm_jobs)) {
    allowed($role, 'select id, account from access_log', "$role reads the log");
    denied($role, "update access_log set account = 'bert' where id = 1", "$role changes no row");
    denied($role, 'delete from access_log where id = 3', "$role deletes no row");
    denied($role, 'truncate access_log_source, access_log', "$role empties no table");
    denied($role, "insert into access_log select * from access_log", "$role inserts past the function");
    denied($role, 'delete from access_log_source', "$role hides no participant");
    denied($role, 'insert into access_log_source values (9, 1)', "$role invents none");
    denied($role, 'alter table access_log disable trigger all', "$role switches nothing off");
    denied($role, 'create or replace function access_log_text(l access_log) returns text language sql as $$ select null $$', "$role redefines nothing");
    is(as_role($role, 'select coalesce(access_log_verify(), 0)'), 0, "$role can verify");
}
denied('wm_export', 'select * from access_log', 'exports do not see the log');
denied('wm_export', 'select access_log_verify()', 'nor call its functions');
denied('postgres', "update webmunk.access_log set account = 'bert'", 'even a superuser has to switch the guard off first');
denied('postgres', 'truncate webmunk.access_log_source', 'for either table');

# An independent verifier: from the description in the schema, not from its function.
sub chain
{
    my $previous = '0' x 64;
    my $expected = 1;
    for my $row ($pg->rows(<<'EOT')) {
select id::text, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, account, via, action, object,
       extent::text, source_count::text, encode(source_digest, 'hex') as source_digest, purpose, result as outcome, address, request_id,
       encode(previous, 'hex') as previous, encode(hash, 'hex') as hash,
       (select string_agg(source_id::text, ',' order by source_id) from access_log_source where log_id = l.id) as sources
  from access_log l order by l.id
EOT
        my $text = join('', map { defined $row->{$_} ? do { my $t = $row->{$_}; utf8::encode($t); length($t) . ":$t," } : '-,' }
            qw(id at account via action object extent source_count source_digest purpose outcome address request_id previous));
        return $expected if $row->{id} != $expected || $row->{previous} ne $previous || $row->{hash} ne sha256_hex($text)
            || ($row->{source_digest} // '') ne (defined $row->{sources} ? sha256_hex($row->{sources}) : '');
        $previous = $row->{hash};
        $expected++;
    }
    return 0;
}
$pg->do("select access_log_add(\$1, 'session', 'page', null, null, null, \$2, 'ok', null, null)", "an\xc3\xa4", "it's");
is(chain(), 0, 'the chain can be checked from its description');
is_deeply([ $pg->list('select source_id from access_log_source where log_id = 1 order by 1') ], [ 5, 12 ],
    'the participants of a page are kept, each once');

# Many at once.
my @children;
for my $n (1 .. 4) {
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        my $ok = eval { $pg->psql('-U', 'wm_web', '-o', '/dev/null', map { ('-c', $add) } 1 .. 25); 1 };
        POSIX::_exit($ok ? 0 : 1);
    }
    push @children, $pid;
}
my $failed = 0;
for (@children) { waitpid($_, 0); $failed++ if $? }
is($failed, 0, 'writers that come together all write');
is($pg->scalar('select max(id) || $1 || count(*) from access_log', '/'), '104/104', 'without gaps');
is($pg->scalar('select access_log_verify()'), undef, 'in one chain');

# What a superuser can do is found.
sub tampered
{
    my ($bad, $name, $sql) = @_;
    my $found = $pg->query("begin; set local session_replication_role = replica; $sql; select access_log_verify(); rollback", '-A', '-t');
    chomp $found;
    is($found, $bad, "$name is found") ;
    return;
}
tampered(7, 'a changed account', "update access_log set account = 'bert' where id = 7");
tampered(8, 'a changed time', "update access_log set at = at + interval '1 microsecond' where id = 8");
tampered(9, 'a changed extent', "update access_log set extent = '{\"rows\": 3}' where id = 9");
tampered(10, 'a row that is gone', 'delete from access_log where id = 10');
tampered(1, 'a first row that is gone', 'delete from access_log where id = 1');
tampered(12, 'a participant that is gone', 'delete from access_log_source where log_id = 12 and source_id = 5');
tampered(13, 'a participant that was added', 'insert into access_log_source values (99, 13)');
tampered(15, 'a row hashed again', "update access_log l set account = 'bert' where id = 14;
    update access_log l set hash = sha256(convert_to(access_log_text(l), 'UTF8')) where id = 14");
tampered(20, 'two rows exchanged', 'update access_log set id = -20 where id = 20; update access_log set id = 20 where id = 21; update access_log set id = 21 where id = -20');
is($pg->scalar('select access_log_verify()'), undef, 'and all of that was undone');

# What the roles may otherwise.
denied('wm_web', 'select partitions_ahead(1)', 'the server makes no partitions');
allowed('wm_jobs', 'select partitions_ahead(1)', 'the jobs do');
denied('wm_web', "update account set disabled = null", 'the server enables no account');
denied('wm_web', "insert into role_grant (account_id, role) values (1, 'administrator')", 'and gives no role');
denied('wm_web', "insert into right_grant (account_id, may) values (1, 'sensitive')", 'nor a right');
denied('wm_web', 'update api_token set revoked = null', 'nor a token back');
denied('wm_web', 'delete from data_point', 'nor deletes points');
denied('wm_jobs', 'select password from account', 'the jobs see no password hashes');
denied('wm_jobs', 'select * from server_secret', 'nor the secret for forms');
allowed('wm_export', 'select * from point', 'exports read the view of points');
denied('wm_export', 'select * from data_point', 'and no table');
denied('wm_export', 'create table mine (n integer)', 'nor make any');
denied('wm_web', 'create table webmunk.mine (n integer)', 'the server makes no table');
done_testing();
