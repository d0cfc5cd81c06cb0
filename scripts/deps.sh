#!/usr/bin/env bash
# Installs the Debian 12 packages that building needs; with --test also those of the tests and checks.
# Touches neither network nor system when nothing is missing.
set -euo pipefail

build_packages=(
  gcc libc6-dev cmake ninja-build pkg-config
  libdnnl-dev          # oneDNN: convolutions on the CPU
  libhdf5-dev          # checkpoints and recordings
  libpng-dev zlib1g-dev libgif-dev
  libcurl4-openssl-dev # downloads of the data sets ...
  ca-certificates      # ... over https
  libjansson-dev       # architecture files
  libgsl-dev libfftw3-dev # numerics of the analyses
  gnuplot-nox fonts-liberation # not for building: nrflv-analyze draws its figures with them
  libcmocka-dev        # the test programs are part of the default build
)
test_packages=(
  git
  python3 python3-venv # reading our files back with other people's readers
  hdf5-tools
  clang-format clang-tidy shellcheck
  libomp-dev           # omp.h for clang-tidy
)

case ${1:-} in
  "") packages=("${build_packages[@]}") ;;
  --test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
  *)
    echo "usage: scripts/deps.sh [--test]" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "deps.sh: this is not a Debian system; install what these packages hold, then build with --no-deps:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "deps.sh: these packages are missing and this is neither root nor a machine with sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "deps.sh: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { "${as_root[@]}" apt-get update -q &&
  "${as_root[@]}" apt-get install -qy --no-install-recommends "${missing[@]}"; } </dev/null; then
  echo "deps.sh: apt-get could not install: ${missing[*]} (no network, or no permission?)" >&2
  exit 1
fi
