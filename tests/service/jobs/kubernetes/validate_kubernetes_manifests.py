#!/usr/bin/env python3
"""Validates what the server sends to Kubernetes against the schemas that Kubernetes publishes.

Usage: validate_kubernetes_manifests.py RENDERER CACHE

RENDERER writes the manifests (render_kubernetes_manifests.cc). The schemas and their validator are the package kubernetes-validate
of PyPI, which is installed below CACHE once. Exits with 77, which CTest shows as skipped, where it cannot be had.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

PACKAGE = "kubernetes-validate==1.37.0"
# The first whose schema does not ask for pod conditions in every rule of a pod failure policy (servers never did), and the newest.
VERSIONS = ["1.31", "1.37"]
SKIPPED = 77


def skip(why):
    print(f"SKIPPED: the manifests were not validated: {why}")
    sys.exit(SKIPPED)


def install(cache):
    """The folder with the package; a half-finished one is never taken."""
    folder = os.path.join(cache, PACKAGE)
    if not os.path.isdir(folder):
        os.makedirs(cache, exist_ok=True)
        temporary = tempfile.mkdtemp(dir=cache)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        command = [*pip, "--retries=1", "--timeout=10", "--target", temporary, PACKAGE]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode != 0:
            shutil.rmtree(temporary)
            skip(f"{PACKAGE} cannot be installed: {run.stdout.strip().splitlines()[-1:]}")
        # Every API takes DeleteOptions; the validator looks for them under the version that a manifest names.
        schemas = os.path.join(temporary, "kubernetes_validate", "kubernetes-json-schema")
        for path in glob.glob(os.path.join(schemas, "*", "deleteoptions-meta-v1.json")):
            shutil.copy(path, path.replace("-meta-v1", "-v1"))
        os.rename(temporary, folder)
    return folder


def problem_of(validator, manifest, version):
    try:
        validator.validate(manifest, version, strict=True)
        return None
    except validator.ValidationError as error:
        return error.message


def main():
    renderer, cache = sys.argv[1:]
    sys.path.insert(0, install(cache))
    import kubernetes_validate

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
            # The validator does find a field that is not there.
            if problem_of(kubernetes_validate, {**manifest, "unheardOf": 1}, VERSIONS[0]) is None:
                print(f"{os.path.basename(path)}: an unknown field is not found")
                problems += 1
    return 1 if problems or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
