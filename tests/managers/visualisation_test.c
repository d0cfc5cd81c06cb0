/* visualisation_test.c - nrflv --viz: its pictures are those of a plain loop of sampler steps, and what it finds of
 * earlier sessions it uses, or puts away. */
#include "nrflv/visualisation.h"

#include "managers/setup.h"
#include "managers/training_state.h"
#include "nrflv/atomic_file.h"
#include "nrflv/colour_palette.h"
#include "nrflv/image_grid.h"
#include "nrflv/rng.h"
#include "support/scratch.h"

#include <gif_lib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { IMAGES = 18, STEPS = 7, INTERVAL = 3, LAYERS = 3 };
static const int picture_steps[] = {0, 3, 6, 7}; /* every INTERVAL, and the last */
enum { PICTURES = sizeof picture_steps / sizeof *picture_steps };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static void set(nrf_settings *s, const char *name, const char *text)
{
  must(nrf_settings_set_text(s, nrf_setting_find(name), text));
}

/* ---- a place with a model in it ---- */

typedef struct place {
  char             directory[SCRATCH_PATH];
  nrf_settings     settings; /* as after parsing a command line */
  nrf_architecture architecture;
  nrf_trainer     *trainer; /* holds the same weights as the file */
} place;

static void set_all(nrf_settings *s, const char *const options[])
{
  for (int i = 0; options != NULL && options[i] != NULL; i += 2) set(s, options[i], options[i + 1]);
}

/* Saves an untrained model "tiny": its weights are random, which is as good for a test. */
static void open_place(place *p, const char *const options[])
{
  static const char *const base[] = {"threads", "1",          "seed", "11", "num_burn_in_steps",
                                     "2",       "batch_size", "2",    NULL};
  char                     path[1024];
  const char              *source = getenv("NRFLV_SOURCE_DIR");
  if (source == NULL) fail_msg("NRFLV_SOURCE_DIR is not set");
  (void)snprintf(path, sizeof path, "%s/tests/train/tiny.json", source);
  must(nrf_architecture_load(path, ".", &p->architecture));
  scratch_create(p->directory);
  nrf_settings_defaults(&p->settings);
  set_all(&p->settings, base);
  set_all(&p->settings, options);
  p->architecture.spectral_norm = !p->settings.model_weight_norm;
  set(&p->settings, "exps_dir", p->directory);
  (void)snprintf(path, sizeof path, "%s/models", p->directory);
  must(nrf_make_directories(path));
  (void)snprintf(path, sizeof path, "%s/models/tiny.h5", p->directory);
  must(nrf_trainer_create(&p->settings, &p->architecture, &p->trainer));
  must(nrf_training_save(path, p->trainer, 100));

  char number[16];
  set(&p->settings, "num_viz_samples", (snprintf(number, sizeof number, "%d", IMAGES), number));
  set(&p->settings, "num_it_viz", (snprintf(number, sizeof number, "%d", STEPS), number));
  set(&p->settings, "viz_img_logging_step_interval",
      (snprintf(number, sizeof number, "%d", INTERVAL), number));
  must(nrf_settings_finish(&p->settings));
}

static void close_place(place *p)
{
  nrf_trainer_free(p->trainer);
  scratch_remove(p->directory);
}

/* directory/samples/tiny/name */
static const char *sample(const place *p, const char *name)
{
  static char path[2 * SCRATCH_PATH];
  (void)snprintf(path, sizeof path, "%s/samples/tiny/%s", p->directory, name);
  return path;
}

static bool exists(const place *p, const char *name)
{
  return access(sample(p, name), F_OK) == 0;
}

static nrf_picture read_png(const place *p, const char *name)
{
  nrf_picture picture;
  must(nrf_png_read(sample(p, name), &picture));
  return picture;
}

/* ---- who listens ---- */

typedef struct listener {
  char    text[8192]; /* all messages, a line each */
  int64_t updates, stop_after;
} listener;

static void hear(void *context, nrf_level level, const char *text)
{
  listener    *l    = context;
  const size_t used = strlen(l->text);
  (void)level;
  (void)snprintf(l->text + used, sizeof l->text - used, "%s\n", text);
}

static void count_update(void *context, int64_t done, int64_t total, const char *text)
{
  (void)done, (void)total, (void)text;
  ((listener *)context)->updates++;
}

static bool stop_in_time(void *context)
{
  const listener *l = context;
  return l->stop_after > 0 && l->updates >= l->stop_after;
}

