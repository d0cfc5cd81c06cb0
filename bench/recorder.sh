#!/usr/bin/env bash
# What recording costs, beside what the disk can take; and what number formats and filters gain on a real recording.
#
#   bench/recorder.sh FOLDER [RECORDING]     FOLDER: on the disk to measure, about 4 GB free; files in it are removed
#                                            RECORDING: a finished one in float32 (as short as you like)
#   STEPS=40 ROUNDS=5 THREADS=2 bench/recorder.sh ...
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -lt 1 ]; then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
folder=$1
recording=${2:-}
threads=${THREADS:-$(nproc)}

scripts/build.sh release --target bench_recorder >/dev/null
build/bench_recorder throughput "$folder" "${STEPS:-40}" "${ROUNDS:-5}" --threads "$threads"
if [ -n "$recording" ]; then
  echo
  build/bench_recorder formats "$recording" "$folder" --threads "$threads"
fi
