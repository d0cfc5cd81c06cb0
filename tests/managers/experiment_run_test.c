/* experiment_run_test.c - what is in a recording is what a plain sampler loop gives; sessions stop, go on, skip and refuse
 * as they should. */
#include "nrflv/experiment.h"

#include "managers/setup.h"
#include "nrflv/atomic_file.h"
#include "nrflv/checkpoint.h"
#include "nrflv/dataset.h"
#include "nrflv/initialiser.h"
#include "nrflv/memory.h"
#include "nrflv/recording.h"
#include "nrflv/rng.h"
#include "nrflv/stimulus_folder.h"
#include "nrflv/training.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { BATCH = NRF_EXPERIMENT_BATCH, MOST_OPTIONS = 96, STEPS = 12, PATH = 2 * SCRATCH_PATH };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- the place: models, stimuli, noise for images ---- */

typedef struct place {
  char directory[SCRATCH_PATH], exps[SCRATCH_PATH], data[SCRATCH_PATH], stimuli[SCRATCH_PATH],
      architecture[SCRATCH_PATH];
} place;

static const nrf_layer_size image_size = {3, 32, 32};

static void parse(const place *p, const char *const options[], nrf_settings *s)
{
  char       *argv[MOST_OPTIONS];
  int         argc   = 0;
  const char *base[] = {"nrflv",
                        "--exps_dir",
                        p->exps,
                        "--stimuli_dir",
                        p->stimuli,
                        "--data_dir",
                        p->data,
                        "--architecture",
                        p->architecture,
                        "--batch_size",
                        "4",
                        "--num_it_pos",
                        "2",
                        "--num_it_neg",
                        "2",
                        "--threads",
                        "1",
                        "--seed",
                        "5",
                        "--num_burn_in_steps",
                        "4",
                        "--scalar_logging_interval",
                        "1000000",
                        NULL};
  for (int i = 0; base[i] != NULL; i++) argv[argc++] = (char *)(uintptr_t)base[i];
  for (int i = 0; options[i] != NULL; i++) argv[argc++] = (char *)(uintptr_t)options[i];
  assert_true(argc < MOST_OPTIONS);
  must(nrf_settings_parse(argc, argv, s));
}

static void train(const place *p, const char *name, const char *const options[])
{
  const char  *all[MOST_OPTIONS] = {"--train", "--model_name", name, "--max_batches", "1", NULL};
  nrf_settings s;
  for (int i = 0, n = 5; i == 0 || options[i - 1] != NULL; i++) all[n + i] = options[i];
  parse(p, all, &s);
  must(nrf_train(&s, NULL, NULL));
}

/* A file in CIFAR-10's format: labels and pixels. */
static void write_images(const char *folder, const char *name, int images, uint64_t seed)
{
  enum { RECORD = 1 + 3072 };
  char          path[PATH];
  uint8_t       record[RECORD];
  const nrf_rng r = nrf_rng_at(seed, NRF_RNG_TEST, 1, 0);
  (void)snprintf(path, sizeof path, "%s/cifar-10-batches-bin/%s", folder, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  for (int n = 0; n < images; n++) {
    for (int i = 0; i < RECORD; i++)
      record[i] = i == 0 ? 0 : (uint8_t)nrf_rng_below(r, (uint64_t)(n * RECORD + i), 256);
    assert_int_equal(fwrite(record, 1, sizeof record, f), sizeof record);
  }
  assert_int_equal(fclose(f), 0);
}

static void make_images(const place *p)
{
  char folder[PATH];
  (void)snprintf(folder, sizeof folder, "%s/cifar-10-batches-bin", p->data);
  must(nrf_make_directories(folder));
  write_images(p->data, "data_batch_1.bin", 8, 1);
  write_images(p->data, "test_batch.bin", BATCH, 2);
}

static void make_stimuli(const place *p)
{
  static const char *const sets[] = {"single/just_angle", "double/fewlocs_and_fewerangles"};
  nrf_byte_image           base;
  const nrf_rng            r = nrf_rng_at(1, NRF_RNG_TEST, 0, 0);
  must(nrf_byte_image_create(image_size, &base));
  for (int64_t i = 0; i < nrf_layer_units(image_size); i++)
    base.value[i] = (uint8_t)(60 + nrf_rng_below(r, (uint64_t)i, 100));
  must(nrf_make_directories(p->stimuli));
  must(nrf_stimulus_folder_claim(p->stimuli, &base));
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    const nrf_stimulus_set *set;
    nrf_stimulus_progress   at = {0};
    must(nrf_stimulus_set_find(sets[i], &set));
    must(nrf_stimulus_folder_make(p->stimuli, set, &base, &at));
  }
  nrf_byte_image_free(&base);
}