static nrf_progress listen(listener *l)
{
  return (nrf_progress){
      .context = l, .message = hear, .update = count_update, .stop_requested = stop_in_time};
}

static void heard(const listener *l, const char *words)
{
  if (strstr(l->text, words) == NULL) fail_msg("nobody said '%s' in\n%s", words, l->text);
}

/* ---- the plain loop ---- */

typedef struct loop {
  const place *p;
  int          layer, channel;
} loop;

static nrf_status whole_gradient(void *model, const nrf_states *states, nrf_states *gradient)
{
  const loop              *l       = model;
  const nrf_energy_request request = {.gradient = gradient};
  return nrf_energy_model_evaluate(l->p->trainer->model, states, &request);
}

static nrf_status channel_gradient(void *model, const nrf_states *states, nrf_states *gradient)
{
  const loop *l = model;
  return nrf_energy_model_channel_gradient(l->p->trainer->model, states, l->layer, l->channel, gradient);
}

/* [-1, 1) everywhere, as in the first negative phase of a training run. */
static void random_start(const place *p, nrf_states *s)
{
  for (int i = 0; i < LAYERS; i++) {
    const nrf_rng r = nrf_rng_at(p->settings.seed, NRF_RNG_STATES, 1, (uint32_t)i);
    for (int64_t e = 0; e < nrf_states_count(s, i); e++)
      s->data[i][e] = 2.0f * nrf_rng_uniform(r, (uint64_t)e) - 1.0f;
  }
}

static void hold(nrf_states *s, int layer, int channel)
{
  const nrf_layer_size size = s->size[layer];
  for (int64_t pixel = 0; pixel < (int64_t)s->batch * size.height * size.width; pixel++)
    for (int c = 0; c < size.channels; c++)
      s->data[layer][pixel * size.channels + c] = c == channel ? 0.8f : 0.0f;
}

static void check_picture(const place *p, const char *name, const nrf_states *s)
{
  static float images[IMAGES * 3 * 32 * 32];
  nrf_picture  want, got = read_png(p, name);
  nrf_states_get_nchw(s, 0, images);
  must(nrf_image_grid_render(nrf_grid_style_of(0.0f, 1.0f), IMAGES, 3, 32, 32, images, &want));
  assert_int_equal(got.width, want.width);
  assert_int_equal(got.height, want.height);
  const size_t bytes = (size_t)want.width * (size_t)want.height * 3;
  if (memcmp(got.pixels, want.pixels, bytes) != 0) fail_msg("%s is not what a plain loop draws", name);
  nrf_picture_free(&want);
  nrf_picture_free(&got);
}

static bool is_picture_step(int step)
{
  for (int i = 0; i < PICTURES; i++)
    if (picture_steps[i] == step) return true;
  return false;
}

/* The trainer's model is for batches of another size: one for these. */
static void resize_model(place *p)
{
  const nrf_energy_config config = nrf_setup_energy(&p->settings, IMAGES);
  nrf_energy_model       *m      = NULL;
  must(nrf_energy_model_create(&p->architecture, &config, &m));
  const nrf_parameters *from = nrf_energy_model_parameters(p->trainer->model);
  memcpy(nrf_energy_model_parameters(m)->value, from->value, (size_t)from->count * sizeof(float));
  nrf_energy_model_free(p->trainer->model);
  p->trainer->model = m;
}

/* Compares every picture of a run with a plain loop of sampler steps. `prefix`: the names without number and ending. */
static void check_run(place *p, const char *kind, int layer, int channel, const char *prefix)
{
  nrf_sampler_config config;
  nrf_sampler       *sampler = NULL;
  nrf_states        *s       = NULL;
  loop               l       = {p, layer, channel};
  const bool         energy  = strcmp(kind, "channels_energy") == 0;
  const nrf_phase    phase   = {.gradient = energy ? channel_gradient : whole_gradient, .model = &l};
  char               name[64];
  resize_model(p);
  must(nrf_setup_sampler(&p->settings, LAYERS, &config));
  must(nrf_sampler_create(&config, &nrf_state_kernels_cpu, LAYERS, p->architecture.size, IMAGES, &sampler));
  must(nrf_states_create(LAYERS, p->architecture.size, IMAGES, &s));
  random_start(p, s);
  for (int step = 0; step <= STEPS; step++) {
    (void)snprintf(name, sizeof name, "%s%06d.png", prefix, step);
    assert_int_equal(exists(p, name), is_picture_step(step));
    if (is_picture_step(step)) check_picture(p, name, s);
    must(nrf_sampler_step(sampler, &phase, s, (uint64_t)step, NULL));
    if (p->settings.viz_tempered_annealing)
      must(nrf_state_optimizer_anneal(nrf_sampler_optimizer(sampler), p->settings.viz_temp_decay, 0.005));
    if (strcmp(kind, "channels_state") == 0) hold(s, layer, channel);
  }
  nrf_sampler_free(sampler);
  nrf_states_free(s);
}

