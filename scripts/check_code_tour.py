#!/usr/bin/env python3
"""Checks that the tours of the code in docs/architecture.md name files and functions that exist.

A tour is a section whose heading begins with "The way of". Each of its numbered steps, ten at most, begins with a file and the
names that a reader looks for in it:

    1. `folder/file.cc`: `Class::Function`, `OtherFunction`. What happens there.

The file must exist. Each name must be defined or declared there: "Class::Function" literally, or Function within Class.

Usage: check_code_tour.py [ROOT]. Prints one line for each problem; the exit status is 1 when there are any.
"""

import os
import re
import sys

MAX_STEPS = 10
STEP = re.compile(r"^\d+\. `([^`]+)`: ((?:`[^`]+`(?:, )?)+)\. ")


def tours(document):
    """Yields (heading, numbered lines) for each section that is a tour."""
    for section in re.split(r"^## ", document, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        if heading.startswith("The way of"):
            yield heading, [line for line in text.splitlines() if re.match(r"\d+\. ", line)]


def has_name(code, name):
    """Returns True if the code has a function or class of that name."""
    if "::" in name and re.search(rf"\b{re.escape(name)}\(", code):
        return True
    *scopes, last = name.split("::")
    return bool(re.search(rf"\b{last}\(|\b(class|struct) (\w+::)*{last}\b", code)) and all(
        re.search(rf"\b(class|struct) (\w+::)*{scope}\b", code) for scope in scopes
    )


def problems_of_step(root, line):
    step = STEP.match(line)
    if step is None:
        return ["is not of the form: 1. `folder/file.cc`: `Function`. What happens there."]
    path = os.path.join(root, step.group(1))
    if not os.path.isfile(path):
        return [f"{step.group(1)} does not exist"]
    with open(path, encoding="utf-8") as file:
        code = re.sub(r"//.*", "", file.read())
    return [f"{step.group(1)} has no {name}" for name in re.findall(r"`([^`]+)`", step.group(2)) if not has_name(code, name)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    with open(os.path.join(root, "docs", "architecture.md"), encoding="utf-8") as file:
        found = list(tours(file.read()))
    problems = [] if found else ['there is no section whose heading begins with "The way of"']
    for heading, steps in found:
        if not 1 <= len(steps) <= MAX_STEPS:
            problems.append(f"{heading}: has {len(steps)} steps; it must have 1 to {MAX_STEPS}")
        for number, line in enumerate(steps, 1):
            problems += [f"{heading}, step {number}: {problem}" for problem in problems_of_step(root, line)]
    for problem in problems:
        print(f"docs/architecture.md: {problem}")
    if not problems:
        print(f"{len(found)} tours name {sum(len(steps) for _, steps in found)} places that exist.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
