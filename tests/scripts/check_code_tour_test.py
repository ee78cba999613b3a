#!/usr/bin/env python3
"""Tours that scripts/check_code_tour.py must refuse, and one that it must accept."""

import os
import subprocess
import sys
import tempfile
import unittest

CHECKER = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "check_code_tour.py")

CODE = """
class Path::Run {
  void Prepare() { Start(); }
};
void Path::Search(int query) {}
// Gone() was here.
"""


def check(*steps, heading="The way of a search"):
    """Returns the exit status and the lines that the checker prints for a tour of these steps."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "docs"))
        os.makedirs(os.path.join(root, "engine"))
        with open(os.path.join(root, "engine", "path.cc"), "w", encoding="utf-8") as file:
            file.write(CODE)
        with open(os.path.join(root, "docs", "architecture.md"), "w", encoding="utf-8") as file:
            file.write("# Architecture\n\n## " + heading + "\n\nSome words.\n\n" + "\n".join(steps) + "\n\n## The end\n")
        run = subprocess.run([sys.executable, CHECKER, root], stdout=subprocess.PIPE, text=True, check=False)
        return run.returncode, run.stdout


class CheckCodeTourTest(unittest.TestCase):
    def assert_refused(self, expected, *steps, **options):
        status, output = check(*steps, **options)
        self.assertEqual(status, 1, output)
        self.assertIn(expected, output)

    def test_accepts_files_functions_and_classes_that_exist(self):
        status, output = check("1. `engine/path.cc`: `Path::Search`, `Run`, `Prepare`. It is searched.")
        self.assertEqual(status, 0, output)
        self.assertIn("1 tours name 1 places", output)

    def test_refuses_a_file_that_does_not_exist(self):
        self.assert_refused("step 1: engine/way.cc does not exist", "1. `engine/way.cc`: `Search`. It is searched.")

    def test_refuses_a_function_that_is_not_in_the_file(self):
        self.assert_refused("step 1: engine/path.cc has no Find", "1. `engine/path.cc`: `Search`, `Find`. It is searched.")

    def test_refuses_a_function_of_another_class(self):
        self.assert_refused("has no Way::Search", "1. `engine/path.cc`: `Way::Search`. It is searched.")

    def test_refuses_a_function_that_only_a_comment_names(self):
        self.assert_refused("has no Gone", "1. `engine/path.cc`: `Gone`. It is searched.")

    def test_refuses_a_step_without_a_function(self):
        self.assert_refused("is not of the form", "1. `engine/path.cc`. It is searched.")

    def test_refuses_a_tour_that_is_too_long(self):
        steps = [f"{number}. `engine/path.cc`: `Search`. It is searched." for number in range(1, 12)]
        self.assert_refused("has 11 steps", *steps)

    def test_refuses_a_document_without_a_tour(self):
        self.assert_refused("there is no section", heading="Something else")

    def test_refuses_a_tour_without_steps(self):
        self.assert_refused("has 0 steps")


if __name__ == "__main__":
    unittest.main()
