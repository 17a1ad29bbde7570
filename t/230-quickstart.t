#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# ./quickstart as a newcomer runs it, without the installing of packages: start, look, start again, stop.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use IO::Socket::INET;
use WmTest;
use WmTest::Client;
use WmTest::Postgres;

need_module();
WmTest::Postgres::program('initdb');
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES)};

my $dir    = workdir() . '/q';
my $port   = free_port();
my $script = srcdir() . '/quickstart';

sub quickstart { return run({ timeout => 900 }, $script, '--dir', $dir, '--no-install', @_) }

sub run_env { return map { /^(\w+)=(.*)$/ ? ($1, $2) : () } split(/\n/, slurp("$dir/run.env")) }

is(run($script, '--port', 'http')->{code}, 1, 'a port that is no number is refused');
like(run($script, '--colour')->{err}, qr/"--colour" is not an option; see \S+ --help/, 'so is an option that does not exist, by its name');
like(run($script, '--help')->{out}, qr/quickstart check/, '--help says what there is');

# What npm fetched for this build need not be fetched again.
mkdir $_ for $dir, "$dir/build", "$dir/build/assets";
run('cp', '-r', builddir() . '/assets/vendor', "$dir/build/assets/") if -e builddir() . '/assets/vendor/.lock';

my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1);
my $taken = quickstart('--port', $busy->sockport);
is($taken->{code}, 1, 'a port that is taken ends it');
like($taken->{err}, qr/port \d+ is taken by another program; name a free one with --port/, '... with a sentence that names the remedy');

WmTest::guard(sub { quickstart('--stop') });
my $first = quickstart('--port', $port, '--detach');
is($first->{code}, 0, 'quickstart builds and starts') or BAIL_OUT("quickstart: $first->{out}$first->{err}");
my %env = run_env();
is($env{BASE_URL}, "http://127.0.0.1:$port", 'run.env holds the address');
is(sprintf('%o', (stat "$dir/run.env")[2] & 0777), '600', '... for its owner only');
like($first->{out}, qr/sign in as $env{ADMIN_USER} with \Q$env{ADMIN_PASSWORD}\E/, 'the password is printed');
is(system('sh', '-c', ". '$dir/run.env' && test \"\$ADMIN_PASSWORD\" = '$env{ADMIN_PASSWORD}'"), 0, 'a shell can read run.env');

my $client = WmTest::Client->new(port => $port);
my $bundle = json([ {
    'passive-data-metadata' => { source => 'first', generator => 'pdk-test', 'generator-id' => 'pdk-test', timestamp => time },
} ]);
is($client->post('/data/add-bundle.json', { payload => $bundle })->{status}, 201, 'a client can upload');
my $psql = WmTest::Postgres::program('psql');
my $count = sub { run($psql, '-X', '-A', '-t', '-c', 'select count(*) from webmunk.point', $env{DATABASE_URL})->{out} };
is($count->(), "1\n", 'DATABASE_URL leads to the point');
is(run($psql, '-X', '-A', '-t', '-c', "select webmunk.account_grants(id) from webmunk.account where name = 'admin'", $env{DATABASE_URL})->{out},
    "administrator:*,analyst:*,sensitive:*\n", 'the account admin may see what was sent, all of it');
is($client->get('/')->{headers}{location}, "http://127.0.0.1:$port/dashboard/", '/ leads to the pages');
isnt($client->get('/dashboard/')->{status}, 200, '... which are closed');
like($client->get('/dashboard/sign-in')->{content}, qr/<form/, '... and show a form to sign in');
is($client->get('/dashboard/assets/webmunk.css')->{status}, 200, 'styles are served');

ok((wait_until { run($psql, '-X', '-A', '-t', '-c', "select 1 from webmunk.job where name = 'partitions' and state = 'done'",
    $env{DATABASE_URL})->{out} eq "1\n" } 'a job'), 'jobs run');
my ($runner) = slurp("$dir/runner.pid") =~ /(\d+)/;
ok(kill(0, $runner), '... by a runner');

my $second = quickstart('--port', $port, '--detach');
is($second->{code}, 0, 'a second run works');
unlike($second->{out}, qr/configuring|making a database|making the account/, '... and does nothing twice');
is({ run_env() }->{ADMIN_PASSWORD}, $env{ADMIN_PASSWORD}, '... with the same password');
ok(!kill(0, $runner), '... and with a new runner');
($runner) = slurp("$dir/runner.pid") =~ /(\d+)/;
is($count->(), "1\n", '... and the same data');

is(quickstart('--stop')->{code}, 0, '--stop works');
ok(!kill(0, $runner), '... of the runner too');
is($client->get('/data/health')->{status}, 599, '... and nothing listens any more');
like(quickstart('--stop')->{out}, qr/nothing runs/, 'stopping twice is harmless');
done_testing();
