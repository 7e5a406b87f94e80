#!/bin/sh
# Prints the constants of Sources/Ops/Kernels/ConvolutionCost.swift for this machine.
set -eu
cd "$(dirname "$0")/.."
program=$(mktemp)
trap 'rm -f "$program"' EXIT
clang -O2 -Wno-psabi -ISources/CKernels/include scripts/convolution-costs.c Sources/CKernels/*.c -lm -o "$program"
"$program"
