#!/bin/sh
# Packs the Debian package: make-deb.sh STAGE VERSION PACKAGE
#
# STAGE is what stage.sh laid out. MAINTAINER is "Name <address>", by default the author of the last commit. The same
# input gives the same bytes.
set -eu
stage=$1 version=$2 package=$3
sources=$(dirname "$0")/..
maintainer=${MAINTAINER:-$(git -C "$sources" log -1 --format='%an <%ae>')}
date=$(LC_ALL=C date --utc --date="@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
mkdir -p "$root/debian" "$root/package/DEBIAN" "$root/package/usr/share/doc/gradcam"
cp -r "$stage/." "$root/package/usr/"
"$(dirname "$0")/strip.sh" "$root/package/usr/bin/gradcam" "$root/package/usr/lib/libgradcam.so"
cd "$root/package"
chmod -R u=rwX,go=rX .
gzip -9 --no-name usr/share/man/man1/*.1

# Debian's own folders for libraries and completions.
libraries=usr/lib/x86_64-linux-gnu
mkdir $libraries
mv usr/lib/libgradcam.so usr/lib/pkgconfig $libraries/
sed -i 's|^prefix=.*|prefix=/usr|' $libraries/pkgconfig/gradcam.pc
mv usr/share/zsh/site-functions usr/share/zsh/vendor-completions
sed -i '1{/^#!/d}' usr/share/bash-completion/completions/gradcam

cat >usr/share/doc/gradcam/copyright <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: gradcam

Files: *
Copyright: $(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y) the gradcam authors
License: Apache-2.0
Comment:
 The program and the library contain the Swift runtime, Copyright 2014-2026 Apple Inc. and the Swift project authors, and
 the program contains swift-argument-parser, Copyright 2020-2026 Apple Inc. and the Swift project authors. Both are under
 the same licence with the Runtime Library Exception of Swift.

License: Apache-2.0
 On Debian systems, the text of the Apache License, version 2.0, is in /usr/share/common-licenses/Apache-2.0.
END
gzip -9 --no-name >usr/share/doc/gradcam/changelog.gz <<END
gradcam ($version) unstable; urgency=medium

  * Version $version; what is new is in CHANGELOG.md of the sources.

 -- $maintainer  $date
END

printf 'Source: gradcam\n\nPackage: gradcam\nArchitecture: amd64\n' >../debian/control
depends=$(cd .. && dpkg-shlibdeps -O package/usr/bin/gradcam "package/$libraries/libgradcam.so")
cat >DEBIAN/control <<END
Package: gradcam
Version: $version
Architecture: amd64
Maintainer: $maintainer
Installed-Size: $(find usr -type f -printf '%s\n' | awk '{ size += int(($1 + 1023) / 1024) } END { print size }')
Depends: ${depends#shlibs:Depends=}
Section: science
Priority: optional
Description: heat maps of what a neural network saw in a picture
 gradcam shows why a network gave its answer: it draws a heat map over the
 picture that shows where the evidence is (Grad-CAM and its relatives), at any
 node of an exported ONNX file. It needs neither Python nor the network's code.
 .
 This package has the program, and the library libgradcam with its C interface.
END
echo 'activate-noawait ldconfig' >DEBIAN/triggers
find usr -type f -exec md5sum {} + >../md5sums
LC_ALL=C sort --key=2 ../md5sums >DEBIAN/md5sums
find . -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
cd "$OLDPWD"
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root/package" "$package" >/dev/null
