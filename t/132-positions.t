#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# After a restore into a cluster whose transaction ids are lower, what is stored goes on being read in order and once: by exports,
# arrivals and forwarding.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Export;
use WmTest::Httpd;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $type  = 'webmunk-extension-action';
my $day   = 86_400;
my $noon  = int(time() / $day) * $day - 3 * $day;

sub archive { my ($pg, $id) = @_; return workdir() . "/exports-$pg->{name}" . (defined $id ? "/$id.zip" : '') }

# Another database of a cluster, with the methods of a server.
sub beside { my ($pg, $name) = @_; return bless { %$pg, name => $name, sessions => [] }, ref $pg }

sub program { return run({ env => $_[0]->env }, WmTest::Postgres::program($_[1]), @_[ 2 .. $#_ ]) }

sub command
{
    my ($pg, @words) = @_;
    my $done = webmunkd({ env => { WEBMUNK_EXPORT_DIR => archive($pg) } }, $pg, @words);
    is($done->{code}, 0, join(" ", "webmunkd", grep { defined } @words[0, 1])) or diag($done->{err});
    return $done;
}

my $serial = 0;
sub store
{
    my ($pg, $source, @names) = @_;
    WmTest::Export->new($pg)->store($noon + ++$serial, map { [ $source, $type, $noon + ++$serial, { action => $_ } ] } @names);
    return;
}

# Make the export ID and return the actions in it, sorted.
sub made
{
    my ($pg, $id) = @_;
    command($pg, 'export', 'run', $id);
    return join ' ', sort map { (split(/\t/))[4] } grep { /^(?:anna|bo)\t/ }
        split(/\r\n/, run($unzip, '-p', archive($pg, $id), "$type.txt")->{out});
}

sub asked { return command($_[0], qw(export create --types), $type, '--sources', 'anna')->{out} =~ /^(\d+)$/m ? $1 : undef }

sub folded
{
    my ($pg) = @_;
    $pg->do('select arrival_fold()');
    return join ' of ', $pg->scalar('select coalesce(sum(points), 0) from arrival where generator_id = 0'), $pg->scalar('select sum(points) from bundle');
}

# What the server's next batches have, which are then acknowledged.
sub forwarded
{
    my ($pg) = @_;
    my @names;
    while ($pg->scalar('select forward_fill(1, 2, 1000000)')) {
        push @names, $pg->list(q{select d ->> 'action' from forward_batch b, jsonb_array_elements(b.payload::jsonb) d order by b.number});
        $pg->do('select forward_done(1, number) from forward_batch order by number');
    }
    return "@names";
}

# --- the server that was: its cluster has seen many transactions ---
my $old = WmTest::Postgres->start;
my $burn = 40_000;
$old->psql('-c', "do \$\$ begin for i in 1 .. $burn loop perform pg_current_xact_id(); commit; end loop; end \$\$");
command($old, 'partitions');
store($old, 'anna', 'a1', 'a2');
store($old, 'bo', 'b1');
command($old, qw(server add lab --url https://lab.example/data/add-bundle.json));
command($old, qw(server assign lab bo));
store($old, 'bo', 'b2', 'b3', 'b4');
is(forwarded($old), 'b2 b3 b4', 'points of a participant are forwarded');
store($old, 'bo', 'b5', 'b6', 'b7');
is($old->scalar('select forward_fill(1, 2, 1000000)'), 2, '... others are in batches');
is(folded($old), '9 of 9', 'arrivals are folded');
my $first = asked($old);
is(made($old, $first), 'a1 a2', 'an archive is made');
my $archive = slurp(archive($old, $first));
my $before = $old->scalar('select position_highest()');
cmp_ok($before, '>', $burn, 'positions are high');
my $dump = workdir() . '/webmunk.dump';
is(program($old, 'pg_dump', '-Fc', '-f', $dump, 'webmunk')->{code}, 0, 'the database is dumped');
$old->stop;

# --- a cluster that has seen few ---
my $new = WmTest::Postgres->start(migrate => 0);
my $scratch = beside($new, 'scratch');
$new->psql('-d', 'postgres', '-c', "create database $_") for qw(scratch second third);
my $migrated = command($scratch, 'migrate');
unlike($migrated->{err}, qr/positions/, 'an empty database has nothing to go on after');
for my $pg ($new, beside($new, 'second'), beside($new, 'third')) {
    my $done = program($new, 'pg_restore', '-d', $pg->{name}, $dump);
    is($done->{code}, 0, "the dump is restored as $pg->{name}") or diag($done->{err});
}
cmp_ok($new->scalar('select pg_current_xact_id()'), '<', $burn, 'transaction ids are low here');
my $health = webmunkd({}, $new, 'health');
is($health->{code}, 2, 'the restored database is in a critical state');
like($health->{out}, qr/^critical  Positions: .* below those of the restored data.*Run webmunkd migrate\.$/m, '... which says what helps');
like(command($new, 'migrate')->{err}, qr/positions go on after those of the restored data/, 'migrate says what it did');
is($new->scalar('select position_offset()'), $before, 'positions go on after the highest');
unlike(command($new, 'migrate')->{err}, qr/positions/, '... which is done once');
is($new->scalar('select position_offset()'), $before, '... and stays');
like(webmunkd({}, $new, 'health')->{out}, qr/^ok +Positions:/m, 'the state is well');
is($scratch->scalar('select position_offset()'), 0, 'another database of the cluster has its own');
unlike(command($scratch, 'migrate')->{err}, qr/positions/, '... and needs nothing');
is($new->scalar("select pg_get_userbyid(proowner) from pg_proc where proname = 'position_offset'"), 'wm_owner', 'the owner can do it again');
is($new->scalar('select position_raise()'), 'f', 'again there is nothing to do');

# --- what reads by positions ---
$new->do('update export set position = (select position from export where id = $1) where id = $2', $first, my $again = asked($new));
is(made($new, $again), 'a1 a2', 'the archive is made again at its position');
ok(slurp(archive($new, $again)) eq $archive, '... with the same bytes');
is(made($new, asked($new)), 'a1 a2', 'an export has what was restored');
is(folded($new), '9 of 9', 'arrivals count nothing twice');
store($new, 'anna', 'a3');
store($new, 'bo', 'b8');
is(made($new, asked($new)), 'a1 a2 a3', '... and what came then');
is(folded($new), '11 of 11', '... and go on');
is(forwarded($new), 'b5 b6 b7 b8', 'forwarding goes on exactly where it was');
$new->do('update export set position = (select position from export where id = $1) where id = $2', $first, $again = asked($new));
made($new, $again);
ok(slurp(archive($new, $again)) eq $archive, 'what came then is not in the old archive');
is($new->scalar('select count(*) from bundle a join bundle b on a.id < b.id and a.position >= b.position'), 0, 'positions are in the order of storing');

# --- the plan ---
$new->do('insert into bundle (received, uid, body_digest, method, form) select now(), gen_random_uuid(), gen_random_uuid(), $1, $1 from generate_series(1, 5000)', 'x');
$new->do("insert into bundle (received, uid, body_digest, method, form) values (now(), gen_random_uuid(), gen_random_uuid(), 'x', 'x'); analyze bundle");
my $plan = join "\n", $new->list('explain select id from bundle where position >= position_current() and position < position_horizon()');
like($plan, qr/Index Cond: .*pg_current_xact_id.*pg_snapshot_xmin/, 'bundles are found by the index, and the functions are part of the plan');
unlike($plan, qr/position_(?:offset|horizon|current)\(/, '... and not called');

# --- without migrate, whoever comes first does it ---
my $second = beside($new, 'second');
my $httpd = WmTest::Httpd->start(pg => $second);
my $point = json([ { 'passive-data-metadata' => { source => 'anna', 'generator-id' => $type, generator => "$type: Probe/1", timestamp => $noon } } ]);
is($httpd->request('POST', '/data/add-bundle.json', { content => $point, headers => { 'content-type' => 'application/json' } })->{status}, 201, 'an upload is stored');
is($second->scalar('select count(*) from bundle where position > $1::xid8', $before), 1, '... after what was restored');
like($httpd->error_log, qr/WM0650 .*positions go on/, '... and the log says why');
$second->do('update arrival_mark set position = ((select position_next()::text::bigint) + 1000000)::text::xid8');
$new->restart;
is($httpd->request('POST', '/data/add-bundle.json', { content => $point, headers => { 'content-type' => 'application/json' } })->{status}, 201,
    'a connection that was made anew asks again');
is($second->scalar('select count(*) from bundle where position > (select position from arrival_mark)'), 1, '... before it stores');
$httpd->log_ok;

my $third = beside($new, 'third');
is(made($third, asked($third)), 'a1 a2', 'the first export does it as well');
is($third->scalar('select count(*) from source where position < position_horizon()'), 2, '... so that it has all participants');
done_testing();