static int make_place(void **state)
{
  static const char *const none[] = {NULL}, *const spectral[] = {"--no_model_weight_norm",
                                                                 "--no_initter_network_weight_norm", NULL};
  place      *p      = malloc(sizeof *p);
  const char *source = getenv("NRFLV_SOURCE_DIR");
  assert_non_null(source);
  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  scratch_create_in_memory(p->directory);
  (void)scratch_path(p->exps, p->directory, "exps");
  (void)scratch_path(p->data, p->directory, "data");
  (void)scratch_path(p->stimuli, p->directory, "stimuli");
  make_images(p);
  (void)snprintf(p->architecture, sizeof p->architecture, "%s/tests/train/tiny.json", source);
  train(p, "m", none);
  (void)snprintf(p->architecture, sizeof p->architecture, "%s/tests/record/tiny_spectral.json", source);
  train(p, "spectral", spectral);
  (void)snprintf(p->architecture, sizeof p->architecture, "%s/tests/train/tiny.json", source);
  make_stimuli(p);
  *state = p;
  return 0;
}

static int remove_place(void **state)
{
  place *p = *state;
  if (p != NULL) scratch_remove(p->directory);
  free(p);
  return 0;
}

/* ---- running ---- */

static const char *const short_run[] = {"--exp_pre_steps",
                                        "3",
                                        "--exp_stim_steps",
                                        "3",
                                        "--exp_post_steps",
                                        "2",
                                        "--exp_observe_steps",
                                        "12",
                                        "--record_memory",
                                        "0.5",
                                        NULL};

/* Counts what it is told; asks to stop at the `stop_at`th look, if that is not 0. */
typedef struct listener {
  int  looks, stop_at;
  char text[8192];
} listener;

static void on_message(void *context, nrf_level level, const char *text)
{
  listener *l = context;
  (void)level;
  const size_t n = strlen(l->text);
  (void)snprintf(l->text + n, sizeof l->text - n, "%s\n", text);
}

static bool on_stop_requested(void *context)
{
  listener *l = context;
  l->looks++;
  return l->stop_at > 0 && l->looks >= l->stop_at;
}

/* model: "m"; options: pairs, ended by NULL. */
static nrf_status run(const place *p, const char *model, const char *session, const char *const options[],
                      listener *l)
{
  const char        *all[MOST_OPTIONS] = {"--experiment", "--load_model", model, "--no_train_model"};
  int                n                 = 4;
  nrf_settings       s;
  listener           nobody   = {0};
  const nrf_progress progress = {
      .context = l != NULL ? l : &nobody, .message = on_message, .stop_requested = on_stop_requested};
  if (session != NULL) {
    all[n++] = "--model_name";
    all[n++] = session;
  }
  for (int i = 0; short_run[i] != NULL; i++) all[n++] = short_run[i];
  for (int i = 0; options[i] != NULL; i++) all[n++] = options[i];
  all[n] = NULL;
  parse(p, all, &s);
  return nrf_run_experiments(&s, &progress);
}

static const char *recording_path(const place *p, const char *model, const char *session, const char *file)
{
  static char path[PATH];
  (void)snprintf(path, sizeof path, "%s/exp_data/%s_loaded%s/%s", p->exps, session, model, file);
  return path;
}

