#!/bin/sh
# Packs the archive that runs wherever it is unpacked: make-archive.sh STAGE PORTABLE COMPONENTS ARCHIVE
#
# STAGE is what stage.sh laid out; PORTABLE has the program, the library and what they bring along, which replace those
# of STAGE; COMPONENTS is the list of list-components.sh. The same input gives the same bytes.
set -eu
stage=$1 portable=$2 components=$3 archive=$4
sources=$(dirname "$0")/..
name=$(basename "$archive" .tar.gz)

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
cp -r "$stage" "$root/$name"
cp -r "$portable/." "$root/$name/"
cp "$sources/LICENSE" "$sources/README.md" "$root/$name/"
"$(dirname "$0")/copy-licences.sh" "$components" "$root/$name/licenses"
"$(dirname "$0")/strip.sh" "$root/$name/bin/gradcam" "$root/$name/lib/libgradcam.so"

tar --create --file="$root/tar" --directory="$root" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
  --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$name"
gzip -9 --no-name <"$root/tar" >"$archive"
