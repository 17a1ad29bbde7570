# SPDX-License-Identifier: Apache-2.0
# What every Perl test starts from: where things are, temporary directories, running programs, skipping.
# Core Perl only. `make check` sets the environment; by hand, `prove t/NNN-name.t` in a build directory works too.
package WmTest;
use strict;
use warnings;
use Cwd qw(abs_path getcwd);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use JSON::PP ();
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(srcdir builddir module_file workdir shared need_shared need_module need_program
    give_up slurp spew run webmunkd wait_until free_port account json from_json);

my $main = $$;
my @guards;    # code to run before the work directory goes, last in first out
my $workdir;
my $here;

BEGIN {
    # A proxy of the environment must not stand between a test and its own server.
    delete @ENV{qw(http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY)};
    delete @ENV{ grep { /^PG(HOST|PORT|USER|DATABASE|PASSWORD|SERVICE|OPTIONS|DATA)/ } keys %ENV };
    delete $ENV{DATABASE_URL};
    delete @ENV{ grep { /^WEBMUNK_/ } keys %ENV };
    $ENV{WEBMUNKD_CONF} = '';    # not the one that is installed here
    $ENV{LC_ALL} = 'C.UTF-8';
    $here = abs_path(dirname(__FILE__) . '/../..');
}

sub srcdir { return $ENV{WM_SRCDIR} || $here }

# The build directory: told by make, else the nearest directory upwards with a config.status, else b/ below the source.
sub builddir
{
    return $ENV{WM_BUILDDIR} if $ENV{WM_BUILDDIR};
    for (my $dir = getcwd(); $dir ne '/'; $dir = dirname($dir)) {
        return $ENV{WM_BUILDDIR} = $dir if -e "$dir/config.status";
    }
    for my $dir ('b', 'var/build', 'var/check') {
        return $ENV{WM_BUILDDIR} = srcdir() . "/$dir" if -e srcdir() . "/$dir/config.status";
    }
    give_up('no build directory found: set WM_BUILDDIR or start from one');
}

# A value that configure wrote into the Makefile, unless the environment has it.
sub configured
{
    my ($name) = @_;
    return $ENV{$name} if defined $ENV{$name} && length $ENV{$name};
    my $makefile = builddir() . '/Makefile';
    return '' unless -e $makefile;
    my ($value) = slurp($makefile) =~ /^\Q$name\E = (.*)$/m;
    return $ENV{$name} = $value // '';
}

sub module_file { return builddir() . '/mod_webmunk/.libs/mod_webmunk.so' }
sub sanitized   { return (configured('WM_SANITIZERS') || configured('SANITIZERS')) eq 'yes' }

sub shared
{
    my ($path) = @_;
    my $top = $ENV{WM_SHARED} || srcdir() . '/../shared';
    return defined $path ? "$top/$path" : $top;
}

# The only skip that stays a skip under WM_STRICT: the documents and vectors live beside the repository.
sub need_shared
{
    my ($path) = @_;
    -e shared($path) or plan(skip_all => 'shared data not present');
    return shared($path);
}

sub give_up
{
    my ($why) = @_;
    plan(skip_all => $why) unless $ENV{WM_STRICT};
    fail("nothing is skipped under WM_STRICT: $why");
    done_testing();
    exit 1;
}

sub need_module
{
    -e module_file() or give_up('the module is not built: ' . module_file());
    -x configured('HTTPD') or give_up('httpd is missing: apt-get install apache2-bin');
    return;
}

# The path of a program, or undef.
sub find_program
{
    my ($name) = @_;
    for my $dir (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin') {
        return "$dir/$name" if -x "$dir/$name";
    }
    return;
}

# The same, or a skip that names the package which has it.
sub need_program
{
    my ($name, $package) = @_;
    return find_program($name) // give_up("$name is missing: apt-get install $package");
}

# One directory per test, short because socket paths end at 107 bytes (T22); kept when the test fails.
sub workdir
{
    return $workdir if $workdir;
    $workdir = tempdir('wmt-XXXXXX', DIR => '/tmp');
    chmod 0755, $workdir;
    return $workdir;
}

# Register code that stops something this process started.
sub guard
{
    push @guards, $_[0];
    return;
}

sub slurp
{
    my ($path) = @_;
    open(my $in, '<:raw', $path) or die "cannot read $path: $!";
    local $/ = undef;
    my $text = <$in>;
    return $text // '';
}

sub spew
{
    my ($path, $text) = @_;
    utf8::encode($text) if $text =~ /[^\x00-\xff]/;
    open(my $out, '>:raw', $path) or die "cannot write $path: $!";
    print $out $text;
    close($out) or die "cannot write $path: $!";
    return $path;
}

sub json      { return JSON::PP->new->canonical->utf8->encode($_[0]) }
sub from_json { return JSON::PP->new->utf8->allow_nonref->decode($_[0]) }

