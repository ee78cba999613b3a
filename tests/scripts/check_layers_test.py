#!/usr/bin/env python3
"""Small bad trees that scripts/check_layers.py must refuse, and good ones that it must accept."""

import os
import subprocess
import sys
import tempfile
import unittest

CHECKER = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "check_layers.py")


# The checker reads its rules from this document.
ARCHITECTURE = """# Architecture

| folder | a table under another heading is not read | may use |
|---|---|---|
| `util` | | everything |

## Layout

| folder | what lives there | may use |
|---|---|---|
| `common/threads` | | - |
| `common` | | `common/*` |
| `embedder` | | `common/*`, `proto/storage` |
| `embedder/torch` | | `common/*`, `embedder` |
| `index/contract`: `index/options`, `index/interface` | | `common/*` |
| `index/rows` | | `index/contract` |
| `index` | | `common/*`, `index/*` |
| `catalog` | | `common/*` |
| `service/engine` | | `index/contract` |
| `service` | | `index`, `embedder/*`, `service/*`, `proto/*` |
| `tests` | | everything |

| vendor | headers | CMake targets | who may reach it |
|---|---|---|---|
| LibTorch | `torch/` | `semblance::torch` | `embedder/torch/` |
| FAISS | `faiss/` | `semblance::faiss` | `index/*.cc` |
| gRPC | `grpc/`, `grpcpp/` | `semblance::grpc_proto` | `service/main.cc`, `tests/` |

## The end
"""


def check(files):
    """Returns the exit status and the lines that the checker prints for a tree of path -> text."""
    files = {"docs/architecture.md": ARCHITECTURE, **files}
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        run = subprocess.run([sys.executable, CHECKER, root], stdout=subprocess.PIPE, text=True, check=False)
        return run.returncode, run.stdout.splitlines()


class CheckLayersTest(unittest.TestCase):
    def assert_refused(self, files, *lines):
        self.assertEqual(check(files), (1, list(lines)))

    def test_accepts_what_the_table_allows(self):
        files = {
            "common/threads/mutex.h": "#include <mutex>\n",
            "common/file.h": '#include "common/threads/mutex.h"\n#include <string>\n',
            "index/flat.h": '#include "common/file.h"\n',
            "index/flat.cc": '#include "index/flat.h"\n#include <faiss/IndexFlat.h>\n',
            "index/CMakeLists.txt": "semblance_library(index PRIVATE_DEPS semblance::common semblance::faiss)\n",
            "service/main.cc": '#include "semblance/v1/search_service.grpc.pb.h"\n#include "index/flat.h"\n',
            "tests/index/CMakeLists.txt": "semblance_test(index DEPS semblance::index semblance::testing)\n",
            "tests/testing/CMakeLists.txt": "semblance_library(testing DEPS semblance::common)\n",
            "tests/index/flat_test.cc": '#include "index/flat.h"\n#include "catalog/catalog.h"\n',
        }
        self.assertEqual(check(files), (0, ["9 files keep to the layers."]))

    def test_refuses_an_include_against_the_flow(self):
        self.assert_refused({"index/a.cc": '#include "catalog/b.h"\n', "catalog/b.h": ""}, "index/a.cc: index may not include catalog/b.h")

    def test_a_folder_does_not_open_the_one_below_it(self):
        self.assert_refused(
            {"embedder/a.cc": '#include "embedder/torch/b.h"\n', "embedder/torch/b.h": ""},
            "embedder/a.cc: embedder may not include embedder/torch/b.h",
        )

    def test_a_row_of_files_is_the_lower_part_of_its_folder(self):
        files = {
            "index/options.h": "",
            "index/segmented.h": '#include "index/options.h"\n#include "index/rows/row.h"\n',
            "index/rows/row.h": '#include "index/options.h"\n#include "index/segmented.h"\n',
        }
        self.assert_refused(files, "index/rows/row.h: index/rows may not include index/segmented.h")

    def test_a_row_of_files_may_not_include_the_rest_of_its_folder(self):
        self.assert_refused(
            {"index/options.cc": '#include "index/rows/row.h"\n', "index/rows/row.h": ""},
            "index/options.cc: index/contract may not include index/rows/row.h",
        )

    def test_a_pattern_of_files_does_not_reach_into_sub_folders(self):
        self.assert_refused({"index/rows/a.cc": "#include <faiss/Index.h>\n"}, "index/rows/a.cc: may not reach FAISS (faiss/Index.h)")

    def test_tells_generated_headers_apart(self):
        self.assert_refused(
            {"embedder/a.cc": '#include "semblance/storage/v1/bundle.pb.h"\n#include "semblance/v1/common.pb.h"\n'},
            "embedder/a.cc: embedder may not include semblance/v1/common.pb.h",
        )

    def test_keeps_grpc_out_of_the_engine(self):
        self.assert_refused(
            {"service/engine/a.h": "#include <grpcpp/grpcpp.h>\n"}, "service/engine/a.h: may not reach gRPC (grpcpp/grpcpp.h)"
        )

    def test_keeps_vendor_types_out_of_public_headers(self):
        self.assert_refused({"index/a.h": "#  include <faiss/Index.h>\n"}, "index/a.h: may not reach FAISS (faiss/Index.h)")

    def test_follows_vendor_headers_through_our_own(self):
        files = {
            "service/main.cc": '#include "embedder/torch/a.h"\n',
            "embedder/torch/a.h": '#include "embedder/torch/b.h"\n',
            "embedder/torch/b.h": "#include <torch/torch.h>\n",
        }
        self.assert_refused(files, "service/main.cc: may not reach LibTorch (torch/torch.h, by embedder/torch/b.h)")

    def test_refuses_a_dependency_against_the_flow(self):
        files = {
            "catalog/CMakeLists.txt": "semblance_library(catalog DEPS semblance::common)\n",
            "index/CMakeLists.txt": "semblance_library(index\n  # semblance::trainer\n  DEPS semblance::catalog semblance::torch)\n",
            "service/CMakeLists.txt": "semblance_library(service/engine DEPS semblance::grpc_proto)\n",
        }
        self.assert_refused(
            files,
            "index/CMakeLists.txt: semblance_index may not link to LibTorch (semblance::torch)",
            "index/CMakeLists.txt: semblance_index may not link to semblance::catalog",
            "service/CMakeLists.txt: semblance_service_engine may not link to gRPC (semblance::grpc_proto)",
        )

    def test_refuses_a_folder_that_the_table_does_not_know(self):
        self.assert_refused({"util/a.h": ""}, "util/a.h: belongs to no folder of the table")


if __name__ == "__main__":
    unittest.main()
