#!/bin/sh
# Installs a staged folder: install.sh FOLDER PREFIX
#
# What it adds is recorded in PREFIX/share/gradcam/installed, for uninstall.sh. What an earlier run installed is removed
# first.
set -eu
stage=$1 prefix=$2
record=$prefix/share/gradcam/installed

if [ -e "$record" ]; then "$(dirname "$0")/uninstall.sh" "$prefix" >/dev/null; fi
new=$(mktemp)
# Also what a run that fails has added can be uninstalled.
trap '[ ! -s "$new" ] || install -m 644 "$new" "$record" 2>/dev/null || true; rm -f "$new"' EXIT

mkdir -p "$(dirname "$prefix")"
{ printf "%s\n" . ./share ./share/gradcam && (cd "$stage" && find . -type d | sort); } | while IFS= read -r folder; do
  [ ! -d "$prefix${folder#.}" ] || continue
  install -d -m 755 "$prefix${folder#.}"
  echo "folder $folder" >>"$new"
done
(cd "$stage" && find . -type f) | sort | while IFS= read -r file; do
  mode=644
  [ ! -x "$stage/$file" ] || mode=755
  rm -f "$prefix${file#.}"
  install -m $mode "$stage/$file" "$prefix${file#.}"
  echo "file $file" >>"$new"
done
install -m 644 "$new" "$record"
echo "gradcam is installed below $prefix."
