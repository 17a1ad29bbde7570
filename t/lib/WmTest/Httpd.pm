# SPDX-License-Identifier: Apache-2.0
# A real httpd with the module under test: own ServerRoot, random port on 127.0.0.1, two children.
#   my $httpd = WmTest::Httpd->start(pg => $pg, mpm => 'worker', h2 => 1);
#   my $answer = $httpd->request('POST', '/data/add-bundle.json', { content => $body });
#   $httpd->log_ok('WM0101');    # last: every warning or error not announced fails
package WmTest::Httpd;
use strict;
use warnings;
use parent -norequire, 'WmTest::Client';
use Test::More;
use WmTest;
use WmTest::Client;

my $servers = 0;

# Loaded when they exist as files; Debian has core, so, watchdog, http, log_config, logio, version and unixd built in.
my @modules = qw(unixd log_config authn_core authz_core authz_host authz_user mime dir alias env headers setenvif
    deflate reqtimeout status dbd);

# Options:
#   pg          => WmTest::Postgres           its address becomes DBDParams
#   mpm         => event | worker | prefork   (default $ENV{WM_MPM} or event)
#   h2          => 1                          HTTP/2 with prior knowledge; request() then speaks it
#   children    => 2, threads => 8            processes, and threads of each (prefork: 1)
#   dbd_max     => 8                          connections of each process
#   data, dashboard => "lines"                more directives inside the two locations
#   server      => "lines"                    more directives of the server
#   modules     => ['rewrite', ...]           more modules of httpd
#   conf        => "text"                     in place of DBD and locations
#   own_module  => 1                          conf loads the module itself
#   reqtimeout  => 'header=... body=...'      RequestReadTimeout
#   log_level   => 'warn'                     LogLevel (default "notice webmunk:info")
#   wait        => 0                          do not wait until it answers
sub start
{
    my ($class, %option) = @_;
    need_module();
    my $dir  = workdir() . '/httpd' . ++$servers;
    my $self = bless {
        dir    => $dir,
        mpm    => $option{mpm} || $ENV{WM_MPM} || 'event',
        h2     => $option{h2},
        option => \%option,
        seen   => 0,
        announced => {},
    }, $class;
    for my $path ($dir, "$dir/htdocs", "$dir/run", "$dir/data") {
        mkdir $path or die "mkdir $path: $!";
    }
    my (undef, undef, $uid, $gid) = account();
    chown $uid, $gid, "$dir/data", "$dir/run" if $> == 0;
    WmTest::guard(sub { $self->stop });

    # Someone else may take the port between our look and httpd's bind.
    for (1 .. 5) {
        $self->{port} = free_port();
        spew("$dir/httpd.conf", $self->configuration);
        $self->up and return $self;
        last unless $self->error_log =~ /could not bind/;
    }
    die 'httpd does not start: ' . $self->error_log;
}