static const char just_angle[]         = "orientations_present_single_gabor_just_angle.nwb",
                  just_angle_partial[] = "orientations_present_single_gabor_just_angle.partial.nwb",
                  just_angle_state[]   = "orientations_present_single_gabor_just_angle.partial.state",
                  double_gabor[]       = "orientations_present_double_gabor_fewlocs_and_fewerangles.nwb";

static nrf_recording *open_recording(const char *path)
{
  nrf_recording *r = NULL;
  must(nrf_recording_open(path, &r));
  return r;
}

static char *bytes_of(const char *path, size_t *n)
{
  struct stat info;
  FILE       *f = fopen(path, "rb");
  if (f == NULL || fstat(fileno(f), &info) != 0) fail_msg("%s is not there", path);
  *n          = (size_t)info.st_size;
  char *bytes = malloc(*n);
  assert_int_equal(fread(bytes, 1, *n, f), *n);
  (void)fclose(f);
  return bytes;
}

static void assert_same_bytes(const char *path, const char *wanted, size_t n)
{
  size_t mine;
  char  *bytes = bytes_of(path, &mine);
  assert_int_equal(mine, n);
  assert_memory_equal(bytes, wanted, n);
  free(bytes);
}

static bool exists(const char *path)
{
  return access(path, F_OK) == 0;
}

/* ---- a plain sampler loop ---- */

/* What each step gave, for all layers and images. */
typedef struct plain_run {
  nrf_states *after[STEPS], *momentum[STEPS], *gradient[STEPS], *energy[STEPS], *bno[STEPS];
} plain_run;

static nrf_states *new_states(const nrf_architecture *a)
{
  nrf_states *s = NULL;
  must(nrf_states_create(a->n_layers, a->size, BATCH, &s));
  return s;
}

static nrf_states *copy_of(const nrf_architecture *a, const nrf_states *s)
{
  nrf_states *copy = new_states(a);
  nrf_states_copy(copy, s);
  return copy;
}

static float *test_images(const place *p)
{
  float             *images = malloc(sizeof(float) * BATCH * 3072);
  uint32_t           index[BATCH];
  nrf_dataset       *ds = NULL;
  nrf_dataset_config c  = {.name = "CIFAR10", .data_dir = p->data, .need_test = true};
  must(nrf_dataset_create(&c, &ds));
  for (uint32_t i = 0; i < BATCH; i++) index[i] = i;
  must(nrf_dataset_batch(ds, NRF_SPLIT_TEST, index, BATCH, images));
  nrf_dataset_free(ds);
  return images;
}

