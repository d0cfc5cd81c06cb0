/* settings.h - every option of the program, declared once.
 *
 * One struct holds the values; one table of rows (src/base/settings_table.c) says for each field its
 * type, default, range, choices and help. Parsing, validation, --help, random draws, the CSV row, the
 * checkpoint's attributes and the shell completion all read that table. To add an option, add a field
 * here and a row there; a test fails while one of the two is missing.
 *
 * The struct owns no memory: copy it by assignment. */
#ifndef NRFLV_SETTINGS_H
#define NRFLV_SETTINGS_H

#include "nrflv/option_table.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The sentence for each field is its help text in the table; here stand only the types (option_table.h). */
typedef struct nrf_settings {
  /* what to do */
  bool        train;
  bool        no_train_model;
  bool        viz;
  bool        weight_viz;
  bool        gen_exp_stim;
  bool        experiment;
  bool        list_architectures;
  char        describe[NRF_SETTING_STRING_MAX];
  char        collate[NRF_SETTING_STRING_MAX];
  bool        archive_collated;
  const char *completion;
  bool        version;
  bool        help;

  /* model */
  const char *network_type;
  char        architecture[NRF_SETTING_STRING_MAX];
  const char *states_activation;
  const char *activation;
  bool        model_weight_norm;
  bool        ff_dynamics;

  /* initialisation of the latent layers */
  const char *initializer;
  double      initter_network_lr;
  bool        initter_network_weight_norm;
  bool        initter_network_layer_norm;
  bool        neg_ff_init;

  /* sampler */
  const char    *state_optimizer;
  nrf_float_list sampling_step_size;
  nrf_float_list sigma;
  nrf_float_list momentum_param;
  double         dampening_param;
  int            num_burn_in_steps;
  double         scale_grad;
  nrf_float_list max_sq_sigma;
  double         min_sq_sigma;
  bool           non_diag_inv_mass;
  bool           mean_batch_minv_t;
  bool           mom_clip;
  nrf_float_list mom_clip_vals;
  bool           clip_grad;
  double         clip_state_grad_norm;

  /* training */
  int            epochs;
  int            batch_size;
  int            num_it_pos;
  int            num_it_neg;
  bool           randomize_neg_its;
  bool           truncate_pos_its;
  double         truncate_pos_its_threshold;
  int            trunc_pos_history_len;
  double         sample_buffer_prob;
  const char    *weights_optimizer;
  nrf_float_list lr;
  double         lr_decay_gamma;
  double         l2_reg_energy_param;
  uint64_t       seed;
  nrf_name_list  randomize_args;

  /* data */
  const char *dataset;
  char        data_dir[NRF_SETTING_STRING_MAX];

  /* what is written, and how often */
  int  model_save_interval;
  int  img_logging_interval;
  bool save_pos_images;
  int  scalar_logging_interval;
  bool log_histograms;
  int  histogram_logging_interval;
  bool printing_grad_mom_info;

  /* visualisation */
  const char   *viz_type;
  int           num_it_viz;
  int           viz_img_logging_step_interval;
  int           viz_start_layer;
  int           num_viz_samples;
  bool          viz_tempered_annealing;
  double        viz_temp_decay;
  nrf_name_list viz_channels;
  bool          viz_gif;

  /* stimuli and experiments */
  char          base_image[NRF_SETTING_STRING_MAX];
  nrf_name_list experiments;
  int           exp_pre_steps;
  int           exp_stim_steps;
  int           exp_post_steps;
  int           exp_observe_steps;
  double        exp_ms_per_step;
  bool          dry_run;
  bool          force;

  /* recordings */
  const char   *record;
  nrf_name_list record_variables;
  nrf_name_list record_layers;
  nrf_name_list record_channels;
  nrf_name_list record_region;
  nrf_name_list record_images;
  int           record_stride;
  const char   *record_format;
  int           record_mantissa_bits;
  nrf_name_list record_filters;
  int           record_deflate_level;
  double        record_memory;
  double        record_flush;

  /* this session */
  char          load_model[NRF_SETTING_STRING_MAX];
  char          resume[NRF_SETTING_STRING_MAX];
  nrf_name_list override_loaded;
  char          model_name[NRF_SETTING_STRING_MAX];
  bool          require_special_name;
  char          special_name[NRF_SETTING_STRING_MAX];
  int           max_batches;
  double        max_hours;
  bool          quiet;

  /* folders */
  char exps_dir[NRF_SETTING_STRING_MAX];
  char tensorboard_log_dir[NRF_SETTING_STRING_MAX];
  char exp_data_root_path[NRF_SETTING_STRING_MAX];
  char stimuli_dir[NRF_SETTING_STRING_MAX];
  char architectures_dir[NRF_SETTING_STRING_MAX];

  /* machine */
  int         threads;
  bool        use_cuda;
  const char *conv_algorithm;
  bool        plain_graph;

  /* Not an option: which rows (by index) the command line named. Keep it last. */
  bool given[NRF_SETTINGS_MAX];
} nrf_settings;

