"""The last stage of the image has the libraries that the programs need, and no others.

Usage: runtime_libraries_test.py BIN_DIR; needs readelf, ldd and dpkg-query, and the libraries from Debian's packages.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN_DIR = sys.argv[1]
PROGRAMS = ("semblance-server", "semblance-trainer", "semblance-builder", "semblance")
# These packages are in every Debian image, or everything else depends on them.
ALWAYS_THERE = {"libc6", "libgcc-s1", "libstdc++6"}
# The programs link no library of these packages.
NOT_LINKED = {"ca-certificates"}


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def libraries_of(program):
    """Returns the files of the libraries that the program itself names."""
    named = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "--dynamic", "--wide", program))
    found = dict(re.findall(r"^\s*(\S+) => (/\S+)", output("ldd", program), re.MULTILINE))
    return {os.path.realpath(found[name]) for name in named if name in found}


def packages_of(files):
    """Returns {file: package}, without the files that no package has."""
    # Since /lib is a link to /usr/lib a package may list either.
    listed = {path: file for file in files for path in (file, file.removeprefix("/usr"))}
    command = ["dpkg-query", "--search", *listed]
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return {listed[path]: package for package, path in re.findall(r"^([^:,]+)\S*: (\S+)$", answer, re.MULTILINE) if path in listed}


def installed_in_the_image():
    with open(os.path.join(ROOT, "deploy/Containerfile"), encoding="utf-8") as file:
        runtime = file.read().replace("\\\n", " ").split(" AS runtime\n")[1]
    return set(re.search(r"apt-get install ((?:--\S+ +)*)([^&]+)&&", runtime).group(2).split())


class RuntimeLibrariesTest(unittest.TestCase):
    def test_the_image_has_what_the_programs_link(self):
        for tool in ("readelf", "ldd", "dpkg-query"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        files = set().union(*(libraries_of(os.path.join(BIN_DIR, program)) for program in PROGRAMS))
        packages = packages_of(files)
        foreign = sorted(files - set(packages))
        if foreign:
            self.skipTest(f"not from Debian's packages: {', '.join(foreign)}")
        linked = set(packages.values())
        self.assertEqual(linked - installed_in_the_image() - ALWAYS_THERE, set(), "linked, and not in deploy/Containerfile")
        self.assertEqual(installed_in_the_image() - linked - NOT_LINKED, set(), "in deploy/Containerfile, and not linked")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
