#!/usr/bin/env bash
# Times the pass over a recording here, the disk alone, and the same statistics with NumPy, SciPy and pandas, in turn.
# bench/README.md says what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."

directory=build
images=4
threads=$(nproc)
rounds=3
bench=build/bench_extract
python=""

usage() {
  cat <<END
usage: bench/compare_extract.sh [--directory DIR] [--images N] [--threads N] [--rounds N] [--bench PROGRAM] [--python PYTHON]
  --directory  where the recording is written: on the disk that is to be measured (default $directory)
  --images     images of 354 MB each (default $images)
  --python     a Python that has bench/requirements_extract.txt; default: one made in build/scipy_venv
END
}

while [ $# -gt 0 ]; do
  case $1 in
    --directory | --images | --threads | --rounds | --bench | --python)
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
  python=build/scipy_venv/bin/python
  if ! "$python" -c 'import scipy, pandas, h5py' 2>/dev/null; then
    python3 -m venv build/scipy_venv
    "$python" -m pip install --quiet -r bench/requirements_extract.txt
  fi
fi

results=$(mktemp)
trap 'rm -f "$results" "$directory/bench.nwb" "$directory/bench.extract.h5"' EXIT
for ((round = 1; round <= rounds; round++)); do
  echo "round $round"
  "$bench" --directory "$directory" --images "$images" --threads "$threads" --rounds 1 --keep | sed 's/^/nrflv_/' >>"$results"
  # One core: what the ratio is of.
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 "$python" bench/scipy_activity.py "$directory/bench.nwb" \
    --check "$directory/bench.extract.h5" | sed 's/^/python_/' >>"$results"
done

python3 - "$results" <<'END'
import statistics
import sys

FIVE_EXPERIMENTS = 5 * 2700 * 128 * 32 * 32 * 32 * 4  # bytes of states

values = {}
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        name, value = line.rstrip("\n").split(" ", 1)
        values.setdefault(name, []).append(value)
versions = values.pop("python_versions")[0]
median = {name: statistics.median(map(float, found)) for name, found in values.items()}


def rate(name):
    found = [float(v) for v in values[name]]
    return f"{median[name] / 1e9:.2f} GB/s ({min(found) / 1e9:.2f} to {max(found) / 1e9:.2f})"


print(f"{median['nrflv_traces']:.0f} traces of {median['nrflv_rows']:.0f} rows, {median['nrflv_threads']:.0f} threads; median of the rounds (slowest to fastest)")
print(f"  reading the file, nothing else      {rate('nrflv_plain_read_bytes_per_second')}")
print(f"  the pass, file on the disk          {rate('nrflv_pass_from_disk_bytes_per_second')}")
print(f"  the pass, file in memory            {rate('nrflv_pass_from_memory_bytes_per_second')}, "
      f"{median['nrflv_pass_from_memory_traces_per_second']:.0f} traces/s")
ours, theirs = median["nrflv_pass_microseconds_of_processor_per_trace"], median["python_microseconds_of_processor_per_trace"]
print(f"  processor time per trace            {ours:.1f} us, reading and writing included")
print(f"  {versions}: {theirs:.1f} us, reading included")
print(f"ratio per core {theirs / ours:.1f}")
print(f"memory {median['nrflv_peak_memory_mib']:.0f} MiB")
print(f"five full experiments at the disk's speed: {FIVE_EXPERIMENTS / median['nrflv_pass_from_disk_bytes_per_second'] / 60:.1f} minutes")
END
