# SPDX-License-Identifier: Apache-2.0
# A private PostgreSQL that is as durable as a real one, and the httpd that quickstart starts, for bench/ingest and
# bench/export.
package Servers;
use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IO::Socket::INET;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(median say_line);

my $source = abs_path(dirname(__FILE__) . '/..');
my $owner  = $$;

# What differs from PostgreSQL's defaults. A server for a study wants the same: bench/README says why.
our %settings = (
    shared_buffers     => '1GB',
    max_wal_size       => '8GB',
    min_wal_size       => '4GB',
    checkpoint_timeout => '15min',
    wal_compression    => 'lz4',
);

# A statement's memory is kept for the next one of the same backend: glibc's settings, in PostgreSQL's environment.
our %environment = (
    MALLOC_MMAP_THRESHOLD_ => 32 << 20,
    MALLOC_TRIM_THRESHOLD_ => 64 << 20,
);

# The kernel begins to write pages of files back when so many are dirty.  Its default is a tenth of the memory or 30
# seconds, and what has gathered by then keeps commits waiting.
my $dirty_background_bytes = 16 << 20;

sub new
{
    my ($class, %option) = @_;
    my $self = bless { build => $option{build}, dir => $option{dir}, port => 0 }, $class;
    -e "$self->{build}/config.status" or die "no build in $self->{build}: name one with --build\n";
    for my $name ('jobs/webmunkd', 'bench/corpus', 'bench/loader', 'bench/decode', 'mod_webmunk/.libs/mod_webmunk.so') {
        -e "$self->{build}/$name" or die "$self->{build}/$name is missing: make\n";
    }
    make_path($self->{dir});
    chmod 0755, $self->{dir};
    return $self;
}

sub configured
{
    my ($self, $name) = @_;
    return $1 if slurp("$self->{build}/Makefile") =~ /^\Q$name\E = (.*)$/m;
    die "configure did not find $name\n";
}

sub slurp
{
    my ($path) = @_;
    open(my $in, '<', $path) or die "cannot read $path: $!\n";
    local $/ = undef;
    return scalar <$in>;
}

sub spew
{
    my ($path, $text) = @_;
    open(my $out, '>', $path) or die "cannot write $path: $!\n";
    print $out $text;
    close($out) or die "cannot write $path: $!\n";
    return;
}

# Run a program to its end; dies when it fails. Returns what it printed.
sub run
{
    my ($self, @command) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open(STDERR, '>>', "$self->{dir}/programs.log") or POSIX::_exit(127);
        exec @command or POSIX::_exit(127);
    }
    local $/ = undef;
    my $text = <$out>;
    close($out) or die "failed: @command (see $self->{dir}/programs.log)\n";
    return $text;
}

# PostgreSQL refuses root.
sub drop
{
    return $> == 0 ? ('setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups') : ();
}

sub start_postgres
{
    my ($self) = @_;
    my ($bin, $home) = ($self->configured('PG_BINDIR'), "$self->{dir}/pg");
    $self->{bin} = $bin;
    if (!-d "$home/data") {
        make_path($home);
        $self->run('chown', 'nobody:nogroup', $home) if $> == 0;
        $self->run(drop(), "$bin/initdb", '-D', "$home/data", '-U', 'wm_owner', '--auth=trust', '--encoding=UTF8',
            '--locale=C.UTF-8');
    }
    $self->reserve_huge_pages;
    $self->write_back_early if $> == 0;
    my @set = map { ('-c', "$_=$settings{$_}") } sort keys %settings;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        POSIX::setsid();
        @ENV{ keys %environment } = values %environment;
        open(STDOUT, '>>', "$self->{dir}/pg.log") and open(STDERR, '>&', \*STDOUT) or POSIX::_exit(127);
        exec(drop(), "$bin/postgres", '-D', "$home/data", '-k', $home, '-c', 'listen_addresses=', @set)
            or POSIX::_exit(127);
    }
    $self->{postgres} = $pid;
    await(sub { system("$bin/pg_isready -q -h $home") == 0 }, 'PostgreSQL', 60);
    return;
}