/* The order of the groups in --help. */
typedef enum nrf_setting_group {
  NRF_GROUP_ACTION,
  NRF_GROUP_SESSION,
  NRF_GROUP_MODEL,
  NRF_GROUP_INITIALIZER,
  NRF_GROUP_SAMPLER,
  NRF_GROUP_TRAINING,
  NRF_GROUP_DATA,
  NRF_GROUP_OUTPUT,
  NRF_GROUP_VIZ,
  NRF_GROUP_EXPERIMENT,
  NRF_GROUP_RECORDING,
  NRF_GROUP_FOLDERS,
  NRF_GROUP_MACHINE,
  NRF_GROUP_COUNT
} nrf_setting_group;

/* ---- the table ------------------------------------------------------------------------------------ */

/* The table, for what serves every program. */
const nrf_option_table *nrf_settings_options(void);

/* All rows, in the order of the struct; never NULL. */
const nrf_setting *nrf_setting_table(int *count);

/* The row of that exact name (without dashes), or NULL. */
const nrf_setting *nrf_setting_find(const char *name);

/* A row's index in the table: its place in nrf_settings.given and in nrf_settings_overlay's `ignored`. */
int nrf_setting_index(const nrf_setting *row);

/* The heading of a group, "Sampler". */
const char *nrf_setting_group_title(nrf_setting_group group);

/* ---- values --------------------------------------------------------------------------------------- */

/* Every row at its default (the thesis settings), nothing given. */
void nrf_settings_defaults(nrf_settings *settings);

/* nrf_option_get_text and nrf_option_set_text for these settings. */
static inline const char *nrf_settings_get_text(const nrf_settings *settings, const nrf_setting *row,
                                                char text[NRF_SETTING_TEXT_MAX])
{
  return nrf_option_get_text(settings, row, text);
}

NRF_MUST_CHECK static inline nrf_status nrf_settings_set_text(nrf_settings *settings, const nrf_setting *row,
                                                              const char *text)
{
  return nrf_option_set_text(settings, row, text);
}

/* Fills the folders that follow from others (--tensorboard_log_dir and --exp_data_root_path from
 * --exps_dir) and checks what no single row can: contradicting options, names in name lists.
 * NRF_EINVAL with a message. Call again after nrf_settings_overlay. */
nrf_status nrf_settings_finish(nrf_settings *settings) NRF_MUST_CHECK;

/* ---- the command line ----------------------------------------------------------------------------- */

/* nrf_option_parse, then nrf_settings_finish. Reading ends, successfully, at --help or --version. */
nrf_status nrf_settings_parse(int argc, char *const argv[], nrf_settings *settings) NRF_MUST_CHECK;

/* ---- draws, loaded models, layers, stages --------------------------------------------------------- */

/* Draws every setting named in settings->randomize_args from its range (stream NRF_RNG_SETTINGS). A draw is
 * a function of settings->seed and the option's name alone. NRF_EINVAL for a setting that has no range. */
nrf_status nrf_settings_randomize(nrf_settings *settings) NRF_MUST_CHECK;

/* Puts a loaded model's settings into `settings`: every saved row is taken from `loaded`, but for those
 * named in `keep` (--override_loaded). If `ignored` is not NULL, ignored[i] says that row i was given on the
 * command line with another value and lost; worth a warning. */
void nrf_settings_overlay(nrf_settings *settings, const nrf_settings *loaded, const nrf_name_list *keep,
                          bool ignored[NRF_SETTINGS_MAX]);

/* Spreads a list over the layers, out[0..n_layers-1]: one value serves all, otherwise there must be one for
 * each (NRF_EINVAL). Only a list still at the default of `option` may be longer: its first values count
 * (--mom_clip_vals has six, made for the largest published model). */
nrf_status nrf_settings_expand_per_layer(const nrf_float_list *list, int n_layers, const char *option,
                                         double out[]) NRF_MUST_CHECK;

/* In the order in which they run. */
typedef enum nrf_stage {
  NRF_STAGE_LIST_ARCHITECTURES,
  NRF_STAGE_DESCRIBE,
  NRF_STAGE_COLLATE,
  NRF_STAGE_TRAIN,
  NRF_STAGE_VIZ,
  NRF_STAGE_WEIGHT_VIZ,
  NRF_STAGE_GEN_EXP_STIM,
  NRF_STAGE_EXPERIMENT,
  NRF_STAGE_COUNT
} nrf_stage;

typedef struct nrf_stages {
  bool wanted[NRF_STAGE_COUNT];
} nrf_stages;

/* The option that asks for a stage, "train". */
const char *nrf_stage_name(nrf_stage stage);

/* --train trains, --no_train_model never does; given neither, training is wanted if no other stage is. */
nrf_stages nrf_settings_stages(const nrf_settings *settings);

#ifdef __cplusplus
}
#endif
#endif
