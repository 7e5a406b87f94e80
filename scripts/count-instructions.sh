#!/bin/sh
# Counts the instructions that the program takes to open a network and to explain one image, under Valgrind, which runs
# the AVX2 versions of kernels: count-instructions.sh PROGRAM [COUNTS]
#
# Prints a line for each network: its name, the instructions of a process that explains three images (two to warm up), and
# those of a further image. With a file of such lines, fails if any number differs from the file's by more than 2%: a step
# back is to be mended, a step forward to be written down ('make instructions UPDATE=1').
set -eu
program=$1 counts=${2:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Valgrind cannot read the program's debug information.
strip --strip-debug -o "$folder/gradcam" "$program"

# The instructions of a process that explains so many images.
measured() {
  images=$1
  shift
  SWIFT_DETERMINISTIC_HASHING=1 OPENBLAS_NUM_THREADS=1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    "$folder/gradcam" bench "$@" --threads 1 --runs "$images" 2>"$folder/log" >"$folder/out" ||
    { cat "$folder/log" "$folder/out" >&2; exit 1; }
  sed -nE 's/.*Collected : ([0-9]+).*/\1/p' "$folder/log"
}

line() {
  name=$1
  shift
  one=$(measured 1 "$@")
  many=$(measured 11 "$@")
  echo "$name $one $(((many - one) / 10))"
}

models=$(dirname "$0")/../models
{
  line shapes-vgg "$models/shapes-vgg.onnx"
  line shapes-resnet "$models/shapes-resnet.onnx"
  line shapes-detector "$models/shapes-detector.onnx" --detection 0
} | tee "$folder/counts"
[ -n "$counts" ] || exit 0

awk -v tolerance=0.02 '
  NR == FNR { start[$1] = $2; image[$1] = $3; next }
  function check(what, now, before) {
    if (now > before * (1 + tolerance) || now < before * (1 - tolerance)) {
      printf "%s: %s takes %d instructions, %+.1f%% of the %d written down\n", $1, what, now, 100 * (now / before - 1), before
      failed = 1
    }
  }
  { if (!($1 in start)) { print $1 ": not written down"; failed = 1 } else { check("opening", $2, start[$1]); check("an image", $3, image[$1]) } }
  END { exit failed }
' "$counts" "$folder/counts" >&2
