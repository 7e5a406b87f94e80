#!/bin/sh
# Writes what is inside the packages, in SPDX 2.3: make-sbom.sh VERSION COMPONENTS ARCHIVE PACKAGE WHEEL >FILE
#
# COMPONENTS is the list of list-components.sh.
set -eu
version=$1 components=$2 archive=$3 deb=$4 wheel=$5
tab=$(printf '\t')

hash_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# package ID NAME VERSION LICENCE [FIELDS]
package() {
  cat <<END
    {
      "SPDXID": "SPDXRef-$1",
      "name": "$2",
      "versionInfo": "$3",
      "licenseConcluded": "$4",
      "licenseDeclared": "$4",
      "copyrightText": "NOASSERTION",
      "downloadLocation": "NOASSERTION",
      $5
      "filesAnalyzed": false
    }
END
}

# product ID FILE
product() {
  package "$1" gradcam "$version" Apache-2.0 "\"packageFileName\": \"$(basename "$2")\",
      \"checksums\": [{ \"algorithm\": \"SHA256\", \"checksumValue\": \"$(hash_of "$2")\" }],
      \"primaryPackagePurpose\": \"APPLICATION\","
}

relationship() {
  printf '    { "spdxElementId": "%s", "relationshipType": "%s", "relatedSpdxElement": "%s" }' "$1" "$2" "$3"
}

cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "gradcam-$version",
  "documentNamespace": "https://spdx.org/spdxdocs/gradcam-$version-$(cat "$archive" "$deb" "$wheel" | sha256sum | cut -c 1-32)",
  "creationInfo": {
    "created": "$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)",
    "creators": ["Tool: gradcam-make-sbom-$version"]
  },
  "packages": [
END
product archive "$archive"
echo '    ,'
product deb "$deb"
echo '    ,'
product wheel "$wheel"
while IFS=$tab read -r name component_version licence purl _; do
  echo '    ,'
  package "component-$name" "$name" "$component_version" "$licence" "\"externalRefs\": [{
        \"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\", \"referenceLocator\": \"$purl\"
      }],"
done <"$components"
cat <<END
  ],
  "relationships": [
END
relationship SPDXRef-DOCUMENT DESCRIBES SPDXRef-archive
printf ',\n'
relationship SPDXRef-DOCUMENT DESCRIBES SPDXRef-deb
printf ',\n'
relationship SPDXRef-DOCUMENT DESCRIBES SPDXRef-wheel
while IFS=$tab read -r name _ _ _ _ where; do
  printf ',\n'
  relationship SPDXRef-archive CONTAINS "SPDXRef-component-$name"
  printf ',\n'
  relationship SPDXRef-wheel CONTAINS "SPDXRef-component-$name"
  [ "$where" = both ] || continue
  printf ',\n'
  relationship SPDXRef-deb CONTAINS "SPDXRef-component-$name"
done <"$components"
cat <<END

  ]
}
END
