#!/bin/sh
# Lays out what is installed as it will lie below the prefix: stage.sh PROGRAM LIBRARY MAKE_MANUAL FOLDER
#
# Manual pages and completions are what the program says of itself, and so never disagree with it.
set -eu
program=$1 library=$2 make_manual=$3 folder=$4
sources=$(dirname "$0")/../Sources

rm -rf "$folder" "$folder.partial"
stage=$folder.partial
install -D -m 755 "$program" "$stage/bin/gradcam"
install -D -m 644 "$library" "$stage/lib/libgradcam.so"
install -D -m 644 "$sources/CGradCAM/gradcam.h" "$stage/include/gradcam.h"
install -m 644 "$sources/CGradCAMPlugin/include/gradcam_plugin.h" "$stage/include/"

mkdir -p "$stage/lib/pkgconfig"
cat >"$stage/lib/pkgconfig/gradcam.pc" <<END
prefix=\${pcfiledir}/../..
libdir=\${pcfiledir}/..

Name: gradcam
Description: Shows why a convolutional network decided as it did, from its .onnx file
Version: $("$program" --version)
Cflags: -I\${prefix}/include
Libs: -L\${libdir} -lgradcam
END

mkdir -p "$stage/share/man/man1"
"$program" --experimental-dump-help >"$stage.json"
"$make_manual" "$stage/share/man/man1" <"$stage.json"
rm "$stage.json"

completion() {
  mkdir -p "$stage/share/$(dirname "$2")"
  "$program" --generate-completion-script "$1" >"$stage/share/$2"
}
completion bash bash-completion/completions/gradcam
completion zsh zsh/site-functions/_gradcam
completion fish fish/vendor_completions.d/gradcam.fish

mv "$stage" "$folder"
