# SPDX-License-Identifier: Apache-2.0
# Points made for a test, stored as a bundle is, and exported by t/unit/export_rows.
#   my $lab = WmTest::Export->new($pg);
#   $lab->store($received, [ source, generator, time, { members }, { members of the metadata } ], ...);
#   my ($said, $entries) = $lab->export({ types => [...] });
package WmTest::Export;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();
use Test::More;
use WmTest;

our @EXPORT = qw(lines);

my $files = 0;

sub new
{
    my ($class, $pg) = @_;
    my $program = builddir() . '/t/unit/export_rows';
    -x $program or give_up("$program is missing: make check builds it");
    return bless { pg => $pg, program => $program }, $class;
}

sub tool
{
    my ($self, @arguments) = @_;
    return run({ env => { DATABASE_URL => $self->{pg}->url, %{ $self->{env} || {} } } }, $self->{program}, @arguments);
}

sub store
{
    my ($self, $received, @points) = @_;
    my @list = map {
        my ($source, $generator, $time, $members, $metadata) = @$_;
        +{ %$members, 'passive-data-metadata' => { source => $source, 'generator-id' => $generator, generator => "$generator: Probe/1",
                timestamp => $time, timezone => 'America/New_York', %{ $metadata || {} } } }
    } @points;
    my $done = $self->tool('load', $received, spew(workdir() . '/bundle' . ++$files . '.json', JSON::PP->new->canonical->utf8->encode(\@list)));
    like($done->{out}, qr/ points ${\ scalar @points} quarantined 0$/, scalar(@points) . ' points are stored') or diag("$done->{out}$done->{err}");
    return;
}

# What was said, and the entries by name. LATER: as of that position.
sub export
{
    my ($self, $definition, @later) = @_;
    my $dir = workdir() . '/out' . ++$files;
    mkdir $dir or die "mkdir $dir: $!";
    my $done = $self->tool('run', json({ study => 1, zone => 'America/New_York', %$definition }), $dir, @later);
    diag($done->{err}) if length $done->{err};
    my %entries = map { $_ => slurp("$dir/$_") } $done->{out} =~ /^entry (.*)$/mg;
    return ($done->{out}, \%entries);
}

# Rows of cells.
sub lines { my ($text) = @_; return [ map { [ split(/\t/, $_, -1) ] } split(/\r\n/, $text) ] }

1;