sub configuration
{
    my ($self) = @_;
    my $option  = $self->{option};
    my $modules = WmTest::configured('HTTPD_MODULES');
    my $text    = '';
    for my $name ("mpm_$self->{mpm}", @modules, ($self->{h2} ? 'http2' : ()), @{ $option->{modules} || [] }) {
        $text .= "LoadModule ${name}_module $modules/mod_$name.so\n" if -e "$modules/mod_$name.so";
    }
    my ($user, $group) = account();
    my $children = $option->{children} || 2;
    my $threads  = $self->{mpm} eq 'prefork' ? 1 : $option->{threads} || 8;
    my $level    = $option->{log_level} || 'notice webmunk:info';
    my $timeout  = $option->{reqtimeout} || 'header=20-40,MinRate=500 body=20,MinRate=500';
    my $types = -e '/etc/mime.types' ? '/etc/mime.types' : '/dev/null';
    $text .= 'LoadModule webmunk_module ' . module_file() . "\n" unless $option->{own_module};
    $text .= <<"EOT";
ServerRoot "$self->{dir}"
DefaultRuntimeDir "$self->{dir}/run"
PidFile "$self->{dir}/run/httpd.pid"
ServerName 127.0.0.1
Listen 127.0.0.1:$self->{port}
ErrorLog "$self->{dir}/error.log"
LogLevel $level
CustomLog "$self->{dir}/access.log" "%h %t \\"%r\\" %>s %B %D"
DocumentRoot "$self->{dir}/htdocs"
Timeout 30
RequestReadTimeout $timeout
GracefulShutdownTimeout 20
TraceEnable off
TypesConfig $types
EOT
    $text .= "User $user\nGroup $group\n" if $> == 0;
    if ($self->{mpm} eq 'prefork') {
        my $servers = $option->{threads} || 8;
        $text .= "StartServers $children\nMinSpareServers 1\nMaxSpareServers $servers\nMaxRequestWorkers $servers\n";
    } else {
        my $workers = $children * $threads;
        $text .= "StartServers $children\nServerLimit $children\nThreadsPerChild $threads\nThreadLimit $threads\n"
            . "MinSpareThreads 1\nMaxSpareThreads $workers\nMaxRequestWorkers $workers\n";
    }
    $text .= "Protocols h2c http/1.1\n" if $self->{h2};
    $text .= ($option->{server} || '') . "\n";
    return $text . (defined $option->{conf} ? $option->{conf} : $self->locations);
}

sub locations
{
    my ($self) = @_;
    my $option = $self->{option};
    my $text   = '';
    if (my $pg = $option->{pg}) {
        my $max = $option->{dbd_max} || ($self->{mpm} eq 'prefork' ? 1 : 8);
        my $params = $pg->dbd_params;
        $text .= "DBDriver pgsql\nDBDParams \"$params\"\nDBDMin 0\nDBDKeep $max\nDBDMax $max\nDBDExptime 300\n";
    }
    my $data      = $option->{data}      || '';
    my $dashboard = $option->{dashboard} || '';
    my $templates = $self->{templates} ||= WmTest::reachable(srcdir() . '/templates');
    # What make gathered from npm; without npm our own files do.
    my ($assets) = grep { -d } builddir() . '/assets', srcdir() . '/assets';
    $assets = $self->{assets} ||= WmTest::reachable($assets);
    $text .= <<"EOT";
WebmunkTemplateDir "$templates"
WebmunkAssetDir "$assets"
WebmunkAttachmentDir "$self->{dir}/data"
WebmunkExportDir "$self->{dir}/exports"
WebmunkTempDir "$self->{dir}/data"
<Location "/data">
    SetHandler webmunk
    WebmunkServe data
    Require all granted
    $data
</Location>
<Location "/dashboard">
    SetHandler webmunk
    WebmunkServe dashboard
    AuthType webmunk
    AuthName "Webmunk"
    Require valid-user
    $dashboard
</Location>
EOT
    return $text;
}

sub command
{
    my ($self, @more) = @_;
    return (WmTest::configured('HTTPD'), '-d', $self->{dir}, '-f', "$self->{dir}/httpd.conf", @more);
}

# A sanitized module loads only into an httpd that has the runtimes already (T21).
sub sanitizer_env
{
    return {} unless WmTest::sanitized();
    my $libraries = join(':', run('ldd', module_file())->{out} =~ m{=> (\S*/lib(?:asan|ubsan|clang_rt\.asan)\S*)}g);
    return {
        LD_PRELOAD    => $libraries,
        ASAN_OPTIONS  => 'detect_leaks=0:abort_on_error=1:disable_coredump=0',
        UBSAN_OPTIONS => 'print_stacktrace=1:halt_on_error=1',
    };
}

sub environment
{
    my ($self) = @_;
    return { %{ sanitizer_env() }, %{ $self->{option}{env} || {} } };
}