# Root reserves the pages that PostgreSQL needs, and gives them back at the end; others use what the administrator has
# set up. Without them each backend faults in each page of shared memory that it meets.
sub reserve_huge_pages
{
    my ($self) = @_;
    my $needed = eval {    # PostgreSQL 15 and later say it
        0 + $self->run(drop(), "$self->{bin}/postgres", '-D', "$self->{dir}/pg/data", '-C', 'shared_memory_size_in_huge_pages',
            '-c', "shared_buffers=$settings{shared_buffers}");
    } // 0;
    my ($free) = slurp('/proc/meminfo') =~ /^HugePages_Free:\s*(\d+)/m;
    if ($needed > 0 && defined $free && $free < $needed && $> == 0) {
        $self->{kernel}{nr_hugepages} //= kernel_setting('nr_hugepages');
        kernel_setting('nr_hugepages', $self->{kernel}{nr_hugepages} + $needed - $free);
        ($free) = slurp('/proc/meminfo') =~ /^HugePages_Free:\s*(\d+)/m;
    }
    $settings{huge_pages} = $needed > 0 && defined $free && $free >= $needed ? 'on' : 'off';
    return;
}

# The share of the memory and the number of bytes replace each other: the one that is not 0 is in force.
sub write_back_early
{
    my ($self) = @_;
    return if $self->{kernel}{dirty_background_bytes} || $self->{kernel}{dirty_background_ratio};
    for my $name ('dirty_background_bytes', 'dirty_background_ratio') {
        my $value = kernel_setting($name);
        $self->{kernel}{$name} = $value if $value;
    }
    kernel_setting('dirty_background_bytes', $dirty_background_bytes);
    return;
}

# A setting of vm, which only root changes.
sub kernel_setting
{
    my ($name, $value) = @_;
    spew("/proc/sys/vm/$name", $value) if defined $value;
    return 0 + slurp("/proc/sys/vm/$name");
}

sub database { my ($self) = @_; return "host=$self->{dir}/pg user=wm_owner dbname=webmunk" }

# Rows as lines, columns separated by "|".
sub sql
{
    my ($self, $text, $database) = @_;
    return $self->run("$self->{bin}/psql", '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', "$self->{dir}/pg", '-U',
        'wm_owner', '-d', $database // 'webmunk', '-c', 'SET search_path = webmunk', '-c', $text);
}

# An empty database with the schema; nobody may be connected.
sub fresh_database
{
    my ($self) = @_;
    $self->run("$self->{bin}/psql", '-X', '-q', '-h', "$self->{dir}/pg", '-U', 'wm_owner', '-d', 'postgres', '-c',
        'DROP DATABASE IF EXISTS webmunk WITH (FORCE)', '-c', 'CREATE DATABASE webmunk', '-c', 'CHECKPOINT');
    local @ENV{ 'DATABASE_URL', 'WM_SCHEMA_DIR' } = ($self->database, "$source/sql/schema");
    $self->run("$self->{build}/jobs/webmunkd", @$_) for ['migrate'], ['partitions'];
    return;
}

# NEW is replaced; nobody may be connected to OLD.
sub rename_database
{
    my ($self, $old, $new) = @_;
    $self->sql($_, 'postgres') for "DROP DATABASE IF EXISTS $new WITH (FORCE)", "ALTER DATABASE $old RENAME TO $new";
    return;
}

# The configuration that quickstart writes, with the module of the build directory.
sub start_httpd
{
    my ($self) = @_;
    my $dir = $self->{dir};
    make_path("$dir/$_") for 'httpd/run', 'inst/modules', 'log', 'files/attachments', 'files/temp';
    $self->run('chown', '-R', 'nobody:nogroup', "$dir/files") if $> == 0;
    unlink "$dir/inst/modules/mod_webmunk.so";
    symlink "$self->{build}/mod_webmunk/.libs/mod_webmunk.so", "$dir/inst/modules/mod_webmunk.so" or die "symlink: $!\n";
    $self->{port} = free_port();
    my %value = (
        DIR      => $dir,
        PORT     => $self->{port},
        SOCKET   => "$dir/pg",
        MODULES  => $self->configured('HTTPD_MODULES'),
        IDENTITY => $> == 0 ? "User nobody\nGroup nogroup" : '',
    );
    my $text = slurp("$source/conf/quickstart-httpd.conf.in") =~ s/\@(DIR|PORT|SOCKET|MODULES|IDENTITY)\@/$value{$1}/gr;
    spew("$dir/httpd/httpd.conf", "$text\nWebmunkTemplateDir \"$source/templates\"\nWebmunkAssetDir \"$source/assets\"\n");
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        POSIX::setsid();
        open(STDOUT, '>>', "$dir/log/httpd.out") and open(STDERR, '>&', \*STDOUT) or POSIX::_exit(127);
        exec($self->configured('HTTPD'), '-d', "$dir/httpd", '-f', "$dir/httpd/httpd.conf", '-DFOREGROUND')
            or POSIX::_exit(127);
    }
    $self->{httpd} = $pid;
    await(sub { IO::Socket::INET->new("127.0.0.1:$self->{port}") }, 'httpd', 30);
    return;
}