/* ---- pictures ---- */

static void standard_is_a_negative_phase(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, NULL);
  must(nrf_visualise(&p.settings, NULL));
  check_run(&p, "standard", 0, 0, "lyr0");
  assert_int_equal(scratch_entries(sample(&p, "")), PICTURES + 1); /* and the note */
  close_place(&p);
}

static void noise_sinks_with_tempered_annealing(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, NULL);
  set(&p.settings, "viz_tempered_annealing", "on");
  set(&p.settings, "viz_temp_decay", "0.7");
  must(nrf_visualise(&p.settings, NULL));
  check_run(&p, "standard", 0, 0, "lyr0");
  close_place(&p);
}

static void channels_descend_their_energy(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, NULL);
  set(&p.settings, "viz_type", "channels_energy");
  set(&p.settings, "viz_channels", "1 6");
  must(nrf_visualise(&p.settings, NULL));
  check_run(&p, "channels_energy", 1, 1, "lyr1_ch1_");
  check_run(&p, "channels_energy", 1, 6, "lyr1_ch6_");
  check_run(&p, "channels_energy", 2, 1, "lyr2_ch1_"); /* layer 2 has 2 channels: 6 is left out there */
  assert_int_equal(scratch_entries(sample(&p, "")), 3 * PICTURES + 3);
  close_place(&p);
}

static void channels_are_held_up(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, NULL);
  set(&p.settings, "viz_type", "channels_state");
  set(&p.settings, "viz_start_layer", "2");
  must(nrf_visualise(&p.settings, NULL));
  check_run(&p, "channels_state", 2, 0, "lyr2_ch0_");
  check_run(&p, "channels_state", 2, 1, "lyr2_ch1_");
  assert_false(exists(&p, "lyr1.png"));
  close_place(&p);
}

/* The random pixels of neg_ff_init lie around 0.35 and are no uniform noise; the network fills the rest. */
static void random_states_may_come_from_the_initialiser(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, (const char *const[]){"neg_ff_init", "on", NULL});
  must(nrf_visualise(&p.settings, NULL));
  nrf_picture picture = read_png(&p, "lyr0000000.png");
  double      sum     = 0.0;
  const int   pixels  = 32 * 32 * IMAGES * 3;
  for (int i = 0; i < picture.width * picture.height * 3; i++) sum += picture.pixels[i] / 255.0;
  const double mean = sum / pixels;      /* the black lines add nothing */
  assert_true(mean > 0.3 && mean < 0.5); /* uniform in [-1, 1), clamped at 0: 0.25 */
  nrf_picture_free(&picture);
  close_place(&p);
}

/* ---- summary and film ---- */

static int first_row_of(const nrf_picture *p, const uint8_t *row, size_t bytes, int from)
{
  for (int y = from; y < p->height; y++)
    for (int x = 0; (size_t)x * 3 + bytes <= (size_t)p->width * 3; x++)
      if (memcmp(p->pixels + ((int64_t)y * p->width + x) * 3, row, bytes) == 0) return y;
  return -1;
}

/* The first 16 of the 18 images of the last picture, for every channel in order. */
static void a_summary_shows_the_first_images_of_every_channel(void **state)
{
  (void)state;
  place p = {0};
  int   y = 0;
  open_place(&p, NULL);
  set(&p.settings, "viz_type", "channels_state");
  must(nrf_visualise(&p.settings, NULL));
  nrf_picture summary = read_png(&p, "lyr1.png");
  for (int c = 0; c < 8; c++) {
    char name[64];
    (void)snprintf(name, sizeof name, "lyr1_ch%d_%06d.png", c, STEPS);
    nrf_picture  picture = read_png(&p, name);
    const size_t bytes   = (size_t)picture.width * 3;
    assert_int_equal(picture.width, 16 * 34 + 2);
    const int at = first_row_of(&summary, picture.pixels + (2 + 5) * bytes, bytes, y) - 7;
    assert_true(at >= y);
    for (int line = 0; line < 36; line++)
      assert_int_equal(first_row_of(&summary, picture.pixels + (size_t)line * bytes, bytes, at + line),
                       at + line);
    y = at + 36;
    nrf_picture_free(&picture);
  }
  nrf_picture_free(&summary);
  close_place(&p);
}

