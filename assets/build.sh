#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gather what the browser loads into one folder: our own files, and those of the packages in the
# lock file. Usage: build.sh FOLDER. The source tree stays as it is; a second run without changes
# does nothing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh FOLDER}

mkdir -p "$out/vendor" "$out/icons"
out=$(cd "$out" && pwd)
cp "$here/webmunk.css" "$here/webmunk.js" "$out/"
cp "$here/icons/"*.svg "$out/icons/"

want=$(cksum < "$here/package-lock.json")
if [ "$(cat "$out/vendor/.lock" 2>/dev/null)" = "$want" ]; then
    touch "$out/vendor/.lock"
    exit 0
fi
command -v npm > /dev/null || {
    echo "build.sh: npm is missing: apt-get install npm" >&2
    exit 1
}

work=$(mktemp -d "${TMPDIR:-/tmp}/webmunk-assets.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$work/"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2

copy() {
    cp "$work/node_modules/$1" "$out/vendor/$2"
    # readable by httpd's children, whatever the umask
    chmod 644 "$out/vendor/$2"
}
copy @picocss/pico/css/pico.min.css pico.min.css
copy @picocss/pico/LICENSE.md pico.LICENSE
copy htmx.org/dist/htmx.min.js htmx.min.js
copy htmx.org/LICENSE htmx.LICENSE
copy chart.js/dist/chart.umd.min.js chart.umd.min.js
copy chart.js/LICENSE.md chart.LICENSE
# The maps are not served, so nothing may ask for them.
sed -i 's,^//# sourceMappingURL=.*$,,' "$out/vendor/chart.umd.min.js"
echo "$want" > "$out/vendor/.lock"
