#!/usr/bin/env python3
"""Runs clang-tidy 14 over C++ files, and prints what it finds. Exits with 1 when it finds something.

Most of the time goes into headers of libraries, so the files of one folder are read together, as one unit that includes them. When
a unit cannot be compiled, because two of its files use one name, its files are read one by one.
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

# A larger unit would hide more files behind one clash of names.
FILES_PER_UNIT = 12
# The headers of LibTorch are included below these folders only.
TORCH_FOLDERS = ("trainer/", "embedder/", "tests/")
# Options of GCC that say how code is generated. clang does not know all of them.
NOT_FOR_CLANG = re.compile(r"-(f(lto|no-fat-lto|sanitize|no-sanitize)|O|g\d|W|M)")


def includes_torch(path, seen=None):
    """Tells whether the file includes LibTorch, directly or through headers of this repository."""
    seen = set() if seen is None else seen
    if path in seen or not path.is_file():
        return False
    seen.add(path)
    text = path.read_text()
    if re.search(r"#include <(torch|ATen|c10)/", text):
        return True
    headers = re.findall(r'#include "([^"]+)"', text)
    return any(includes_torch(pathlib.Path(header), seen) for header in headers if header.startswith(TORCH_FOLDERS))


class Commands:
    """The compiler's flags for each file, from compile_commands.json."""

    def __init__(self, build):
        self._root = pathlib.Path.cwd()
        self._by_folder = {}
        for entry in json.loads((build / "compile_commands.json").read_text()):
            # A file of a unity build has no command of its own, so the commands of a folder are put together.
            flags = self._by_folder.setdefault(self._folder_of(entry, build), [])
            flags += [flag for flag in self._flags_of(entry) if flag not in flags]

    def _folder_of(self, entry, build):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(build):
            return str(path.relative_to(build)).split("/CMakeFiles/")[0]
        return str(path.parent.relative_to(self._root))

    @staticmethod
    def _flags_of(entry):
        flags = []
        words = iter(shlex.split(entry["command"]))
        for word in words:
            if word == "-isystem":
                flags.append(word + next(words))
            elif word.startswith(("-D", "-I", "-std=", "-f")) and not NOT_FOR_CLANG.match(word):
                flags.append(word)
        return flags

    def flags_of(self, path):
        """The flags for a file. A folder without a command takes those of the folder above it."""
        for folder in (path.parent, *path.parent.parents):
            if str(folder) in self._by_folder:
                return self._by_folder[str(folder)]
        sys.exit(f"clang_tidy: {path} is in no folder that is built; configure the build again")


def omp_flags():
    """Where clang's own omp.h is not installed, clang reads GCC's, except for the attribute malloc with an argument."""
    header = subprocess.run(["g++", "-print-file-name=include/omp.h"], capture_output=True, text=True, check=True).stdout.strip()
    return ["-idirafter", os.path.dirname(header), "-D__malloc__(x)="]


def tidy(source, flags, torch):
    """Runs clang-tidy over one file, and returns its findings, or an empty text."""
    if torch:
        # clang 14 can read LibTorch's headers as C++17 only.
        flags = [flag for flag in flags if not flag.startswith("-std=")] + ["-std=c++17", "-Wno-c++20-extensions"]
    command = ["clang-tidy-14", "--quiet", r"--header-filter=/(" + "|".join(top_folders()) + r")/.*\.(h|cc)$", str(source), "--"]
    result = subprocess.run(command + flags + omp_flags(), capture_output=True, text=True, check=False)
    return result.stdout if result.returncode != 0 or "warning:" in result.stdout else ""


def top_folders():
    return sorted({line.split("/")[0] for line in subprocess.run(["git", "ls-files", "*.cc"], capture_output=True, text=True,
                                                                 check=True).stdout.splitlines()})


def units_of(files):
    """Groups files by folder, and by whether they include LibTorch: (torch, files)."""
    def key(path):
        return str(path.parent), includes_torch(path)
    for (_, torch), group in itertools.groupby(sorted(files, key=lambda path: (key(path), path)), key):
        group = list(group)
        for begin in range(0, len(group), FILES_PER_UNIT):
            yield torch, group[begin:begin + FILES_PER_UNIT]


def check_unit(commands, torch, files, scratch):
    """Returns the findings in the files of a unit."""
    flags = commands.flags_of(files[0])
    if len(files) > 1:
        unit = scratch / (re.sub(r"\W", "_", str(files[0])) + ".cc")
        unit.write_text("".join(f'#include "{path}"  // NOLINT(bugprone-suspicious-include)\n' for path in files))
        findings = tidy(unit, flags, torch)
        if "[clang-diagnostic-error]" not in findings:
            return findings
    return "".join(tidy(path, flags, torch) for path in files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", type=pathlib.Path, help="a configured build, with its generated headers")
    parser.add_argument("--jobs", default=os.cpu_count(), type=int, help="how many clang-tidy run at once")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="default: the files named on standard input")
    arguments = parser.parse_args()
    files = arguments.files or [pathlib.Path(line) for line in sys.stdin.read().split()]
    commands = Commands(arguments.build.resolve())
    scratch = arguments.build / "clang_tidy"
    scratch.mkdir(exist_ok=True)
    units = list(units_of(files))
    failed = done = 0
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = {pool.submit(check_unit, commands, torch, unit, scratch): unit for torch, unit in units}
        for future in concurrent.futures.as_completed(running):
            unit = running[future]
            done += len(unit)
            print(f"{done}/{len(files)} files, {time.monotonic() - start:.0f} s: {unit[0].parent}", flush=True)
            if findings := future.result():
                failed += 1
                print(findings, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
