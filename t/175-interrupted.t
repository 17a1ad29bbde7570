#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# An export whose process is killed in each of its stages, held there until the knife has fallen; t/170 kills at random moments.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use WmTest;
use WmTest::Export;
use WmTest::Postgres;

my $pg  = WmTest::Postgres->start;
my $lab = WmTest::Export->new($pg);
my $dir = workdir() . '/exports';
my %env = (WEBMUNK_EXPORT_DIR => $dir);

sub export { return webmunkd({ env => {%env} }, $pg, 'export', @_) }
sub state  { return $pg->scalar('select state from export where id = $1', $_[0]) }

$lab->store(1741536000, map { [ 'p' . $_ % 3, 'webmunk-extension-' . ($_ % 2 ? 'action' : 'log-elements'), 1741530000 + $_,
    { action => "a $_", 'pattern-matches' => { m => [ { n => $_ } ] } } ] } 1 .. 300);
my @asked = ('create', '--types', 'webmunk-extension-action,webmunk-extension-log-elements');
my ($id)  = export(@asked)->{out} =~ /(\d+)/;
is(export('run', $id)->{code}, 0, 'an export that nobody disturbs');
my $whole = slurp("$dir/$id.zip");
my $position = $pg->scalar('select position::text from export where id = $1', $id);

# A change of a row waits here for as long as the test holds the lock.
$pg->do(<<'EOT');
create table hold (stage text);
create function hold_here() returns trigger language plpgsql as $$
begin
    if exists (select from hold where stage = case tg_table_name when 'export_part' then 'part' else to_jsonb(new) ->> 'state' end) then
        perform pg_advisory_xact_lock(4711);
    end if;
    return new;
end $$;
create trigger hold_export before update on export for each row execute function hold_here();
create trigger hold_part before insert on export_part for each row execute function hold_here();
EOT
my %stages = (counting => 'before it begins', running => 'when it has counted', part => 'when a part is written and not yet known',
    packing => 'before the parts are joined', ready => 'when the archive is there and not yet announced');
for my $stage (qw(counting running part packing ready)) {
    my ($other) = export(@asked)->{out} =~ /(\d+)/;
    $pg->do('update export set position = $1::xid8 where id = $2', $position, $other);
    $pg->do("delete from hold; insert into hold values ('$stage')");
    my $lock = $pg->session;
    $lock->do('begin');
    $lock->do('select pg_advisory_xact_lock(4711)');
    my $pid  = WmTest::spawn(workdir() . "/$stage.log", { %{ $pg->env }, %env }, builddir() . '/jobs/webmunkd', 'export', 'run', $other);
    my $held = wait_until { $pg->scalar(q{select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted}) } "the stage $stage";
    ok($held, "$stage: a process is held $stages{$stage}");
    kill 'KILL', $pid;
    waitpid($pid, 0);
    isnt(state($other), 'ready', '... killed there it is not ready');
    $pg->do('delete from hold');
    $lock->do('commit');
    $lock->close;
    my $again = export('run', $other);
    is($again->{code}, 0, '... the next run goes on') or diag($again->{err});
    ok(slurp("$dir/$other.zip") eq $whole, '... and gives the same bytes');
    ok(!-e "$dir/$other.parts" && !-e "$dir/$other.zip.part", '... and leaves nothing else');
}

# Settings may change meanwhile: what links begin with is fixed with the position.
my $unzip = need_program('unzip', 'unzip');
$pg->do("insert into asin_item (asin, metadata) values ('B000000009', '{}')");
sub of_site
{
    my ($other) = @_;
    my ($urls) = run($unzip, '-p', "$dir/$other.zip", 'webmunk-asin-details.txt')->{out} =~ /\t(\S*\/support\/asin\/B000000009\.json)\t/;
    return [ $urls, from_json(run($unzip, '-p', "$dir/$other.zip", 'manifest.json')->{out})->{site} ];
}
my ($other) = export(qw(create --types webmunk-asin-details))->{out} =~ /(\d+)/;
$env{WEBMUNK_EXPORT_KEY} = '/nonexistent/key';
$env{WEBMUNK_SITE_URL}   = 'https://one.example:8443/dashboard';
is(export('run', $other)->{code}, 1, 'an export ends before its parts are joined');
delete $env{WEBMUNK_EXPORT_KEY};
$pg->do('delete from export_part; update export set types_done = 0, rows = 0, bytes = 0 where id = $1', $other);
$env{WEBMUNK_SITE_URL} = 'https://two.example/dashboard';
is(export('run', $other)->{code}, 0, '... and is made when the server has another address');
is_deeply(of_site($other), [ 'https://one.example:8443/support/asin/B000000009.json', 'https://one.example:8443' ], '... with that which it had when it began');
for ([ 'https://two.example/dashboard', 'https://two.example' ], [ '', undef ]) {
    ($other) = export(qw(create --types webmunk-asin-details))->{out} =~ /(\d+)/;
    $env{WEBMUNK_SITE_URL} = $_->[0];
    is(export('run', $other)->{code}, 0, 'another is made') or next;
    is_deeply(of_site($other), [ ($_->[1] // '') . '/support/asin/B000000009.json', $_->[1] ], '... with ' . ($_->[1] // 'paths alone, where nobody says the address'));
}
done_testing();
