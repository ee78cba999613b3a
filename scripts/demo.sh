#!/usr/bin/env bash
# Does the main job on real images: trains a model, serves it, ingests the test images, and searches with each of them. Then it shows
# the loop on a server of its own. A first model of one epoch answers, and all images become items with labels. A job trains a second
# model from this catalog. While searches continue, it is built, activated, compared with the first model, and rolled back.
# Usage: scripts/demo.sh [DATA]   DATA: any data set that the trainer reads; default: Fashion-MNIST (Debian's dataset-fashion-mnist).
# Results are written to build/demo: report.json, neighbours.png, compare.html. The programs are in build/release/bin (make build).
set -euo pipefail
cd "$(dirname "$0")/.."

bin=build/release/bin
out=build/demo
data=${1:-/usr/share/datasets/fashion-mnist}
config=examples/image_folder.textproto
if [[ $# -eq 0 ]]; then
  config=examples/fashion_mnist.textproto
fi

step() { printf '\n== %s\n' "$*"; }

server_pid=""
load_pid=""
# Stops the process and waits for its end. Fails if the process fails.
stop() {
  if [[ -n "$1" ]]; then
    kill -TERM "$1" 2>/dev/null || true
    wait "$1"
  fi
}
trap 'stop "$load_pid" || true; stop "$server_pid"' EXIT

# Prints the value of the first "$2": "..." in the file $1.
field() { sed -n "s/^ *\"$2\": \"\([^\"]*\)\".*/\1/p" "$1" | head -n 1; }

# Starts a server on the data directory $1 with the bundle $2, and sets $address when it answers.
start_server() {
  : >"$out/server.out"  # The loop below may read it before the server's process has opened it.
  "$bin/semblance-server" --data_dir="$1" --model="$2" --listen=127.0.0.1:0 >"$out/server.out" 2>"$out/server.log" &
  server_pid=$!
  local tries
  for ((tries = 0; tries < 600; ++tries)); do
    address=$(sed -n 's/^listening on //p' "$out/server.out")
    if [[ -n "$address" ]] && "$bin/semblance" status --server="$address" --json 2>/dev/null | grep -q SERVER_STATE_SERVING; then
      return
    fi
    if ! kill -0 "$server_pid" 2>/dev/null; then
      break
    fi
    sleep 0.1
  done
  cat "$out/server.log" >&2
  echo "demo: the server did not start" >&2
  exit 1
}

rm -rf "$out"
mkdir -p "$out"

step "Training on $data"
"$bin/semblance-trainer" --config="$config" --set data.path="$data" --set output_dir="$out/bundle"

step "Serving"
start_server "$out/data" "$out/bundle"
"$bin/semblance" status --server="$address"

step "Ingesting the test images through gRPC"
"$bin/semblance" ingest "$data" --split=test --server="$address" --json >"$out/ingest.json"

step "Searching with every test image"
"$bin/semblance-demo-report" --server="$address" --data="$data" --bundle="$out/bundle" --ingest_report="$out/ingest.json" \
  --output_dir="$out"

stop "$server_pid"
server_pid=""
echo "The server stopped cleanly."

step "The loop: a first model, of one epoch, on a server of its own"
"$bin/semblance-trainer" --config="$config" --set data.path="$data" --set output_dir="$out/first" --set epochs=1
start_server "$out/loop" "$out/first"

step "All images become items, with their labels"
"$bin/semblance" ingest "$data" --server="$address" --json >"$out/ingest_all.json"

step "A second model, trained from the catalog as a job, while searches go on"
"$bin/semblance" bench "$data" --split=test --rate=20 --seconds=0 --server="$address" --json >"$out/load.json" 2>"$out/load.log" &
load_pid=$!
"$bin/semblance" train --config="$config" --set data.path= --set data.hold_out=HOLD_OUT_ITEMS --catalog \
  --on_success=activate_if_better --server="$address"
"$bin/semblance" jobs get job-000001 --server="$address" --json >"$out/job.json"
first=gen-000001
second=$(field "$out/job.json" generation)
"$bin/semblance" generations show "$second" --server="$address" --json >"$out/generation.json"
if [[ "$(field "$out/generation.json" state)" != GENERATION_STATE_ACTIVE ]]; then
  echo "It was not activated by itself; by hand, to go on:"
  "$bin/semblance" generations activate "$second" --server="$address"
fi
sleep 2  # Searches that the second answers.

step "Comparing the two"
"$bin/semblance" generations compare "$first" "$second" --out="$out/compare.html" --server="$address"

step "Rolling back"
"$bin/semblance" generations rollback --expected_active="$second" --server="$address" --json >"$out/rollback.json"
"$bin/semblance" generations list --server="$address"
sleep 2  # Searches that the first answers again.
stop "$load_pid"
load_pid=""
stop "$server_pid"
server_pid=""
"$bin/semblance-demo-loop-report" --output_dir="$out" --bundle="$out/loop/jobs/job-000001/model"
echo "Report: $out/report.json. Queries and their neighbours: $out/neighbours.png; of both models: $out/compare.html"
