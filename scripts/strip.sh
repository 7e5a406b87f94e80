#!/bin/sh
# Takes out of programs and libraries what running them does not need: strip.sh FILE…
#
# That includes hashes of what the compiler was given, in which the build folder's path is.
set -eu
strip --strip-unneeded --remove-section=.swift_modhash --remove-section=.note.gnu.build-id \
  --remove-section=.comment --remove-section=.note "$@"
