# SPDX-License-Identifier: Apache-2.0
# A bad line to another server: it passes requests on, or does what a broken server, a proxy or a page for people does.
#   my $peer = WmTest::Peer->start($httpd);    # $peer->url('/data/add-bundle.json')
#   $peer->mode('ok');  ok, 500, 413, redirect, html, error, refused, lost, slow, half, none
#   $peer->bodies;      # of all requests, in their order
package WmTest::Peer;
use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use WmTest;

my $count = 0;

sub start
{
    my ($class, $httpd) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 20, ReuseAddr => 1) or die "peer: $!";
    my $self = bless { dir => workdir() . '/peer' . ++$count, port => $listen->sockport }, $class;
    mkdir $self->{dir} or die "mkdir $self->{dir}: $!";
    $self->mode('ok');
    $self->{pid} = fork() // die "fork: $!";
    if (!$self->{pid}) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        $SIG{$_} = 'IGNORE' for qw(PIPE CHLD);
        for (my $n = 1;; $n++) {
            my $client = $listen->accept or next;
            if (!fork) {
                eval { $self->serve($client, $httpd, $n) };
                close $client;
                POSIX::_exit(0);
            }
            close $client;
        }
    }
    close $listen;
    WmTest::guard(sub { WmTest::reap($self->{pid}, 'KILL') });
    return $self;
}

sub url  { return "http://127.0.0.1:$_[0]{port}$_[1]" }
sub mode { return spew("$_[0]{dir}/mode.new", $_[1]) && rename("$_[0]{dir}/mode.new", "$_[0]{dir}/mode") }

sub bodies
{
    my ($self) = @_;
    return map { slurp($_) } sort glob("$self->{dir}/body*");
}

sub say_it
{
    my ($client, $status, $type, $body, @more) = @_;
    print $client join("\r\n", "HTTP/1.1 $status", "Content-Type: $type", 'Content-Length: ' . length $body, 'Connection: close', @more, '', $body);
    return;
}

sub serve
{
    my ($self, $client, $httpd, $n) = @_;
    my ($head, $body) = ('', '');
    my $mode = slurp("$self->{dir}/mode");
    $client->autoflush(1);
    return if $mode eq 'none';
    while (defined(my $line = readline($client))) {
        last if $line eq "\r\n";
        $head .= $line;
    }
    my ($path)   = $head =~ m{^POST (\S+) };
    my ($length) = $head =~ /^content-length: (\d+)/im;
    return unless $length;
    return if $mode eq 'half' && read($client, $body, $length / 2);
    read($client, $body, $length);
    spew(sprintf("$self->{dir}/body%06d", $n), $body);
    my %says = (
        500      => [ '500 Internal Server Error', 'text/html', '<h1>Oops</h1>' ],
        413      => [ '413 Content Too Large', 'text/plain', 'too large' ],
        redirect => [ '301 Moved Permanently', 'text/html', 'moved', 'Location: https://elsewhere.example/' ],
        html     => [ '200 OK', 'text/html', '<!DOCTYPE html><title>Sign in</title>' ],
        error    => [ '200 OK', 'application/json', '{"added": true, "error": "disk full"}' ],
        refused  => [ '201 Created', 'application/json', '{"message": "Data bundle added successfully, and ready for processing."}' ],
    );
    return say_it($client, @{ $says{$mode} }) if $says{$mode};
    if ($path =~ m{/fetch-metadata\.json$}) {
        return say_it($client, '200 OK', 'application/json', $body eq 'identifier=p%201&request-key=open%20sesame'
            ? '{"point_count": 7, "user_agent": "\u001b[31m"}' : '{}');
    }
    my $answer = HTTP::Tiny->new(timeout => 30)->request('POST', $httpd->url($path),
        { content => $body, headers => { 'content-type' => 'application/x-www-form-urlencoded' } });
    return if $mode eq 'lost';
    sleep 3 if $mode eq 'slow';
    return say_it($client, "$answer->{status} $answer->{reason}", $answer->{headers}{'content-type'} // 'text/plain', $answer->{content});
}

1;
