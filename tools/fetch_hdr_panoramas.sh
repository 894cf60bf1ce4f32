#!/usr/bin/env bash
# Eight HDR panoramas of 1024x512 to make training pairs from: HDRIs by Greg Zaal (HDRI Haven), CC0, taken out of
# Debian 12's package blender-data without installing it.
#   tools/fetch_hdr_panoramas.sh [FOLDER]   (build/hdr_panoramas)
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build/hdr_panoramas}
package=blender-data=3.4.1+dfsg-2
inside=usr/share/blender/datafiles/studiolights/world
checksums='70940108df90c0721799d29f758ca79e67e509d9a2636487e639db7779561524  city.exr
1518fa37da6a8a389810a7a70262c410553018a51f0be9e248155b9bb363ff3d  courtyard.exr
63ad3243d0f9c29bd1f51b9a3bbf5c0ad25ea39299698dba6cfc29d1660d6008  forest.exr
4f6810b182ade346eac6964bf02405adf430c321b8853a644316af4e05d0fdb5  interior.exr
739a085ad7bc7e044841cfa9790eacb4fcf9ba15e31d61fb54a954717b2608c1  license.txt
a46488f5cb744f325abc9f5af3c3eeb5d9393df69b5178fbe727538522120045  night.exr
e501dd8a1172bd0e03903ede7f452300f8368448fe74720600338304d79281d9  studio.exr
b97206217e29763d62d9a65ad2d7058460acfb4824659e7a59f5bde374f21937  sunrise.exr
a164f20b86bc43ba4afd66c988a20a9dd5f1a0a5d8e960aed57a33f78119c168  sunset.exr'

fail() {
  printf 'fetch_hdr_panoramas: %s\n' "$*" >&2
  exit 1
}

complete() { (cd "$1" 2>/dev/null && sha256sum --check --status <<<"$checksums" 2>/dev/null); }

if complete "$folder"; then
  echo "$folder: all there"
  exit
fi
command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "needs Debian's apt-get and dpkg"
mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q "$package" >log 2>&1) ||
  fail "apt-get cannot download $package ($(grep '^E:' "$work/log" | head -n 1)); run apt-get update, or look for another version"
dpkg -x "$work"/blender-data_*.deb "$work/x"
complete "$work/x/$inside" || fail "$package holds other files than expected; nothing was kept"
mv "$work/x/$inside"/* "$folder"
echo "$folder: $(find "$folder" -maxdepth 1 -name '*.exr' | wc -l) panoramas"