static GifFileType *open_gif(const char *path)
{
  int          error = 0;
  GifFileType *gif   = DGifOpenFileName(path, &error);
  assert_non_null(gif);
  assert_int_equal(DGifSlurp(gif), GIF_OK);
  return gif;
}

static nrf_palette palette_of(const GifFileType *gif)
{
  nrf_palette palette = {.count = gif->SColorMap->ColorCount};
  for (int i = 0; i < palette.count; i++) {
    const GifColorType *c = &gif->SColorMap->Colors[i];
    memcpy(palette.colour[i], (uint8_t[]){c->Red, c->Green, c->Blue}, 3);
  }
  return palette;
}

/* Every pixel has the colour of the table that is nearest to the picture's. */
static void check_frame(const nrf_palette *palette, const SavedImage *frame, const nrf_picture *picture)
{
  for (int i = 0; i < picture->width * picture->height; i++) {
    const int nearest = nrf_palette_nearest(palette, picture->pixels + 3 * i);
    assert_memory_equal(palette->colour[frame->RasterBits[i]], palette->colour[nearest], 3);
  }
}

static void a_film_has_the_pictures_for_frames(void **state)
{
  (void)state;
  place p     = {0};
  int   error = 0;
  open_place(&p, NULL);
  set(&p.settings, "viz_gif", "on");
  must(nrf_visualise(&p.settings, NULL));
  GifFileType      *gif     = open_gif(sample(&p, "lyr0.gif"));
  const nrf_palette palette = palette_of(gif);
  assert_int_equal(gif->ImageCount, PICTURES);
  assert_int_equal(palette.count, 256);
  for (int i = 0; i < PICTURES; i++) {
    char name[64];
    (void)snprintf(name, sizeof name, "lyr0%06d.png", picture_steps[i]);
    nrf_picture picture = read_png(&p, name);
    assert_int_equal(gif->SWidth, picture.width);
    assert_int_equal(gif->SHeight, picture.height);
    check_frame(&palette, &gif->SavedImages[i], &picture);
    nrf_picture_free(&picture);
  }
  assert_int_equal(DGifCloseFile(gif, &error), GIF_OK);
  close_place(&p);
}

/* ---- sessions ---- */

typedef struct file_mark {
  ino_t           inode;
  struct timespec time;
} file_mark;

static file_mark mark_of(const place *p, const char *name)
{
  struct stat s;
  if (stat(sample(p, name), &s) != 0) fail_msg("%s is not there", name);
  return (file_mark){s.st_ino, s.st_mtim};
}

static bool is_untouched(const place *p, const char *name, file_mark before)
{
  const file_mark now = mark_of(p, name);
  return now.inode == before.inode && now.time.tv_sec == before.time.tv_sec &&
         now.time.tv_nsec == before.time.tv_nsec;
}

/* A stop in the second run: the first stays, with a summary of one row; the next session does the rest. */
static void what_is_complete_is_not_done_again(void **state)
{
  (void)state;
  place        p     = {0};
  listener     first = {.stop_after = STEPS + 1 + 4}, second = {0};
  nrf_progress hasty = listen(&first), patient = listen(&second);
  open_place(&p, NULL);
  set(&p.settings, "viz_type", "channels_energy");
  set(&p.settings, "viz_start_layer", "2");
  assert_int_equal(nrf_visualise(&p.settings, &hasty), NRF_EINTERRUPTED);
  heard(&first, "2 runs of 7 steps on 18 images, 8 pictures");
  heard(&first, "stopped on request: 1 of 2 runs are complete");
  assert_true(exists(&p, "lyr2_ch0_000007.png") && exists(&p, "lyr2_ch1_000000.png"));
  assert_false(exists(&p, "lyr2_ch1_000007.png"));
  nrf_picture     summary = read_png(&p, "lyr2.png");
  const int       one_row = summary.height;
  const file_mark before  = mark_of(&p, "lyr2_ch0_000007.png");
  nrf_picture_free(&summary);

  must(nrf_visualise(&p.settings, &patient));
  heard(&second, "1 of 2 runs are there already");
  heard(&second, "1 run of 7 steps on 18 images, 4 pictures");
  assert_true(is_untouched(&p, "lyr2_ch0_000007.png", before));
  check_run(&p, "channels_energy", 2, 1, "lyr2_ch1_");
  summary = read_png(&p, "lyr2.png");
  assert_true(summary.height >= one_row + 34);
  nrf_picture_free(&summary);
  close_place(&p);
}

