#!/usr/bin/env python3
"""The documents do not go stale: links lead somewhere, and the tests that docs/architecture.md names exist.

Usage: documents_test.py BUILD_DIR
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD_DIR = sys.argv[1]
# These folders have no documents of this project.
SKIPPED = {".git", "build", "node_modules"}


def documents():
    for directory, folders, names in os.walk(ROOT):
        folders[:] = [folder for folder in folders if folder not in SKIPPED]
        yield from (pathlib.Path(directory, name) for name in names if name.endswith(".md"))


def prose(path):
    """Returns the text without code blocks, in which brackets have another meaning."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path):
    """Returns the anchors that a Markdown renderer gives to the headings of the file."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            yield f"{path.relative_to(ROOT)}: {target} does not exist"
        elif anchor and anchor not in anchors(file):
            yield f"{path.relative_to(ROOT)}: {target} has no such heading"


def section(path, heading):
    return prose(path).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


class DocumentsTest(unittest.TestCase):
    def test_links_lead_somewhere(self):
        paths = list(documents())
        self.assertIn(ROOT / "README.md", paths)
        self.assertEqual([line for path in paths for line in broken_links(path)], [])

    def test_a_link_to_nothing_is_found(self):
        path = pathlib.Path(os.environ.get("TMPDIR", "/tmp"), f"documents_test.{os.getpid()}.md")
        path.write_text("# One\n\n[a](#one) [b](#two) [c](nowhere.md) [d](https://example.org)\n", encoding="utf-8")
        self.addCleanup(path.unlink)
        global ROOT
        root, ROOT = ROOT, path.parent
        try:
            found = list(broken_links(path))
        finally:
            ROOT = root
        self.assertEqual([line.split(": ", 1)[1] for line in found], ["#two has no such heading", "nowhere.md does not exist"])

    def test_every_promise_names_tests_that_exist(self):
        rows = [line.split("|") for line in section(ROOT / "docs/architecture.md", "Promises, and what proves them").splitlines()]
        promises = {cells[1].strip(): re.findall("`(\\w+)`", cells[2]) for cells in rows if len(cells) == 4}
        del promises["promise"], promises["---"]
        listed = subprocess.run(["ctest", "--show-only=json-v1"], cwd=BUILD_DIR, check=True, capture_output=True, text=True).stdout
        known = {test["name"] for test in json.loads(listed)["tests"]}
        self.assertGreater(len(promises), 10)
        self.assertEqual({promise: names for promise, names in promises.items() if not names or set(names) - known}, {})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
