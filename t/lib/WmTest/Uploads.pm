# SPDX-License-Identifier: Apache-2.0
# Clients that upload without pause, as queues do after an outage: what is refused is sent again until it is
# acknowledged. Every point has a name of its own, so that loss and doubling show.
package WmTest::Uploads;
use strict;
use warnings;
use HTTP::Tiny;
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;

# A bundle of one point for each name, all of one source.
sub bundle
{
    my (@names) = @_;
    my %metadata = (source => "source-$names[0]", 'generator-id' => 'test', generator => 'test: test/1',
        timestamp => 1700000000);
    return json([ map { { name => $_, 'passive-data-metadata' => \%metadata } } @names ]);
}

sub one
{
    my ($httpd, $n, $name) = @_;
    my $http = HTTP::Tiny->new(keep_alive => 0, timeout => 30, max_redirect => 0);
    my $url  = $httpd->url('/data/add-bundle.json');
    return $http->request('CREATE', $url, { content => bundle($name) }) if $n % 3 == 0;
    return $http->post_form($url, { payload => bundle($name) }) if $n % 3 == 1;
    return $http->request('POST', $url,
        { content => bundle($name), headers => { 'content-type' => 'application/json' } });
}

# Start CLIENTS of them.
sub start
{
    my ($class, $httpd, $clients) = @_;
    my $self = bless { dir => workdir(), clients => $clients, pids => [] }, $class;
    for my $client (1 .. $clients) {
        my $pid = fork() // die "fork: $!";
        if ($pid) {
            push @{ $self->{pids} }, $pid;
            next;
        }
        $SIG{TERM} = sub { POSIX::_exit(0) };
        open(my $log, '>>', "$self->{dir}/acknowledged") or POSIX::_exit(1);
        for (my $n = 1; !-e "$self->{dir}/enough"; $n++) {
            my $name = "$client-$n";
            until (one($httpd, $n, $name)->{status} == 201) {
                POSIX::_exit(0) if -e "$self->{dir}/enough";
                select(undef, undef, undef, 0.02);
            }
            syswrite($log, "$name\n");
        }
        POSIX::_exit(0);
    }
    WmTest::guard(sub { kill 'TERM', @{ $self->{pids} } });
    return $self;
}

sub acknowledged
{
    my ($self) = @_;
    return -e "$self->{dir}/acknowledged" ? split(/\n/, slurp("$self->{dir}/acknowledged")) : ();
}

# Wait until so many more are acknowledged.
sub more
{
    my ($self, $count, $what) = @_;
    my $before = () = $self->acknowledged;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(wait_until(sub { $before + $count <= (() = $self->acknowledged) }, $what), $what);
}

sub stop
{
    my ($self) = @_;
    spew("$self->{dir}/enough", '');
    waitpid($_, 0) for splice @{ $self->{pids} };
    return;
}

# Everything acknowledged is stored exactly once, and nothing twice.
sub verify
{
    my ($self, $pg) = @_;
    my %stored;
    $stored{$_}++ for $pg->list(q{select properties ->> 'name' from webmunk.point});
    my @acknowledged = $self->acknowledged;
    my @lost         = grep { !$stored{$_} } @acknowledged;
    my @twice        = grep { $stored{$_} > 1 } keys %stored;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!@lost, 'nothing acknowledged is missing, of ' . @acknowledged) or diag("lost: @lost[0 .. ($#lost > 9 ? 9 : $#lost)]");
    ok(!@twice, '... and nothing is stored twice') or diag("twice: @twice");
    return;
}

# The whole test of one MPM.
sub check
{
    my (%option) = @_;
    my $pg      = WmTest::Postgres->start;
    my $httpd   = WmTest::Httpd->start(%option, pg => $pg);
    my $uploads = WmTest::Uploads->start($httpd, 6);
    $uploads->more(50, 'uploads are acknowledged');
    $pg->restart;
    $uploads->more(50, 'and again after PostgreSQL restarted under load');
    ok($httpd->graceful, 'httpd restarts gracefully under load');
    $uploads->more(50, 'and uploads go on');
    $pg->crash;
    $pg->up;
    $uploads->more(50, 'and again after PostgreSQL crashed under load');
    $uploads->stop;
    $uploads->verify($pg);
    is($pg->scalar('select count(*) from webmunk.bundle where points + repeats <> 1'), 0, 'every bundle counts its point');
    $httpd->log_ok('?WM0102', '?[dbd:error]');    # mod_dbd has its own lines for a database that is away
    done_testing();
    return;
}

1;
