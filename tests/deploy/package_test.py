"""Checks the content of an installation and of the Debian package, and that the package is removed without a trace.

Usage: package_test.py BUILD_DIR VERSION CMAKE CPACK
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, VERSION, CMAKE, CPACK = pathlib.Path(sys.argv[1]), *sys.argv[2:5]
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("semblance", "semblance-server", "semblance-trainer", "semblance-builder")
UNITS = ("semblance-server.service", "semblance-trainer@.service")
DOCUMENTS = sorted(path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md"))


def run(*command, **options):
    """Returns the output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def complete(completion_file, *words):
    """Returns the completions that bash offers for the last of the words."""
    script = f'source "{completion_file}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _semblance 2>/dev/null; echo "${{COMPREPLY[*]}}"'
    return run("bash", "-c", script, "bash", *words).split()


class Installation:
    """Checks the files below a prefix. Their content names the paths `named_prefix` and `named_etc`."""

    def __init__(self, test, prefix, etc, named_prefix, named_etc):
        self.test, self.prefix, self.etc, self.named_prefix, self.named_etc = test, prefix, etc, named_prefix, named_etc

    def check(self):
        self.check_programs()
        self.check_units()
        self.check_manual()
        for name in [*DOCUMENTS, "copyright", "CHANGELOG.md", "SECURITY.md", "examples/image_folder.textproto"]:
            self.test.assertTrue((self.prefix / "share/doc/semblance" / name).is_file(), name)
        self.test.assertEqual((self.etc / "semblance/server.textproto").read_text(), (ROOT / "deploy/server.textproto").read_text())

    def check_programs(self):
        self.test.assertEqual({path.name for path in (self.prefix / "bin").iterdir()}, set(PROGRAMS))
        for name in PROGRAMS:
            self.test.assertEqual(run(self.prefix / "bin" / name, "--version"), f"{name} {VERSION}\n")

    def check_units(self):
        for name in UNITS:
            unit = (self.prefix / "lib/systemd/system" / name).read_text()
            (program,) = re.findall(r"^ExecStart=(\S+)", unit, re.MULTILINE)
            self.test.assertEqual(pathlib.Path(program).parent, self.named_prefix / "bin")
            self.test.assertTrue((self.prefix / "bin" / pathlib.Path(program).name).is_file())
            (document,) = re.findall(r"^Documentation=file:(\S+)", unit, re.MULTILINE)
            self.test.assertTrue((self.prefix / pathlib.Path(document).relative_to(self.named_prefix)).is_file(), document)
            for path in re.findall(r"/\S*/semblance/(?:server|train)\b", unit):
                self.test.assertTrue(path.startswith(f"{self.named_etc}/semblance/"), path)
        self.test.assertIn("u semblance", (self.prefix / "lib/sysusers.d/semblance.conf").read_text())

    def check_manual(self):
        for name, number in zip(PROGRAMS, (1, 8, 1, 8)):
            page = self.prefix / f"share/man/man{number}/{name}.{number}"
            self.test.assertIn(f"Semblance {VERSION}", page.read_text())
            # Warnings of groff go to standard error, beside the page that goes to standard output.
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True)
            self.test.assertEqual((done.returncode, done.stderr), (0, ""))
            self.test.assertIn("--version", re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout))
        completion = self.prefix / "share/bash-completion/completions/semblance"
        self.test.assertEqual(complete(completion, "semblance", "gener"), ["generations"])
        self.test.assertIn("activate", complete(completion, "semblance", "generations", ""))
        self.test.assertEqual(complete(completion, "semblance", "search", "--top"), ["--top_k="])
        self.test.assertEqual(complete(completion, "semblance", "ingest", "--split", "=", "t"), ["train", "test"])
        self.test.assertIn("--data_dir=", complete(completion, "/usr/bin/semblance-server", "--"))


class InstallTest(unittest.TestCase):
    def test_an_installation_below_a_prefix_is_complete(self):
        with tempfile.TemporaryDirectory() as directory:
            prefix = pathlib.Path(directory) / "prefix"
            run(CMAKE, "--install", BUILD, "--prefix", prefix)
            Installation(self, prefix, prefix / "etc", prefix, prefix / "etc").check()


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.directory.name)
        run(CPACK, "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", folder / "package")
        (cls.package,) = (folder / "package").glob("*.deb")

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(dir=self.directory.name))
        (self.root / "var/lib/dpkg/updates").mkdir(parents=True)
        (self.root / "var/lib/dpkg/info").mkdir()
        (self.root / "var/lib/dpkg/status").touch()

    def dpkg(self, *arguments):
        """Runs dpkg in a root of its own, whose database has no package. Users other than root run it by fakeroot."""
        prefix = [] if os.geteuid() == 0 else ["fakeroot"]
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        return run(*prefix, "dpkg", f"--root={self.root}", "--force-script-chrootless", "--force-depends", *arguments,
                   env={**os.environ, "PATH": path})

    def installed(self):
        return {name for name in files_below(self.root) if not name.startswith("var/lib/dpkg/")}

    def field(self, name):
        return run("dpkg-deb", "--field", self.package, name).strip()

    def test_it_says_what_it_is_and_what_it_needs(self):
        self.assertEqual(self.package.name, f"semblance_{VERSION}_{run('dpkg', '--print-architecture').strip()}.deb")
        self.assertEqual(self.field("Maintainer"), "Semblance developers")
        self.assertEqual(self.field("Section"), "science")
        self.assertIn("similarity search", self.field("Description"))
        for library in ("libc6", "libgrpc++1", "libtorch1", "libsqlite3-0"):
            self.assertIn(library, self.field("Depends"))

    def test_it_is_complete_and_leaves_nothing_behind(self):
        self.dpkg("--install", self.package)
        Installation(self, self.root / "usr", self.root / "etc", pathlib.Path("/usr"), "/etc").check()
        listed = {line[1:] for line in self.dpkg("--listfiles", "semblance").splitlines()}
        self.assertLessEqual(self.installed(), listed)
        self.assertEqual((self.root / "var/lib/dpkg/info/semblance.conffiles").read_text(), "/etc/semblance/server.textproto\n")

        self.dpkg("--purge", "semblance")
        self.assertEqual(self.installed(), set())
        self.assertEqual({path.name for path in self.root.iterdir()}, {"var"})

    def test_a_removal_keeps_the_configuration_that_was_changed(self):
        self.dpkg("--install", self.package)
        (self.root / "etc/semblance/server.textproto").write_text("drain_seconds: 5\n")
        self.dpkg("--remove", "semblance")
        self.assertEqual(self.installed(), {"etc/semblance/server.textproto"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
