# SPDX-License-Identifier: Apache-2.0
# Sending uploads with wrk, and what became of them; for bench/ingest and bench/export.
package Uploads;
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Time::HiRes qw(sleep time);
use Servers;

my $here = abs_path(dirname(__FILE__));

# SERVERS has wrk send for SECONDS when nothing else is said.
sub new
{
    my ($class, $servers, $seconds) = @_;
    my $found = grep { -x "$_/wrk" } split(/:/, $ENV{PATH});
    die "there is no wrk, which sends uploads: apt-get install wrk\n" if !$found;
    return bless { servers => $servers, seconds => $seconds }, $class;
}

# Send bodies FIRST to FIRST + COUNT of CORPUS. Returns what wrk found.
sub wrk
{
    my ($self, $corpus, $path, $connections, $first, $count, %more) = @_;
    my $s = $self->{servers};
    my $out = $s->run('wrk', '-t1', "-c$connections", '-d' . ($more{seconds} // $self->{seconds}) . 's', '--timeout', '30s',
        '-s', "$here/ingest.lua", "http://127.0.0.1:$s->{port}$path", '--', $corpus->{prefix}, $first, $count, 1,
        $more{again} ? 'again' : ());
    my ($line) = $out =~ /^result (.*)$/m or die "wrk says: $out";
    return { map { split /=/ } split(' ', $line) };
}

# wrk leaves requests behind when it ends: wait until httpd has finished them.
sub settle
{
    my ($self) = @_;
    my $log = "$self->{servers}{dir}/log/access.log";
    Servers::await(sub { my $size = -s $log; sleep 0.5; $size == -s $log }, 'httpd', 60);
    return;
}

# How many answers of 201 httpd has logged.
sub acknowledged
{
    my ($self) = @_;
    my $count = 0;
    open(my $in, '<', "$self->{servers}{dir}/log/access.log") or return 0;
    while (<$in>) { $count++ if /" 201 / }
    return $count;
}

sub stored
{
    my ($self) = @_;
    my ($bundles, $points, $repeats) =
        split(/[|\n]/, $self->{servers}->sql('SELECT count(*), sum(points), sum(repeats) FROM bundle'));
    return { bundles => $bundles, points => $points || 0, repeats => $repeats || 0 };
}

1;