static void more_channels_and_films_may_come_later(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, NULL);
  set(&p.settings, "viz_type", "channels_state");
  set(&p.settings, "viz_channels", "1");
  must(nrf_visualise(&p.settings, NULL));
  const file_mark before = mark_of(&p, "lyr1_ch1_000007.png");
  set(&p.settings, "viz_channels", "0-1");
  set(&p.settings, "viz_gif", "on");
  must(nrf_visualise(&p.settings, NULL));
  assert_true(is_untouched(&p, "lyr1_ch1_000007.png", before));
  assert_true(exists(&p, "lyr1_ch0_000007.png"));
  assert_true(exists(&p, "lyr1_ch0.gif") && exists(&p, "lyr1_ch1.gif"));
  assert_false(exists(&p, "earlier_1"));
  close_place(&p);
}

static void pictures_of_other_settings_are_put_away(void **state)
{
  (void)state;
  place        p        = {0};
  listener     l        = {0};
  nrf_progress progress = listen(&l);
  open_place(&p, NULL);
  must(nrf_visualise(&p.settings, NULL));
  set(&p.settings, "viz_type", "channels_energy");
  set(&p.settings, "viz_channels", "0");
  must(nrf_visualise(&p.settings, NULL));
  assert_false(exists(&p, "earlier_1")); /* another family of names: they do not mix */

  set(&p.settings, "viz_type", "channels_state");
  must(nrf_visualise(&p.settings, &progress));
  heard(&l, "/earlier_1/ (10): they were made with");
  heard(&l, "made with viz_type channels_energy, now it is viz_type channels_state");
  assert_int_equal(scratch_entries(sample(&p, "earlier_1")), 11); /* two runs, two summaries, the note */
  check_run(&p, "channels_state", 1, 0, "lyr1_ch0_");

  set(&p.settings, "seed", "12"); /* the model's own still holds, as it is not overridden */
  must(nrf_visualise(&p.settings, &progress));
  assert_false(exists(&p, "earlier_2"));
  set(&p.settings, "override_loaded", "seed");
  must(nrf_visualise(&p.settings, &progress));
  heard(&l, "made with seed 11, now it is seed 12");
  assert_true(exists(&p, "earlier_2"));
  assert_true(exists(&p, "lyr0000007.png")); /* of the first run: untouched all the while */
  close_place(&p);
}

static void pictures_of_other_weights_are_put_away(void **state)
{
  (void)state;
  place        p        = {0};
  listener     l        = {0};
  nrf_progress progress = listen(&l);
  char         path[2 * SCRATCH_PATH];
  open_place(&p, NULL);
  must(nrf_visualise(&p.settings, NULL));
  nrf_energy_model_parameters(p.trainer->model)->value[5000] += 0.25f;
  (void)snprintf(path, sizeof path, "%s/models/tiny.h5", p.directory);
  must(nrf_training_save(path, p.trainer, 100));
  must(nrf_visualise(&p.settings, &progress));
  heard(&l, "/earlier_1/ (4): they were made with");
  heard(&l, "made with weights ");
  check_run(&p, "standard", 0, 0, "lyr0");
  close_place(&p);
}

static void pictures_that_nobody_knows_are_put_away(void **state)
{
  (void)state;
  place                           p        = {0};
  listener                        l        = {0};
  nrf_progress                    progress = listen(&l);
  static const char *const        ours[]   = {"lyr0000000.png", "lyr01000000.png", "lyr0.gif"},
                           *const others[] = {"000050.png", "lyr0.png", "lyr00.png", "lyr1_ch0_000000.png",
                                              "lyr0000000.png~"};
  open_place(&p, NULL);
  must(nrf_make_directories(sample(&p, "")));
  for (size_t i = 0; i < 3; i++) must(nrf_atomic_write(sample(&p, ours[i]), "?", 1));
  for (size_t i = 0; i < 5; i++) must(nrf_atomic_write(sample(&p, others[i]), "?", 1));
  must(nrf_visualise(&p.settings, &progress));
  heard(&l, "moved pictures that were there before to ");
  assert_int_equal(scratch_entries(sample(&p, "earlier_1")), 3);
  for (size_t i = 0; i < 5; i++) assert_true(exists(&p, others[i]));
  check_run(&p, "standard", 0, 0, "lyr0");
  close_place(&p);
}

