# SPDX-License-Identifier: Apache-2.0
# The parts of quickstart that install packages and build.
# Sourced by quickstart; uses its $top, $dir, $install, $account and functions.
# shellcheck shell=sh disable=SC2154,SC2034

# Tools and servers; the libraries stand in configure.ac, each with the package that has it.
build_packages="gcc libc6-dev make autoconf automake libtool pkg-config perl ca-certificates
    apache2-bin apache2-dev libaprutil1-dbd-pgsql postgresql
    $(sed -n 's/^wm_need(.*, \[\([a-z0-9.+-]*\)\])$/\1/p' "$top/configure.ac" | tr '\n' ' ')"
check_packages="chromium clang clang-format curl libarchive-tools nghttp2-client openssh-server procps unzip"

# --- packages --------------------------------------------------------------------------------------

missing_packages() {
    for package in "$@"; do
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        *" ok installed") ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# Packages must not start the system's services, nor make a database cluster of their own. Both switches are
# taken back afterwards.
apt_begin() {
    policy=/usr/sbin/policy-rc.d
    cluster=/etc/postgresql-common/createcluster.d/webmunk-quickstart.conf
    [ -e "$policy" ] && policy=
    if [ -n "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    as_root mkdir -p "${cluster%/*}"
    printf 'create_main_cluster = false\n' | as_root tee "$cluster" >/dev/null
}

apt_end() {
    [ -n "${cluster-}" ] || return 0
    as_root rm -f "$cluster" ${policy:+"$policy"}
    cluster=
}

install_packages() {
    command -v dpkg-query >/dev/null || {
        say "this is not Debian or Ubuntu; expecting the libraries to be there"
        return 0
    }
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    command="apt-get install --no-install-recommends $missing"
    [ "$install" = yes ] || die "these packages are missing: $missing- install them with: $command"
    if ! is_root; then
        command -v sudo >/dev/null || die "packages are missing and sudo is not there; as root: $command"
        [ -t 0 ] || sudo -n true 2>/dev/null || die "packages are missing and sudo asks for a password; do: sudo $command"
    fi
    say "installing: $missing"
    trap apt_end EXIT
    apt_begin
    step "$dir/log/apt.log" as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update
    # shellcheck disable=SC2086
    step "$dir/log/apt.log" as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o Dpkg::Options::=--force-confold install --no-install-recommends $missing
    apt_end
    trap - EXIT
}

# npm may be there without being a package.
npm_packages() { command -v npm >/dev/null || echo nodejs npm; }

# shellcheck disable=SC2086,SC2046
install_build_packages() { install_packages $build_packages $(npm_packages); }

# shellcheck disable=SC2086,SC2046
install_check_packages() { install_packages $build_packages $(npm_packages) $check_packages; }

# --- building --------------------------------------------------------------------------------------

# Configure the build directory $build with these options when they changed, then make: it follows all else itself.
build() {
    inputs="$top $*"
    mkdir -p "$build"
    if [ ! -x "$top/configure" ]; then
        [ -w "$top" ] || die "cannot write into $top, where autoreconf makes configure; use a copy of your own"
        say "making configure"
        (cd "$top" && step "$dir/log/autoreconf.log" autoreconf -fi)
    fi
    if [ ! -f "$build/Makefile" ] || [ "$(cat "$build/.inputs" 2>/dev/null)" != "$inputs" ]; then
        say "configuring in $build"
        (cd "$build" && step "$dir/log/configure.log" "$top/configure" "$@")
        printf '%s\n' "$inputs" >"$build/.inputs"
    fi
    say "building"
    (cd "$build" && step "$dir/log/build.log" make -j"$(nproc)")
}

# npm fetches what the browser loads (make does that), what the browser tests drive Chromium with, and the servers that
# deliveries and mail are tested against.
fetch_test_packages() {
    for tests in browser servers; do
        [ -f "$top/t/$tests/package-lock.json" ] || continue
        lock=$(cksum <"$top/t/$tests/package-lock.json")
        [ "$(cat "$top/t/$tests/node_modules/.lock" 2>/dev/null)" != "$lock" ] || continue
        say "fetching the packages of t/$tests with npm"
        (cd "$top/t/$tests" && step "$dir/log/npm.log" npm ci --ignore-scripts --no-audit --no-fund)
        printf '%s\n' "$lock" >"$top/t/$tests/node_modules/.lock"
    done
}

# A private installation, as `make install` would do on a real server; the clone itself may be closed to the account.
install_build() {
    [ -f "$build/.installed" ] && [ -z "$(find "$top" "$build" -path "$top/var" -prune -o -path "$top/.git" -prune \
        -o -name node_modules -prune -o -type f -newer "$build/.installed" ! -path "$build/.i*" -print | head -n 1)" ] && return 0
    say "installing into $dir/inst"
    (cd "$build" && step "$dir/log/install.log" make install)
    touch "$build/.installed"
}

# A value that configure found.
configured() { sed -n "s/^$1 = //p" "$build/Makefile"; }
