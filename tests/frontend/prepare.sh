#!/bin/sh
# Prepares a folder for the frontend harness: the published ComfyUI frontends, a
# browser driver, and a link to Chromium. Everything stays in that folder.
#
#   tests/frontend/prepare.sh DIR [VERSION...]
#   GIT_COMFY_FRONTEND=DIR cargo test --test main frontend::
#
# Needs node with npm, python with pip, and Chromium (Debian: apt-get install chromium).
set -eu

dir=${1:?"usage: prepare.sh DIR [VERSION...]"}
shift
[ $# -gt 0 ] || set -- 1.49.6 1.58.1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome-stable google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$name" || true)
done
if [ -z "$browser" ]; then
    echo "no Chromium found: install it (Debian: apt-get install chromium), or set CHROMIUM" >&2
    exit 1
fi
ln -sfn "$browser" "$dir/chromium"

cp "$here/package.json" "$dir/package.json"
npm install --prefix "$dir" --no-audit --no-fund --no-package-lock --silent

for version in "$@"; do
    [ ! -e "$dir/$version/index.html" ] || continue
    wheels=$(mktemp -d)
    python3 -m pip download --quiet --no-deps --dest "$wheels" "comfyui-frontend-package==$version"
    python3 -m zipfile -e "$wheels"/*.whl "$wheels/unpacked"
    rm -rf "$dir/$version"
    mv "$wheels/unpacked/comfyui_frontend_package/static" "$dir/$version"
    rm -rf "$wheels"
done
echo "prepared: GIT_COMFY_FRONTEND=$dir"
