#!/usr/bin/env python3
"""Checks that includes and CMake dependencies follow the layers of docs/architecture.md.

Usage: check_layers.py [ROOT]

Prints a line for each violation and exits with 1 if there is one. The rules are the two tables below: mend them together with the
table of docs/architecture.md.
"""

import fnmatch
import os
import posixpath
import re
import sys

PROTO = ["proto/storage", "proto/config", "proto/rpc"]

# Folder: the other folders that it may use. A file belongs to the deepest folder of the table that holds it.
MAY_USE = {
    "common": [],
    "dataset": ["common"],
    "embedder": ["common", "proto/storage"],
    "embedder/torch": ["common", "embedder", "proto/storage"],
    "index": ["common"],
    "catalog": ["common"],
    "generation": ["common", "embedder", "index", "catalog", "proto/storage", "proto/config"],
    "training_config": ["common", "dataset", "embedder", "proto/storage", "proto/config"],
    "trainer": [
        *("common", "dataset", "training_config", "embedder", "embedder/torch", "index", "catalog"),
        *("proto/storage", "proto/config"),
    ],
    "builder": ["common", "embedder", "embedder/torch", "index", "catalog", "generation", "proto/storage", "proto/config"],
    "service/jobs": ["common"],
    "service/engine": [
        *("common", "training_config", "embedder", "index", "catalog", "generation", "service/jobs"),
        *("proto/storage", "proto/config"),
    ],
    "service/rpc": ["common", "embedder", "index", "catalog", "generation", "service/engine", *PROTO],
    "service/http": ["common", "service/engine", "service/rpc", *PROTO],
    # main.cc, which names the concrete classes.
    "service": [
        *("common", "embedder", "embedder/torch", "index", "catalog", "generation"),
        *("service/jobs", "service/engine", "service/rpc", "service/http"),
        *PROTO,
    ],
    "cli": ["common", "dataset", "training_config", *PROTO],
}
# These join everything.
UNLIMITED = ["bench", "tests"]

# Vendor: (what its headers start with, its CMake targets, the folders/ and files that may reach it, also through headers of ours).
VENDORS = {
    "LibTorch": (["torch/", "ATen/", "c10/"], ["semblance::torch"], ["embedder/torch/", "trainer/", "tests/"]),
    "FAISS": (["faiss/"], ["semblance::faiss"], ["index/*.cc", "bench/"]),
    "gRPC": (
        ["grpc/", "grpcpp/"],
        ["gRPC::grpc++", "gRPC::grpc++_reflection", "semblance::grpc_proto"],
        ["service/rpc/", "service/main.cc", "cli/", "tests/", "bench/"],
    ),
    "OpenCV": (["opencv2/"], ["semblance::opencv"], ["embedder/*.cc", "trainer/*.cc", "tests/", "bench/"]),
    "SQLite": (["sqlite3.h"], ["SQLite::SQLite3"], ["catalog/", "tests/catalog/"]),
}

# Generated code: what its headers look like, its CMake targets, its folder in the table.
GENERATED = [
    (r"semblance/storage/v1/", ["storage_proto"], "proto/storage"),
    (r"semblance/v1/(server|training)_config\.pb\.h", ["config_proto"], "proto/config"),
    (r"(semblance/v1|google/rpc)/", ["rpc_proto", "grpc_proto", "error_proto"], "proto/rpc"),
]

NOT_SOURCES = {".git", "build", "node_modules", "proto", "cmake"}


def folder_of(path):
    """The deepest folder of the tables that holds the path, or None."""
    folder = posixpath.dirname(path)
    while folder and folder not in MAY_USE and folder not in UNLIMITED:
        folder = posixpath.dirname(folder)
    return folder or None


def generated_folder_of(header):
    return next((folder for pattern, _, folder in GENERATED if re.match(pattern, header)), None)


def may_use(user, used):
    return user in UNLIMITED or user == used or used in MAY_USE[user]


def may_reach(path, vendor):
    folder, name = posixpath.split(path)
    patterns = [posixpath.split(pattern) for pattern in VENDORS[vendor][2]]
    return any(
        folder == allowed and fnmatch.fnmatch(name, files) if files else f"{folder}/".startswith(f"{allowed}/")
        for allowed, files in patterns
    )


def vendor_of_header(header):
    if header.endswith(".grpc.pb.h"):
        return "gRPC"
    return next((name for name, (headers, _, _) in VENDORS.items() if header.startswith(tuple(headers))), None)


def read_tree(root):
    """Path -> text of the C++ files and CMakeLists.txt below the root's source folders."""
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


def check_folders(path, includes):
    user = folder_of(path)
    if user is None:
        return [f"{path}: belongs to no folder of the table"]
    used = ((header, folder_of(header) or generated_folder_of(header)) for header in includes)
    return [f"{path}: {user} may not include {header}" for header, folder in used if folder and not may_use(user, folder)]


def check_vendors(path, includes):
    """Follows the includes of `path` through our own headers; `includes` maps each file to what it includes."""
    problems, seen, waiting = [], {path}, [(path, header) for header in includes[path]]
    while waiting:
        via, header = waiting.pop()
        vendor = vendor_of_header(header)
        if vendor and not may_reach(path, vendor):
            problems.append(f"{path}: may not reach {vendor} ({header}" + ("" if via == path else f", by {via}") + ")")
        elif header in includes and header not in seen:
            seen.add(header)
            waiting += [(header, further) for further in includes[header]]
    return problems


def check_sources(texts):
    includes = {path: includes_of(text) for path, text in texts.items() if not path.endswith("CMakeLists.txt")}
    return [line for path in includes for line in check_folders(path, includes[path]) + check_vendors(path, includes)]


def cmake_targets(path, text):
    """The targets of a CMakeLists.txt: name, folder and what follows. A library named after a folder is that folder's."""
    named_after = {"semblance_" + folder.replace("/", "_"): folder for folder in MAY_USE}
    text = re.sub("#.*", "", text)
    for match in re.finditer(r"\b(semblance_library|semblance_test|target_link_libraries)\s*\(([^()]*)\)", text):
        name, *arguments = match.group(2).split()
        if match.group(1) == "semblance_library":
            name = "semblance_" + name.replace("/", "_")
        yield name, named_after.get(name, posixpath.dirname(path)), arguments


def check_cmake(texts):
    lists = {path: text for path, text in texts.items() if path.endswith("/CMakeLists.txt")}
    targets = [(path, *target) for path, text in lists.items() for target in cmake_targets(path, text)]
    owners = {name.replace("semblance_", "semblance::", 1): folder_of(f"{folder}/main.cc") for _, name, folder, _ in targets}
    owners |= {f"semblance::{name}": folder for _, names, folder in GENERATED for name in names}
    problems = []
    for path, name, folder, dependencies in targets:
        user = folder_of(f"{folder}/main.cc")
        for dependency in dependencies:
            vendor = next((vendor for vendor, (_, links, _) in VENDORS.items() if dependency in links), None)
            if vendor and not may_reach(f"{folder}/main.cc", vendor):
                problems.append(f"{path}: {name} may not link to {vendor} ({dependency})")
            elif dependency in owners and not may_use(user, owners[dependency]):
                problems.append(f"{path}: {name} may not link to {dependency}")
    return problems


def main():
    texts = read_tree(sys.argv[1] if len(sys.argv) > 1 else ".")
    problems = check_sources(texts) + check_cmake(texts)
    for problem in sorted(set(problems)):
        print(problem)
    if not problems:
        print(f"{len(texts)} files keep to the layers.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
