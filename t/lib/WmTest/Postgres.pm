# SPDX-License-Identifier: Apache-2.0
# A private PostgreSQL: own data directory, Unix socket only, fsync off, gone with the test.
#   my $pg = WmTest::Postgres->start;                 # schema applied by `webmunkd migrate`
#   my $pg = WmTest::Postgres->start(migrate => 0);   # an empty database
package WmTest::Postgres;
use strict;
use warnings;
use IPC::Open2 qw(open2);
use Test::More;
use WmTest;

my $servers = 0;
my $null    = "\x01null\x01";

sub program
{
    my ($name) = @_;
    my $path = WmTest::configured('PG_BINDIR') . "/$name";
    -x $path or give_up("$path is missing: apt-get install postgresql");
    return $path;
}

# Options: migrate (1), settings (lines for postgresql.conf).
sub start
{
    my ($class, %option) = @_;
    my $dir  = workdir() . '/pg' . ++$servers;
    my $self = bless {
        dir  => $dir,
        data => "$dir/data",
        log  => "$dir/log",
        user => 'postgres',
        name => 'webmunk',
    }, $class;
    mkdir $dir or die "mkdir $dir: $!";
    my (undef, undef, $uid, $gid) = account();
    chown $uid, $gid, $dir if $> == 0;

    my $made = run({ drop => 1 }, program('initdb'), '-D', $self->{data}, '-U', $self->{user}, '--auth=trust',
        '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8');
    die "initdb failed: $made->{err}" if $made->{code};
    open(my $conf, '>>', "$self->{data}/postgresql.conf") or die "postgresql.conf: $!";
    print $conf <<"EOT" . ($option{settings} // '');
listen_addresses = ''
unix_socket_directories = '$dir'
unix_socket_permissions = 0777
fsync = off
full_page_writes = off
max_connections = 80
shared_buffers = 64MB
max_wal_size = 512MB
timezone = 'UTC'
log_timezone = 'UTC'
log_error_verbosity = terse
log_parameter_max_length = 0
EOT
    close($conf) or die "postgresql.conf: $!";
    WmTest::guard(sub { $self->stop });
    $self->up;

    $self->psql('-d', 'postgres', '-c', "create database $self->{name}");
    if ($option{migrate} // 1) {
        my $done = webmunkd($self, 'migrate');
        die "webmunkd migrate failed ($done->{code}): $done->{out}$done->{err}" if $done->{code};
    }
    return $self;
}

# Start the server (again) and wait until it answers.
sub up
{
    my ($self) = @_;
    $self->{pid} = WmTest::spawn($self->{log}, {}, WmTest::launcher(1), program('postgres'), '-D', $self->{data});
    my $ready = wait_until {
        waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}
            and die 'PostgreSQL ended: ' . slurp($self->{log});
        run(program('pg_isready'), '-q', '-h', $self->{dir}, '-t', '1')->{code} == 0;
    } 'PostgreSQL';
    die 'PostgreSQL does not answer: ' . slurp($self->{log}) unless $ready;
    return $self;
}

# Stop as an operator does (open sessions are ended); up() starts it again.
sub stop
{
    my ($self) = @_;
    $_->close for @{ delete $self->{sessions} || [] };
    WmTest::reap(delete $self->{pid}, 'INT');
    return;
}

sub restart
{
    my ($self) = @_;
    $self->stop;
    return $self->up;
}

# Pull the plug: no shutdown checkpoint, recovery at the next up().
sub crash
{
    my ($self) = @_;
    WmTest::reap(delete $self->{pid}, 'QUIT');
    return;
}

sub dir { return $_[0]{dir} }

sub url
{
    my ($self) = @_;
    return "postgresql:///$self->{name}?host=$self->{dir}&user=$self->{user}";
}

# The parameters of DBDParams; they survive a reconnect, DBDInitSQL does not (T8, T10). The server's own role, so
# that a missing grant fails a test.
sub dbd_params
{
    my ($self, $user) = @_;
    $user ||= 'wm_web';
    return "host=$self->{dir} dbname=$self->{name} user=$user connect_timeout=3"
        . " application_name=mod_webmunk options='-c statement_timeout=5s"
        . " -c idle_in_transaction_session_timeout=10s -c search_path=webmunk'";
}

