# SPDX-License-Identifier: Apache-2.0
# The parts of quickstart that start PostgreSQL, webmunkd and httpd.
# Sourced by quickstart; uses its $top, $dir, $install, $account and functions.
# shellcheck shell=sh disable=SC2154,SC2034

# --- the database ----------------------------------------------------------------------------------

find_postgresql() {
    pg_bin=$(configured PG_BINDIR)
    if [ ! -x "$pg_bin/initdb" ]; then
        pg_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    fi
    [ -x "$pg_bin/initdb" ] || die "PostgreSQL's initdb is not where pg_config says; do: apt-get install postgresql"
}

# A socket's path ends at 107 bytes.
choose_socket() {
    socket=$dir/pg/run
    if [ "$(printf '%s/.s.PGSQL.5432' "$socket" | wc -c)" -gt 107 ]; then
        socket=$(cat "$dir/pg/socket" 2>/dev/null || true)
        [ -d "$socket" ] || socket=$(as_account mktemp -d /tmp/webmunk.XXXXXX)
        printf '%s\n' "$socket" >"$dir/pg/socket"
        say "the path of $dir is too long for a socket, which is in $socket instead"
    else
        as_account mkdir -p "$socket"
    fi
    database=postgresql://wm_owner@$(printf '%s' "$socket" | sed 's|/|%2F|g')/webmunk
}

postgres_pid() { sed -n 1p "$dir/pg/data/postmaster.pid" 2>/dev/null || true; }

