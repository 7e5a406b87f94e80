#!/bin/sh
# Makes the packages of a release, their checksums and their SBOM: dist.sh STAGE PORTABLE COMPONENTS PYTHON FOLDER
#
# STAGE is what stage.sh laid out; PORTABLE has bin/gradcam, lib/libgradcam.so and the libraries that they bring along in
# lib/gradcam; COMPONENTS is the list of list-components.sh; PYTHON makes the wheel. Times in the packages are
# SOURCE_DATE_EPOCH, by default the time of the last commit.
set -eu
stage=$1 portable=$2 components=$3 python=$4 folder=$5
scripts=$(dirname "$0")

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$scripts" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
version=$("$stage/bin/gradcam" --version)
archive=gradcam-$version-linux-x86_64.tar.gz
deb=gradcam_${version}_amd64.deb

new=$folder.partial
rm -rf "$new"
mkdir -p "$new"
"$scripts/make-archive.sh" "$stage" "$portable" "$components" "$new/$archive"
"$scripts/make-deb.sh" "$stage" "$version" "$new/$deb"
"$scripts/make-wheel.sh" "$python" "$portable" "$components" "$new"
wheel=$(basename "$new"/*.whl)
"$scripts/make-sbom.sh" "$version" "$components" "$new/$archive" "$new/$deb" "$new/$wheel" \
  >"$new/gradcam-$version.spdx.json"
"$scripts/check-archive.sh" "$new/$archive"
"$scripts/check-wheel.sh" "$new/$wheel"
(cd "$new" && sha256sum "$archive" "$deb" "$wheel" "gradcam-$version.spdx.json" >SHA256SUMS)
rm -rf "$folder"
mv "$new" "$folder"
