#!/bin/sh
# Lays out the libraries that an archive brings along, in FOLDER/lib: private-libraries.sh FOLDER
#
# Those of Debian's packages come as they are. Of OpenBLAS, libgradcam-blas.so.0 has the functions that Sources/Ops calls,
# for all processors: it needs no Fortran runtime, and its name lets another OpenBLAS into the same process. Of the kernels
# for 20 kinds of processors, those of five remain: the other kinds have the ones of a kind whose instructions they have,
# too. A build with PKG_CONFIG_PATH=FOLDER is linked with it, and runs with an older glibc if it is linked with
# FOLDER/older-glibc.o.
set -eu
scripts=$(dirname "$0") folder=$1
substitutes="OPTERON_SSE3=PRESCOTT BARCELONA=PRESCOTT BOBCAT=PRESCOTT CORE2=PRESCOTT PENRYN=PRESCOTT
  DUNNINGTON=PRESCOTT ATOM=PRESCOTT NANO=PRESCOTT NEHALEM=PRESCOTT BULLDOZER=SANDYBRIDGE PILEDRIVER=SANDYBRIDGE
  STEAMROLLER=SANDYBRIDGE EXCAVATOR=HASWELL ZEN=HASWELL COOPERLAKE=SKYLAKEX"
functions="cblas_sgemm cblas_dgemm dsyevx_ openblas_set_num_threads openblas_get_config openblas_get_corename
  blas_thread_shutdown_"

rm -rf "$folder"
mkdir -p "$folder/lib"
for library in png jpeg isal protobuf-c; do
  file=$(cc -print-file-name=lib$library.so)
  install -m 644 "$file" "$folder/lib/$(objdump -p "$file" | sed -n 's/^ *SONAME *//p')"
done

# shellcheck disable=SC2086  # the list is meant to be split
{ echo '{ global:'; printf '%s;\n' $functions; echo 'local: *; };'; } >"$folder/blas.map"
kinds=$(for one in $substitutes; do printf ' -Wl,--defsym=gotoblas_%s=gotoblas_%s' "${one%=*}" "${one#*=}"; done)
# shellcheck disable=SC2046,SC2086  # a flag for each function and kind
cc -shared -fPIC -O2 -Wall -Werror -s -o "$folder/lib/libgradcam-blas.so.0" \
  -Wl,-soname,libgradcam-blas.so.0 -Wl,--version-script="$folder/blas.map" -Wl,--build-id=none \
  -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,defs $(printf ' -Wl,-u,%s' $functions) $kinds \
  "$scripts/fortran-runtime.c" "$(pkg-config --variable=libdir openblas)/libopenblas.a" -lm
chmod 644 "$folder/lib/libgradcam-blas.so.0"

cc -c -fPIC -O2 -Wall -Werror -fno-builtin -o "$folder/older-glibc.o" "$scripts/older-glibc.c"

# pkg-config names FOLDER, with its OpenBLAS, before the system's folders.
ln -s lib/libgradcam-blas.so.0 "$folder/libopenblas.so"
for package in openblas libprotobuf-c; do
  sed "s|^libdir=.*|libdir=$(cd "$folder" && pwd)|" "$(pkg-config --variable=pcfiledir $package)/$package.pc" \
    >"$folder/$package.pc"
done
