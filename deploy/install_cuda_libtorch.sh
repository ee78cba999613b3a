#!/usr/bin/env bash
# A part of deploy/Containerfile. Unpacks a LibTorch with CUDA to /opt/libtorch, and installs the CUDA toolkit that its CMake package needs.
# Usage: install_cuda_libtorch.sh URL CUDA_VERSION   CUDA_VERSION is written as in NVIDIA's package names: 12-4. With an empty URL,
# /opt/libtorch stays empty.
set -euo pipefail

readonly url=${1:-} cuda=${2:-}
readonly keyring=https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/cuda-keyring_1.1-1_all.deb

mkdir -p /opt/libtorch
if [[ -z "$url" ]]; then
  exit
fi
if [[ -z "$cuda" ]]; then
  echo "install_cuda_libtorch: LIBTORCH_URL needs CUDA_VERSION, such as 12-4" >&2
  exit 2
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet
apt-get install --yes --quiet --no-install-recommends ca-certificates curl unzip
curl --fail --silent --show-error --location --output /tmp/keyring.deb "$keyring"
dpkg --install /tmp/keyring.deb
apt-get update --quiet
apt-get install --yes --quiet --no-install-recommends "cuda-nvcc-$cuda" "cuda-libraries-dev-$cuda" "cuda-nvtx-$cuda"
curl --fail --silent --show-error --location --output /tmp/libtorch.zip "$url"
unzip -q /tmp/libtorch.zip -d /opt
rm -rf /tmp/keyring.deb /tmp/libtorch.zip /var/lib/apt/lists/*
