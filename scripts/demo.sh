#!/usr/bin/env bash
# From a fresh machine to a trained model in about two minutes on two cores: installs, builds, and trains a small
# model on the built-in images (dead leaves; no download). Ends by naming the files to look at.
set -euo pipefail
cd "$(dirname "$0")/.."

name=demo-$(date +%Y%m%d-%H%M%S) # nrflv never overwrites a model
scripts/build.sh release --target nrflv
build/nrflv --train --model_name "$name" --seed 1 --threads "$(nproc)" \
  --dataset dead_leaves --data_dir data --architecture demo_colour_3SL \
  --batch_size 32 --num_it_pos 20 --num_it_neg 20 --max_batches 150 --initter_network_lr 0.1 \
  --img_logging_interval 25 --scalar_logging_interval 20 --model_save_interval 50

newest() { find "exps/samples/$name" -maxdepth 1 -name '[0-9]*.png' 2>/dev/null | sort | tail -n 1; }
cat <<END

The demo is done. What to look at:
  $(newest)   images the model draws (negative samples), the newest of exps/samples/$name/
  exps/tblogs/$name/    curves: tensorboard --logdir exps/tblogs
  exps/params_and_results_$name.csv    all settings of this run
  exps/models/$name.h5    the model: h5dump -n 1 exps/models/$name.h5
END