# For programs that connect by themselves.
sub env
{
    my ($self) = @_;
    return {
        DATABASE_URL => $self->url,
        PGHOST       => $self->{dir},
        PGDATABASE   => $self->{name},
        PGUSER       => $self->{user},
    };
}

sub psql
{
    my ($self, @arguments) = @_;
    my $done = run({ env => $self->env }, program('psql'), '-X', '-q', '-v', 'ON_ERROR_STOP=1', @arguments);
    die "psql: $done->{err}" if $done->{code};
    return $done->{out};
}

# A literal for any text or undef.
sub quote
{
    my ($self, $value) = @_;
    return 'null' unless defined $value;
    $value =~ s/'/''/g;
    return $value =~ s/\\/\\\\/g ? " E'$value'" : "'$value'";
}

# $1, $2 ... in a statement become literals; the search path is the product's.
sub statement
{
    my ($self, $sql, @values) = @_;
    $sql =~ s/\$(\d+)/$self->quote($values[$1 - 1])/ge if @values;
    $sql =~ s/;\s*\z//;
    return $sql;
}

sub query
{
    my ($self, $sql, @more) = @_;
    utf8::encode($sql) if utf8::is_utf8($sql);    # characters, as from_json returns them; else they are bytes already
    my $file = WmTest::spew($self->{dir} . "/query$$.sql", "set search_path = webmunk, public;\n$sql;\n");
    my $out  = eval { $self->psql(@more, '-f', $file) };
    my $error = $@;
    unlink $file;
    if (!defined $out) {
        require Carp;
        Carp::croak($error);
    }
    return $out;
}

# All rows as hashes, numbers and jsonb as Perl values.
sub rows
{
    my ($self, $sql, @values) = @_;
    my $text = $self->statement($sql, @values);
    my $out = $self->query("with wm_rows as ($text) select coalesce(json_agg(wm_rows), '[]') from wm_rows", '-A', '-t');
    return @{ from_json($out) };
}

sub row { return (shift->rows(@_))[0] }

# The first column of every row, as text; NULL is undef.
sub list
{
    my ($self, $sql, @values) = @_;
    my $out = $self->query($self->statement($sql, @values), '-A', '-t', '-0', '-F', "\x02", '-P', "null=$null");
    utf8::decode($out);
    return map { my ($first) = split(/\x02/, $_, 2); $first //= ''; $first eq $null ? undef : $first }
        split(/\0/, $out);
}

sub scalar { return (shift->list(@_))[0] }

# Any statements, results thrown away.
sub do
{
    my ($self, $sql, @values) = @_;
    $self->query($self->statement($sql, @values), '-o', '/dev/null');
    return;
}

# A session that stays open, for locks and open transactions: my $s = $pg->session; $s->do('begin'); ... $s->close
sub session
{
    my ($self) = @_;
    my ($out, $in);
    my $env = $self->env;
    local @ENV{ keys %$env } = values %$env;
    my $pid = open2($out, $in, program('psql'), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=0');
    my $session = bless { pid => $pid, in => $in, out => $out }, 'WmTest::Postgres::Session';
    push @{ $self->{sessions} }, $session;
    $session->do('set search_path = webmunk, public');
    return $session;
}

package WmTest::Postgres::Session;

# Run statements and wait for their end. Returns what they printed.
sub do
{
    my ($self, $sql) = @_;
    my $mark = 'done-' . ++$self->{count};
    $self->{in}->autoflush(1);
    print { $self->{in} } "$sql;\n\\echo $mark\n";
    my $text = '';
    while (defined(my $line = readline($self->{out}))) {
        last if $line eq "$mark\n";
        $text .= $line;
    }
    chomp $text;
    return $text;
}

sub close
{
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    local $SIG{PIPE} = 'IGNORE';
    close $self->{in};
    close $self->{out};
    waitpid($pid, 0);
    return;
}

1;
