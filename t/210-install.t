#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What `make install` puts into a system runs there: checked in a private ServerRoot, out of a DESTDIR.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use File::Copy qw(copy);
use File::Find;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
need_program('make', 'make');

# Make's own variables belong to the make that started this test.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES)};
my $destdir = workdir() . '/dest';

sub make { return run({ timeout => 300 }, 'make', '-C', builddir(), @_) }

# The value of a make variable, fully expanded.
sub variable
{
    my ($name) = @_;
    my $file = spew(workdir() . '/print.mk', "include Makefile\nprint-it:\n\t\@echo '\$($name)'\n");
    my $done = make('-s', '-f', $file, 'print-it');
    my ($value) = $done->{out} =~ /^(.*)$/m;
    return $value;
}

my $installed = make('-s', 'install', "DESTDIR=$destdir");
is($installed->{code}, 0, 'make install works with DESTDIR') or BAIL_OUT("make install: $installed->{err}");

my $moddir  = variable('moddir');
my $confdir = variable('apacheconfdir');
my $module  = "$destdir$moddir/mod_webmunk.so";
ok(-f $module, "the module is in $moddir");
my @files;
find({ no_chdir => 1, wanted => sub { push @files, $File::Find::name if -f } }, $destdir);
is_deeply([ grep { /\.la$/ } @files ], [], 'no libtool file is installed');
ok(-x $destdir . variable('sbindir') . '/webmunkd', 'webmunkd is installed');
my $data = $destdir . variable('pkgdatadir');
ok(-f "$data/sql/schema/0001-collect.sql" && -f "$data/sql/grants.sql", 'the schema and the grants are installed');

like(slurp("$destdir$confdir/webmunk.load"), qr/^# Depends: .*\bdbd\b/m, 'a2enmod learns that dbd is needed');
my $conf = "$destdir$confdir/webmunk.conf";
spew($conf, slurp($conf) . "# changed by the administrator\n");
make('-s', 'install', "DESTDIR=$destdir");
like(slurp($conf), qr/changed by the administrator/, 'an edited webmunk.conf survives the next installation');
ok(-f "$conf.new", '... which puts its own beside it');
my $settings = $destdir . variable('sysconfdir') . '/webmunk/webmunkd.conf';
is(run($destdir . variable('sbindir') . '/webmunkd', '--config', $settings, 'check-config')->{code}, 0, 'the settings of webmunkd are installed');

SKIP: {
    my $a2enmod = '/usr/sbin/a2enmod';
    my $known   = '/etc/apache2/mods-available';
    skip('a2enmod belongs to another package than httpd itself', 3) unless -x $a2enmod && -d $known;
    my $root = workdir() . '/etc';
    mkdir $_ for $root, "$root/mods-available", "$root/mods-enabled", workdir() . '/state';
    copy($_, "$root/mods-available/") for glob("$known/*.load"), glob("$known/*.conf"), "$destdir$confdir/webmunk.load", $conf;
    my $done = run({ env => { APACHE_CONFDIR => $root, APACHE_STATE_DIRECTORY => workdir() . '/state' } }, $a2enmod, '-q', 'webmunk');
    is($done->{code}, 0, 'a2enmod webmunk works') or diag("$done->{out}$done->{err}");
    ok(-l "$root/mods-enabled/webmunk.load" && -l "$root/mods-enabled/webmunk.conf", '... and enables module and configuration');
    ok(-l "$root/mods-enabled/dbd.load", '... and what they depend on');
}

# The installed files in a server of their own: only paths and the database are changed, as an administrator would.
my $pg    = WmTest::Postgres->start(migrate => 0);
my $done  = run({ env => { %{ $pg->env }, WM_SCHEMA_DIR => "$data/sql/schema" } }, $destdir . variable('sbindir') . '/webmunkd', 'migrate');
is($done->{code}, 0, 'the installed webmunkd applies the installed schema') or diag($done->{err});

my $state  = workdir() . '/state-files';
my $load   = slurp("$destdir$confdir/webmunk.load") =~ s/\Q$moddir\E/$destdir$moddir/r;
my $params = $pg->dbd_params;
my $text   = slurp($conf);
$text =~ s/^DBDParams .*$/DBDParams "$params"/m;
$text =~ s{"[^"\n]*/lib/webmunk}{"$state}g;
$text =~ s{^#(WebmunkTemplateDir|WebmunkAssetDir) "(/.*)"$}{$1 "$destdir$2"}mg;
my (undef, undef, $uid, $gid) = account();
for my $dir ($state, "$state/attachments", "$state/temp") {
    mkdir $dir or die "mkdir $dir: $!";
    chown $uid, $gid, $dir if $> == 0;
}
my $httpd = WmTest::Httpd->start(pg => $pg, own_module => 1, conf => "$load\n$text");
is($httpd->check_config->{code}, 0, 'httpd -t accepts the installed configuration');

my $now    = time;
my $bundle = json([ {
    'passive-data-metadata' => { source => 'install', generator => 'pdk-test', 'generator-id' => 'pdk-test', timestamp => $now },
    note => 'from the installed server',
} ]);
my $answer = $httpd->post('/data/add-bundle.json', { payload => $bundle });
is($answer->{status}, 201, 'an upload to the installed server works') or diag($answer->{content});
is($pg->scalar('select count(*) from point where source = $1', 'install'), 1, '... and is stored');
isnt($httpd->get('/dashboard/')->{status}, 500, 'the pages find their templates');
$httpd->log_ok;

is(make('-s', 'uninstall', "DESTDIR=$destdir")->{code}, 0, 'make uninstall works');
ok(!-e $module, '... and takes the module away');
done_testing();
