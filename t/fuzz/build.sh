#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build every t/fuzz/fuzz_*.c with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer.
# Sources, flags and libraries are those of a configured build directory.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: $0 BUILD-DIRECTORY OUTPUT-DIRECTORY [TARGET...]" >&2
    exit 2
fi
fuzz=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2

cc=${FUZZ_CC:-clang}
command -v "$cc" > /dev/null || { echo "$0: $cc is missing: apt-get install clang" >&2; exit 1; }
[ -f "$build/Makefile" ] || { echo "$0: no Makefile in $build: run configure there" >&2; exit 1; }

# Ask the build directory's own makefile, which may talk while it brings itself up to date.
value() {
    printf 'include Makefile\nwm-print:\n\t@echo wm-value: $(%s)\n' "$1" |
        make -s --no-print-directory -C "$build" -f - wm-print | sed -n 's/^wm-value: *//p'
}

cd "$build"
make -s Makefile config.h >&2 # may run configure again, which talks
make -s $(value nodist_lib_libwm_la_SOURCES)
flags="$(value DEFS) -I. $(value AM_CPPFLAGS) -std=gnu11 -g -O1 -fno-omit-frame-pointer"
sanitizers=address,undefined
libs=$(value lib_libwm_la_LIBADD)

rm -rf "$out/objects"
mkdir -p "$out/objects"
for source in $(value 'filter %.c,$(lib_libwm_la_SOURCES)') \
    $(value 'filter %.c,$(nodist_lib_libwm_la_SOURCES)'); do
    [ -f "$source" ] || source=$(value top_srcdir)/$source
    echo "$source"
done |
    xargs -P 2 -I '{}' sh -c 'source=$1; shift; exec "$@" -c "$source" -o "$0/$(basename "$source" .c).o"' \
        "$out/objects" '{}' "$cc" $flags -fsanitize=fuzzer-no-link,$sanitizers \
        -fno-sanitize-recover=undefined
rm -f "$out/libwm.a"
ar rcs "$out/libwm.a" "$out"/objects/*.o

[ $# -gt 0 ] || set -- $(cd "$fuzz" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
for target in "$@"; do
    sources=
    for source in $(value "filter-out %/replay.c,\$(filter %.c,\$(t_fuzz_replay_${target}_SOURCES))"); do
        sources="$sources $(value top_srcdir)/$source"
    done
    "$cc" $flags -I"$fuzz/../../jobs" -DWM_CONF_FILE='"/nonexistent"' -fsanitize=fuzzer,$sanitizers \
        -fno-sanitize-recover=undefined $sources "$out/libwm.a" $libs $(value INIH_LIBS) -o "$out/fuzz_$target"
    echo "$out/fuzz_$target"
done
