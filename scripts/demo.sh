#!/usr/bin/env bash
# From a fresh machine to a recorded experiment in about three minutes on two cores: installs, builds, trains a small model
# on the built-in images (dead leaves; no download), lets it generate, makes the stimuli, and records one short
# experiment. Ends by naming the files to look at.
set -euo pipefail
cd "$(dirname "$0")/.."

name=demo-$(date +%Y%m%d-%H%M%S) # nrflv never overwrites a model
threads=$(nproc)
images=(--dataset dead_leaves --data_dir data --stimuli_dir data/demo_stimuli)
scripts/build.sh release --target nrflv

build/nrflv --train --model_name "$name" --seed 1 --threads "$threads" "${images[@]}" --architecture demo_colour_3SL \
  --batch_size 32 --num_it_pos 20 --num_it_neg 20 --max_batches 150 --initter_network_lr 0.1 \
  --img_logging_interval 25 --scalar_logging_interval 20 --model_save_interval 50

build/nrflv --viz --viz_type channels_energy --load_model "$name" --threads "$threads" \
  --num_it_viz 100 --viz_img_logging_step_interval 20 --num_viz_samples 16 --viz_channels 0-3 --viz_gif
build/nrflv --weight_viz --load_model "$name"

build/nrflv --gen_exp_stim --load_model "$name" "${images[@]}"

# A tenth of the real length, half the bytes for each number.
build/nrflv --experiment --experiments contrast_and_angle --load_model "$name" --model_name "$name" --threads "$threads" \
  "${images[@]}" --exp_pre_steps 100 --exp_stim_steps 100 --exp_post_steps 60 \
  --record_variables state momentum --record_format float16
recording=$(find exps/exp_data -path "*$name*" -name '*.nwb')
build/nrflv --describe "$recording"

newest() { find "exps/samples/$name" -maxdepth 1 -name '[0-9]*.png' 2>/dev/null | sort | tail -n 1; }
cat <<END

The demo is done. What to look at:
  $(newest)   images the model draws (negative samples), the newest of exps/samples/$name/
  exps/samples/$name/lyr1.png, lyr1_ch0.gif   what the channels of layer 1 find likely
  exps/samples/$name/weights_lyr1.png   what they have learnt
  data/demo_stimuli/contact_sheets/   the stimuli, a page for each set
  $recording
      the recording ($(du -h "$recording" | cut -f 1)); any reader of HDF5 or NWB opens it
  exps/tblogs/$name/    curves: tensorboard --logdir exps/tblogs
  exps/params_and_results_$name.csv    all settings of this run
  exps/models/$name.h5    the model: h5dump -n 1 exps/models/$name.h5
END