/* Burn-in 4 steps, pre 3, stimulus 3, post 2; written out, with nothing of src/managers/experiment*. */
static void run_plainly(const place *p, const nrf_checkpoint *c, const char *set_name, uint64_t seed,
                        plain_run *out)
{
  const nrf_architecture      *a  = nrf_checkpoint_architecture(c);
  const nrf_settings          *s  = nrf_checkpoint_settings(c);
  const nrf_energy_config      ec = nrf_setup_energy(s, BATCH);
  const nrf_initialiser_config ic = nrf_setup_initialiser(s, BATCH);
  nrf_sampler_config           sc;
  nrf_energy_model            *model;
  nrf_initialiser             *initialiser;
  nrf_state_optimizer         *optimizer;
  const nrf_stimulus_set      *set;
  nrf_stimuli                 *stimuli;
  nrf_state_range              range[NRF_MAX_LAYERS];
  float                       *images = test_images(p);
  nrf_states                  *states = new_states(a), *gradient = new_states(a), *energy = new_states(a),
             *bno = new_states(a);

  must(nrf_energy_model_create(a, &ec, &model));
  must(nrf_checkpoint_read_parameters(c, NRF_CHECKPOINT_MODEL, nrf_energy_model_parameters(model)));
  nrf_energy_model_parameters_changed(model);
  must(nrf_initialiser_create(a, &ic, &initialiser));
  must(
      nrf_checkpoint_read_parameters(c, NRF_CHECKPOINT_INITIALISER, nrf_initialiser_parameters(initialiser)));
  nrf_initialiser_parameters_changed(initialiser);
  must(nrf_setup_sampler(s, a->n_layers, &sc));
  must(nrf_state_optimizer_create(&sc.optimizer, &nrf_state_kernels_cpu, a->n_layers, a->size, BATCH,
                                  &optimizer));
  must(nrf_stimulus_set_find(set_name, &set));
  must(nrf_stimuli_load(p->stimuli, set, image_size, &stimuli));
  for (int i = 0; i < a->n_layers; i++) range[i] = nrf_states_range(sc.states_activation, i);

  nrf_states_set_nchw(states, 0, images);
  must(nrf_initialiser_predict(initialiser, states));
  for (int t = 0; t < STEPS; t++) {
    const nrf_energy_request request = {gradient, energy, bno, NULL};
    const nrf_state_step     step    = {.seed = seed, .number = (uint64_t)t, .held = 1, .range = range};
    for (int n = 0; n < BATCH; n++) {
      const float *image = t < 4              ? images + n * 3072
                           : t < 7 || t >= 10 ? stimuli->blank
                                              : stimuli->images + n * 3072;
      nrf_states_set_image(states, 0, n, image);
    }
    must(nrf_energy_model_evaluate(model, states, &request));
    must(nrf_state_optimizer_step(optimizer, states, gradient, &step));
    out->after[t]    = copy_of(a, states);
    out->momentum[t] = copy_of(a, nrf_state_optimizer_memory(optimizer, NRF_MEMORY_MOMENTUM));
    out->gradient[t] = copy_of(a, gradient);
    out->energy[t]   = copy_of(a, energy);
    out->bno[t]      = copy_of(a, bno);
  }
  free(images);
  nrf_states_free(states);
  nrf_states_free(gradient);
  nrf_states_free(energy);
  nrf_states_free(bno);
  nrf_energy_model_free(model);
  nrf_initialiser_free(initialiser);
  nrf_state_optimizer_free(optimizer);
  nrf_stimuli_free(stimuli);
}

static void free_plain_run(plain_run *r)
{
  for (int t = 0; t < STEPS; t++) {
    nrf_states_free(r->after[t]);
    nrf_states_free(r->momentum[t]);
    nrf_states_free(r->gradient[t]);
    nrf_states_free(r->energy[t]);
    nrf_states_free(r->bno[t]);
  }
}

static nrf_states **steps_of(plain_run *r, nrf_record_variable v)
{
  nrf_states **const all[NRF_RECORD_VARIABLES] = {r->after, r->momentum, r->gradient, r->energy, r->bno};
  return all[v];
}

/* Every number of some recorded images. */
static void compare(nrf_recording *r, plain_run *plain)
{
  const nrf_recording_info *info = nrf_recording_info_of(r);
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) {
    for (int l = 0; info->variable[v] && l < info->n_layers; l++) {
      const nrf_recorded_layer *layer = &info->layer[l];
      const int64_t             map = (int64_t)layer->rows * layer->columns, row = map * layer->n_channels;
      const int                 units = layer->channels * layer->height * layer->width;
      float                    *got   = malloc(sizeof(float) * (size_t)(nrf_recording_n_rows(info) * row));
      float                    *want  = malloc(sizeof(float) * (size_t)units);
      for (int i = 0; i < info->n_images; i += i + 1 < info->n_images && i + 9 > info->n_images ? 1 : 9) {
        must(nrf_recording_read(r, (nrf_record_variable)v, l, i, nrf_recording_whole(r, l), got));
        for (int64_t t = 0; t < nrf_recording_n_rows(info); t++) {
          nrf_states_get_image(steps_of(plain, (nrf_record_variable)v)[t * info->stride], layer->layer,
                               info->image[i].index, want);
          for (int c = 0; c < layer->n_channels; c++)
            for (int y = 0; y < layer->rows; y++)
              for (int x = 0; x < layer->columns; x++) {
                const float w = want[(layer->channel[c] * layer->height + layer->top + y) * layer->width +
                                     layer->left + x];
                const float g = got[t * row + c * map + y * layer->columns + x];
                if (memcmp(&w, &g, sizeof w) != 0)
                  fail_msg("%s, layer %d, image %d, row %d, channel %d, [%d,%d]: %g in the file, %g expected",
                           nrf_record_variable_name((nrf_record_variable)v), layer->layer,
                           info->image[i].index, (int)t, layer->channel[c], y, x, (double)g, (double)w);
              }
        }
      }
      free(got);
      free(want);
    }
  }
}

