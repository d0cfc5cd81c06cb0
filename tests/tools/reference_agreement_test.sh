#!/usr/bin/env bash
# Everything the published implementation computed is recomputed within the agreed tolerances: with and without
# rewrites, with 1 and with 2 threads; and the building blocks of the analyses.
set -euo pipefail

reference="${NRFLV_SHARED_DIR:-}/reference"
if [ ! -f "$reference/sghmc.h5" ]; then
  echo "skipped: there are no reference files in '$reference'"
  exit 77
fi
"$NRFLV_BUILD_DIR/check_reference" "$reference"/model_*.h5 "$reference/sghmc.h5" \
  "$reference/sampler_step.h5" "$reference/training_update.h5" "$reference/stimuli/stimuli.h5" "$reference/analysis_blocks.h5"
