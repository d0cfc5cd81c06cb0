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

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  NRF_SETTINGS_MAX       = 128,  /* rows the table may have                                     */
  NRF_SETTING_LIST_MAX   = 16,   /* values of a list option                                     */
  NRF_SETTING_STRING_MAX = 1024, /* bytes of a string option, its NUL included                  */
  NRF_SETTING_NAME_MAX   = 48,   /* bytes of one name in a name list, its NUL included          */
  NRF_SETTING_TEXT_MAX   = NRF_SETTINGS_MAX * NRF_SETTING_NAME_MAX, /* enough for any value's text */
};

/* One value for all layers, or one per layer from the image upwards (nrf_settings_expand_per_layer). */
typedef struct nrf_float_list {
  int    count;
  double value[NRF_SETTING_LIST_MAX];
} nrf_float_list;

typedef struct nrf_name_list {
  int  count;
  char name[NRF_SETTINGS_MAX][NRF_SETTING_NAME_MAX];
} nrf_name_list;

/* An optional string or choice that was not given is "". The sentence for each field is its help text in
 * the table; here stand only the types. The C type decides how an option is parsed:
 *   bool flag, int, uint64_t, double, char[] free text, const char * one of the row's choices (static
 *   storage), nrf_float_list, nrf_name_list. */
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

typedef enum nrf_setting_type {
  NRF_SETTING_FLAG,   /* bool           */
  NRF_SETTING_INT,    /* int            */
  NRF_SETTING_UINT64, /* uint64_t       */
  NRF_SETTING_FLOAT,  /* double         */
  NRF_SETTING_STRING, /* char[]         */
  NRF_SETTING_CHOICE, /* const char *   */
  NRF_SETTING_FLOATS, /* nrf_float_list */
  NRF_SETTING_NAMES, /* nrf_name_list: names of settings; of the row's choices; with a range, indices (index_list.h) */
} nrf_setting_type;

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

enum {
  /* Belongs to the session, not to the model: neither saved in a checkpoint nor taken from one. All
   * other rows travel with the model. */
  NRF_SETTING_SESSION = 1 << 0,
  /* Says what to do. A flag of this kind is given or left out; it has no --no_ form and takes no value. */
  NRF_SETTING_ACTION = 1 << 1,
  /* Ends the program instead of describing a run: not a column of the CSV row. */
  NRF_SETTING_ONE_SHOT = 1 << 2,
  /* --randomize_args may draw it from all its choices. */
  NRF_SETTING_DRAW_CHOICE = 1 << 3,
  /* A string that becomes part of file names: no slash, no leading dot. */
  NRF_SETTING_FILE_NAME = 1 << 4,
};

typedef struct nrf_setting {
  const char        *name;   /* "lr": the option --lr, the column and the attribute lr               */
  nrf_setting_type   type;   /* follows from the field's C type                                      */
  size_t             offset; /* of the field in nrf_settings                                         */
  size_t             size;   /* of the field                                                         */
  nrf_setting_group  group;
  const char        *initial; /* the default, as one would type it; "" if not given                   */
  const char        *metavar; /* "STEPS": stands for the value in --help; DIR and PATH are completed  */
  const char        *range;   /* numbers: "[0,1]", "(0,1e3]"; a round bracket leaves the end out    */
  const char *const *choices; /* what a choice, or a name of a list, can be: NULL-terminated          */
  const char        *draw;    /* range for --randomize_args, "[a,b]": integers uniform, floats 10^u  */
  unsigned           flags;   /* NRF_SETTING_SESSION ...                                              */
  const char        *help;    /* what it does; begins in lower case, no full stop, no default         */
} nrf_setting;

/* ---- the table ------------------------------------------------------------------------------------ */

/* All rows, in the order of the struct; never NULL. */
const nrf_setting *nrf_setting_table(int *count);

/* The row of that exact name (without dashes), or NULL. */
const nrf_setting *nrf_setting_find(const char *name);

/* A row's index in the table: its place in nrf_settings.given and in nrf_settings_overlay's `ignored`. */
int nrf_setting_index(const nrf_setting *row);

/* The heading of a group, "Sampler". */
const char *nrf_setting_group_title(nrf_setting_group group);

/* Whether the value belongs to the model: saved in its checkpoint and taken from there. */
bool nrf_setting_is_saved(const nrf_setting *row);

/* Whether the value is a column of the CSV row of a run. */
bool nrf_setting_is_reported(const nrf_setting *row);

/* Whether --no_NAME exists. */
bool nrf_setting_is_negatable(const nrf_setting *row);

/* ---- values --------------------------------------------------------------------------------------- */

/* Every row at its default (the thesis settings), nothing given. */
void nrf_settings_defaults(nrf_settings *settings);

/* Writes the value as text, NUL-terminated; numbers in the fewest digits that read back to the same
 * bits, flags as true or false, lists separated by spaces. Returns `text`. */
const char *nrf_settings_get_text(const nrf_settings *settings, const nrf_setting *row,
                                  char text[NRF_SETTING_TEXT_MAX]);

/* Reads what nrf_settings_get_text wrote or a user typed (flags also on/off, yes/no, 1/0; choices in any
 * case; lists separated by spaces or commas). NRF_EINVAL, leaving the value as it was, if the text is
 * malformed or the value outside the row's range; the message begins with the option's name. */
nrf_status nrf_settings_set_text(nrf_settings *settings, const nrf_setting *row,
                                 const char *text) NRF_MUST_CHECK;

/* Fills the folders that follow from others (--tensorboard_log_dir and --exp_data_root_path from
 * --exps_dir) and checks what no single row can: contradicting options, names in name lists.
 * NRF_EINVAL with a message. Call again after nrf_settings_overlay. */
nrf_status nrf_settings_finish(nrf_settings *settings) NRF_MUST_CHECK;

/* ---- the command line ----------------------------------------------------------------------------- */

/* Reads argv[1..] on top of the defaults and finishes the settings. `--opt value...`, `--opt=value`,
 * `--flag`, `--flag=on`, `--no_flag`, `-h`; the values of a list end at the next option; the last mention of
 * an option wins. Reading ends, successfully, at --help or --version. NRF_EINVAL with one line that names
 * the option and, for an unknown one, the closest valid name. */
nrf_status nrf_settings_parse(int argc, char *const argv[], nrf_settings *settings) NRF_MUST_CHECK;

/* The option (without dashes, --no_ forms included) that was most likely meant, by the rules of nrf_closest;
 * dashes inside a word count as underscores. `closest` is "" if nothing comes near. */
void nrf_setting_closest(const char *typed, char closest[NRF_SETTING_NAME_MAX]);

/* ---- draws, loaded models, layers, stages --------------------------------------------------------- */

/* Whether --randomize_args may name the row: it has a draw range or drawable choices, or is a model's flag. */
bool nrf_setting_is_drawable(const nrf_setting *row);

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