static void check_against_plain_loop(const place *p, const char *model, const char *experiment,
                                     const char *file, const char *session, const char *const options[])
{
  const char           *all[MOST_OPTIONS] = {"--experiments", experiment};
  char                  path[PATH];
  nrf_checkpoint       *c     = NULL;
  plain_run             plain = {0};
  const nrf_experiment *e;
  for (int i = 0; i == 0 || options[i - 1] != NULL; i++) all[2 + i] = options[i];
  must(run(p, model, session, all, NULL));
  (void)snprintf(path, sizeof path, "%s/models/%s.h5", p->exps, model);
  must(nrf_checkpoint_open(path, &c));
  must(nrf_experiment_find(experiment, &e));
  run_plainly(p, c, e->stimulus_set, nrf_experiment_seed(5, e), &plain);
  nrf_recording *r = open_recording(recording_path(p, model, session, file));
  assert_int_equal(nrf_recording_rows(r), nrf_recording_n_rows(nrf_recording_info_of(r)));
  compare(r, &plain);
  nrf_recording_free(r);
  free_plain_run(&plain);
  nrf_checkpoint_close(c);
}

static void a_recording_is_what_a_plain_sampler_loop_gives(void **state)
{
  static const char *const all_layers[] = {"--record_layers", "0", "1", "2", NULL};
  check_against_plain_loop(*state, "m", "just_angle", just_angle, "plain", all_layers);
}

static void so_it_is_for_two_patches(void **state)
{
  static const char *const images[] = {"--record_images", "0-2", "9", "125-127", NULL};
  check_against_plain_loop(*state, "m", "fewlocs_and_fewerangles", double_gabor, "plain", images);
}

static void parts_of_it_are_the_same_numbers(void **state)
{
  static const char *const part[] = {"--record_layers",
                                     "0",
                                     "1",
                                     "--record_channels",
                                     "0",
                                     "2",
                                     "--record_region",
                                     "2-6",
                                     "1-4",
                                     "--record_images",
                                     "3",
                                     "64-66",
                                     "--record_variables",
                                     "state",
                                     "bno",
                                     "momentum",
                                     "--record_stride",
                                     "5",
                                     NULL};
  check_against_plain_loop(*state, "m", "just_angle", just_angle, "parts", part);
}

static void what_is_not_recorded_does_not_matter(void **state)
{
  static const char *const momentum[] = {"--record_variables", "momentum", "gradient", NULL};
  check_against_plain_loop(*state, "m", "just_angle", just_angle, "momentum", momentum);
}

static void spectral_norm_advances_as_in_a_plain_loop(void **state)
{
  static const char *const none[] = {NULL};
  check_against_plain_loop(*state, "spectral", "just_angle", just_angle, "plain", none);
}

/* ---- stopping and going on ---- */

static void threads_do_not_show(void **state)
{
  const place                    *p     = *state;
  static const char *const        one[] = {"--experiments", "just_angle", "--threads", "1", NULL},
                           *const two[] = {"--experiments", "just_angle", "--threads", "2", NULL};
  char                            path[PATH];
  size_t                          n;
  must(run(p, "m", "threads", one, NULL));
  (void)snprintf(path, sizeof path, "%s", recording_path(p, "m", "threads", just_angle));
  char *bytes = bytes_of(path, &n);
  assert_int_equal(unlink(path), 0);
  must(run(p, "m", "threads", two, NULL));
  assert_same_bytes(path, bytes, n);
  free(bytes);
}

