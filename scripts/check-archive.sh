#!/bin/sh
# Unpacks an archive and tries it: check-archive.sh ARCHIVE
#
# What is in it may need libraries that every system has, and those that it brings along, nothing else.
set -eu
archive=$1
models=$(dirname "$0")/../models
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

fail() { echo "$archive: $*" >&2; exit 1; }

tar --extract --gzip --file "$archive" --directory "$root" --strip-components=1
for file in "$root/bin/gradcam" "$root/lib/libgradcam.so" "$root"/lib/gradcam/*; do
  objdump -p "$file" | grep -q RELRO || fail "${file#"$root/"} has nothing that is read-only after relocation"
  needed=$(objdump -p "$file" | sed -n 's/^ *NEEDED *//p')
  [ -n "$needed" ] || fail "${file#"$root/"} names no libraries"
  for library in $needed; do
    case $library in
      libc.so.6 | libm.so.6 | libgcc_s.so.1 | libstdc++.so.6 | libz.so.1 | ld-linux-x86-64.so.2) ;;
      *)
        ldd "$file" >"$root/libraries"
        grep -q "$library => .*$root/.*lib/gradcam/$library " "$root/libraries" || fail "${file#"$root/"} needs $library"
        ;;
    esac
  done
done
"$root/bin/gradcam" explain "$models/shapes-resnet.onnx" "$models/samples/pair-006-star-cross.png" --class star \
  --method eigencam --quiet --output "$root/star.png"
[ -s "$root/star.png" ] || fail "there is no picture"