start_postgres() {
    find_postgresql
    if [ ! -d "$dir/pg" ]; then
        mkdir -m 700 "$dir/pg"
        if is_root; then chown "$account" "$dir/pg"; fi
    fi
    choose_socket
    if [ ! -f "$dir/pg/data/PG_VERSION" ]; then
        say "making a database in $dir/pg/data"
        step "$dir/log/initdb.log" as_account "$pg_bin/initdb" -D "$dir/pg/data" -U wm_owner --auth=trust \
            --encoding=UTF8 --locale=C.UTF-8
    fi
    major=$("$pg_bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    [ "$(cat "$dir/pg/data/PG_VERSION")" = "$major" ] || die \
        "the database in $dir/pg was made by PostgreSQL $(cat "$dir/pg/data/PG_VERSION"), found is $major: install that one, or move $dir/pg away"
    say "starting PostgreSQL"
    : >>"$dir/pg/log"
    if is_root; then chown "$account" "$dir/pg/log"; fi
    # Memory of a statement is kept for the next one (docs/operators.md, section 3).
    step "$dir/log/pg_ctl.log" as_account env MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=67108864 \
        "$pg_bin/pg_ctl" -D "$dir/pg/data" -l "$dir/pg/log" -w -t 60 -o \
        "-k '$socket' -c listen_addresses= -c log_error_verbosity=terse -c log_parameter_max_length=0" start
    postgres=$(postgres_pid)
    psql_do -d postgres -c "select 1 from pg_database where datname = 'webmunk'" | grep -q 1 ||
        psql_do -d postgres -c "create database webmunk" >/dev/null
}

psql_do() { "$pg_bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$socket" -U wm_owner "$@"; }

webmunkd() { DATABASE_URL=$database "$dir/inst/sbin/webmunkd" "$@"; }

env_value() { sed -n "s/^$1=//p" "$dir/run.env" 2>/dev/null || true; }

# Schema, partitions of this month before the first upload, the first account.
prepare_database() {
    say "bringing the schema up to date"
    webmunkd migrate >"$dir/log/migrate.log" 2>&1 || { cat "$dir/log/migrate.log" >&2; die "webmunkd migrate failed"; }
    webmunkd partitions >"$dir/log/partitions.log" 2>&1 || { cat "$dir/log/partitions.log" >&2; die "webmunkd partitions failed"; }

    password=$(env_value ADMIN_PASSWORD)
    exists=$(psql_do -d webmunk -c "select 1 from webmunk.account where name = 'admin'")
    if [ -z "$exists" ] || [ -z "$password" ]; then
        password=$(head -c 15 /dev/urandom | base64 | tr '+/' '-_')
        secret=$dir/admin-password
        (umask 077 && printf '%s\n' "$password" >"$secret")
        if [ -z "$exists" ]; then
            say "making the account admin"
            step "$dir/log/account.log" webmunkd account add admin --role administrator --password-file "$secret"
            # An administrator may not read what participants sent; who tries a private server may, and all of it.
            step "$dir/log/account.log" webmunkd account grant admin --role analyst
            say "it may also see what participants sent, with sensitive fields; elsewhere that is granted one by one"
            step "$dir/log/account.log" webmunkd account grant admin --right sensitive
        else
            say "giving the account admin a new password, because $dir/run.env is gone"
            step "$dir/log/account.log" webmunkd account password admin --password-file "$secret"
        fi
        rm -f "$secret"
    fi
}

# --- the job runner --------------------------------------------------------------------------------

runner_pid() { cat "$dir/runner.pid" 2>/dev/null || true; }

# As the role of the jobs, so that what it may do here is what it may do elsewhere.
start_runner() {
    say "starting webmunkd"
    : >>"$dir/log/webmunkd.log"
    mkdir -p "$dir/files/exports"
    chmod 700 "$dir/files" "$dir/files/exports"
    if is_root; then chown "$account" "$dir/files" "$dir/files/exports" "$dir/log/webmunkd.log"; fi
    # Made once, so that it can be changed; where the database is follows the directory.
    [ -e "$dir/webmunkd.conf" ] || cat >"$dir/webmunkd.conf" <<EOT
# Settings of webmunkd, described in webmunkd.conf(5).
[export]
dir = $dir/files/exports
[health]
folders = $dir
EOT
    jobs_database=$(printf '%s' "$database" | sed 's|//wm_owner@|//wm_jobs@|')
    # A session of its own: Ctrl-C is for this script, which stops things in their order.
    as_account env DATABASE_URL="$jobs_database" WEBMUNKD_CONF="$dir/webmunkd.conf" \
        setsid -f sh -c 'echo $$ && exec "$0" run >>"$1" 2>&1' \
        "$dir/inst/sbin/webmunkd" "$dir/log/webmunkd.log" </dev/null >"$dir/runner.pid"
    tries=100
    until [ -s "$dir/runner.pid" ]; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "webmunkd does not start; see $dir/log/webmunkd.log"
        sleep 0.1
    done
    runner=$(runner_pid)
}

# --- httpd -----------------------------------------------------------------------------------------

httpd_pid() { cat "$dir/httpd/run/httpd.pid" 2>/dev/null || true; }

run_httpd() { "$httpd" -d "$dir/httpd" -f "$dir/httpd/httpd.conf" "$@"; }

start_httpd() {
    httpd=$(configured HTTPD)
    [ -x "$httpd" ] || die "httpd is not at $httpd; do: apt-get install apache2-bin"
    mkdir -p "$dir/httpd/run" "$dir/files/attachments" "$dir/files/temp"
    if is_root; then
        chown -R "$account" "$dir/files"
        identity="User $account
Group $(id -gn "$account")"
    else
        identity="# Children run as $account, who started this server."
    fi
    chmod 700 "$dir/files"
    DIR=$dir PORT=$port SOCKET=$socket MODULES=$(configured HTTPD_MODULES) IDENTITY=$identity \
        perl -pe 's/\@(DIR|PORT|SOCKET|MODULES|IDENTITY)\@/$ENV{$1}/g' "$top/conf/quickstart-httpd.conf.in" >"$dir/httpd/httpd.conf"
    say "starting httpd on 127.0.0.1:$port"
    : >"$dir/log/httpd-start.log"
    if ! run_httpd -k start >"$dir/log/httpd-start.log" 2>&1; then
        grep -q 'Address already in use' "$dir/log/httpd-start.log" && port_taken
        cat "$dir/log/httpd-start.log" >&2
        die "httpd does not start; see also $dir/log/error.log"
    fi
    tries=300
    until perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new("127.0.0.1:$ARGV[0]")' "$port"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "httpd does not answer; see $dir/log/error.log"
        sleep 0.1
    done
    httpd_started=$(httpd_pid)
}

port_taken() { die "port $port is taken by another program; name a free one with --port"; }

port_free() {
    perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0],
        Listen => 1, ReuseAddr => 1)' "$port"
}