/* Stops after every single step, from the first to the last, and compares bytes at the end. */
static void stop_and_go_on(const place *p, const char *model, const char *const options[], int step)
{
  char   path[PATH];
  size_t n;
  must(run(p, model, "stops", options, NULL));
  (void)snprintf(path, sizeof path, "%s", recording_path(p, model, "stops", just_angle));
  char *bytes = bytes_of(path, &n);
  assert_int_equal(unlink(path), 0);
  for (int stop = 0; stop < STEPS; stop += step) {
    listener l = {.stop_at = step};
    assert_int_equal(run(p, model, "stops", options, &l), NRF_EINTERRUPTED);
    assert_true(exists(recording_path(p, model, "stops", just_angle_partial)));
    assert_true(exists(recording_path(p, model, "stops", just_angle_state)));
    assert_false(exists(path));
  }
  must(run(p, model, "stops", options, NULL));
  assert_same_bytes(path, bytes, n);
  assert_false(exists(recording_path(p, model, "stops", just_angle_partial)));
  assert_false(exists(recording_path(p, model, "stops", just_angle_state)));
  assert_int_equal(unlink(path), 0);
  free(bytes);
}

static void stopped_at_every_step_it_is_the_same_file(void **state)
{
  static const char *const options[] = {"--experiments", "just_angle", "--record_images", "0-9", NULL};
  stop_and_go_on(*state, "m", options, 1);
}

static void and_so_with_strides_and_filters(void **state)
{
  static const char *const options[] = {
      "--experiments", "just_angle", "--record_stride", "5",   "--record_filters",
      "shuffle",       "deflate",    "--record_images", "0-9", NULL};
  stop_and_go_on(*state, "m", options, 2);
}

static void and_so_under_spectral_norm(void **state)
{
  static const char *const options[] = {"--experiments", "just_angle", "--record_images", "0-9", NULL};
  stop_and_go_on(*state, "spectral", options, 3);
}

/* Without the saved sampler everything is computed again. */
static void a_lost_or_damaged_sampler_costs_time_only(void **state)
{
  const place             *p         = *state;
  static const char *const options[] = {"--experiments", "just_angle", "--record_images", "0-9", NULL};
  char                     path[PATH];
  size_t                   n;
  must(run(p, "m", "lost", options, NULL));
  (void)snprintf(path, sizeof path, "%s", recording_path(p, "m", "lost", just_angle));
  char *bytes = bytes_of(path, &n);
  for (int damage = 0; damage < 2; damage++) {
    listener l = {.stop_at = 7};
    assert_int_equal(unlink(path), 0);
    assert_int_equal(run(p, "m", "lost", options, &l), NRF_EINTERRUPTED);
    const char *saved = recording_path(p, "m", "lost", just_angle_state);
    assert_int_equal(damage == 0 ? unlink(saved) : truncate(saved, 1000), 0);
    l = (listener){0};
    must(run(p, "m", "lost", options, &l));
    assert_non_null(strstr(l.text, "begins again at its first step"));
    assert_same_bytes(path, bytes, n);
  }
  free(bytes);
}

/* A sampler that cannot be saved is a reason to warn, not to stop. */
static void what_cannot_be_saved_does_not_stop_the_recording(void **state)
{
  const place             *p         = *state;
  static const char *const options[] = {
      "--experiments", "just_angle", "--record_images", "0-9", "--exp_stim_steps", "100", NULL};
  char     in_the_way[PATH + 2];
  listener l = {0};
  (void)snprintf(in_the_way, sizeof in_the_way, "%s/x", recording_path(p, "m", "unsaved", just_angle_state));
  must(nrf_make_directories(in_the_way));
  must(run(p, "m", "unsaved", options, &l));
  assert_non_null(strstr(l.text, just_angle_state));
  assert_non_null(strstr(l.text, "the recording goes on"));
  nrf_recording *r = open_recording(recording_path(p, "m", "unsaved", just_angle));
  assert_int_equal(nrf_recording_rows(r), 4 + 3 + 100 + 2);
  nrf_recording_free(r);
}

