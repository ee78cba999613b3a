#!/usr/bin/env python3
"""Checks that includes and CMake dependencies follow the layers of docs/architecture.md.

Usage: check_layers.py [ROOT]

Prints a line for each violation and exits with 1 if there is one. The rules are the two tables under "Layout" in
ROOT/docs/architecture.md: the layers (folder, what lives there, what it may use) and the vendors (name, headers, CMake targets, who may
reach it). In the column "may use", `folder` opens that row alone, `folder/*` that row and all rows below it, and "everything" all rows.
A row whose first cell names further paths after a colon holds only these files: it is the lower part of a folder.
"""

import fnmatch
import os
import posixpath
import re
import sys

# The heading of docs/architecture.md under which both tables are.
HEADING = "## Layout"

# Generated code: a pattern for its headers, its CMake targets, and its folder in the table.
GENERATED = [
    (r"semblance/storage/v1/", ["storage_proto"], "proto/storage"),
    (r"semblance/v1/error_reason\.pb\.h", ["error_reason_proto"], "proto/errors"),
    (r"semblance/v1/(field_rules|(generation|loss|server|training)_config)\.pb\.h", ["config_proto"], "proto/config"),
    (r"(semblance/v1|google/rpc)/", ["rpc_proto", "grpc_proto", "error_details_proto"], "proto/rpc"),
]

NOT_SOURCES = {".git", "build", "node_modules", "proto", "cmake"}


class Rules:
    """The two tables of docs/architecture.md."""

    def __init__(self, document):
        tables = list(tables_of(document[document.index(HEADING) :].split("\n## ", 1)[0]))
        layers = next(rows for rows in tables if rows[0][0] == "folder")[1:]
        vendors = next(rows for rows in tables if rows[0][0] == "vendor")[1:]
        self.files = {}  # "index/key_set" -> the row that holds index/key_set.h and index/key_set.cc.
        self.may_use = {}  # Row -> patterns of rows, or None where it may use everything.
        for first, _, uses in layers:
            name, *stems = quoted(first)
            self.files.update({stem: name for stem in stems})
            self.may_use[name] = None if uses == "everything" else quoted(uses)
        # Maps a vendor to the beginning of its headers, its CMake targets, and the folders/ and files that may use it.
        self.vendors = {first: tuple(map(quoted, rest)) for first, *rest in vendors}

    def layer_of(self, path):
        """The row that holds the file, or None."""
        folder, name = posixpath.split(path)
        stem = posixpath.join(folder, name.split(".")[0])
        if stem in self.files:
            return self.files[stem]
        while folder and folder not in self.may_use:
            folder = posixpath.dirname(folder)
        return folder or None

    def folder_of_target(self, name, folder):
        """A library named after a row belongs to that row, and any other target to the folder of its CMakeLists.txt."""
        named_after = {"semblance_" + row.replace("/", "_"): row for row in self.may_use}
        return named_after.get(name, folder)

    def allows(self, user, used):
        if user == used or self.may_use[user] is None:
            return True
        return any(
            used == pattern or (pattern.endswith("/*") and f"{used}/".startswith(pattern[:-1])) for pattern in self.may_use[user]
        )

    def allows_vendor(self, path, vendor):
        folder, name = posixpath.split(path)
        patterns = [posixpath.split(pattern) for pattern in self.vendors[vendor][2]]
        return any(
            folder == allowed and fnmatch.fnmatch(name, files) if files else f"{folder}/".startswith(f"{allowed}/")
            for allowed, files in patterns
        )

    def vendor_of_header(self, header):
        if header.endswith(".grpc.pb.h"):
            return "gRPC"
        return next((name for name, (headers, _, _) in self.vendors.items() if header.startswith(tuple(headers))), None)

    def vendor_of_target(self, target):
        return next((name for name, (_, targets, _) in self.vendors.items() if target in targets), None)


