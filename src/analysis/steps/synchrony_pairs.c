/* synchrony_pairs.c - which traces are correlated with which. */
#include "synchrony.h"

#include "nrflv/memory.h"

#include <string.h>

static const nrf_experiment_kind kind_of[NRF_SYNCHRONIES] = {[NRF_SYNCHRONY_CHANNELS] = NRF_KIND_FEW,
                                                             [NRF_SYNCHRONY_PATCHES]  = NRF_KIND_DBL,
                                                             [NRF_SYNCHRONY_BAR]      = NRF_KIND_LONG};

static const nrf_window_name window_of[NRF_PERIODS] = {
    [NRF_PERIOD_DURING] = NRF_WINDOW_DUR, [NRF_PERIOD_OUTSIDE] = NRF_WINDOW_PRE};

static nrf_status make_room(nrf_image_pairs *image, int64_t series, int64_t pairs)
{
  void *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)series * sizeof *image->series, "pairs of traces", &memory));
  image->series = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)pairs * sizeof *image->pair, "pairs of traces", &memory));
  image->pair = memory;
  return NRF_OK;
}

static int number_of(const nrf_extract *x, int c)
{
  return x->layer->channel[c];
}

/* All channels of one place, each of which was recorded if one was. */
static bool add_place(const nrf_extract *x, int b, nrf_site place, nrf_image_pairs *image)
{
  if (place.h < 0 || nrf_extract_trace(x, NRF_RECORD_STATE, 0, b, place.h, place.w) == NULL) return false;
  for (int c = 0; c < x->channels; c++)
    image->series[image->n_series++] = nrf_extract_trace(x, NRF_RECORD_STATE, c, b, place.h, place.w);
  return true;
}

/* Channel A among the series from `first_a` on, channel B among those from `first_v` on. */
static void add_all_channels(const nrf_extract *x, int first_a, int first_v, nrf_image_pairs *image)
{
  for (int a = 0; a < x->channels; a++)
    for (int v = 0; v < x->channels; v++)
      image->pair[image->n_pairs++] =
          (nrf_pair){.a = first_a + a, .v = first_v + v, .key = {number_of(x, a), number_of(x, v)}};
}

static nrf_status pair_channels(const nrf_extract *x, int b, nrf_image_pairs *image)
{
  const int64_t channels = x->channels;
  NRF_RETURN_IF_ERROR(make_room(image, channels, channels * channels));
  if (add_place(x, b, x->centre, image)) add_all_channels(x, 0, 0, image);
  return NRF_OK;
}

/* The site that is not the centre. */
static nrf_site mobile_site(const nrf_extract *x, int b)
{
  const nrf_sites *sites = &x->state_sites[b];
  for (int s = 0; s < sites->count; s++)
    if (sites->site[s].h != x->centre.h || sites->site[s].w != x->centre.w) return sites->site[s];
  return (nrf_site){-1, -1};
}

static nrf_status pair_patches(const nrf_extract *x, int b, nrf_image_pairs *image)
{
  const int64_t  channels = x->channels;
  const nrf_site mobile   = mobile_site(x, b);
  NRF_RETURN_IF_ERROR(make_room(image, 2 * channels, channels * channels));
  image->x = x->layer->left + mobile.w;
  image->y = x->layer->top + mobile.h;
  if (add_place(x, b, mobile, image) && add_place(x, b, x->centre, image))
    add_all_channels(x, 0, x->channels, image);
  return NRF_OK;
}

/* Series: the centre's channels, then those of each site. */
static nrf_status pair_along_bar(const nrf_extract *x, int b, nrf_image_pairs *image)
{
  const int64_t    channels = x->channels;
  const nrf_sites *sites    = &x->state_sites[b];
  NRF_RETURN_IF_ERROR(make_room(image, channels * (1 + sites->count), channels * sites->count));
  if (!add_place(x, b, x->centre, image)) return NRF_OK;
  for (int s = 0; s < sites->count; s++) (void)add_place(x, b, sites->site[s], image);
  for (int c = 0; c < x->channels; c++)
    for (int s = 0; s < sites->count; s++) {
      const nrf_site place         = sites->site[s];
      const int key[NRF_PAIR_KEYS] = {number_of(x, c), x->layer->left + place.w, x->layer->top + place.h};
      nrf_pair *pair               = &image->pair[image->n_pairs++];
      *pair                        = (nrf_pair){.a = c, .v = x->channels * (1 + s) + c};
      memcpy(pair->key, key, sizeof key);
    }
  return NRF_OK;
}

typedef nrf_status pair_fn(const nrf_extract *x, int b, nrf_image_pairs *image);

static pair_fn *const pair_image[NRF_SYNCHRONIES] = {[NRF_SYNCHRONY_CHANNELS] = pair_channels,
                                                     [NRF_SYNCHRONY_PATCHES]  = pair_patches,
                                                     [NRF_SYNCHRONY_BAR]      = pair_along_bar};

nrf_status nrf_synchrony_pairs_create(const nrf_extract *x, nrf_synchrony experiment,
                                      nrf_synchrony_pairs *out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  *out              = (nrf_synchrony_pairs){.experiment = experiment};
  if (x->kind != kind_of[experiment])
    return nrf_error(NRF_EINVAL, "synchrony experiment %d: a recording of %s, not of %s", experiment + 1,
                     nrf_experiment_kind_info(x->kind)->name,
                     nrf_experiment_kind_info(kind_of[experiment])->name);
  for (int p = 0; p < NRF_PERIODS; p++) out->window[p] = x->window[window_of[p]];
  NRF_TRY(nrf_alloc((size_t)x->images * sizeof *out->image, "pairs of traces", &memory));
  out->image  = memory;
  out->images = x->images;
  for (int b = 0; b < x->images; b++) {
    nrf_image_pairs *image = &out->image[b];
    image->group           = x->info->image[b].group;
    NRF_TRY(pair_image[experiment](x, b, image));
    if (image->n_pairs == 0) out->images_without++;
    if (image->n_series > out->max_series) out->max_series = image->n_series;
  }
done:
  if (st != NRF_OK) nrf_synchrony_pairs_free(out);
  return st;
}

void nrf_synchrony_pairs_free(nrf_synchrony_pairs *pairs)
{
  for (int b = 0; b < pairs->images; b++) {
    nrf_free(pairs->image[b].series);
    nrf_free(pairs->image[b].pair);
  }
  nrf_free(pairs->image);
  *pairs = (nrf_synchrony_pairs){0};
}
