# SPDX-License-Identifier: Apache-2.0
# What tests of deliveries share: an archive that is ready, destinations, deliveries, and a look for secrets.
package WmTest::Deliver;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use Test::More;
use WmTest;

our @EXPORT = qw(archive destination delivery deliver ledger secret secrets_nowhere said environment);

my (%env, $exports, $count, @hidden);
my $said = '';

# The folders of archives and secrets, as environment of webmunkd.
sub environment
{
    return \%env if %env;
    for my $name (qw(exports secrets)) {
        mkdir workdir() . "/$name", 0700 or die "mkdir $name: $!";
    }
    %env = (WEBMUNK_EXPORT_DIR => workdir() . '/exports', WEBMUNK_SECRETS_DIR => workdir() . '/secrets',
        WEBMUNK_SITE_NAME => 'data.example.org');
    return \%env;
}

sub command
{
    my ($pg, @words) = @_;
    my $done = webmunkd({ env => environment() }, $pg, @words);
    $said .= $done->{out} . $done->{err};
    return $done;
}

sub said { return $said }

# An export that is ready, with bytes that repeat nowhere: its id.
sub archive
{
    my ($pg, $bytes) = @_;
    my $name = 'archive' . ++$exports . '.zip';
    my ($text, $block) = ('', 0);
    $text .= pack('H*', sha256_hex($name . $block++)) while length $text < $bytes;
    $text = substr($text, 0, $bytes);
    chmod 0600, spew(environment()->{WEBMUNK_EXPORT_DIR} . "/$name", $text);
    return $pg->scalar("insert into export (study_id, definition, state, path, file_name, file_bytes, file_sha256, profile,
        requested) values (1, '{\"sources\": [\"p-9\", \"p-1\"]}', 'ready', \$1, \$1, \$2, decode(\$3, 'hex'), 'nightly',
        '2026-03-29 23:30:00+00') returning id", $name, length $text, sha256_hex($text));
}

# Add a destination by the command: its id.
sub destination
{
    my ($pg, $name, $kind, $settings, @more) = @_;
    my $done = command($pg, 'destination', 'add', $name, '--kind', $kind, '--settings', json($settings), @more);
    is($done->{code}, 0, "destination $name is added") or diag($done->{err});
    return $pg->scalar('select id from destination where name = $1', $name);
}

sub delivery
{
    my ($pg, $export, $destination) = @_;
    return $pg->scalar("insert into delivery (export_id, destination_id, object) values (\$1, \$2, '') returning id",
        $export, $destination);
}

sub deliver
{
    my ($pg, $id, %how) = @_;
    return command($pg, 'run', '--once', 'deliver', '--params', json({ delivery => $id + 0 }));
}

# A row of the ledger.
sub ledger
{
    my ($pg, $id) = @_;
    return from_json($pg->scalar('select to_jsonb(d) from delivery d where id = $1', $id));
}

sub secret
{
    my ($name, $text, @hide) = @_;
    push @hidden, @hide;
    my $path = spew(environment()->{WEBMUNK_SECRETS_DIR} . "/$name", $text);
    chmod 0600, $path;
    return $path;
}

# No secret in a row of the database, or in what any command said.
sub secrets_nowhere
{
    my ($pg) = @_;
    my $rows = join "\n", map { $pg->scalar("select coalesce(jsonb_agg(to_jsonb(t)), '[]')::text from $_ t") }
        qw(destination delivery mail job job_run access_log);
    ok(@hidden > 0, 'there are secrets to look for');
    for my $secret (@hidden) {
        is(index($rows, $secret), -1, 'no secret is in a row');
        is(index($said, $secret), -1, 'nor in what the program said');
    }
    return;
}

1;
