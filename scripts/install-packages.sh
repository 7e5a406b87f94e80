#!/bin/sh
# Installs the Debian packages that the build needs and that are missing, with sudo where the user is not root.
set -eu

needed="pkg-config libprotobuf-c-dev libopenblas-dev libpng-dev zlib1g-dev libjpeg-dev"

if ! command -v swift >/dev/null; then
  echo "gradcam needs Swift 6.2 or later: see https://www.swift.org/install/linux/" >&2
  exit 1
fi
if ! command -v dpkg-query >/dev/null; then
  echo "This is not Debian or Ubuntu: install what $needed hold there, then run 'swift build -c release'." >&2
  exit 1
fi

missing=""
for package in $needed; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

echo "Installing$missing"
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # the lists are meant to be split
$as_root apt-get install -y -q $missing || { $as_root apt-get update -q && $as_root apt-get install -y -q $missing; }
