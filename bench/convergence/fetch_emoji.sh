#!/bin/bash
# Fetches the emoji pictures of three vendors and lists them in DIR/manifest.tsv: about 1,900 classes (a character) of three images.
# Needs npm, the client of the registry that has them. Usage: fetch_emoji.sh DIR
set -euo pipefail
if [[ $# -ne 1 ]]; then
  echo "usage: fetch_emoji.sh DIR" >&2
  exit 2
fi
mkdir -p "$1"
cd "$1"
vendors=(google twitter facebook)
for vendor in "${vendors[@]}"; do
  if [[ ! -d $vendor ]]; then
    archive=$(npm pack --silent "emoji-datasource-$vendor@16.0.0")
    mkdir "$vendor.part"
    tar -xzf "$archive" -C "$vendor.part" --strip-components=4 --wildcards "package/img/$vendor/64/*.png"
    rm "$archive"
    mv "$vendor.part" "$vendor"
  fi
done
{
  printf 'path\tlabel\n'
  # Skin tones are left out, because they would be classes of their own that look alike.
  find "${vendors[@]}" -name '*.png' | grep -Ev '1f3f[b-f]' | sort | sed -E 's#^((.*)/(.*)\.png)$#\1\t\3#'
} >manifest.tsv.part
mv manifest.tsv.part manifest.tsv
echo "$(($(wc -l <manifest.tsv) - 1)) images in $PWD/manifest.tsv"
