/* setup.c - from settings to the objects that compute. */
#include "managers/setup.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

/* The names are those of the options' choices, which have been checked against the table of settings. */
static int index_of(const char *name, int n, const char *const names[])
{
  for (int i = 0; i < n; i++)
    if (strcmp(name, names[i]) == 0) return i;
  assert(!"a choice of the settings table that nobody knows");
  return 0;
}

static nrf_activation activation_of(const char *name)
{
  static const char *const names[] = {
      [NRF_IDENTITY] = "identity", [NRF_HARDTANH] = "hardtanh",     [NRF_HARDSIG] = "hardsig",
      [NRF_RELU] = "relu",         [NRF_LEAKY_RELU] = "leaky_relu", [NRF_SWISH] = "swish"};
  return (nrf_activation)index_of(name, sizeof names / sizeof *names, names);
}

static nrf_compute compute_of(const nrf_settings *s)
{
  static const char *const names[] = {
      [NRF_CONV_AUTO] = "auto", [NRF_CONV_DIRECT] = "direct", [NRF_CONV_FREQUENCY] = "frequency"};
  return (nrf_compute){.threads     = s->threads > 0 ? s->threads : omp_get_max_threads(),
                       .plain_graph = s->plain_graph,
                       .conv =
                           (nrf_conv_choice)index_of(s->conv_algorithm, sizeof names / sizeof *names, names)};
}

nrf_status nrf_setup_architecture(const nrf_settings *s, nrf_architecture *out)
{
  return nrf_architecture_load(s->architecture, s->architectures_dir, out);
}

nrf_energy_config nrf_setup_energy(const nrf_settings *s, int batch)
{
  return (nrf_energy_config){.activation        = activation_of(s->activation),
                             .states_activation = activation_of(s->states_activation),
                             .weight_norm       = s->model_weight_norm,
                             .ff_dynamics       = s->ff_dynamics,
                             .batch             = batch,
                             .compute           = compute_of(s)};
}

nrf_initialiser_config nrf_setup_initialiser(const nrf_settings *s, int batch)
{
  return (nrf_initialiser_config){.activation        = activation_of(s->activation),
                                  .states_activation = activation_of(s->states_activation),
                                  .weight_norm       = s->initter_network_weight_norm,
                                  .layer_norm        = s->initter_network_layer_norm,
                                  .batch             = batch,
                                  .compute           = compute_of(s)};
}

nrf_status nrf_setup_sampler(const nrf_settings *s, int n_layers, nrf_sampler_config *out)
{
  nrf_sampler_config          c = {.states_activation = activation_of(s->states_activation),
                                   .clip_gradient     = s->clip_grad,
                                   .clip_norm         = s->clip_state_grad_norm,
                                   .seed              = s->seed,
                                   .check_interval = 1}; /* two passes over memory, to name the very step */
  nrf_state_optimizer_config *o = &c.optimizer;

  NRF_RETURN_IF_ERROR(nrf_state_optimizer_kind_of(s->state_optimizer, &o->kind));
  o->dampening         = s->dampening_param;
  o->scale_grad        = s->scale_grad;
  o->burn_in_steps     = s->num_burn_in_steps;
  o->non_diag_inv_mass = s->non_diag_inv_mass;
  o->mean_batch_minv   = s->mean_batch_minv_t;
  o->mom_clip          = s->mom_clip;
  o->min_sq_sigma      = s->min_sq_sigma;

  const struct {
    const char           *option;
    const nrf_float_list *list;
    double               *per_layer;
  } lists[] = {{"sampling_step_size", &s->sampling_step_size, o->step_size},
               {"sigma", &s->sigma, o->sigma},
               {"momentum_param", &s->momentum_param, o->momentum},
               {"mom_clip_vals", &s->mom_clip_vals, o->mom_clip_norm},
               {"max_sq_sigma", &s->max_sq_sigma, o->max_sq_sigma}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    NRF_RETURN_IF_ERROR(
        nrf_settings_expand_per_layer(lists[i].list, n_layers, lists[i].option, lists[i].per_layer));
  *out = c;
  return NRF_OK;
}

/* ---- images ---- */

/* A download, shown as a loop over bytes. */
typedef struct download_display {
  const nrf_progress *progress;
  const char         *name; /* of the file under way */
} download_display;

static void show_download(void *user, const char *name, int64_t done, int64_t total)
{
  download_display *d = user;
  if (d->name == NULL || strcmp(d->name, name) != 0) {
    if (d->name != NULL) nrf_progress_end(d->progress);
    nrf_progress_begin(d->progress, "downloading", "B", done);
    d->name = name;
  }
  nrf_progress_update(d->progress, done, total, "%s", name);
}

static int download_cancelled(void *user)
{
  const download_display *d = user;
  return nrf_progress_stop_requested(d->progress);
}

static nrf_status check_image_shape(const nrf_dataset_info *info, const nrf_architecture *a)
{
  const nrf_layer_size image = a->size[0];
  if (info->shape[0] == image.channels && info->shape[1] == image.height && info->shape[2] == image.width)
    return NRF_OK;
  return nrf_error(NRF_ESHAPE, "--dataset %s: its images are [%d,%d,%d], layer 0 of %s is [%d,%d,%d]",
                   info->name, (int)info->shape[0], (int)info->shape[1], (int)info->shape[2], a->name,
                   image.channels, image.height, image.width);
}

nrf_status nrf_setup_dataset(const nrf_settings *s, const nrf_architecture *a, nrf_split split,
                             const nrf_progress *progress, nrf_dataset **out)
{
  const nrf_dataset_info *info = NULL;
  *out                         = NULL;
  NRF_RETURN_IF_ERROR(nrf_dataset_find(s->dataset, &info));
  if (a != NULL) NRF_RETURN_IF_ERROR(check_image_shape(info, a));

  download_display         display = {.progress = progress};
  const nrf_dataset_config config  = {
       .name       = s->dataset,
       .data_dir   = s->data_dir,
       .need_train = split == NRF_SPLIT_TRAIN,
       .need_test  = split == NRF_SPLIT_TEST,
       .download   = true,
       .seed       = s->seed,
       .watch      = {.progress = show_download, .cancelled = download_cancelled, .user = &display}};
  const nrf_status st = nrf_dataset_create(&config, out);
  if (display.name != NULL) nrf_progress_end(progress);
  return st;
}