sub up
{
    my ($self) = @_;
    $self->{pid} = WmTest::spawn("$self->{dir}/error.log", $self->environment, WmTest::launcher(0),
        $self->command('-DFOREGROUND'));
    return 1 if defined $self->{option}{wait} && !$self->{option}{wait};
    my $ended;
    my $up = wait_until {
        $ended = waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid};
        $ended || ($self->error_log =~ /resuming normal operations/ && $self->answers);
    } 'httpd';
    delete $self->{pid} if $ended;
    return $up && !$ended;
}

sub answers
{
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 1);
}

# `httpd -t` on this configuration: {code, out, err}.
sub check_config
{
    my ($self) = @_;
    return run({ env => $self->environment }, $self->command('-t'));
}

# The same on a text, without a server: WmTest::Httpd->try_config(server => '...', data => '...').
sub try_config
{
    my ($class, %option) = @_;
    need_module();
    my $dir  = workdir() . '/httpd' . ++$servers;
    my $self = bless { dir => $dir, mpm => $option{mpm} || 'event', option => \%option, port => 8 }, $class;
    mkdir $_ or die "mkdir $_: $!" for $dir, "$dir/htdocs", "$dir/run", "$dir/data";
    spew("$dir/httpd.conf", $self->configuration);
    return $self->check_config;
}

sub stop
{
    my ($self, $signal) = @_;
    WmTest::reap(delete $self->{pid}, $signal || 'TERM');
    return;
}

sub restart
{
    my ($self) = @_;
    $self->stop;
    return $self->up;
}

# Send USR1 and wait until the new generation is announced; requests under way go on in the old one.
sub graceful
{
    my ($self) = @_;
    my $before = () = $self->error_log =~ /resuming normal operations/g;
    kill 'USR1', $self->{pid};
    return wait_until { $before < (() = $self->error_log =~ /resuming normal operations/g) } 'the graceful restart';
}

# Process ids of the children.
sub children
{
    my ($self) = @_;
    my @pids = run('ps', '-o', 'pid=', '--ppid', $self->{pid})->{out} =~ /(\d+)/g;
    return @pids;
}

sub dir  { return $_[0]{dir} }
sub port { return $_[0]{port} }
sub pid  { return $_[0]{pid} }

sub error_log
{
    my ($self) = @_;
    my $path = "$self->{dir}/error.log";
    return -e $path ? WmTest::slurp($path) : '';
}

# Lines of the error log that speak of trouble: warnings and up, signals, sanitizers. Those after `$from` bytes.
sub troubles
{
    my ($self, $from) = @_;
    my @lines = split(/\n/, substr($self->error_log, $from || 0));
    return grep {
        /^\[[^\]]+\] \[[\w-]*:(?:emerg|alert|crit|error|warn)\]/
            || /exit signal|AddressSanitizer|runtime error:|LeakSanitizer/
            || (/\S/ && !/^\[/ && !/^(?:\s|=|SUMMARY|Shadow|#)/)
    } @lines;
}

# Wait until a line with this text stands in the error log.
sub logged
{
    my ($self, $text) = @_;
    return wait_until { index($self->error_log, $text) >= 0 } "\"$text\" in the error log", 20;
}

# Every line of trouble since the last call must carry one of the tags (WMnnnn, AHnnnnn, or any text), and every
# tag must have occurred; a tag with a leading "?" may be absent.
sub log_ok
{
    my ($self, @tags) = @_;
    my @optional = map { /^\?(.+)/ ? $1 : () } @tags;
    my @required = grep { !/^\?/ } @tags;
    my $log      = $self->error_log;
    my @missing  = grep { index(substr($log, $self->{seen}), $_) < 0 } @required;
    my @surprise = grep {
        my $line = $_;
        !grep { index($line, $_) >= 0 } @required, @optional
    } $self->troubles($self->{seen});
    $self->{seen} = length $log;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return 1 if ok(!@missing && !@surprise, 'the error log holds what was announced and nothing else');
    diag("announced, but not logged: @missing") if @missing;
    diag("not announced: $_") for @surprise[0 .. ($#surprise > 9 ? 9 : $#surprise)];
    return 0;
}

1;
