#!/bin/sh
# Copies the licences of what others wrote: copy-licences.sh COMPONENTS FOLDER
#
# COMPONENTS is the list of list-components.sh; FOLDER gets a file for each.
set -eu
components=$1 folder=$2

mkdir "$folder"
while IFS="$(printf '\t')" read -r component _ _ _ licence _; do
  cp -L "$licence" "$folder/$component.txt"
done <"$components"
