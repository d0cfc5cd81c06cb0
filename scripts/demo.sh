#!/usr/bin/env bash
# From a fresh machine to a report in about four minutes on two cores: installs, builds, trains a small model on the built-in
# images (dead leaves; no download), lets it generate, makes the stimuli, records the five experiments in short, and
# analyses them. Ends by naming the files to look at.
set -euo pipefail
cd "$(dirname "$0")/.."

name=demo-$(date +%Y%m%d-%H%M%S) # nrflv never overwrites a model
threads=$(nproc)
images=(--dataset dead_leaves --data_dir data --stimuli_dir data/demo_stimuli)
scripts/build.sh release --target nrflv --target nrflv-analyze

build/nrflv --train --model_name "$name" --seed 1 --threads "$threads" "${images[@]}" --architecture demo_colour_3SL \
  --batch_size 32 --num_it_pos 20 --num_it_neg 20 --max_batches 150 --initter_network_lr 0.1 \
  --img_logging_interval 25 --scalar_logging_interval 20 --model_save_interval 50

build/nrflv --viz --viz_type channels_energy --load_model "$name" --threads "$threads" \
  --num_it_viz 100 --viz_img_logging_step_interval 20 --num_viz_samples 16 --viz_channels 0-3 --viz_gif
build/nrflv --weight_viz --load_model "$name"

build/nrflv --gen_exp_stim --load_model "$name" "${images[@]}"

# A fifth of the real length; of each recording only what the analyses need is kept.
build/nrflv --experiment --record analysis --load_model "$name" --model_name "$name" --threads "$threads" "${images[@]}" \
  --exp_pre_steps 200 --exp_stim_steps 200 --exp_post_steps 120
session=$(find exps/exp_data -maxdepth 1 -type d -name "$name*")
build/nrflv --describe "$(find "$session" -name '*contrast_and_angle*' | head -n 1)"

build/nrflv-analyze --root_path "$session" --threads "$threads"

newest() { find "exps/samples/$name" -maxdepth 1 -name '[0-9]*.png' 2>/dev/null | sort | tail -n 1; }
cat <<END

The demo is done. What to look at:
  $(newest)   images the model draws (negative samples), the newest of exps/samples/$name/
  exps/samples/$name/lyr1.png, lyr1_ch0.gif   what the channels of layer 1 find likely
  exps/samples/$name/weights_lyr1.png   what they have learnt
  data/demo_stimuli/contact_sheets/   the stimuli, a page for each set
  $session/   the five recordings ($(du -sh "$session" | cut -f 1))
  analysis_results/$(basename "$session")/report.html   THE REPORT: what the analyses found, with all figures
  exps/tblogs/$name/    curves: tensorboard --logdir exps/tblogs
  exps/params_and_results_$name.csv    all settings of this run
  exps/models/$name.h5    the model: h5dump -n 1 exps/models/$name.h5
END