static void nothing_previous_means_zeros(void **state)
{
  const place *p = *state;
  static const char *const
             previous[] = {"--experiments", "just_angle",        "--record_images", "0-9", "--initializer",
                           "previous",      "--override_loaded", "initializer",     NULL},
      *const zeros[]    = {"--experiments", "just_angle",        "--record_images", "0-9", "--initializer",
                           "zeros",         "--override_loaded", "initializer",     NULL};
  listener   l          = {0};
  size_t     n;
  must(run(p, "m", "zeros", previous, &l));
  assert_non_null(strstr(l.text, "--initializer previous"));
  char *bytes = bytes_of(recording_path(p, "m", "zeros", just_angle), &n);
  assert_int_equal(unlink(recording_path(p, "m", "zeros", just_angle)), 0);
  must(run(p, "m", "zeros", zeros, NULL));
  assert_same_bytes(recording_path(p, "m", "zeros", just_angle), bytes, n);
  free(bytes);
}

/* ---- sessions ---- */

static int sessions(const place *p, const char *model)
{
  char command[3 * SCRATCH_PATH], line[64] = "";
  (void)snprintf(command, sizeof command, "ls %s/exp_data | grep -c '_loaded%s$'", p->exps, model);
  FILE *f = popen(command, "r");
  assert_non_null(f);
  (void)fgets(line, sizeof line, f);
  (void)pclose(f);
  return atoi(line);
}

static void the_same_command_goes_on_by_itself(void **state)
{
  const place                    *p       = *state;
  static const char *const        both[]  = {"--experiments",   "just_angle", "fewlocs_and_fewerangles",
                                             "--record_images", "4",          NULL},
                           *const other[] = {"--experiments", "just_angle", "--record_images", "5", NULL};
  static const char *const        none[]  = {NULL};
  train(p, "sessions", none);
  listener l = {.stop_at = 5};
  assert_int_equal(run(p, "sessions", NULL, both, &l), NRF_EINTERRUPTED);
  assert_non_null(strstr(l.text, "to go on: the same command"));
  must(run(p, "sessions", NULL, other, NULL)); /* another run in between has a session of its own */
  assert_int_equal(sessions(p, "sessions"), 2);

  l = (listener){.stop_at = STEPS + 4}; /* in the second experiment */
  assert_int_equal(run(p, "sessions", NULL, both, &l), NRF_EINTERRUPTED);
  assert_non_null(strstr(l.text, "goes on at step 5 of 12"));
  l = (listener){0};
  must(run(p, "sessions", NULL, both, &l));
  assert_non_null(strstr(l.text, "recorded already"));
  assert_null(strstr(l.text, "just_angle goes on"));
  assert_int_equal(sessions(p, "sessions"), 2);

  l = (listener){0};
  must(run(p, "sessions", NULL, both, &l));
  assert_non_null(strstr(l.text, "nothing to do"));
  assert_int_equal(sessions(p, "sessions"), 2);
}

static void expect_refusal(nrf_status st, nrf_status wanted, const char *const words[])
{
  assert_int_equal(st, wanted);
  for (int i = 0; words[i] != NULL; i++)
    if (strstr(nrf_error_message(), words[i]) == NULL)
      fail_msg("'%s' is not in: %s", words[i], nrf_error_message());
}

static void other_settings_are_not_mixed(void **state)
{
  const place                    *p          = *state;
  static const char *const        one[]      = {"--experiments", "just_angle", "--record_images", "4", NULL},
                           *const two[]      = {"--experiments", "just_angle", "--record_images", "5", NULL},
                           *const by_force[] = {"--experiments", "just_angle", "--record_images", "5",
                                                "--force",       NULL};
  static const char *const finished[] = {just_angle, "--force", "--model_name", NULL}, *const partial[] = {
                                                                                           just_angle_partial,
                                                                                           "--force", NULL};
  size_t   n;
  char     path[PATH];
  listener l = {.stop_at = 5};
  (void)snprintf(path, sizeof path, "%s", recording_path(p, "m", "mixed", just_angle));
  assert_int_equal(run(p, "m", "mixed", one, &l), NRF_EINTERRUPTED);
  expect_refusal(run(p, "m", "mixed", two, NULL), NRF_EINVAL, partial);
  must(run(p, "m", "mixed", one, NULL));
  char *bytes = bytes_of(path, &n);
  expect_refusal(run(p, "m", "mixed", two, NULL), NRF_EINVAL, finished);
  assert_same_bytes(path, bytes, n);
  l = (listener){.stop_at = 5};
  assert_int_equal(run(p, "m", "mixed", by_force, &l), NRF_EINTERRUPTED);
  assert_same_bytes(path, bytes, n); /* until the new one is complete */
  must(run(p, "m", "mixed", by_force, NULL));
  nrf_recording *r = open_recording(path);
  assert_int_equal(nrf_recording_info_of(r)->image[0].index, 5);
  nrf_recording_free(r);
  free(bytes);
}

