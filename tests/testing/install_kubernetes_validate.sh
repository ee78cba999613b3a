#!/bin/sh
# Installs kubernetes-validate from PyPI, a validator with the schemas that Kubernetes publishes, into a virtual environment of its own.
# It does nothing if the validator is installed already. Usage: install_kubernetes_validate.sh PYTHON FOLDER
set -eu
python=$1
folder=$2
package=kubernetes-validate==1.37.0

[ ! -e "$folder/$package" ] || exit 0
"$python" -m venv --clear "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$package"
# Every API accepts DeleteOptions, but the validator looks for them under the version that a manifest names.
for schema in "$folder"/lib/python*/site-packages/kubernetes_validate/kubernetes-json-schema/*/deleteoptions-meta-v1.json; do
  cp "$schema" "${schema%-meta-v1.json}-v1.json"
done
# This file is written last, so that an incomplete environment is never used.
touch "$folder/$package"