def tables_of(document):
    """Each table of the Markdown text as a list of rows, the heading first."""
    rows = []
    for line in document.splitlines() + [""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield [row for row in rows if not set("".join(row)) <= set("-: ")]
            rows = []


def quoted(cell):
    return re.findall("`([^`]*)`", cell)


def generated_layer_of(header):
    return next((layer for pattern, _, layer in GENERATED if re.match(pattern, header)), None)


def read_tree(root):
    """Maps paths to the text of the C++ files and CMakeLists.txt below the root's source folders."""
    texts = {}
    for directory, folders, names in os.walk(root):
        if os.path.samefile(directory, root):
            folders[:] = [folder for folder in folders if folder not in NOT_SOURCES]
        for name in names:
            if name.endswith((".cc", ".h")) or name == "CMakeLists.txt":
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as file:
                    texts[os.path.relpath(path, root).replace(os.sep, "/")] = file.read()
    return texts


def includes_of(text):
    return [match.group(1) for match in re.finditer(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, re.MULTILINE)]


def check_folders(rules, path, includes):
    user = rules.layer_of(path)
    if user is None:
        return [f"{path}: belongs to no folder of the table"]
    used = ((header, rules.layer_of(header) or generated_layer_of(header)) for header in includes)
    return [f"{path}: {user} may not include {header}" for header, layer in used if layer and not rules.allows(user, layer)]


def check_vendors(rules, path, includes):
    """Follows the includes of `path` through our own headers; `includes` maps each file to what it includes."""
    problems, seen, waiting = [], {path}, [(path, header) for header in includes[path]]
    while waiting:
        via, header = waiting.pop()
        vendor = rules.vendor_of_header(header)
        if vendor and not rules.allows_vendor(path, vendor):
            problems.append(f"{path}: may not reach {vendor} ({header}" + ("" if via == path else f", by {via}") + ")")
        elif header in includes and header not in seen:
            seen.add(header)
            waiting += [(header, further) for further in includes[header]]
    return problems


def check_sources(rules, texts):
    includes = {path: includes_of(text) for path, text in texts.items() if not path.endswith("CMakeLists.txt")}
    return [
        line for path in includes for line in check_folders(rules, path, includes[path]) + check_vendors(rules, path, includes)
    ]


def cmake_targets(rules, path, text):
    """Yields the targets of a CMakeLists.txt: the name, the folder, and the rest of the command."""
    text = re.sub("#.*", "", text)
    for match in re.finditer(r"\b(semblance_library|semblance_test|target_link_libraries)\s*\(([^()]*)\)", text):
        name, *arguments = match.group(2).split()
        if match.group(1) == "semblance_library":
            name = "semblance_" + name.replace("/", "_")
        yield name, rules.folder_of_target(name, posixpath.dirname(path)), arguments


def check_cmake(rules, texts):
    lists = {path: text for path, text in texts.items() if path.endswith("/CMakeLists.txt")}
    targets = [(path, *target) for path, text in lists.items() for target in cmake_targets(rules, path, text)]
    owners = {name.replace("semblance_", "semblance::", 1): rules.layer_of(f"{folder}/main.cc") for _, name, folder, _ in targets}
    owners |= {f"semblance::{name}": layer for _, names, layer in GENERATED for name in names}
    problems = []
    for path, name, folder, dependencies in targets:
        user = rules.layer_of(f"{folder}/main.cc")
        for dependency in dependencies:
            vendor = rules.vendor_of_target(dependency)
            if vendor and not rules.allows_vendor(f"{folder}/main.cc", vendor):
                problems.append(f"{path}: {name} may not link to {vendor} ({dependency})")
            elif dependency in owners and not rules.allows(user, owners[dependency]):
                problems.append(f"{path}: {name} may not link to {dependency}")
    return problems


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    with open(os.path.join(root, "docs", "architecture.md"), encoding="utf-8") as file:
        rules = Rules(file.read())
    texts = read_tree(root)
    problems = check_sources(rules, texts) + check_cmake(rules, texts)
    for problem in sorted(set(problems)):
        print(problem)
    if not problems:
        print(f"{len(texts)} files keep to the layers.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