# Wait for a condition; the limit is a net under a broken test, never a measurement.
sub wait_until(&;$$)
{
    my ($condition, $what, $limit) = @_;
    my $end = time + ($limit || 60);
    my $value;
    until ($value = $condition->()) {
        if (time > $end) {
            diag('gave up waiting for ' . ($what || 'a condition'));
            return;
        }
        sleep 0.02;
    }
    return $value;
}

sub free_port
{
    require IO::Socket::INET;
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)
        or die "no free port: $!";
    return $socket->sockport;
}

# Whom servers run as: nobody when root (initdb refuses root), else whoever runs the test. (name, group name, uid, gid)
sub account
{
    my ($uid, $gid) = $> == 0 ? (getpwnam('nobody'))[2, 3] : ($>, $) + 0);
    return (scalar(getpwuid($uid)), scalar(getgrgid($gid)), $uid, $gid);
}

# A path that servers can read: itself, or a copy when the tree lies in a closed directory such as /root.
my $copies = 0;

sub reachable
{
    my ($path) = @_;
    return $path if run({ drop => 1 }, 'test', '-r', $path)->{code} == 0 || !-e $path;
    my $copy = workdir() . '/copy' . ++$copies;
    run('cp', '-rL', $path, $copy);
    return $copy;
}

# Put before a command: it dies with this test, and runs unprivileged when asked.
sub launcher
{
    my ($drop) = @_;
    my @command = ('setpriv', '--pdeathsig', 'TERM');
    if ($drop && $> == 0) {
        my (undef, undef, $uid, $gid) = account();
        push @command, "--reuid=$uid", "--regid=$gid", '--clear-groups';
    }
    return (@command, '--');
}

# Start a program in the background, output appended to a file. Returns its pid.
sub spawn
{
    my ($log, $env, @command) = @_;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;
    setpgrp(0, 0);    # httpd signals its whole process group when it stops
    @ENV{ keys %$env } = values %$env;
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>>', $log) or POSIX::_exit(126);
    open(STDERR, '>&', \*STDOUT);
    chdir '/';
    exec {$command[0]} @command or POSIX::_exit(127);
}

# Stop a child of ours: the signal, then patience, then KILL.
sub reap
{
    my ($pid, $signal) = @_;
    return unless $pid;
    kill $signal, $pid;
    my $end = time + 20;
    while (waitpid($pid, WNOHANG) == 0) {
        if (time > $end) {
            kill 'KILL', $pid;
            waitpid($pid, 0);
            return;
        }
        sleep 0.01;
    }
    return;
}

# run({env => {}, stdin => text, drop => 1, timeout => seconds}, program, arguments...)
# -> {code => exit code or 128 + signal, out => stdout, err => stderr}
my $runs = 0;

sub run
{
    my $how = ref $_[0] ? shift : {};
    my @command = @_;
    my $base = workdir() . '/run' . $$ . '-' . ++$runs;
    my $stdin = defined $how->{stdin} ? spew("$base.in", $how->{stdin}) : '/dev/null';
    my $pid = fork() // die "fork: $!";
    if ($pid == 0) {
        @ENV{ keys %{ $how->{env} } } = values %{ $how->{env} } if $how->{env};
        open(STDIN,  '<', $stdin);
        open(STDOUT, '>', "$base.out");
        open(STDERR, '>', "$base.err");
        chdir($how->{dir} || '/');
        my @all = (launcher($how->{drop}), @command);
        exec {$all[0]} @all or POSIX::_exit(127);
    }
    my $end = time + ($how->{timeout} || 120);
    while (waitpid($pid, WNOHANG) == 0) {
        if (time > $end) {
            diag("stopped after its time limit: @command");
            kill 'KILL', $pid;
            waitpid($pid, 0);
            last;
        }
        sleep 0.002;
    }
    my $result = {
        code => WIFSIGNALED($?) ? 128 + WTERMSIG($?) : WEXITSTATUS($?),
        out  => slurp("$base.out"),
        err  => slurp("$base.err"),
    };
    unlink "$base.in", "$base.out", "$base.err";
    return $result;
}

# Run a webmunkd subcommand against a database: webmunkd($pg, 'token', 'list'), or with a hash of run's options first.
sub webmunkd
{
    my $how = ref $_[0] eq 'HASH' ? shift : {};
    my ($pg, @arguments) = @_;
    my $program = builddir() . '/jobs/webmunkd';
    -x $program or give_up("webmunkd is not built: $program");
    my %env = (WM_SCHEMA_DIR => srcdir() . '/sql/schema', $pg ? %{ $pg->env } : (), %{ $how->{env} || {} });
    return run({ %$how, env => \%env }, $program, @arguments);
}

$SIG{$_} = sub { exit 130 } for qw(INT TERM HUP);

END {
    if ($$ == $main) {
        my $status = $?;
        for my $stop (reverse @guards) {
            eval { $stop->(); 1 } or diag("while stopping: $@");
        }
        if ($workdir) {
            if ($status == 0 && Test::More->builder->is_passing && !$ENV{WM_KEEP}) {
                remove_tree($workdir);
            } else {
                diag("kept for a look: $workdir");
            }
        }
        $? = $status;
    }
}

1;