# The corpus of this kind, made when it is not there; its newest points are of today.
sub corpus
{
    my ($self, $variant, $count, @more) = @_;
    my $end = int(time / 86400) * 86400;
    my $name = join('-', $variant, $count, map { s/^--//r } @more);
    my $prefix = "$self->{dir}/$name";
    my $key = "$variant $count @more $end\n";
    if (!-e "$prefix.key" || slurp("$prefix.key") ne $key) {
        unlink "$prefix.key";
        $self->run("$self->{build}/bench/corpus", '--out', $prefix, '--variant', $variant, '--bundles', $count, '--end', $end,
            @more);
        spew("$prefix.key", $key);
    }
    my %info = map { split } split(/\n/, slurp("$prefix.info"));
    return { prefix => $prefix, %info };
}

sub median { return (sort { $a <=> $b } @_)[@_ / 2] }

sub say_line { printf "%-34s %s\n", @_; return }

# What the figures below were measured on.
sub announce
{
    my ($self) = @_;
    my ($cores) = slurp('/proc/cpuinfo') =~ /model name\s*: (.*)/;
    my $count = () = slurp('/proc/cpuinfo') =~ /^processor/mg;
    say_line('when', strftime('%Y-%m-%d %H:%M', gmtime) . ' UTC');
    say_line('machine', "$count x $cores, load before " . (split(' ', slurp('/proc/loadavg')))[0]);
    say_line('PostgreSQL', $self->sql('SHOW server_version') =~ s/\s.*//sr . ', '
            . join(', ', map { "$_ " . $self->sql("SHOW $_") =~ s/\n//r } 'fsync', 'synchronous_commit', 'full_page_writes',
                sort keys %settings));
    say_line('kernel', 'vm.dirty_background_bytes ' . kernel_setting('dirty_background_bytes')
            . ($settings{huge_pages} eq 'off' ? ', no huge pages reserved' : '') . '; docs/operators.md, section 3');
    return;
}

sub free_port
{
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no free port: $!\n";
    return $socket->sockport;
}

sub await
{
    my ($done, $what, $seconds) = @_;
    my $until = time + $seconds;
    until ($done->()) {
        die "$what does not get ready\n" if time > $until;
        sleep 0.05;
    }
    return;
}

sub stop
{
    my ($self, $name) = @_;
    my $pid = delete $self->{$name} or return;
    kill($name eq 'postgres' ? 'INT' : 'TERM', $pid);
    waitpid($pid, 0);
    return;
}

# The fields of /proc/PID/stat behind the name, or nothing.
sub stat_of
{
    my ($pid) = @_;
    open(my $in, '<', "/proc/$pid/stat") or return;
    my $line = <$in> // return;
    return split(' ', $line =~ s/^.*\)//r);
}

sub children
{
    my ($self, $name) = @_;
    my @pids = map { m{/(\d+)/} ? $1 : () } glob('/proc/[0-9]*/stat');
    return grep { my @field = stat_of($_); @field && $field[1] == $self->{$name} } @pids;
}

# Seconds of CPU that a server has used, with its children and those that it has reaped.
sub cpu
{
    my ($self, $name) = @_;
    my $ticks = 0;
    for my $pid ($self->{$name}, $self->children($name)) {
        my @field = stat_of($pid) or next;
        $ticks += $field[$_] for 11 .. 14;
    }
    return $ticks / POSIX::sysconf(&POSIX::_SC_CLK_TCK);
}

# Resident bytes of each child of httpd.
sub memory
{
    my ($self) = @_;
    return map { my @field = stat_of($_); @field ? ($_ => $field[21] * 4096) : () } $self->children('httpd');
}

sub DESTROY
{
    my ($self) = @_;
    return if $$ != $owner;
    local $?;
    $self->stop($_) for 'httpd', 'postgres';
    kernel_setting($_, $self->{kernel}{$_}) for keys %{ $self->{kernel} };
    return;
}

1;
