#!/usr/bin/env bash
# nrflv may be linked with CUDA's libraries, so it must not be linked with GPL libraries: the analyses', which have
# a program of their own.
set -euo pipefail

linked=$(ldd "$NRFLV_BUILD_DIR/nrflv")
if grep -E 'libgsl|libfftw' <<<"$linked"; then
  echo "nrflv is linked with the GPL libraries above"
  exit 1
fi
# The test would notice: the analyses' own tool has them.
linked=$(ldd "$NRFLV_BUILD_DIR/check_analysis_reference")
for library in libgsl libfftw3; do
  if ! grep -q "$library" <<<"$linked"; then
    echo "check_analysis_reference is not linked with $library: this test looks for the wrong thing"
    exit 1
  fi
done
