#!/usr/bin/env bash
# Everything that has to hold before a change is merged: build without warnings, all tests, format, static
# analysis, the house rules, and the tests again under the sanitizers. Later steps run even if one fails;
# the summary at the end says which did. With CI=true nothing may be left out for want of a package.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

usage() {
  cat <<END
usage: scripts/test.sh [--quick] [--no-deps]
  --quick    build and tests only: no format check, static analysis or sanitizers
  --no-deps  do not look for missing packages
END
}

quick=no
deps=yes
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=yes ;;
    --no-deps) deps=no ;;
    -h | --help) usage; exit 0 ;;
    *) echo "test.sh: unknown argument: $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

jobs=$(nproc)
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed_steps=()
passed=0
failed=0
skipped=()

# step NAME COMMAND...: runs it, notes a failure and how long it took.
step() {
  local name=$1 start=$SECONDS
  shift
  echo
  echo "=== $name"
  if "$@"; then
    echo "=== $name: ok ($((SECONDS - start)) s)"
  else
    failed_steps+=("$name")
    echo "=== $name: FAILED ($((SECONDS - start)) s)"
    return 1
  fi
}

install_packages() { scripts/deps.sh --test; }

# The Python that reads our files back: .venv, made once for each version of the requirements.
make_python() {
  local wanted=tests/requirements.txt made=.venv/requirements.txt
  if ! cmp -s "$wanted" "$made"; then
    rm -rf .venv
    python3 -m venv .venv &&
      .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$wanted" && cp "$wanted" "$made" || return 1
  fi
  .venv/bin/python -c 'import h5netcdf, h5py, numpy, pynwb, tensorboard, xarray'
}

# run_tests BUILD_DIR [CTEST OPTIONS]: and adds the counts up.
run_tests() {
  local build=$1 log counts test status=0
  shift
  log=$logs/$(basename "$build")
  ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$jobs" "$@" 2>&1 | tee "$log" || status=$?
  counts=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests failed out of ([0-9]+)$/\1 \2/p' "$log")
  if [ -z "$counts" ]; then
    return 1
  fi
  failed=$((failed + ${counts% *}))
  passed=$((passed + ${counts#* } - ${counts% *}))
  while read -r test; do
    skipped+=("$test ($build)")
    passed=$((passed - 1))
  done < <(sed -nE 's/^[[:space:]]*[0-9]+ - (.*) \(Skipped\).*$/\1/p' "$log")
  return "$status"
}

check_format() {
  git ls-files -z -- '*.c' '*.h' '*.cu' '*.cuh' | xargs -0 -r clang-format --dry-run -Werror
}

check_shell() {
  git ls-files -z -- '*.sh' .ci/run | xargs -0 shellcheck --severity=warning
}

# The sources of the library and the programs; .clang-tidy says what is looked for.
analyse() {
  git ls-files -z -- 'src/*.c' |
    xargs -0 -r -n 1 -P "$jobs" clang-tidy -p build --quiet --extra-arg=-Wno-unknown-warning-option 2>"$logs/clang-tidy" ||
    { grep -v -E '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -' "$logs/clang-tidy"; return 1; }
}

cmake_options=()
if [ -n "${NRFLV_SHARED_DIR:-}" ]; then
  cmake_options+=("-DNRFLV_SHARED_DIR=$NRFLV_SHARED_DIR")
fi
if [ ! -d "${NRFLV_SHARED_DIR:-../shared}/reference" ]; then
  echo "test.sh: no ${NRFLV_SHARED_DIR:-../shared}/reference: what compares with reference numbers will be skipped"
fi

main() {
  if [ "$deps" = yes ]; then
    step "packages" install_packages || return
  fi
  if step "python" make_python; then
    cmake_options+=("-DNRFLV_TEST_PYTHON=$PWD/.venv/bin/python")
  elif [ "${CI:-}" != true ]; then
    unset 'failed_steps[-1]'
    echo "test.sh: WARNING: what tests/requirements.txt lists could not be installed: read-back tests will be skipped"
  fi

  if step "build, warnings as errors" scripts/build.sh ci --no-deps -- "${cmake_options[@]}"; then
    step "tests" run_tests build
    if [ "$quick" = no ]; then
      step "static analysis" analyse
    fi
  fi
  step "house rules" python3 scripts/check_rules.py
  if [ "$quick" = no ]; then
    step "format" check_format
    step "shell scripts" check_shell
    if step "build with sanitizers" scripts/build.sh sanitizers --no-deps -- "${cmake_options[@]}"; then
      step "tests under sanitizers" run_tests build-sanitizers --label-exclude slow
    fi
  fi
}
main

echo
echo "=== summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
for name in "${skipped[@]}"; do echo "skipped: $name"; done
for name in "${failed_steps[@]}"; do echo "failed step: $name"; done
for log in "$logs"/build*; do
  if [ -f "$log" ]; then grep -E '^[0-9]+% tests passed' "$log" | sed "s|\$| ($(basename "$log"))|"; fi
done
echo "$passed passed, $failed failed, ${#skipped[@]} skipped"
[ ${#failed_steps[@]} -eq 0 ] && [ "$failed" -eq 0 ]
