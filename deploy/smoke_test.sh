#!/usr/bin/env bash
# Checks that a server does its job: it answers, stores a few pictures, finds each of them, and deletes them again. It is safe on a
# server in use: its pictures have ids of their own, exist for about a second, and are deleted even when a check fails.
# It needs the program semblance, and python3, which makes the pictures.
set -euo pipefail

readonly usage="Usage: deploy/smoke_test.sh [HOST:PORT]   default: 127.0.0.1:50051

SEMBLANCE names the command line's program; default: semblance of the PATH, else build/release/bin/semblance.
Exit codes: 0 all is well, 1 a check failed, 2 usage."

fail() {
  echo "smoke test: FAILED: $*" >&2
  exit 1
}

usage_error() {
  printf 'smoke test: %s\n%s\n' "$1" "$usage" >&2
  exit 2
}

find_program() {
  local built
  built="$(dirname "${BASH_SOURCE[0]}")/../build/release/bin/semblance"
  if [[ -n "${SEMBLANCE:-}" ]]; then
    echo "$SEMBLANCE"
  elif command -v semblance >/dev/null; then
    command -v semblance
  else
    echo "$built"
  fi
}

# Writes five gray PNGs of 64 by 64 pixels into the directory $1. Each has another pattern.
make_pictures() {
  python3 - "$1" <<'PYTHON'
import struct, sys, zlib

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

side = 64
patterns = {
    "stripes": lambda x, y: 255 * (x // 8 % 2),
    "bars": lambda x, y: 255 * (y // 8 % 2),
    "board": lambda x, y: 255 * ((x // 16 + y // 16) % 2),
    "ramp": lambda x, y: 2 * (x + y),
    "disc": lambda x, y: 255 * ((x - 32) ** 2 + (y - 32) ** 2 < 400),
}
for name, pattern in patterns.items():
    rows = b"".join(b"\0" + bytes(pattern(x, y) for x in range(side)) for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    with open(f"{sys.argv[1]}/{name}.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
PYTHON
}

[[ $# -le 1 ]] || usage_error "one address at most"
case "${1:-}" in
  --help | -h) echo "$usage" && exit 0 ;;
  -*) usage_error "unknown flag $1" ;;
esac
readonly address=${1:-127.0.0.1:50051}
program=$(find_program)
command -v "$program" >/dev/null || usage_error "there is no program $program"
command -v python3 >/dev/null || usage_error "there is no python3"

directory=$(mktemp --directory)
prefix="semblance-smoke-test/$(date +%s)-$$-$RANDOM/"
readonly prefix
readonly names=(stripes bars board ramp disc)
ids=()
for name in "${names[@]}"; do
  ids+=("${prefix}pictures/$name.png")
done

call() { "$program" "$1" "${@:2}" --server="$address" --timeout_seconds=30; }

# This runs at the end in every case. Deleting items that do not exist is no error.
clean_up() {
  local result=$?
  trap - EXIT
  rm -rf "$directory"
  if ! call items delete "${ids[@]}" >/dev/null; then
    echo "smoke test: FAILED: these items may be left behind: ${ids[*]}" >&2
    result=1
  fi
  if [[ $result -eq 0 ]]; then
    echo "smoke test: all is well: $address"
  fi
  exit "$result"
}

step() { echo "smoke test: $*"; }

step "status"
status=$(call status --json) || fail "$address does not answer"
state=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["state"])' <<<"$status")
[[ "$state" == SERVER_STATE_SERVING || "$state" == SERVER_STATE_DEGRADED ]] || fail "the state of $address is $state"
[[ "$state" == SERVER_STATE_SERVING ]] || echo "smoke test: note: the server is DEGRADED" >&2

mkdir -p "$directory/in/pictures"
make_pictures "$directory/in/pictures"
trap clean_up EXIT

step "storing ${#names[@]} pictures"
call ingest "$directory/in" --id_prefix="$prefix" --retry_seconds=10 --json >"$directory/ingest.json" || fail "the pictures were not stored"

step "reading one back"
call items get "${ids[0]}" --image_out="$directory/back.png" >/dev/null || fail "${ids[0]} cannot be read"
cmp --silent "$directory/back.png" "$directory/in/pictures/${names[0]}.png" || fail "${ids[0]} is not what was stored"

step "searching"
for name in "${names[@]}"; do
  call search "$directory/in/pictures/$name.png" --top_k=10 --json >"$directory/found.json" || fail "the search for $name failed"
  grep --quiet --fixed-strings "\"${prefix}pictures/$name.png\"" "$directory/found.json" ||
    fail "$name was stored and is not among the 10 nearest of itself"
done

step "deleting"
call items delete "${ids[@]}" >/dev/null || fail "the pictures were not deleted"
! call items get "${ids[0]}" >/dev/null 2>&1 || fail "${ids[0]} is still there after it was deleted"