/* Under spectral normalisation every evaluation moves vectors among the parameters; the runs before must not show. */
static void runs_do_not_depend_on_each_other(void **state)
{
  (void)state;
  for (int spectral = 0; spectral < 2; spectral++) {
    place p = {0};
    open_place(&p, (const char *const[]){"model_weight_norm", spectral ? "off" : "on",
                                         "initter_network_weight_norm", "off", NULL});
    set(&p.settings, "viz_type", "channels_energy");
    set(&p.settings, "viz_channels", "0 1");
    must(nrf_visualise(&p.settings, NULL));
    check_run(&p, "channels_energy", 2, 1, "lyr2_ch1_");
    close_place(&p);
  }
}

static void model_name_chooses_another_folder(void **state)
{
  (void)state;
  place p = {0};
  char  path[2 * SCRATCH_PATH];
  open_place(&p, NULL);
  set(&p.settings, "model_name", "aside");
  must(nrf_visualise(&p.settings, NULL));
  must(nrf_draw_weights(&p.settings, NULL));
  assert_false(exists(&p, ""));
  (void)snprintf(path, sizeof path, "%s/samples/aside", p.directory);
  assert_int_equal(scratch_entries(path), PICTURES + 1 + LAYERS);
  close_place(&p);
}

static void every_layer_has_a_sheet_of_weights(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, NULL);
  must(nrf_draw_weights(&p.settings, NULL));
  assert_int_equal(scratch_entries(sample(&p, "")), LAYERS);
  for (int i = 0; i < LAYERS; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "weights_lyr%d.png", i);
    nrf_picture sheet = read_png(&p, name);
    assert_true(sheet.width > 100 && sheet.height > 60);
    nrf_picture_free(&sheet);
  }
  close_place(&p);
}

/* ---- what is refused ---- */

static void refused(place *p, nrf_status want, const char *const words[])
{
  assert_int_equal(nrf_visualise(&p->settings, NULL), want);
  for (int i = 0; words[i] != NULL; i++)
    if (strstr(nrf_error_message(), words[i]) == NULL)
      fail_msg("'%s' is not in: %s", words[i], nrf_error_message());
  assert_int_equal(access(sample(p, ""), F_OK), -1);
}

static void layers_and_channels_have_to_exist(void **state)
{
  (void)state;
  place p = {0};
  open_place(&p, NULL);
  set(&p.settings, "viz_channels", "1");
  refused(&p, NRF_EINVAL, (const char *const[]){"--viz_channels", "standard", "channels_energy", NULL});
  set(&p.settings, "viz_type", "channels_energy");
  set(&p.settings, "viz_channels", "3 8");
  refused(&p, NRF_EINVAL, (const char *const[]){"--viz_channels", "8", "layers 1 to 2", "(0 to 7)", NULL});
  set(&p.settings, "viz_start_layer", "2");
  set(&p.settings, "viz_channels", "2");
  refused(&p, NRF_EINVAL, (const char *const[]){"--viz_channels", "no 2", "layer 2", "(0 to 1)", NULL});
  set(&p.settings, "viz_start_layer", "3");
  refused(&p, NRF_EINVAL, (const char *const[]){"--viz_start_layer 3", "layers 0 to 2", NULL});
  close_place(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(standard_is_a_negative_phase),
      cmocka_unit_test(noise_sinks_with_tempered_annealing),
      cmocka_unit_test(channels_descend_their_energy),
      cmocka_unit_test(channels_are_held_up),
      cmocka_unit_test(random_states_may_come_from_the_initialiser),
      cmocka_unit_test(a_summary_shows_the_first_images_of_every_channel),
      cmocka_unit_test(a_film_has_the_pictures_for_frames),
      cmocka_unit_test(what_is_complete_is_not_done_again),
      cmocka_unit_test(more_channels_and_films_may_come_later),
      cmocka_unit_test(pictures_of_other_settings_are_put_away),
      cmocka_unit_test(pictures_of_other_weights_are_put_away),
      cmocka_unit_test(pictures_that_nobody_knows_are_put_away),
      cmocka_unit_test(runs_do_not_depend_on_each_other),
      cmocka_unit_test(model_name_chooses_another_folder),
      cmocka_unit_test(every_layer_has_a_sheet_of_weights),
      cmocka_unit_test(layers_and_channels_have_to_exist),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
