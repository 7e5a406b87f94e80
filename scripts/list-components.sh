#!/bin/sh
# Lists what the packages of a release have inside that others wrote, one component a line: list-components.sh SCRATCH
#
# SCRATCH is the build folder, which has the sources of Swift packages. A line has name, version, SPDX licence, purl, the
# file with the licence's text, and 'archive' if it is in archive and wheel alone, else 'both', separated by tabs.
set -eu
resolved=$(dirname "$0")/../Package.resolved
checkout=$1/checkouts/swift-argument-parser

component() {
  for field; do [ -n "$field" ] || { echo "Something of this is not known: $*" >&2; exit 1; }; done
  [ -f "$5" ] || { echo "There is no $5, the licence of $1." >&2; exit 1; }
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@"
}

compiler=$(command -v swiftc)
swift=$("$compiler" --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9.]+).*/\1/p')
licence=$(dirname "$(readlink -f "$compiler")")/../share/swift/LICENSE.txt
component swift-runtime "$swift" 'Apache-2.0 WITH Swift-exception' \
  "pkg:github/swiftlang/swift@swift-$swift-RELEASE" "$licence" both

parser=$(sed -nE '/"swift-argument-parser"/,/}/ s/.*"version" : "([^"]+)".*/\1/p' "$resolved")
component swift-argument-parser "$parser" 'Apache-2.0 WITH Swift-exception' \
  "pkg:swift/github.com/apple/swift-argument-parser@$parser" "$checkout/LICENSE.txt" both

debian() {
  source=$(dpkg-query --show --showformat='${source:Package}' "$1")
  version=$(dpkg-query --show --showformat='${source:Version}' "$1")
  encoded=$(printf %s "$version" | sed 's/:/%3A/g; s/+/%2B/g; s/~/%7E/g')
  component "$source" "$version" "$2" "pkg:deb/debian/$source@$encoded?arch=source" "/usr/share/doc/$1/copyright" archive
}
debian libopenblas-dev BSD-3-Clause
debian libpng-dev libpng-2.0
debian libisal-dev BSD-3-Clause
debian libjpeg62-turbo-dev 'IJG AND BSD-3-Clause AND Zlib'
debian libprotobuf-c-dev BSD-2-Clause
