#!/usr/bin/env bash
# What the published analyses made of five synthetic recordings is recomputed from the traces, step by step.
set -euo pipefail

reference="${NRFLV_SHARED_DIR:-}/reference/analysis_steps.h5"
if [ ! -f "$reference" ]; then
  echo "skipped: there is no '$reference'"
  exit 77
fi
"$NRFLV_BUILD_DIR/check_reference" "$reference"
