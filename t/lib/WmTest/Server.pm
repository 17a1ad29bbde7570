# SPDX-License-Identifier: Apache-2.0
# A server of t/servers, in node: WmTest::Server->start('s3.js', arguments...) waits for its port.
package WmTest::Server;
use strict;
use warnings;
use Test::More;
use WmTest;

my $count = 0;

# Packages that the script needs; without them the test is skipped.
sub need
{
    my ($class, @packages) = @_;
    need_program('node', 'nodejs');
    my $modules = srcdir() . '/t/servers/node_modules';
    for my $package (@packages) {
        -d "$modules/$package" or give_up('the packages of t/servers are missing: do `npm ci` there, or ./quickstart check');
    }
    return;
}

sub start
{
    my ($class, $script, @arguments) = @_;
    my $self = bless { log => workdir() . '/server' . ++$count . '.log' }, $class;
    my @command = (need_program('node', 'nodejs'), srcdir() . "/t/servers/$script", @arguments);
    $self->{pid} = WmTest::spawn($self->{log}, {}, WmTest::launcher(), @command);
    WmTest::guard(sub { $self->stop });
    $self->{port} = wait_until {
        waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid} and die "$script ended: " . slurp($self->{log});
        -e $self->{log} && slurp($self->{log}) =~ /^port (\d+)$/m ? $1 : 0;
    } $script;
    return $self;
}

sub port { return $_[0]{port} }
sub url  { return "http://127.0.0.1:$_[0]{port}" }
sub log  { return slurp($_[0]{log}) }

sub stop
{
    my ($self) = @_;
    WmTest::reap(delete $self->{pid}, 'TERM');
    return;
}

1;
