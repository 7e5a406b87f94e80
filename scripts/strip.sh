#!/bin/sh
# Takes out of programs and libraries what running them does not need: strip.sh FILE…
#
# In place of Swift's hashes of what the compiler was given, in which the build folder's path is, zeros remain: without
# their section, strip would leave out the segment that is read-only after relocation.
set -eu
zeros=$(mktemp)
trap 'rm -f "$zeros"' EXIT
for file; do
  size=$(objdump --section-headers --wide "$file" | awk '$2 == ".swift_modhash" { print $3 }')
  if [ -n "$size" ]; then
    head -c $((0x$size)) /dev/zero >"$zeros"
    objcopy --update-section .swift_modhash="$zeros" "$file"
  fi
  strip --strip-unneeded --remove-section=.comment --remove-section=.note "$file"
done
