#!/bin/sh
# Installs those of the given Debian packages that are missing, with sudo unless the user is root.
set -eu

if ! command -v swift >/dev/null; then
  echo "gradcam needs Swift 6.2 or later: see https://www.swift.org/install/linux/" >&2
  exit 1
fi
if ! command -v dpkg-query >/dev/null; then
  echo "This is not Debian or Ubuntu: install the equivalents of $*, then run 'swift build -c release'." >&2
  exit 1
fi

missing=""
for package in "$@"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

echo "Installing$missing"
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
install() {
  # shellcheck disable=SC2086  # the lists are meant to be split
  $as_root apt-get install -y -q --no-install-recommends $missing
}
install || { $as_root apt-get update -q && install; }
