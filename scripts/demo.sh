#!/usr/bin/env bash
# The main job on real images: trains a model, serves it, ingests the test images, searches with each of them, and reports.
# Usage: scripts/demo.sh [DATA]   DATA: any data set that the trainer reads; default: Fashion-MNIST (Debian's dataset-fashion-mnist).
# Results: build/demo/report.json and build/demo/neighbours.png. Programs: build/release/bin (make build).
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
stop_server() {
  if [[ -n "$server_pid" ]]; then
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid"
    server_pid=""
  fi
}
trap stop_server EXIT

# Sets $address when the server has a model and answers.
start_server() {
  "$bin/semblance-server" --data_dir="$out/data" --model="$out/bundle" --listen=127.0.0.1:0 >"$out/server.out" 2>"$out/server.log" &
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
start_server
"$bin/semblance" status --server="$address"

step "Ingesting the test images through gRPC"
"$bin/semblance" ingest "$data" --split=test --server="$address" --json >"$out/ingest.json"

step "Searching with every test image"
"$bin/semblance-demo-report" --server="$address" --data="$data" --bundle="$out/bundle" --ingest_report="$out/ingest.json" \
  --output_dir="$out"

step "Stopping the server"
stop_server
echo "Stopped cleanly. Report: $out/report.json. Queries and their neighbours: $out/neighbours.png"
