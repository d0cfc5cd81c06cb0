/* transients.c - rectified traces, summed. */
#include "transients.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/analysis/matches.h"
#include "nrflv/analysis/t_test.h"
#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"

#include <math.h>

#define CONFIDENCE 0.95

/* Images are independent runs of the sampler, so a work item is an image. */
typedef struct image_response {
  double *sum; /* [rows] */
  int64_t traces, not_finite;
} image_response;

typedef struct work {
  const nrf_extract  *x;
  nrf_transient_rules rules;
  image_response     *image; /* [images] */
} work;

/* ---- one image ------------------------------------------------------------------------------------------- */

static double rectified_mean_outside(const nrf_extract *x, const float *trace, double baseline)
{
  static const nrf_window_name outside[] = {NRF_WINDOW_PRE, NRF_WINDOW_POST};
  double                       sum       = 0.0;
  int64_t                      n         = 0;
  for (int k = 0; k < 2; k++) {
    const nrf_window w = x->window[outside[k]];
    for (int64_t t = w.first; t < w.first + w.count; t++) sum += fmax((double)trace[t], baseline);
    n += w.count;
  }
  return sum / (double)n;
}

static bool is_chosen(const work *w, int c, int b, int64_t at)
{
  const nrf_preferences *p = w->rules.matched;
  return p == NULL || (nrf_is_matched(p, w->x, c, b) && nrf_is_active(w->x, at));
}

static void add_trace(const nrf_extract *x, int c, int b, nrf_site site, image_response *image)
{
  const float *trace = nrf_extract_trace(x, NRF_RECORD_STATE, c, b, site.h, site.w);
  if (trace == NULL) return;
  if (!nrf_is_finite_trace(x->rows, trace)) {
    image->not_finite++;
    return;
  }
  const double baseline = x->outside.mean[nrf_extract_at(x, c, b, site.h, site.w)];
  const double mean     = rectified_mean_outside(x, trace, baseline);
  for (int64_t t = 0; t < x->rows; t++) image->sum[t] += fmax((double)trace[t], baseline) - mean;
  image->traces++;
}

static nrf_status sum_image(void *context, int64_t item, int worker)
{
  (void)worker;
  const work        *w = context;
  const nrf_extract *x = w->x;
  const int          b = (int)item;
  nrf_site           site[NRF_CENTRAL_SITES];
  const int          sites = nrf_central_sites(x, w->rules.central, b, site);
  for (int c = 0; c < x->channels; c++)
    for (int i = 0; i < sites; i++)
      if (is_chosen(w, c, b, nrf_extract_at(x, c, b, site[i].h, site[i].w)))
        add_trace(x, c, b, site[i], &w->image[b]);
  return NRF_OK;
}

/* ---- images of one contrast ------------------------------------------------------------------------------ */

static double mean_of(nrf_window window, const double *sum, int64_t traces)
{
  double total = 0.0;
  for (int64_t t = window.first; t < window.first + window.count; t++) total += sum[t];
  return total / (double)window.count / (double)traces; /* NaN for an empty window */
}

/* The parts of an image's response; NaN for what was not recorded. */
static void measure(const nrf_extract *x, const image_response *image, double part[NRF_TRANSIENT_PARTS])
{
  static const double TRANSIENT_MS = 200.0;
  const nrf_window    during = x->window[NRF_WINDOW_DUR], post = x->window[NRF_WINDOW_POST];
  const int64_t       length    = llround(TRANSIENT_MS / x->ms_per_row);
  const int64_t       half      = during.count / 2;
  const nrf_window    onset     = {during.first, length < half ? length : half};
  const nrf_window    late      = {during.first + half, during.count - half};
  const nrf_window    offset    = {post.first, length < post.count ? length : post.count};
  part[NRF_TRANSIENT_ONSET]     = mean_of(onset, image->sum, image->traces);
  part[NRF_TRANSIENT_SUSTAINED] = mean_of(late, image->sum, image->traces);
  part[NRF_TRANSIENT_OVERSHOOT] = part[NRF_TRANSIENT_ONSET] - part[NRF_TRANSIENT_SUSTAINED];
  part[NRF_TRANSIENT_OFFSET]    = mean_of(offset, image->sum, image->traces);
}

