#!/bin/sh
# The exit codes and messages of semblance-trainer. Usage: trainer_program_test.sh PROGRAM
set -u
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

# expect CODE WORDS ARGUMENT...: the program ends with CODE and says WORDS.
expect() {
  code=$1
  words=$2
  shift 2
  output=$("$program" "$@" 2>&1)
  found=$?
  if [ "$found" -ne "$code" ] || ! printf '%s' "$output" | grep -qF -e "$words"; then
    echo "FAILED: $* ended with $found, expected $code and the words: $words"
    echo "$output"
    failures=$((failures + 1))
  fi
}

mkdir -p "$dir/one/cat" "$dir/broken/cat" "$dir/broken/dog"
echo "model_name: 'm' output_dir: '$dir/out' data { path: '$dir/one' hold_out: HOLD_OUT_NONE }" >"$dir/config"
echo "no image" >"$dir/one/cat/a.png"
echo "no image" >"$dir/broken/cat/a.png"
echo "no image" >"$dir/broken/dog/b.png"

printf 'anchor\tpositive\tnegative\na.png\tb.png\tc.png\n' >"$dir/triplets.tsv"

expect 0 "Usage" --help
expect 2 "config" --set epochs=1
expect 2 "unknown" --config="$dir/config" --unknown
expect 42 "$dir/absent" --config="$dir/absent"
expect 42 "optimizer.rate" --config="$dir/config" --set optimizer.rate=1
expect 42 "batch_size" --config="$dir/config" --set batch_size=1
expect 42 "no such file" --config="$dir/config" --set data.path="$dir/absent"
expect 42 "at least 2 classes" --config="$dir/config"
expect 42 "cat/a.png" --config="$dir/config" --set data.path="$dir/broken"
expect 42 "exists" --config="$dir/config" --set output_dir="$dir"
expect 42 "set proxies.count" --config="$dir/config" --set data.path="$dir/triplets.tsv" --set proxies.per_class=2
expect 42 "a.png" --config="$dir/config" --set data.path="$dir/triplets.tsv"
[ ! -e "$dir/out" ] || failures=$((failures + 1))
exit "$failures"
