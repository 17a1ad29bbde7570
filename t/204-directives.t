#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What `httpd -t` says of directives that cannot work: a sentence that names directive, value and expectation.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Httpd;

need_module();
my $dbd  = "DBDriver pgsql\nDBDParams \"dbname=x connect_timeout=3\"\n";
my $dir  = workdir();
my @keys = map { "$dir/$_.key" } qw(secret peer);
spew($keys[0], 'KKQc5fYXrDXLvI/dMrPIeUOQ7XRkkrHRY9NIjb1nGhI=' . "\n");
spew($keys[1], 'Pxd6Wv6prWMIYEHfH1WbQhRCzMa985raFzw65u9HfDY=' . "\n");
chmod 0600, $keys[0];
spew("$dir/short.key", "c2hvcnQ=\n");

sub try
{
    my (%option) = @_;
    return WmTest::Httpd->try_config(%option, server => $dbd . ($option{server} // ''));
}

sub refused
{
    my ($option, $pattern, $what) = @_;
    my $got = try(%$option);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    isnt($got->{code}, 0, "$what is refused");
    like($got->{err}, $pattern, '... with a sentence that helps');
}

sub accepted
{
    my ($option, $what) = @_;
    my $got = try(%$option);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($got->{code}, 0, "$what is accepted") or diag($got->{err});
    return $got;
}

accepted({}, 'a location with nothing but the handler');
accepted({ data => "WebmunkServe data support\nWebmunkServe traces" }, 'several words in several lines');
accepted({ data => "WebmunkBodyMax 1m\nWebmunkBodyKeep 0\nWebmunkBodyTimeout 1500ms\nWebmunkRepeats KEEP" },
    'units in any case, and a plain zero');

refused({ data => 'WebmunkServe pages' },
    qr{WebmunkServe is "pages", but must be one of data\|dashboard\|support\|traces}, 'an unknown word');
refused({ data => 'WebmunkUploads maybe' }, qr{WebmunkUploads is "maybe", but must be on or off}, 'a flag that is none');
refused({ data => 'WebmunkRepeats drop' }, qr{WebmunkRepeats is "drop", but must be one of suppress\|keep}, 'a bad choice');
refused({ data => 'WebmunkBodyMax lots' }, qr{WebmunkBodyMax is "lots", but must be a number of bytes}, 'a size in words');
refused({ data => 'WebmunkBodyMax -1' }, qr{WebmunkBodyMax is "-1", but must be a number of bytes}, 'a negative size');
refused({ data => 'WebmunkBodyMax 1' }, qr{WebmunkBodyMax is 1, but must be between 1024 and}, 'a size out of bounds');
refused({ data => "$_ 1001M" }, qr{$_ is 1001M, but must be between 1024 and 1048576000},
    "a $_ that the database could not keep") for qw(WebmunkBodyMax WebmunkInflatedMax);
refused({ data => 'WebmunkBodyMax 99999999999999999999G' }, qr{WebmunkBodyMax is "9+G", but must be}, 'a size beyond numbers');
refused({ data => 'WebmunkBodyKeep 30' }, qr{WebmunkBodyKeep is "30", but must be a time such as}, 'a time without a unit');
refused({ data => 'WebmunkPointsMax 1048577' }, qr{WebmunkPointsMax is 1048577, but must be between 1 and 1048576},
    'more points than a bundle can number');
refused({ data => 'WebmunkDepthMax 1001' }, qr{must be between 8 and 1000}, 'more depth than there is room for');
refused({ data => 'WebmunkTempDir /tmp' }, qr{WebmunkTempDir not allowed (?:in|here)}, 'a server directive in a location');
refused({ data => 'WebmunkMemoryMax 1M' }, qr{WebmunkMemoryMax not allowed (?:in|here)}, 'a process directive in a location');
refused({ server => "<VirtualHost *:1>\nWebmunkMemoryMax 2M\n</VirtualHost>" },
    qr{WebmunkMemoryMax cannot occur within <VirtualHost>}, 'a process directive in a virtual host');
accepted({ server => "<VirtualHost *:1>\nWebmunkTempDir /tmp\n</VirtualHost>" }, 'a server directive in a virtual host');

refused({ server => 'WebmunkDatabaseConnections 11' },
    qr{WebmunkDatabaseConnections is 11, but DBDMax is 10}, 'more borrowers than connections');
accepted({ server => "WebmunkDatabaseConnections 11\nDBDMax 12" }, 'as many connections as borrowers');
accepted({ server => 'DBDMax 2' }, 'fewer connections than our default, which follows');
refused({ server => "<VirtualHost *:1>\nWebmunkTempDir $dir/none\n</VirtualHost>" },
    qr{WebmunkTempDir \Q$dir\E/none is no directory}, 'a temporary directory that does not exist');

my $plain = WmTest::Httpd->try_config(server => "DBDriver pgsql\nDBDParams \"dbname=x\"\n");
is($plain->{code}, 0, 'a database without connect_timeout is accepted');
like($plain->{err}, qr{WM0151 DBDParams has no connect_timeout}, '... but warned of');
$plain = WmTest::Httpd->try_config(server => '');
like($plain->{err}, qr{needs PostgreSQL: set DBDriver pgsql}, 'no database at all is refused with the remedy');
$plain = WmTest::Httpd->try_config(server => "DBDriver mysql\n");
like($plain->{err}, qr{needs PostgreSQL|Can't load driver|Cannot load}i, 'another database is refused');
$plain = WmTest::Httpd->try_config(conf => '');
is($plain->{code}, 0, 'a server that loads the module and does not use it needs no database') or diag($plain->{err});

accepted({ server => "WebmunkBoxSecretKey $keys[0]\nWebmunkBoxPeerKey $keys[1]" }, 'a pair of key files');
refused({ server => "WebmunkBoxSecretKey $keys[0]" },
    qr{WebmunkBoxSecretKey and WebmunkBoxPeerKey belong together}, 'one key without the other');
refused({ server => "WebmunkBoxSecretKey $dir/none.key\nWebmunkBoxPeerKey $keys[1]" }, qr{\Q$dir\E/none\.key},
    'a key file that is missing');
refused({ server => "WebmunkBoxSecretKey $dir/short.key\nWebmunkBoxPeerKey $keys[1]" }, qr{\Q$dir\E/short\.key},
    'a key file without a key');
chmod 0644, $keys[0];
refused({ server => "WebmunkBoxSecretKey $keys[0]\nWebmunkBoxPeerKey $keys[1]" }, qr{\Q$keys[0]\E},
    'a secret key that everybody may read');
unlike(try(server => "WebmunkBoxSecretKey $keys[0]\nWebmunkBoxPeerKey $keys[1]")->{err}, qr{KKQc},
    '... and the sentence does not say the key');
done_testing();
