#!/usr/bin/env bash
# Checks format, proto rules, scripts, layers, documents, headers, one definition for each name, and clang-tidy. Prints what it
# skips, and exits with 1 if a check fails.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly buf_version=1.75.0
readonly build=build/release

usage() {
  cat <<USAGE
Usage: scripts/lint.sh [--quick | --all | --since=REVISION]

clang-tidy looks at the C++ files that differ from REVISION (default: origin/main where it exists, else the last commit), the other
checks at everything.

  --quick  format, proto rules, scripts, layers and documents alone: less than a minute, and nothing but Debian's packages
  --all    clang-tidy over every file, which takes long
  --help   this text
USAGE
}

sources() {
  git ls-files --cached --others --exclude-standard -- '*.cc' '*.h' | while read -r file; do [[ ! -f $file ]] || echo "$file"; done
}

default_revision() {
  git rev-parse --verify --quiet origin/main || echo HEAD
}

# Prints the .cc files that are new or changed since $1. For a changed header, it prints the .cc file of that name.
changed_since() {
  local base
  base=$(git merge-base "$1" HEAD)
  { git diff --name-only "$base" && git ls-files --others --exclude-standard; } | sed -n 's/\.h$/.cc/p; /\.cc$/p' | sort --unique |
    while read -r file; do [[ ! -f $file ]] || echo "$file"; done
}

check_format() {
  sources | xargs --no-run-if-empty clang-format-14 --dry-run --Werror
}

# Configures, and makes the generated headers that sources include. This also compiles every public header alone.
prepare_build() {
  cmake --preset release --log-level=NOTICE &&
    cmake --build "$build" --parallel "$(nproc)" --target all_verify_interface_header_sets
}

# Runs clang-tidy over the files named on standard input.
check_tidy() {
  scripts/clang_tidy.py --build="$build"
}

# Runs the test proto, which checks the rules of buf's category STANDARD, and that every name is explained.
check_proto_rules() {
  cmake --preset release --log-level=NOTICE >/dev/null &&
    cmake --build "$build" --parallel "$(nproc)" --target proto_test >/dev/null &&
    "$build/bin/proto_test" --gtest_brief=1
}

# Prints the tag of the newest release, or nothing.
newest_release() {
  git tag --list 'v[0-9]*' --sort=-version:refname | head -n 1
}

# Checks the same rules with buf itself, and that no change breaks clients of the newest release.
check_proto_with_buf() {
  if ! command -v npm >/dev/null; then
    echo "skipped: npm is not installed (the test proto checks the rules; nothing else compares with the newest release)"
    return
  fi
  local buf=build/lint/node_modules/.bin/buf release
  if [[ "$($buf --version 2>/dev/null)" != "$buf_version" ]]; then
    npm install --silent --no-audit --no-fund --prefix build/lint "@bufbuild/buf@$buf_version"
  fi
  $buf lint proto
  release=$(newest_release)
  if [[ -z "$release" ]]; then
    echo "There is no release to compare the API with: no tag v*."
    return
  fi
  $buf breaking proto --against ".git#tag=$release,subdir=proto"
}

# Links the programs with link-time optimization. Two different types or functions of the same name are then an error (-Wodr).
check_definitions() {
  cmake --preset lto-odr --log-level=NOTICE >/dev/null && cmake --build --preset lto-odr --parallel "$(nproc)"
}

check_scripts() {
  git ls-files -- '*.sh' .ci/run deploy/debian/p* | xargs --no-run-if-empty shellcheck
}

failed=()
run() {
  echo "== $1"
  "${@:2}" || failed+=("$1")
}

main() {
  local files quick=""
  case "${1:-}" in
    "") files=$(changed_since "$(default_revision)") ;;
    --since=*) files=$(changed_since "${1#--since=}") ;;
    --quick) quick=1 ;;
    --all) files=$(sources | grep '\.cc$') ;;
    --help) usage && return ;;
    *) usage >&2 && exit 2 ;;
  esac
  run "format (make format mends it)" check_format
  run "proto rules" check_proto_rules
  run "scripts" check_scripts
  run "layers" scripts/check_layers.py
  run "documents" python3 tests/scripts/documents_test.py "$build"
  if [[ -z "$quick" ]]; then
    run "proto" check_proto_with_buf
    run "headers" prepare_build
    run "one definition rule" check_definitions
    run "clang-tidy" check_tidy <<<"$files"
  fi
  if [[ ${#failed[@]} -gt 0 ]]; then
    printf 'lint: failed: %s\n' "${failed[@]}" >&2
    return 1
  fi
  echo "lint: all checks passed"
}

main "$@"
