#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The head of the access log's chain: checked in pieces, stored, signed, written and mailed; and what is found when somebody
# changes the log, cuts off its end, or puts back an older database.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $pg   = WmTest::Postgres->start;
my $url  = $pg->url =~ s/user=\w+/user=wm_jobs/r;
my $keys = workdir() . '/keys';
my $file = workdir() . '/heads';
mkdir $keys, 0700 or die;
my $done = webmunkd(undef, 'keygen', '--sign', '--secret', "$keys/secret", '--public', "$keys/public");
die $done->{err} if $done->{code};
my %plain = (WEBMUNK_SITE_NAME => 'data.example.org');
my %env = (%plain, WEBMUNK_ACCESS_LOG_FILE => $file, WEBMUNK_ACCESS_LOG_MAIL => 'board@example.org', WEBMUNK_EXPORT_KEY => "$keys/secret");

sub grow { my ($rows) = @_; $pg->do("select access_log_add('anna', 'session', 'page', 'participants', '{\"rows\": 2}', array[n, n + 1], null, 'ok', '192.0.2.1', 'r') from generate_series(1, $rows) n"); return }
sub head_job { my (%more) = @_; return webmunkd({ env => { %env, %more } }, $pg, '-d', $url, '--once', 'access-log-head') }
sub verify { my @more = @_; return webmunkd({ env => {%plain} }, $pg, '-d', $url, 'access-log', 'verify', @more) }
sub heads { return $pg->scalar('select count(*) from access_log_head') }
sub lines { return split /\n/, slurp($file) }
# As somebody who can do everything to the database.
sub tamper { my ($sql) = @_; $pg->do("set session_replication_role = replica; $sql"); return }
sub fits { my ($name, @more) = @_; my $did = verify(@more); is($did->{code}, 0, $name) or diag($did->{err}); return $did->{out} }
sub broken { my ($why, $name, @more) = @_; my $did = verify(@more); is($did->{code}, 1, "verify: $name is found"); like($did->{err}, $why, '... in words'); return }

# --- an ordinary life ---
is(head_job()->{code}, 0, 'an empty log has no head, and that is no failure');
is(heads(), 0, '... nothing is stored');
ok(!-e $file, '... nor written');
is(fits('verify: an empty log fits'), "0 rows fit, 0 stored heads\n", '... and that is said');
grow(5);
$done = head_job();
is($done->{code}, 0, 'the job checks what was added') or diag($done->{err});
is($done->{out}, "5 new rows fit, up to row 5\n", '... and says how much');
is(heads(), 1, 'the head is stored');
is($pg->scalar('select h.hash = l.hash from access_log_head h join access_log l on l.id = h.last'), 't', '... as it is in the log');
my $head = from_json((lines())[0]);
is("$head->{site} $head->{row} $head->{sha256}", 'data.example.org 5 ' . $pg->scalar("select encode(hash, 'hex') from access_log where id = 5"), '... and written, with the name of the server');
is((stat $file)[2] & 0777, 0600, '... into a file of its own');
is($pg->scalar("select count(*) || ' ' || max(to_address) from mail where what like 'access log head %'"), '1 board@example.org', '... and mailed');
like($pg->scalar("select body from mail where what like 'access log head %'"), qr/^row 5\nsha256 $head->{sha256}$/m, '... to be kept');
head_job();
is(heads(), 1, 'without new rows there is no new head');
grow(3);
head_job();
is(heads() . ' ' . scalar(lines()), '2 2', 'with some there is');
is($pg->scalar("select count(*) from mail where what like 'access log head %'"), 1, '... but one mail a day');
is(fits('verify: the whole log fits'), "8 rows fit, 2 stored heads\n", '... and is counted');
is(fits('verify: the file, too', '--heads', $file, '--key', "$keys/public"), "8 rows fit, 2 stored heads, and 2 of $file\n", '... by the key that signed it');

