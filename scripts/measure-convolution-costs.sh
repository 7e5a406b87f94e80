#!/bin/sh
# Prints the constants of Sources/Ops/Convolution/ConvolutionCost.swift for this machine.
set -eu
cd "$(dirname "$0")/.."
program=$(mktemp)
trap 'rm -f "$program"' EXIT
clang -O2 -ISources/CKernels/include scripts/convolution-costs.c Sources/CKernels/*.c -lm -o "$program"
"$program"
