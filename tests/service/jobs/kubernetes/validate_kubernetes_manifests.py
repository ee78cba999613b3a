#!/usr/bin/env python3
"""Validates the objects that the server sends to Kubernetes against the schemas that Kubernetes publishes.

Usage: validate_kubernetes_manifests.py RENDERER

RENDERER writes the manifests (render_kubernetes_manifests.cc). The schemas and their validator are the package kubernetes-validate
of PyPI, which the interpreter must have (tests/testing/install_kubernetes_validate.sh).
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

import kubernetes_validate

# The first version whose schema does not require pod conditions in every rule of a pod failure policy (servers never did), and the
# newest version.
VERSIONS = ["1.31", "1.37"]


def problem_of(validator, manifest, version):
    try:
        validator.validate(manifest, version, strict=True)
        return None
    except validator.ValidationError as error:
        return error.message


def main():
    (renderer,) = sys.argv[1:]
    problems = 0
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([renderer, directory], check=True)
        paths = sorted(glob.glob(os.path.join(directory, "*.json")))
        for path in paths:
            with open(path, encoding="utf-8") as file:
                manifest = json.load(file)
            for version in VERSIONS:
                problem = problem_of(kubernetes_validate, manifest, version)
                print(f"{os.path.basename(path)} against Kubernetes {version}: {problem or 'valid'}")
                problems += problem is not None
            # The validator must find a field that does not exist.
            if problem_of(kubernetes_validate, {**manifest, "unheardOf": 1}, VERSIONS[0]) is None:
                print(f"{os.path.basename(path)}: an unknown field is not found")
                problems += 1
    return 1 if problems or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
