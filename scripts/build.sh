#!/usr/bin/env bash
# Installs what is missing, configures a preset and builds it.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<END
usage: scripts/build.sh [release|debug|sanitizers|cuda|ci] [--no-deps] [--target NAME] [-- CMAKE OPTIONS]
  The programs come to build/ (release, ci), build-debug/, build-sanitizers/ or build-cuda/.
  --no-deps      do not look for missing packages
  --target NAME  build only this, e.g. nrflv
END
}

preset=release
deps=yes
build_options=()
cmake_options=()
while [ $# -gt 0 ]; do
  case $1 in
    release | debug | sanitizers | cuda | ci) preset=$1 ;;
    --no-deps) deps=no ;;
    --target)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      build_options+=(--target "$2")
      shift
      ;;
    --)
      shift
      cmake_options=("$@")
      break
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "build.sh: unknown argument: $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

if [ "$deps" = yes ]; then
  scripts/deps.sh
fi
jobs=$(nproc)
cmake --preset "$preset" "${cmake_options[@]}"
cmake --build --preset "$preset" --parallel $((jobs < 2 ? 2 : jobs)) "${build_options[@]}"
