#!/usr/bin/env bash
# What the analyses take at the thesis's size: five experiments of 128 images, 32 channels of 32x32, 2,700 steps.
#
#   bench/full_size.sh FOLDER [IMAGES]       FOLDER: about 4 GB free (128 images); results stay in it
#   THREADS=2 bench/full_size.sh ...
#
# The 226 GB of states are never written: bench_full_size computes them while the pass reads them, and what analyses need
# of them stays. Then every analysis runs as a process of its own: seconds (as it reports them, figures drawn), seconds of
# processor (its own and of what it starts; the report, which is written every time, included), the largest
# memory of a process, and what it leaves on the disk.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -lt 1 ]; then
  sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
folder=$1
images=${2:-128}
threads=${THREADS:-$(nproc)}
session=$folder/full_size_$images
results=$folder/results
mkdir -p "$session"

scripts/build.sh release --target bench_full_size --target nrflv-analyze >/dev/null
build/bench_full_size --directory "$session" --images "$images" --threads "$threads"
echo
python3 bench/time_analyses.py build/nrflv-analyze --root_path "$session" --results_dir "$results" --threads "$threads"
