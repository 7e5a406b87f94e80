#!/bin/sh
# Removes the files that install.sh put below a prefix, and the folders that it made, if they are empty:
# uninstall.sh PREFIX
set -eu
prefix=$1
record=$prefix/share/gradcam/installed

if [ ! -e "$record" ]; then
  echo "Nothing is installed below $prefix: there is no $record. Give the PREFIX (and DESTDIR) of 'make install'." >&2
  exit 1
fi
list=$(cat "$record")
printf '%s\n' "$list" | sed -n 's/^file //p' | while IFS= read -r file; do rm -f "$prefix${file#.}"; done
rm "$record"
printf '%s\n' "$list" | sed -n 's/^folder //p' | sort -r | while IFS= read -r folder; do
  rmdir "$prefix${folder#.}" 2>/dev/null || true
done
echo "gradcam is removed from $prefix."
