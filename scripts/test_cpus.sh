#!/usr/bin/env bash
# Runs the tests that link LibTorch or FAISS with each kernel that OpenBLAS and LibTorch may choose for a processor. Kernels add in
# different orders, so a test whose tolerance is narrower than its arithmetic passes on some processors only. Exits with 1 if a test
# fails with any kernel.
set -euo pipefail
cd "$(dirname "$0")/.."

# Each setting is one variable on top of an environment without these variables, because the two libraries choose independently of
# each other. oneDNN's ONEDNN_MAX_CPU_ISA is not among them: LibTorch asks the processor itself whether oneDNN can multiply
# bfloat16, and then fails.
readonly settings=(
  unset
  OPENBLAS_CORETYPE=SANDYBRIDGE OPENBLAS_CORETYPE=HASWELL OPENBLAS_CORETYPE=SKYLAKEX
  ATEN_CPU_CAPABILITY=default ATEN_CPU_CAPABILITY=avx2 ATEN_CPU_CAPABILITY=avx512
)
readonly variables=(OPENBLAS_CORETYPE ATEN_CPU_CAPABILITY)
readonly logs=build/test-cpus
# This may be any program that is linked with LibTorch. It tells which kernels OpenBLAS chose.
readonly probe=build/release/bin/embedder_torch_test

usage() {
  cat <<USAGE
Usage: scripts/test_cpus.sh [CTEST ARGUMENT...]

Runs the tests of build/release that link LibTorch or FAISS (labels torch, faiss), less those labeled slow, with each of
$(printf '  %s\n' "${settings[@]}")

ATEN_CPU_CAPABILITY is for the tests that link LibTorch. A setting that this processor cannot execute is skipped, and the table at the
end says so. The output is kept in $logs/. CTest arguments, for example -R trainer, choose among the tests.

The slow tests run the same functions in whole programs, many times over: trainer and embedder_torch test the arithmetic of the training
runs, index and service_engine that of the servers.
USAGE
}

# The words of /proc/cpuinfo that a processor must have for a setting. Neither library checks this itself.
flags_of() {
  case "$1" in
    *=SANDYBRIDGE) echo avx ;;
    *=HASWELL | *=avx2) echo avx2 fma ;;
    *=SKYLAKEX | *=avx512) echo avx512f avx512dq avx512bw avx512vl fma ;;
  esac
}

# Runs a command in an environment with only that setting. Settings of the caller are removed, so that "unset" is really unset.
with_setting() {
  local setting=$1 unset=("${variables[@]/#/--unset=}")
  shift
  if [[ $setting == unset ]]; then env "${unset[@]}" "$@"; else env "${unset[@]}" "$setting" "$@"; fi
}

# Prints the kernels that OpenBLAS says it chose under a setting, or nothing if another BLAS is installed.
blas_core() {
  with_setting "$1" OPENBLAS_VERBOSE=2 "$probe" --gtest_list_tests 2>&1 >/dev/null | sed -n '/^Core: /{s///p;q}' || true
}

# Prints the labels of the tests that a setting concerns.
labels_of() {
  case "$1" in
    ATEN_*) echo '^torch$' ;;
    *) echo '^(faiss|torch)$' ;;
  esac
}

# Prints the reason why a setting cannot be tried here, or nothing if it can.
obstacle() {
  local flag core
  for flag in $(flags_of "$1"); do
    if ! grep -qw -- "$flag" /proc/cpuinfo; then
      echo "this processor has no $flag"
      return
    fi
  done
  if [[ $1 == OPENBLAS_CORETYPE=* ]]; then
    core=$(blas_core "$1")
    if [[ ${core^^} != "${1#*=}" ]]; then echo "the BLAS here has no such kernels${core:+, and takes those for $core}"; fi
  fi
}

# Prints the tests that failed according to a log of CTest, followed by their cases that failed.
failures_in() {
  {
    sed -n '/^The following tests FAILED:/,$ s/^[[:space:]]*[0-9]* - \([^ ]*\) .*/\1/p' "$1"
    sed -n 's/^\[  FAILED  \] \([^ ,]*\).* ([0-9]* ms)$/\1/p' "$1"
  } | paste -s -d ' '
}

table=()
# row SETTING RESULT SECONDS KERNELS REMARK: adds a line to the table.
row() {
  table+=("$(printf '%-29s %-7s %7s  %-11s %s' "$@")")
}

main() {
  local setting number=0 why core log start failed=0 skipped=0
  if [[ ${1:-} == --help ]]; then usage && return; fi
  if [[ ! -x $probe ]]; then
    echo "test_cpus: $probe is not there; make test-cpus builds it." >&2
    return 2
  fi
  # The setting may concern none of the chosen tests.
  if [[ $# -gt 0 ]]; then set -- "$@" --no-tests=ignore; fi
  mkdir -p "$logs"
  row setting result seconds OpenBLAS "tests, or the reason"
  for setting in "${settings[@]}"; do
    number=$((number + 1))
    why=$(obstacle "$setting")
    if [[ -n $why ]]; then
      echo "== $number/${#settings[@]} $setting: skipped, $why"
      skipped=$((skipped + 1))
      row "$setting" skipped - - "$why"
      continue
    fi
    core=$(blas_core "$setting")
    echo "== $number/${#settings[@]} $setting (kernels of OpenBLAS: ${core:-none})"
    log=$logs/${setting#*=}.log
    start=$SECONDS
    if with_setting "$setting" ctest --preset release -L "$(labels_of "$setting")" -LE '^slow$' "$@" 2>&1 | tee "$log"; then
      why=$(sed -n 's/^.*, 0 tests failed out of \([0-9]*\)$/all \1 passed/p' "$log")
      row "$setting" passed "$((SECONDS - start))" "${core:--}" "${why:-none was chosen}"
    else
      failed=$((failed + 1))
      row "$setting" FAILED "$((SECONDS - start))" "${core:--}" "$(failures_in "$log")"
    fi
  done
  printf '\n'
  printf '%s\n' "${table[@]}"
  echo "test_cpus: $((number - failed - skipped)) settings passed, $failed failed, $skipped skipped; the output is in $logs/"
  return $((failed > 0))
}

main "$@"