# --- the file ---
webmunkd(undef, 'keygen', '--sign', '--secret', "$keys/other", '--public', "$keys/other-public");
broken(qr/heads:1 is signed with another key/, 'another key', '--heads', $file, '--key', "$keys/other-public");
my $copy = workdir() . '/copy';
spew($copy, slurp($file) =~ s/"row": ?5/"row":4/r);
broken(qr/copy:1: the signature is not true/, 'a changed line of the file', '--heads', $copy, '--key', "$keys/public");
spew($copy, slurp($file) =~ s/, ?"signature": ?"[^"]*"//gr);
broken(qr/copy:1 has no signature/, 'a line without its signature', '--heads', $copy, '--key', "$keys/public");
fits('verify: without a key unsigned heads will do', '--heads', $copy);
spew($copy, "nonsense\n");
broken(qr/copy:1: that is no head/, 'a line that is none', '--heads', $copy);
broken(qr/has no head/, 'a file that is not there', '--heads', workdir() . '/nowhere');
my $whole = slurp($file);
spew($file, $whole . '{"site":"data.exa');
grow(1);
is(head_job()->{code}, 0, 'a line that a kill left unfinished');
is(slurp($file) =~ /\A\Q$whole\E\{.*"row": ?9\b.*\}\n\z/ ? 1 : 0, 1, '... is replaced by the next') or diag(slurp($file));
spew($file, $whole);
head_job();
is(scalar(lines()), 3, 'a head that a kill kept out of the file is made up for');
is(head_job(WEBMUNK_ACCESS_LOG_FILE => workdir() . '/no/such')->{code}, 1, 'a file that cannot be written fails the job');

# --- killed half-way ---
grow(30);
my $job = $pg->scalar("insert into job (name, state, cursor) values ('access-log-head', 'done', jsonb_build_object('last', 20, 'hash', (select encode(hash, 'hex') from access_log where id = 20))) returning id");
$pg->do("update job set state = 'ready' where id = $job");
my $log    = workdir() . '/run.log';
my $runner = WmTest::spawn($log, { %env, DATABASE_URL => $url }, builddir() . '/jobs/webmunkd', 'run', '--poll', '1');
WmTest::guard(sub { WmTest::reap($runner, 'KILL') if $runner });
ok((wait_until { $pg->scalar("select state from job where id = $job") eq 'done' } 'the job'), 'a run that was killed after row 20 goes on there');
is($pg->scalar('select max(last) from access_log_head'), 39, '... to the end');
$pg->do('update schedule set paused = true');
kill 'TERM', $runner;
waitpid $runner, 0;
undef $runner;
my $now = slurp($file);

# --- tampering ---
my ($alarms, $log_lines) = (0, 0);
# The job finds it, once: log line, mail, and what System says.
sub alarm_for
{
    my ($bad, $why, $name, %more) = @_;
    my $did = head_job(%more);
    is($did->{code}, 0, "$name: the job ends") or diag($did->{err});
    like($did->{err}, qr/WM0630 the access log was tampered with: row $bad $why/, '... with an alarm in the log');
    like($pg->scalar("select body from mail where what like 'access log row $bad %' order by id desc limit 1"), qr/row $bad $why/, '... and a mail to the administrators');
    my $check = webmunkd({ env => {%env} }, $pg, '-d', $url, 'health', '--json')->{out};
    my ($found) = grep { $_->{name} eq 'access_log' } @{ from_json($check)->{checks} };
    is($found->{state}, 'critical', '... and a critical check') or diag($check);
    like($found->{words}, qr/Row $bad/, '... that names the row');
    my $mails = $pg->scalar('select count(*) from mail');
    my $count = heads();
    $did = head_job(%more);
    unlike($did->{err}, qr/WM0630/, '... once');
    is($pg->scalar('select count(*) from mail') . ' ' . heads(), "$mails $count", '... for mail and table, too');
    return;
}
# Put back what was there.
sub put_back
{
    my ($sql) = @_;
    tamper($sql);
    is(head_job()->{code}, 0, 'when it is put back');
    my ($found) = grep { $_->{name} eq 'access_log' } @{ from_json(webmunkd({ env => {%env} }, $pg, '-d', $url, 'health', '--json')->{out})->{checks} };
    is($found->{state}, 'ok', '... the check is well again');
    fits('... and verify agrees');
    return;
}

grow(5);
tamper("update access_log set account = 'bert' where id = 42");
alarm_for(42, 'was changed', 'a changed row');
broken(qr/row 42 was changed/, 'a changed row');
put_back("update access_log set account = 'anna' where id = 42");

