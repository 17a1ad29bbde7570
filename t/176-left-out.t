#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Participants whom no export has: the commands that say so, what archives and their manifests then have, and merging.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Export;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $pg    = WmTest::Postgres->start;
my $lab   = WmTest::Export->new($pg);
my $dir   = workdir() . '/exports';
my %env   = (WEBMUNK_EXPORT_DIR => $dir);
my $type  = 'webmunk-extension-scroll-position';
my $url   = $pg->url =~ s/user=\w+/user=wm_jobs/r;

sub command { return webmunkd({ env => {%env} }, $pg, '-d', $url, @_) }

sub ok_command
{
    my ($name, @words) = @_;
    my $done = command(@words);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($done->{code}, 0, $name) or diag($done->{err});
    return $done->{out};
}

sub refused
{
    my ($like, $name, @words) = @_;
    my $done = command(@words);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    isnt($done->{code}, 0, $name);
    like($done->{err}, $like, '... in words');
    return;
}

sub entry { my ($id, $name) = @_; return run($unzip, '-p', "$dir/$id.zip", $name)->{out} }

# Who is in the rows, in the completeness table, and skipped by the manifest of export ID, as "p1 p2 | p1 p2 | p3: why".
sub inside
{
    my ($id) = @_;
    my %rows  = map { (split(/\t/))[0] => 1 } grep { /^p\d/ } split(/\r\n/, entry($id, "$type.txt"));
    my %table = map { (split(/\t/))[0] => 1 } grep { /^p\d/ } split(/\r\n/, entry($id, 'completeness.tsv'));
    my $sources = from_json(entry($id, 'manifest.json'))->{sources};
    is(join(' ', @{ $sources->{included} }), join(' ', sort keys %table), 'the manifest includes who is in the table');
    return join(' | ', join(' ', sort keys %rows), join(' ', sort keys %table), join(', ', map { "$_->{source}: $_->{why}" } @{ $sources->{skipped} }));
}

sub made
{
    my ($id) = ok_command('an export is asked for', qw(export create --types), $type) =~ /(\d+)/;
    ok_command('... and made', 'export', 'run', $id);
    return $id;
}

$pg->do('select partitions_ahead(1, 2)');
my $now = $pg->scalar("select extract(epoch from now() - interval '1 day')::bigint");
$lab->store($now, map { [ $_, $type, $now, { n => 1 } ] } qw(p1 p2 p3));

# --- the commands ---
refused(qr/no participant "nobody"/, 'who does not exist is not excluded', qw(source exclude nobody --reason x));
refused(qr/no participant "nobody"/, '... nor included', qw(source include nobody --reason x));
is(command(qw(source exclude p2))->{code}, 2, 'a reason is needed');
is(command(qw(source exclude p2 --reason), " \n ")->{code}, 2, '... that says something');
is(command(qw(source exclude p2 --reason), 'x' x 2001)->{code}, 2, '... and fits into the access log');
is($pg->scalar('select count(*) from source where unexported is not null') + $pg->scalar("select count(*) from access_log where action ~ '^source-'"), 0,
    'none of that changes anything');
like(ok_command('a participant is excluded', qw(source exclude p2 --reason), 'a phone of the lab'), qr/^"p2" is in no export from now on/, '... and said to be');
like(ok_command('... once more changes nothing', qw(source exclude p2 --reason again)), qr/already/, '... and says so');
is_deeply([ $pg->list(q{select l.action || ', ' || l.purpose || ', ' || s.identifier from access_log l join access_log_source x on x.log_id = l.id
    join source s on s.id = x.source_id where l.via = 'command' and l.object = 'source:' || s.id order by l.id}) ],
    ['source-exclude, a phone of the lab, p2'], 'the access log says who, and why');
like(from_json(ok_command('it is shown', qw(source show p2)))->{excluded}, qr/^\d{4}-\d\d-\d\dT/, '... since when');
is(from_json(command(qw(source show p1))->{out})->{excluded}, undef, '... and who is not is not');
is_deeply([ map { $_->{identifier} } @{ from_json(ok_command('it is listed', qw(source list --excluded --json))) } ], ['p2'], '... alone');
like(ok_command('... for people, too', qw(source list --excluded)), qr/^\d{4}-\S+Z +default +p2$/m, '... with its study');
is_deeply(from_json(command(qw(source list p1 --excluded --json))->{out}), [], '... and of one who is named');

