#!/usr/bin/env bash
# Times one sampler step here and in plain PyTorch, in turn, and prints the ratio. bench/README.md says what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."

architecture=NRFLV_CIFAR_4SL_small_densebackw_wideSL1base
batch_size=128
steps=10
threads=$(nproc)
rounds=5
bench=build/bench_sampler
python=""

usage() {
  cat <<END
usage: bench/compare_torch.sh [--architecture NAME] [--batch_size N] [--steps N] [--threads N] [--rounds N]
                              [--bench PROGRAM] [--python PYTHON]
  --steps    timed steps of each program in each round (default $steps)
  --rounds   how often the programs take turns (default $rounds)
  --bench    the program to compare (default $bench)
  --python   a Python that has torch; default: one made in build/torch_venv (downloads PyTorch once)
END
}

while [ $# -gt 0 ]; do
  case $1 in
    --architecture | --batch_size | --steps | --threads | --rounds | --bench | --python)
      [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done

[ -x "$bench" ] || { echo "$bench is not there: run scripts/build.sh first" >&2; exit 1; }
if [ -z "$python" ]; then
  python=build/torch_venv/bin/python
  if ! "$python" -c 'import torch, h5py' 2>/dev/null; then
    python3 -m venv build/torch_venv
    "$python" -m pip install --quiet -r bench/requirements.txt
  fi
fi

case_options=(--architecture "$architecture" --batch_size "$batch_size" --steps "$steps" --threads "$threads")
# glibc keeps freed memory instead of handing it back: spares PyTorch the page faults of every new tensor.
keep_memory=(env MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184)

run_nrflv() { "$bench" "${case_options[@]}"; }
run_torch() { "$python" bench/torch_sampler.py "${case_options[@]}"; }
run_torch_keeping_memory() { "${keep_memory[@]}" "$python" bench/torch_sampler.py "${case_options[@]}"; }
contenders=(nrflv torch torch_keeping_memory)

reference=${NRFLV_SHARED_DIR:-../shared}/reference/sampler_step.h5
if [ -f "$reference" ]; then
  "$python" bench/torch_sampler.py --check "$reference"
else
  echo "no $reference: PyTorch's numbers are not checked"
fi

results=$(mktemp)
trap 'rm -f "$results"' EXIT
for ((round = 1; round <= rounds; round++)); do
  for contender in "${contenders[@]}"; do
    output=$("run_$contender")
    seconds=$(awk '$1 ~ /^median_seconds_per_step:?$/ { print $2 }' <<<"$output")
    [ -n "$seconds" ] || { echo "no median_seconds_per_step from $contender:" >&2; echo "$output" >&2; exit 1; }
    echo "round $round $contender $seconds s per step"
    echo "$contender $seconds" >>"$results"
  done
done

python3 - "$results" "$architecture" "$batch_size" "$threads" <<'END'
import statistics
import sys

path, architecture, batch_size, threads = sys.argv[1:]
times = {}
with open(path, encoding="utf-8") as file:
    for line in file:
        contender, seconds = line.split()
        times.setdefault(contender, []).append(float(seconds))
print(f"{architecture}, batch {batch_size}, {threads} threads: seconds per step, median of the rounds (fastest to slowest)")
for contender, values in times.items():
    print(f"  {contender:22} {statistics.median(values):.4f} ({min(values):.4f} to {max(values):.4f})")
ours = times.pop("nrflv")
for contender, values in times.items():
    by_round = [theirs / mine for theirs, mine in zip(values, ours)]
    ratio = statistics.median(values) / statistics.median(ours)
    print(f"ratio {contender} / nrflv {ratio:.2f} (by round {min(by_round):.2f} to {max(by_round):.2f})")
END
