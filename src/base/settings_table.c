/* settings_table.c - the one list of options. Defaults are the thesis settings; where those say nothing,
 * the published program's. The row order is that of struct nrf_settings. */
#include "nrflv/settings.h"

#define FIELD(field, in_group, default_text) \
  NRF_SETTING_FIELD(nrf_settings, field, NRF_GROUP_##in_group, default_text)

#define CHOICES(...) NRF_SETTING_CHOICES(__VA_ARGS__)

#define ACTION   (NRF_SETTING_SESSION | NRF_SETTING_ACTION)
#define ONE_SHOT (ACTION | NRF_SETTING_ONE_SHOT)
#define SESSION  NRF_SETTING_SESSION

static const nrf_setting table[] = {
    /* ---- what to do ---- */
    {FIELD(train, ACTION, "off"), .flags = ACTION,
     .help = "train a model; also what happens when no stage is named"},
    {FIELD(no_train_model, ACTION, "off"), .flags = ACTION,
     .help = "never train, whatever else is asked for"},
    {FIELD(viz, ACTION, "off"), .flags = ACTION, .help = "let a trained model generate images"},
    {FIELD(weight_viz, ACTION, "off"), .flags = ACTION, .help = "draw the kernels of every layer"},
    {FIELD(gen_exp_stim, ACTION, "off"), .flags = ACTION, .help = "generate the stimuli of the experiments"},
    {FIELD(experiment, ACTION, "off"), .flags = ACTION,
     .help = "record a trained model's responses to the stimuli"},
    {FIELD(list_architectures, ACTION, "off"), .flags = ONE_SHOT,
     .help = "list the architectures with their sizes and numbers of parameters"},
    {FIELD(describe, ACTION, ""), .metavar = "FILE", .flags = ONE_SHOT,
     .help = "print what a recording of an experiment holds"},
    {FIELD(collate, ACTION, ""), .metavar = "DIR", .flags = ONE_SHOT,
     .help = "merge all params_and_results_*.csv of a folder into one file"},
    {FIELD(archive_collated, ACTION, "off"), .flags = ONE_SHOT,
     .help = "with --collate: move the merged files into archive_csvs/"},
    {FIELD(completion, ACTION, ""), .metavar = "SHELL", .choices = CHOICES("bash"), .flags = ONE_SHOT,
     .help = "print a completion script for the shell: source <(nrflv --completion bash)"},
    {FIELD(version, ACTION, "off"), .flags = ONE_SHOT | NRF_SETTING_ENDS_READING,
     .help = "print the version and what this build contains"},
    {FIELD(help, ACTION, "off"), .flags = ONE_SHOT | NRF_SETTING_ENDS_READING,
     .help = "print this text; also -h"},

    /* ---- model ---- */
    {FIELD(network_type, MODEL, "NRFLV"), .metavar = "TYPE", .choices = CHOICES("NRFLV"),
     .help = "kind of model"},
    {FIELD(architecture, MODEL, "NRFLV_CIFAR_4SL_small_densebackw_wideSL1base"), .metavar = "NAME",
     .help = "architecture, by name (see --list_architectures) or as the path of a file of your own"},
    {FIELD(states_activation, MODEL, "hardtanh"), .metavar = "FUNCTION",
     .choices = CHOICES("hardsig", "hardtanh", "relu", "swish"), .flags = NRF_SETTING_DRAW_CHOICE,
     .help = "applied to the states that the networks read; also bounds the states"},
    {FIELD(activation, MODEL, "swish"), .metavar = "FUNCTION",
     .choices = CHOICES("relu", "swish", "leaky_relu"), .flags = NRF_SETTING_DRAW_CHOICE,
     .help = "activation inside the networks"},
    {FIELD(model_weight_norm, MODEL, "on"), .help = "weight normalisation in the networks of the energy"},
    {FIELD(ff_dynamics, MODEL, "off"),
     .help =
         "feed-forward dynamics: leave out the part of the gradient that flows back through the networks"},

    /* ---- initialisation ---- */
    {FIELD(initializer, INITIALIZER, "ff_init"), .metavar = "KIND",
     .choices = CHOICES("zeros", "random", "previous", "ff_init"), .flags = NRF_SETTING_DRAW_CHOICE,
     .help =
         "where the latent layers start: zeros, random, the last batch's final states, or a network's guess"},
    {FIELD(initter_network_lr, INITIALIZER, "5e-4"), .metavar = "RATE", .range = "(0,1000]",
     .help = "learning rate of the initialiser network"},
    {FIELD(initter_network_weight_norm, INITIALIZER, "on"),
     .help = "weight normalisation in the initialiser network"},
    {FIELD(initter_network_layer_norm, INITIALIZER, "off"),
     .help = "layer normalisation in the initialiser network"},
    {FIELD(neg_ff_init, INITIALIZER, "off"),
     .help = "random states come from the initialiser network, fed with random pixels"},

    /* ---- sampler ---- */
    {FIELD(state_optimizer, SAMPLER, "sghmc"), .metavar = "KIND",
     .choices = CHOICES("sghmc", "sgd", "sgd_momentum", "nesterov", "adam", "langevin"),
     .help    = "how the states descend the energy"},
    {FIELD(sampling_step_size, SAMPLER, "0.1"), .metavar = "X", .range = "(0,1000]", .draw = "[-3,0.5]",
     .help = "step size"},
    {FIELD(sigma, SAMPLER, "0"), .metavar = "X", .range = "[0,1000]", .draw = "[-3,0]",
     .help = "noise: for sghmc the estimate of the gradient's own noise, else the standard deviation added "
             "to the states"},
    {FIELD(momentum_param, SAMPLER, "0.1"), .metavar = "X", .range = "[0,2]",
     .help = "for sghmc the friction, else the momentum"},
    {FIELD(dampening_param, SAMPLER, "0"), .metavar = "X", .range = "[0,1]",
     .help = "dampening of sgd_momentum"},
    {FIELD(num_burn_in_steps, SAMPLER, "100"), .metavar = "STEPS", .range = "[0,1e7]",
     .help = "steps in which sghmc adapts, counted from the start of each phase"},
    {FIELD(scale_grad, SAMPLER, "1"), .metavar = "X", .range = "(0,1e12]",
     .help = "sghmc's noise is that of a step size divided by the square root of this"},
    {FIELD(max_sq_sigma, SAMPLER, "1e-4"), .metavar = "X", .range = "[0,1e6]",
     .help = "upper bound of sghmc's noise variance"},
    {FIELD(min_sq_sigma, SAMPLER, "9e-5"), .metavar = "X", .range = "[0,1e6]",
     .help = "lower bound of sghmc's noise variance"},
    {FIELD(non_diag_inv_mass, SAMPLER, "on"),
     .help = "sghmc's inverse mass matrix couples neighbouring channels"},
    {FIELD(mean_batch_minv_t, SAMPLER, "off"),
     .help = "sghmc uses its mass estimate averaged over the batch for the noise"},
    {FIELD(mom_clip, SAMPLER, "off"), .help = "limit the norm of a layer's step to --mom_clip_vals"},
    {FIELD(mom_clip_vals, SAMPLER, "2 10 14.676934 3 5 2"), .metavar = "X", .range = "(0,1e9]",
     .help = "limits for --mom_clip; only the default may have more values than there are layers"},
    {FIELD(clip_grad, SAMPLER, "off"),
     .help = "limit the norm of the gradient of all layers together to --clip_state_grad_norm"},
    {FIELD(clip_state_grad_norm, SAMPLER, "0.01"), .metavar = "X", .range = "(0,1e9]",
     .help = "limit for --clip_grad"},

    /* ---- training ---- */
    {FIELD(epochs, TRAINING, "2"), .metavar = "N", .range = "[1,1e6]",
     .help = "passes over the training images"},
    {FIELD(batch_size, TRAINING, "128"), .metavar = "IMAGES", .range = "[1,65536]",
     .help = "images per batch, each a chain of its own"},
    {FIELD(num_it_pos, TRAINING, "500"), .metavar = "STEPS", .range = "[1,1e7]", .draw = "[2,100]",
     .help = "sampler steps of the positive phase, image clamped"},
    {FIELD(num_it_neg, TRAINING, "500"), .metavar = "STEPS", .range = "[1,1e7]", .draw = "[3,300]",
     .help = "sampler steps of the negative phase, image free"},
    {FIELD(randomize_neg_its, TRAINING, "off"),
     .help = "draw the length of each negative phase from a Poisson distribution with that mean"},
    {FIELD(truncate_pos_its, TRAINING, "off"),
     .help = "end a positive phase early, once its energy has settled"},
    {FIELD(truncate_pos_its_threshold, TRAINING, "20"), .metavar = "ENERGY", .range = "[0,1e12]",
     .help = "settled: the energies of the last steps differ by less than this"},
    {FIELD(trunc_pos_history_len, TRAINING, "300"), .metavar = "STEPS", .range = "[2,1e6]",
     .help = "how many last steps are looked at for --truncate_pos_its"},
    {FIELD(sample_buffer_prob, TRAINING, "0.95"), .metavar = "P", .range = "[0,1]",
     .help = "part of each negative batch that continues from the replay buffer; the rest starts at random"},
    {FIELD(weights_optimizer, TRAINING, "adam"), .metavar = "KIND", .choices = CHOICES("adam", "sgd"),
     .help = "optimiser of the weights"},
    {FIELD(lr, TRAINING, "5e-4"), .metavar = "RATE", .range = "(0,1000]", .draw = "[-3,0.2]",
     .help = "learning rate of the weights; of several values the first counts"},
    {FIELD(lr_decay_gamma, TRAINING, "0.95"), .metavar = "X", .range = "(0,1]",
     .help = "the learning rate is multiplied by this after each epoch"},
    {FIELD(l2_reg_energy_param, TRAINING, "1"), .metavar = "X", .range = "[0,1e6]", .draw = "[-6,-2]",
     .help = "weight of the squared energies in the loss"},
    {FIELD(seed, TRAINING, "0"), .metavar = "N",
     .help = "the run's random numbers; the same seed gives the same run, with any number of threads"},
    {FIELD(randomize_args, TRAINING, ""), .metavar = "NAME", .flags = SESSION,
     .help = "draw these options at random, as --seed decides, before training"},

    /* ---- data ---- */
    {FIELD(dataset, DATA, "CIFAR10"), .metavar = "NAME",
     .choices = CHOICES("CIFAR10", "MNIST", "dead_leaves"),
     .help    = "training images; dead_leaves is generated and needs no download"},
    {FIELD(data_dir, DATA, "data"), .metavar = "DIR", .flags = SESSION,
     .help = "where the images are; missing ones are downloaded to it on first use"},

    /* ---- output ---- */
    {FIELD(model_save_interval, OUTPUT, "50"), .metavar = "BATCHES", .range = "[1,1e9]",
     .help = "batches between two saved models"},
    {FIELD(img_logging_interval, OUTPUT, "10"), .metavar = "BATCHES", .range = "[1,1e9]",
     .help = "batches between two pictures of the negative phase"},
    {FIELD(save_pos_images, OUTPUT, "off"), .help = "also pictures of the positive phase"},
    {FIELD(scalar_logging_interval, OUTPUT, "200"), .metavar = "STEPS", .range = "[1,1e9]",
     .help = "sampler steps between two logged energies"},
    {FIELD(log_histograms, OUTPUT, "on"),
     .help = "histograms of states, energies and network outputs for TensorBoard"},
    {FIELD(histogram_logging_interval, OUTPUT, "3000"), .metavar = "STEPS", .range = "[1,1e9]",
     .help = "sampler steps between two histograms"},
    {FIELD(printing_grad_mom_info, OUTPUT, "off"),
     .help = "report the norms of gradient and momentum of each layer"},

    /* ---- visualisation ---- */
    {FIELD(viz_type, VIZ, "standard"), .metavar = "KIND",
     .choices = CHOICES("standard", "channels_energy", "channels_state"), .flags = SESSION,
     .help = "free generation, or what each channel prefers, by its energy or with its state held up"},
    {FIELD(num_it_viz, VIZ, "5000"), .metavar = "STEPS", .range = "[1,1e9]", .flags = SESSION,
     .help = "sampler steps"},
    {FIELD(viz_img_logging_step_interval, VIZ, "25"), .metavar = "STEPS", .range = "[1,1e9]",
     .flags = SESSION, .help = "sampler steps between two pictures"},
    {FIELD(viz_start_layer, VIZ, "1"), .metavar = "LAYER", .range = "[0,63]", .flags = SESSION,
     .help = "lowest layer whose channels are visualised"},
    {FIELD(num_viz_samples, VIZ, "128"), .metavar = "IMAGES", .range = "[1,65536]", .flags = SESSION,
     .help = "images generated at once"},
    {FIELD(viz_tempered_annealing, VIZ, "off"), .flags = SESSION,
     .help = "let the noise decay during the run"},
    {FIELD(viz_temp_decay, VIZ, "0.995"), .metavar = "X", .range = "(0,1]", .flags = SESSION,
     .help = "factor per step by which the noise decays with --viz_tempered_annealing"},
    {FIELD(viz_channels, VIZ, ""), .metavar = "CHANNEL", .range = "[0,65535]", .flags = SESSION,
     .help = "only these channels, as in 3 5 8-11 (default: all)"},
    {FIELD(viz_gif, VIZ, "off"), .flags = SESSION, .help = "also an animation (GIF) of every run"},

    /* ---- stimuli and experiments ---- */
    {FIELD(base_image, EXPERIMENT, ""), .metavar = "PATH", .flags = SESSION,
     .help = "PNG file that the stimuli are drawn on (default: the mean training image)"},
    {FIELD(experiments, EXPERIMENT,
           "contrast_and_angle just_angle just_angle_few_angles fewlocs_and_fewerangles long_just_fewangles"),
     .metavar = "NAME",
     .choices = CHOICES("contrast_and_angle", "just_angle", "just_angle_few_angles",
                        "fewlocs_and_fewerangles", "long_just_fewangles", "observeCIFAR10"),
     .flags = SESSION, .help = "experiments to record"},
    {FIELD(exp_pre_steps, EXPERIMENT, "1000"), .metavar = "STEPS", .range = "[0,1e7]", .flags = SESSION,
     .help = "steps with the blank image before the stimulus; burn-in comes first, with --num_burn_in_steps"},
    {FIELD(exp_stim_steps, EXPERIMENT, "1000"), .metavar = "STEPS", .range = "[1,1e7]", .flags = SESSION,
     .help = "steps with the stimulus"},
    {FIELD(exp_post_steps, EXPERIMENT, "600"), .metavar = "STEPS", .range = "[0,1e7]", .flags = SESSION,
     .help = "steps with the blank image after the stimulus"},
    {FIELD(exp_observe_steps, EXPERIMENT, "1500"), .metavar = "STEPS", .range = "[1,1e7]", .flags = SESSION,
     .help = "steps of observeCIFAR10"},
    {FIELD(exp_ms_per_step, EXPERIMENT, "4.117647058823529"), .metavar = "MS", .range = "(0,1e6]",
     .flags = SESSION, .help = "time that a step stands for, in milliseconds of biological time: 70/17"},
    {FIELD(dry_run, EXPERIMENT, "off"), .flags = SESSION,
     .help = "print what would be computed and written, and stop"},
    {FIELD(force, EXPERIMENT, "off"), .flags = SESSION,
     .help = "record even if it does not seem to fit, and in place of a finished recording"},

    /* ---- recordings ---- */
    {FIELD(record, RECORDING, "full"), .metavar = "WHAT", .choices = CHOICES("full", "analysis"),
     .flags = SESSION,
     .help  = "what stays of a recording: all of it, or what nrflv-analyze reads of it, about 1/75"},
    {FIELD(record_variables, RECORDING, "state momentum gradient energy bno"), .metavar = "NAME",
     .choices = CHOICES("state", "momentum", "gradient", "energy", "bno"), .flags = SESSION,
     .help = "what to record of every neuron"},
    {FIELD(record_layers, RECORDING, "1"), .metavar = "LAYER", .range = "[0,63]", .flags = SESSION,
     .help = "layers to record; 0 is the image"},
    {FIELD(record_channels, RECORDING, ""), .metavar = "CHANNEL", .range = "[0,65535]", .flags = SESSION,
     .help = "only these channels, as in 3 5 8-11 (default: all)"},
    {FIELD(record_region, RECORDING, ""), .metavar = "RANGE", .range = "[0,65535]", .flags = SESSION,
     .help = "only these rows and columns: two ranges, as in 8-23 8-23 (default: whole maps)"},
    {FIELD(record_images, RECORDING, ""), .metavar = "IMAGE", .range = "[0,65535]", .flags = SESSION,
     .help = "only these images of the batch; all are computed (default: all)"},
    {FIELD(record_stride, RECORDING, "1"), .metavar = "STEPS", .range = "[1,1e6]", .flags = SESSION,
     .help = "record every so many steps"},
    {FIELD(record_format, RECORDING, "float32"), .metavar = "FORMAT",
     .choices = CHOICES("float32", "float16", "rounded"), .flags = SESSION,
     .help = "number format; rounded: float32 rounded to --record_mantissa_bits, for the filters"},
    {FIELD(record_mantissa_bits, RECORDING, "10"), .metavar = "BITS", .range = "[1,22]", .flags = SESSION,
     .help = "bits that --record_format rounded keeps: relative error at most 2^-(BITS+1)"},
    {FIELD(record_filters, RECORDING, ""), .metavar = "FILTER",
     .choices = CHOICES("shuffle", "deflate", "fletcher32"), .flags = SESSION,
     .help = "HDF5 filters of the finished file, applied in this order (default: none)"},
    {FIELD(record_deflate_level, RECORDING, "4"), .metavar = "LEVEL", .range = "[1,9]", .flags = SESSION,
     .help = "how hard deflate tries"},
    {FIELD(record_memory, RECORDING, "2"), .metavar = "GIB", .range = "[0.001,1e4]", .flags = SESSION,
     .help = "memory for steps that wait to be written"},
    {FIELD(record_flush, RECORDING, "1"), .metavar = "SECONDS", .range = "[0.1,1e4]", .flags = SESSION,
     .help = "after so long a step is in the file; a killed process loses those after it; longer is faster"},

    /* ---- session ---- */
    {FIELD(load_model, SESSION, ""), .metavar = "NAME", .flags = SESSION,
     .help =
         "start from this saved model (name or path), under a new name; its settings win over the command "
         "line (default, but for training: the newest model)"},
    {FIELD(resume, SESSION, ""), .metavar = "NAME", .flags = SESSION | NRF_SETTING_FILE_NAME,
     .help = "continue training this saved model in place, exactly where it stopped"},
    {FIELD(override_loaded, SESSION, ""), .metavar = "NAME", .flags = SESSION,
     .help = "options for which the command line wins over the loaded model's settings"},
    {FIELD(model_name, SESSION, ""), .metavar = "NAME", .flags = SESSION | NRF_SETTING_FILE_NAME,
     .help = "name of this session's model; without it, date, time and a random number"},
    {FIELD(require_special_name, SESSION, "off"), .flags = SESSION,
     .help = "ask for a description of the run, unless --special_name gives it"},
    {FIELD(special_name, SESSION, ""), .metavar = "TEXT", .flags = SESSION,
     .help = "a description of the run, kept in its CSV row"},
    {FIELD(max_batches, SESSION, "0"), .metavar = "BATCHES", .range = "[0,2e9]", .flags = SESSION,
     .help = "stop after so many batches in this session, saved; 0: no limit"},
    {FIELD(max_hours, SESSION, "0"), .metavar = "HOURS", .range = "[0,1e5]", .flags = SESSION,
     .help = "stop in time to end within so many hours, saved; 0: no limit"},
    {FIELD(quiet, SESSION, "off"), .flags = SESSION, .help = "print warnings and errors only"},

    /* ---- folders ---- */
    {FIELD(exps_dir, FOLDERS, "exps"), .metavar = "DIR", .flags = SESSION,
     .help = "where models, pictures, logs and CSV rows go"},
    {FIELD(tensorboard_log_dir, FOLDERS, ""), .metavar = "DIR", .flags = SESSION,
     .help = "where TensorBoard event files go (default: tblogs in --exps_dir)"},
    {FIELD(exp_data_root_path, FOLDERS, ""), .metavar = "DIR", .flags = SESSION,
     .help = "where recordings of experiments go (default: exp_data in --exps_dir)"},
    {FIELD(stimuli_dir, FOLDERS, "data/gabor_filters"), .metavar = "DIR", .flags = SESSION,
     .help = "where the stimuli of the experiments are"},
    {FIELD(architectures_dir, FOLDERS, ""), .metavar = "DIR", .flags = SESSION,
     .help =
         "where architectures are looked up by name (default: the installed ones, or data/architectures)"},

    /* ---- machine ---- */
    {FIELD(threads, MACHINE, "0"), .metavar = "N", .range = "[0,4096]", .flags = SESSION,
     .help = "processor threads; 0: all, or what OMP_NUM_THREADS says"},
    {FIELD(use_cuda, MACHINE, "off"), .flags = SESSION, .help = "compute on an NVIDIA GPU"},
    {FIELD(conv_algorithm, MACHINE, "auto"), .metavar = "KIND",
     .choices = CHOICES("auto", "direct", "frequency"), .flags = SESSION,
     .help =
         "how convolutions are computed on the CPU: the fastest for each, directly, or by Fourier transform "
         "where that is possible"},
    {FIELD(plain_graph, MACHINE, "off"), .flags = SESSION,
     .help = "compute the energy as written, without the algebraic rewrites that make it fast"},
};

enum { ROWS = sizeof table / sizeof *table };
_Static_assert((int)ROWS <= (int)NRF_SETTINGS_MAX, "raise NRF_SETTINGS_MAX");

static const char *const titles[NRF_GROUP_COUNT] = {
    [NRF_GROUP_ACTION]      = "What to do",
    [NRF_GROUP_SESSION]     = "This session",
    [NRF_GROUP_MODEL]       = "Model",
    [NRF_GROUP_INITIALIZER] = "Start of the latent layers",
    [NRF_GROUP_SAMPLER]     = "Sampler",
    [NRF_GROUP_TRAINING]    = "Training",
    [NRF_GROUP_DATA]        = "Images",
    [NRF_GROUP_OUTPUT]      = "What training writes, and how often",
    [NRF_GROUP_VIZ]         = "Visualisation (--viz)",
    [NRF_GROUP_EXPERIMENT]  = "Stimuli and experiments (--gen_exp_stim, --experiment)",
    [NRF_GROUP_RECORDING]   = "Recordings (--experiment)",
    [NRF_GROUP_FOLDERS]     = "Folders",
    [NRF_GROUP_MACHINE]     = "Machine",
};

static const nrf_option_table options = {
    .program      = "nrflv",
    .rows         = table,
    .n_rows       = ROWS,
    .group_titles = titles,
    .n_groups     = NRF_GROUP_COUNT,
    .values_size  = sizeof(nrf_settings),
    .given_offset = offsetof(nrf_settings, given),
};

const nrf_option_table *nrf_settings_options(void)
{
  return &options;
}

const nrf_setting *nrf_setting_table(int *count)
{
  *count = ROWS;
  return table;
}

const nrf_setting *nrf_setting_find(const char *name)
{
  return nrf_option_find(&options, name);
}

int nrf_setting_index(const nrf_setting *row)
{
  return (int)(row - table);
}

const char *nrf_setting_group_title(nrf_setting_group group)
{
  return titles[group];
}