# --- archives ---
is(inside(made()), 'p1 p3 | p1 p3 | p2: excluded from exports', 'an export leaves out who is excluded, and says so');
my $day = $pg->scalar("select (to_timestamp($now) at time zone 'UTC')::date");
$pg->do("update study set starts = '$day'");
like(ok_command('nights are asked for', qw(run --once export-nightly --params), json({ since => $day })), qr/^1 days asked for/, '... one of them');
my $night = $pg->scalar("select max(id) from export where profile = 'nightly'");
ok_command('... and made', 'export', 'run', $night);
is(inside($night), 'p1 p3 | p1 p3 | p2: excluded from exports', 'a night leaves them out as well');
like(ok_command('they are included again', qw(source include p2 --reason), 'took part'), qr/^"p2" is in exports again/, '... and said to be');
is(inside(made()), 'p1 p2 p3 | p1 p2 p3 | ', '... and are in the next export, with what they sent meanwhile');
is($pg->scalar("select purpose from access_log where action = 'source-include'"), 'took part', '... which the access log has, too');

# --- while an archive is made ---
my ($id) = ok_command('an export', qw(export create --types), $type) =~ /(\d+)/;
is(webmunkd({ env => { %env, WEBMUNK_EXPORT_KEY => '/nonexistent/key' } }, $pg, '-d', $url, 'export', 'run', $id)->{code}, 1, '... ends before its parts are joined');
cmp_ok($pg->scalar('select count(*) from export_part where export_id = $1', $id), '>', 2, '... and after they were made');
ok_command('somebody in it is excluded', qw(source exclude p1 --reason x));
ok_command('... and the work goes on', 'export', 'run', $id);
is(inside($id), 'p2 p3 | p2 p3 | p1: excluded from exports', '... from the beginning');
is($pg->scalar('select rows from export where id = $1', $id), 2, '... and counts what is there');
($id) = ok_command('an export', qw(export create --types), "$type,webmunk-asin-details") =~ /(\d+)/;
my $lock = $pg->session;
$lock->do('begin');
$lock->do('lock table asin_item');
my $pid = WmTest::spawn(workdir() . '/held.log', { %{ $pg->env }, %env }, WmTest::launcher(), builddir() . '/jobs/webmunkd', '-d', $url, 'export', 'run', $id);
WmTest::guard(sub { WmTest::reap($pid, 'KILL') });
ok(wait_until { $pg->scalar(q{select count(*) from pg_locks where relation = 'webmunk.asin_item'::regclass and not granted}) } '... is held when it has begun');
ok_command('somebody in it is included, another excluded', qw(source include p1 --reason x));
ok_command('... that is', qw(source exclude p3 --reason x));
$lock->do('commit');
waitpid($pid, 0);
is($?, 0, '... and it ends well') or diag(slurp(workdir() . '/held.log'));
is(inside($id), 'p1 p2 | p1 p2 | p3: excluded from exports', '... with who is not left out by then');
ok_command('all are included', qw(source include p3 --reason x));

# --- merging ---
ok_command('one is excluded', qw(source exclude p2 --reason x));
refused(qr/one of them is excluded from exports and the other is not/, 'it is not merged into one who is not', qw(source merge p2 p1 --yes));
refused(qr/one of them is excluded from exports and the other is not/, '... nor the other way round', qw(source merge p1 p2 --yes));
ok_command('both are included', qw(source include p2 --reason x));
ok_command('... and asked to be merged', qw(source merge p2 p1 --yes));
refused(qr/a merge of "p2" is not finished yet/, 'while a merge waits nothing changes', qw(source exclude p2 --reason x));
refused(qr/a merge of "p1" is not finished yet/, '... of both', qw(source exclude p1 --reason x));
ok_command('it is made', qw(run --once source-merge --params), json({ merge => $pg->scalar('select max(id) from source_merge') + 0 }));
refused(qr/"p2" is merged into "p1": name that one/, 'who is merged goes by the other', qw(source exclude p2 --reason x));
ok_command('... which is excluded', qw(source exclude p1 --reason x));
is_deeply([ map { $_->{identifier} } @{ from_json(command(qw(source list --excluded --json))->{out}) } ], ['p1'], '... and listed alone');
is(inside(made()), 'p3 | p3 | p1: excluded from exports', 'nobody of the two is in an export');
ok_command('when they are parted again', qw(source unmerge p2 --yes --now));
is(inside(made()), 'p3 | p3 | p1: excluded from exports, p2: excluded from exports', '... both stay out');

# --- names that take over a terminal ---
$pg->do(qq{insert into source (identifier, name, study_id, unexported) select E'\\x1b[2Jevil\\nname', 'e', study_id, now() from source where identifier = 'p1'});
my $shown = ok_command('one with a hostile name is listed', qw(source list --excluded));
like($shown, qr/ \[2Jevil name$/m, '... on one line');
unlike($shown, qr/[^\n -~]/, '... without what a terminal obeys');
done_testing();