grow(5);
tamper('create table kept as select * from access_log where id = 47; delete from access_log where id = 47');
alarm_for(47, 'is missing', 'a deleted row');
broken(qr/row 47 is missing/, 'a deleted row');
put_back('insert into access_log select * from kept; drop table kept');

tamper('delete from access_log_source where log_id = 3');
broken(qr/row 3 names other participants/, 'a participant taken out of a row before the head');
is(head_job()->{code}, 0, 'the job looks at what is new');
tamper('insert into access_log_source values (3, 3), (4, 3)');
fits('verify: put back, it fits');

# Everything behind a row, hashed again by somebody who knows how.
tamper('create table kept as select * from access_log; update access_log set account = $$bert$$ where id = 48');
$pg->do(<<'EOT');
set session_replication_role = replica;
do $$ declare l access_log; begin
    for l in select * from access_log where id >= 48 order by id loop
        l.previous := (select hash from access_log where id = l.id - 1);
        update access_log set previous = l.previous where id = l.id;
        update access_log a set hash = sha256(convert_to(access_log_text(a), 'UTF8')) where id = l.id;
    end loop;
end $$
EOT
is($pg->scalar('select access_log_verify()'), undef, 'a chain that was hashed again fits in itself');
alarm_for(49, 'is another than it was by the head that is stored', 'a chain hashed again');
broken(qr/row 49 is another than it was by the head that was stored on \d{4}-/, 'a chain hashed again');
put_back('delete from access_log; insert into access_log select * from kept; drop table kept');

# The end cut off, and other rows in its place.
tamper('create table kept as select * from access_log where id >= 45; create table kept_source as select * from access_log_source where log_id >= 45;
    delete from access_log_source where log_id >= 45; delete from access_log where id >= 45');
broken(qr/row 4[69] is gone, which was there by the head that was stored on/, 'an end that was cut off');
alarm_for(49, 'is gone, which was there by the head that is stored', 'an end that was cut off');
grow(10);
broken(qr/row 4[69] is another than it was/, 'an end that was cut off and grew again');
put_back('delete from access_log_source where log_id >= 45; delete from access_log where id >= 45; insert into access_log select * from kept;
    insert into access_log_source select * from kept_source; drop table kept, kept_source');

# A backup that is older than the last head: the database knows nothing of it, the file does.
my $dump = workdir() . '/dump';
$pg->do('create table kept as select * from access_log; create table kept_heads as select * from access_log_head');
my $older = $pg->scalar('select max(last) from access_log_head');
grow(6);
head_job();
tamper('delete from access_log_source where log_id > (select max(id) from kept); delete from access_log; insert into access_log select * from kept; delete from access_log_head; insert into access_log_head select * from kept_heads; drop table kept, kept_heads');
fits('verify: an older backup fits in itself');
broken(qr/row 55 is gone, which was there by \S+heads:\d+/, 'an older backup, by the file', '--heads', $file);
alarm_for(55, 'is gone, which was there by the newest head in', 'an older backup');
grow(10);
alarm_for(55, 'is another than it was by the newest head in', 'an older backup that has grown');
rename $file, "$file.before" or die;
is(head_job()->{code}, 0, 'an administrator who knows why puts the file away');
fits('... and begins another', '--heads', $file);

# --- who may ---
for my $role (qw(wm_web wm_export)) {
    my $did = webmunkd({ env => {%env} }, $pg, '-d', $url =~ s/wm_jobs/$role/r, '--once', 'access-log-head');
    is($did->{code}, 1, "$role stores no head") if $role eq 'wm_export';
}
for my $sql ("update access_log_head set last = 0", 'delete from access_log_head', 'truncate access_log_head') {
    ok(!defined eval { $pg->psql('-U', 'wm_jobs', '-c', "set search_path = webmunk; $sql"); 1 }, "wm_jobs may not: $sql");
}
ok(!defined eval { $pg->psql('-U', 'wm_web', '-c', "insert into webmunk.access_log_head (at, last, hash) values (now(), 1, sha256('x'))"); 1 }, 'the server may not invent heads');
ok(!defined eval { $pg->psql('-c', 'delete from webmunk.access_log_head'); 1 }, 'a superuser has to switch the guard off first');
done_testing();