static void add_image(const nrf_extract *x, const image_response *image, nrf_transient *out)
{
  double part[NRF_TRANSIENT_PARTS];
  measure(x, image, part);
  for (int k = 0; k < NRF_TRANSIENT_PARTS; k++)
    if (isfinite(part[k])) nrf_moments_add(&out->part[k], part[k]);
  for (int64_t t = 0; t < x->rows; t++) out->sum[t] += image->sum[t];
  out->traces += image->traces;
  out->images++;
}

static bool is_of(const work *w, int b, double contrast)
{
  const nrf_contrasts one = {1, {contrast}};
  return w->image[b].traces > 0 && nrf_contrast_index(&one, w->x->info->image[b].contrast) == 0;
}

static void set_interval(const work *w, int64_t t, nrf_transient *out)
{
  nrf_moments m = nrf_moments_none();
  for (int b = 0; b < w->x->images; b++)
    if (is_of(w, b, out->contrast)) nrf_moments_add(&m, w->image[b].sum[t]);
  const nrf_interval mean = nrf_t_interval(m, CONFIDENCE);
  out->lower[t]           = mean.lower * out->images;
  out->upper[t]           = mean.upper * out->images;
}

static void sum_contrast(const work *w, nrf_transient *out)
{
  for (int k = 0; k < NRF_TRANSIENT_PARTS; k++) out->part[k] = nrf_moments_none();
  for (int b = 0; b < w->x->images; b++)
    if (is_of(w, b, out->contrast)) add_image(w->x, &w->image[b], out);
  for (int64_t t = 0; t < w->x->rows; t++) set_interval(w, t, out);
}

/* ---- all ------------------------------------------------------------------------------------------------- */

static nrf_status sum_images(work *w, int threads, const nrf_progress *progress)
{
  const nrf_work_items items = {
      .n = w->x->images, .title = "transients", .unit = "images", .run = sum_image, .context = w};
  return nrf_work_items_run(&items, threads, progress);
}

static nrf_status allocate(const nrf_extract *x, const nrf_contrasts *contrasts, nrf_transients *out)
{
  enum { SERIES = 3 };
  void *list = NULL, *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)contrasts->n * sizeof *out->contrast, "transients", &list));
  out->contrast = list;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)contrasts->n * SERIES * (size_t)x->rows * sizeof *out->memory,
                                "transients", &memory));
  out->memory = memory;
  out->rows   = x->rows;
  out->n      = contrasts->n;
  for (int k = 0; k < out->n; k++) {
    double *series   = out->memory + (int64_t)SERIES * k * x->rows;
    out->contrast[k] = (nrf_transient){.contrast = contrasts->at[k],
                                       .sum      = series,
                                       .lower    = series + x->rows,
                                       .upper    = series + 2 * x->rows};
  }
  return NRF_OK;
}

nrf_status nrf_transients_create(const nrf_extract *x, nrf_transient_rules rules, int threads,
                                 const nrf_progress *progress, nrf_transients *out)
{
  nrf_status    st     = NRF_OK;
  void         *images = NULL, *sums = NULL;
  work          w = {.x = x, .rules = rules};
  nrf_contrasts contrasts;
  *out = (nrf_transients){0};
  NRF_RETURN_IF_ERROR(nrf_contrasts_of(x, &contrasts));
  NRF_TRY(nrf_alloc((size_t)x->images * sizeof *w.image, "transients", &images));
  NRF_TRY(nrf_alloc((size_t)x->images * (size_t)x->rows * sizeof *w.image->sum, "transients", &sums));
  w.image = images;
  for (int b = 0; b < x->images; b++) w.image[b].sum = (double *)sums + (int64_t)b * x->rows;
  NRF_TRY(allocate(x, &contrasts, out));
  NRF_TRY(sum_images(&w, threads, progress));
  for (int k = 0; k < out->n; k++) sum_contrast(&w, &out->contrast[k]);
  for (int b = 0; b < x->images; b++) out->not_finite += w.image[b].not_finite;
done:
  nrf_free(images);
  nrf_free(sums);
  if (st != NRF_OK) nrf_transients_free(out);
  return st;
}

void nrf_transients_free(nrf_transients *transients)
{
  nrf_free(transients->contrast);
  nrf_free(transients->memory);
  *transients = (nrf_transients){0};
}