static void a_dry_run_leaves_nothing(void **state)
{
  const place             *p      = *state;
  static const char *const dry[]  = {"--experiments",     "just_angle", "observeCIFAR10",
                                     "--dry_run",         "--seed",     "6",
                                     "--override_loaded", "seed",       NULL};
  listener                 l      = {0};
  const int                before = sessions(p, "m");
  must(run(p, "m", NULL, dry, &l));
  assert_int_equal(sessions(p, "m"), before);
  static const char *const told[] = {"just_angle",
                                     "12 steps (burn_in 4, pre 3, stimulus 3, post 2)",
                                     "observe 12",
                                     "layer 1: 8 channels of 8x8",
                                     "128 of 128 images",
                                     "float32",
                                     "are free",
                                     "state momentum gradient energy bno",
                                     NULL};
  for (int i = 0; told[i] != NULL; i++)
    if (strstr(l.text, told[i]) == NULL) fail_msg("'%s' is not in:\n%s", told[i], l.text);
}

static void observing_shows_test_images_and_nothing_else(void **state)
{
  const place             *p         = *state;
  static const char *const observe[] = {
      "--experiments", "observeCIFAR10",     "--record_layers", "0", "--stimuli_dir",
      "/nowhere",      "--record_variables", "state",           NULL};
  uint8_t picture[3072];
  float   images[12 * 3072];
  must(run(p, "m", "observe", observe, NULL));
  nrf_recording            *r    = open_recording(recording_path(p, "m", "observe", "observeCIFAR10.nwb"));
  const nrf_recording_info *info = nrf_recording_info_of(r);
  assert_int_equal(info->n_phases, 1);
  assert_string_equal(info->phase[0].name, "observe");
  assert_int_equal(info->n_steps, 12);
  assert_string_equal(info->stimulus_set, "");
  assert_true(isnan(info->image[0].angle));
  float *expected = test_images(p);
  must(nrf_recording_read_picture(r, NRF_SHOWS_BURN_IN, 127, picture));
  must(nrf_recording_read(r, NRF_RECORD_STATE, 0, 127, nrf_recording_whole(r, 0), images));
  for (int i = 0; i < 12 * 3072; i++) assert_true(images[i] == expected[127 * 3072 + i % 3072]);
  for (int i = 0; i < 3072; i++) assert_int_equal(picture[i], lrintf(255.0f * expected[127 * 3072 + i]));
  free(expected);
  nrf_recording_free(r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_recording_is_what_a_plain_sampler_loop_gives),
      cmocka_unit_test(so_it_is_for_two_patches),
      cmocka_unit_test(parts_of_it_are_the_same_numbers),
      cmocka_unit_test(what_is_not_recorded_does_not_matter),
      cmocka_unit_test(spectral_norm_advances_as_in_a_plain_loop),
      cmocka_unit_test(threads_do_not_show),
      cmocka_unit_test(stopped_at_every_step_it_is_the_same_file),
      cmocka_unit_test(and_so_with_strides_and_filters),
      cmocka_unit_test(and_so_under_spectral_norm),
      cmocka_unit_test(a_lost_or_damaged_sampler_costs_time_only),
      cmocka_unit_test(what_cannot_be_saved_does_not_stop_the_recording),
      cmocka_unit_test(nothing_previous_means_zeros),
      cmocka_unit_test(the_same_command_goes_on_by_itself),
      cmocka_unit_test(other_settings_are_not_mixed),
      cmocka_unit_test(a_dry_run_leaves_nothing),
      cmocka_unit_test(observing_shows_test_images_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, make_place, remove_place);
}
