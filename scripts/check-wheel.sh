#!/bin/sh
# Installs a wheel in an environment of its own, and runs the package's tests and the notebook: check-wheel.sh WHEEL
set -eu
wheel=$1
sources=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

fail() { echo "$wheel: $*" >&2; exit 1; }

size=$(wc -c <"$wheel")
[ "$size" -lt 25000000 ] || fail "has $size bytes, 25,000,000 at most"
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --quiet --disable-pip-version-check "$wheel" nbclient==0.11.0 ipykernel==7.4.0 pillow

# Nothing of the checkout or of the system is used.
unset LIBGRADCAM GRADCAM PYTHONPATH
cd "$root"
PATH=$root/venv/bin:/usr/bin:/bin
gradcam explain "$sources/models/shapes-resnet.onnx" "$sources/models/samples/pair-006-star-cross.png" --class star \
  --quiet --output star.png
[ -s star.png ] || fail "there is no picture"
python -m unittest discover -s "$sources/python/tests"

# The notebook writes beside itself.
cp -r "$sources/examples" .
ln -s "$sources/models" models
jupyter execute examples/gradcam.ipynb
[ -s examples/report.html ] || fail "the notebook made no report"
