#!/usr/bin/env bash
# Installs the Debian 12 packages that Semblance is built from, tested and demonstrated with. It is safe to run again:
# installed packages are skipped, and nothing is downloaded when nothing is missing.
set -euo pipefail

usage() {
  cat <<USAGE
Usage: scripts/install_dependencies.sh [--lint | --bench]

Installs what build, tests and demo need; as root, or through sudo.

  --lint   also what "make format" and "make lint" need (clang-format, clang-tidy, shellcheck)
  --bench  also what "make bench-training" compares with (PyTorch for Python)
  --help   this text

SEMBLANCE_SKIP_INSTALL=1 in the environment makes it do nothing: for machines whose packages come from elsewhere.
docs/dependencies.md gives the reason for each package.
USAGE
}

tools=(build-essential cmake ninja-build ccache pkg-config)
libraries=(
  libtorch-dev libgloo-dev libopenblas-dev libfaiss-dev
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler libabsl-dev
  libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev libjpeg62-turbo-dev libpng-dev libwebp-dev libgif-dev libtiff-dev
  libsqlite3-dev prometheus-cpp-dev libcpp-httplib-dev nlohmann-json3-dev libgoogle-glog-dev libssl-dev zlib1g-dev libmatio-dev
  libisal-dev
)
# dpkg-dev, file and fakeroot make the Debian package and install it into a root of its own; groff-base reads the man pages.
tests=(
  libgtest-dev libgmock-dev libhnswlib-dev python3 python3-grpcio python3-protobuf python3-venv python3-yaml
  dpkg-dev file fakeroot groff-base prometheus systemd
)
demo=(dataset-fashion-mnist)
lint=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev shellcheck)
bench=(python3-torch)

fail() {
  echo "install_dependencies: $*" >&2
  exit 1
}

require_debian_12() {
  local id="" version=""
  if [[ -r /etc/os-release ]]; then
    # shellcheck source=/dev/null
    id=$(. /etc/os-release && echo "${ID:-}")
    # shellcheck source=/dev/null
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  if [[ "$id" != debian || "$version" != 12 ]]; then
    fail "this is ${id:-an unknown system} ${version}, and the package names are Debian 12's. Install the libraries of" \
      "docs/dependencies.md by hand and set SEMBLANCE_SKIP_INSTALL=1; CMake finds them through CMAKE_PREFIX_PATH."
  fi
}

# Prints the given packages that are not installed.
missing_of() {
  local package
  for package in "$@"; do
    if [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]]; then
      echo "$package"
    fi
  done
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "installing packages needs root: run this script as root, or install sudo."
  fi
}

# The tests only use promtool. The package would also start Prometheus on port 9090, now and at every boot, so its unit is masked
# before the installation. "systemctl unmask prometheus" undoes that. A machine that has a unit of this name already keeps it.
mask_prometheus() {
  local unit=/etc/systemd/system/prometheus.service
  if [[ ! -e $unit && ! -L $unit ]]; then
    as_root mkdir -p "${unit%/*}"
    as_root ln -s /dev/null "$unit"
  fi
}

main() {
  local packages=("${tools[@]}" "${libraries[@]}" "${tests[@]}" "${demo[@]}") missing
  case "${1:-}" in
    "") ;;
    --lint) packages+=("${lint[@]}") ;;
    --bench) packages+=("${bench[@]}") ;;
    --help) usage && return ;;
    *) usage >&2 && exit 2 ;;
  esac
  if [[ "${SEMBLANCE_SKIP_INSTALL:-0}" != 0 ]]; then
    echo "Packages: not looked at (SEMBLANCE_SKIP_INSTALL is set)."
    return
  fi
  require_debian_12
  mapfile -t missing < <(missing_of "${packages[@]}")
  if [[ ${#missing[@]} -eq 0 ]]; then
    echo "Packages: all ${#packages[@]} are installed."
    return
  fi
  echo "Packages: $((${#packages[@]} - ${#missing[@]})) of ${#packages[@]} are installed; installing: ${missing[*]}"
  if [[ " ${missing[*]} " == *" prometheus "* ]]; then mask_prometheus; fi
  as_root apt-get update --quiet
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
  echo "Packages: done."
}

main "$@"
