# SPDX-License-Identifier: Apache-2.0
# What speaks to a server under test: whole requests (HTTP::Tiny, or curl for HTTP/2) and raw sockets for everything
# a well-behaved client would not do. Needs {port} and, for HTTP/2, {h2} and {dir} of the object.
package WmTest::Client;
use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use WmTest;

# A client for any port: WmTest::Client->new(port => 8080)
sub new
{
    my ($class, %self) = @_;
    return bless { dir => workdir(), %self }, $class;
}

sub url
{
    my ($self, $path) = @_;
    return "http://127.0.0.1:$self->{port}" . ($path // '');
}

# {status, reason, headers (lower-case names), content}; a dropped connection has status 599.
# Options: headers => {}, content => bytes, h2 => 0|1.
sub request
{
    my ($self, $method, $path, $option) = @_;
    $option ||= {};
    return $self->curl($method, $path, $option) if $option->{h2} // $self->{h2};
    my $client = HTTP::Tiny->new(keep_alive => 0, max_redirect => 0, timeout => $option->{timeout} || 60, proxy => undef,
        http_proxy => undef, https_proxy => undef, no_proxy => '*', agent => 'wmtest');
    my %request;
    $request{headers} = $option->{headers} if $option->{headers};
    $request{content} = $option->{content} if defined $option->{content};
    return $client->request($method, $self->url($path), \%request);
}

sub get
{
    my ($self, $path, $headers) = @_;
    return $self->request('GET', $path, { headers => $headers || {} });
}

# A form as browsers send it: post('/path', {name => value}, {header => value})
sub post
{
    my ($self, $path, $form, $headers) = @_;
    my $content = HTTP::Tiny->new->www_form_urlencode($form);
    return $self->request('POST', $path,
        { headers => { 'content-type' => 'application/x-www-form-urlencoded', %{ $headers || {} } }, content => $content });
}

my $calls = 0;

# HTTP/2 with prior knowledge.
sub curl
{
    my ($self, $method, $path, $option) = @_;
    my $base    = workdir() . "/curl$$-" . ++$calls;
    my @command = (need_program('curl', 'curl'), '-sS', '--http2-prior-knowledge', '-m', $option->{timeout} || 60,
        '-o', "$base.out", '-D', "$base.head");
    push @command, $method eq 'HEAD' ? '--head' : ('-X', $method);
    my %headers = %{ $option->{headers} || {} };
    $headers{'content-type'} //= '' if defined $option->{content} && !grep { lc eq 'content-type' } keys %headers;
    for my $name (sort keys %headers) {
        my $value = $headers{$name};
        push @command, '-H', length $value ? "$name: $_" : "$name:" for ref $value ? @$value : $value;
    }
    push @command, '-H', 'expect:';
    push @command, '--data-binary', '@' . spew("$base.in", $option->{content}) if defined $option->{content};
    my $done = run(@command, $self->url($path));
    my $answer = { status => 599, reason => $done->{err}, headers => {}, content => $done->{err} };
    my $head = -e "$base.head" ? slurp("$base.head") : '';
    if ($done->{code} == 0) {
        my ($status, %got) = (0);
        for my $line (split(/\r?\n/, $head)) {
            if ($line =~ m{^HTTP/\S+ (\d+)}) {
                ($status, %got) = ($1);
            } elsif ($line =~ /^([^:]+):\s*(.*?)\s*$/) {
                my $name = lc $1;
                $got{$name} = exists $got{$name} ? [ ref $got{$name} ? @{ $got{$name} } : $got{$name}, $2 ] : $2;
            }
        }
        $answer = { status => $status, reason => '', headers => \%got, content => -e "$base.out" ? slurp("$base.out") : '' };
    }
    $answer->{success} = $answer->{status} =~ /^2/ ? 1 : '';
    unlink "$base.in", "$base.out", "$base.head";
    return $answer;
}

# A raw connection.
sub raw
{
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 20)
        or die "connect: $!";
    $socket->autoflush(1);
    return bless { socket => $socket, buffer => '' }, 'WmTest::Socket';
}

# One raw exchange: the text goes out, everything until the server closes comes back ('' for a dropped connection).
sub raw_request
{
    my ($self, $text) = @_;
    my $raw = $self->raw;
    $raw->send($text);
    return $raw->read_all;
}

package WmTest::Socket;
use IO::Select;

# False when the peer has gone.
sub send
{
    my ($self, $text) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $sent = 0;
    while ($sent < length $text) {
        my $n = syswrite($self->{socket}, $text, length($text) - $sent, $sent);
        return 0 unless defined $n;
        $sent += $n;
    }
    return 1;
}

# Read more into the buffer; false at the end, on a reset, or after the limit.
sub more
{
    my ($self, $limit) = @_;
    return 0 unless IO::Select->new($self->{socket})->can_read($limit // 60);
    my $n = sysread($self->{socket}, $self->{buffer}, 65536, length $self->{buffer});
    $self->{ended} = 1 unless $n;
    return $n ? 1 : 0;
}

# True once the server has closed, within the limit.
sub ended
{
    my ($self, $limit) = @_;
    1 while !$self->{ended} && $self->more($limit);
    return $self->{ended} ? 1 : 0;
}

sub read_all
{
    my ($self, $limit) = @_;
    $self->ended($limit);
    return $self->{buffer};
}

# One answer with Content-Length or chunks: {status, headers, content}, undef when the connection was dropped.
sub response
{
    my ($self, $limit) = @_;
    until ($self->{buffer} =~ /\r\n\r\n/) {
        $self->more($limit) or return;
    }
    $self->{buffer} =~ s/\A(.*?)\r\n\r\n//s;
    my ($line, @fields) = split(/\r\n/, $1);
    my ($status) = $line =~ m{^HTTP/1\.[01] (\d+)} or return;
    my %headers = map { /^([^:]+):\s*(.*?)\s*$/ ? (lc $1, $2) : () } @fields;
    my $content = '';
    if (($headers{'transfer-encoding'} || '') =~ /chunked/i) {
        for (;;) {
            until ($self->{buffer} =~ /\A([0-9a-fA-F]+)[^\r\n]*\r\n/) { $self->more($limit) or return }
            my $size = hex $1;
            $self->{buffer} =~ s/\A[^\r\n]*\r\n//;
            until (length $self->{buffer} >= $size + 2) { $self->more($limit) or return }
            $content .= substr($self->{buffer}, 0, $size);
            $self->{buffer} = substr($self->{buffer}, $size + 2);
            last unless $size;
        }
    } else {
        my $size = $headers{'content-length'} // 0;
        until (length $self->{buffer} >= $size) { $self->more($limit) or return }
        $content = substr($self->{buffer}, 0, $size, '');
    }
    return { status => $status, headers => \%headers, content => $content };
}

# No more from us, but we still listen.
sub finish
{
    shutdown($_[0]{socket}, 1);
    return;
}

sub close
{
    close($_[0]{socket});
    return;
}

# Disconnect as a phone that lost its network does: a reset instead of an orderly end.
sub abort
{
    my ($self) = @_;
    setsockopt($self->{socket}, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0));
    return $self->close;
}

1;
