/* synchrony_fits.c - all correlations of an experiment, fitted. */
#include "synchrony.h"

#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"

#include <math.h>

/* What one thread needs. */
typedef struct bench {
  nrf_pair_correlator *correlator[NRF_PERIODS]; /* NULL for a period without samples */
  double              *window;                  /* [lags] the correlation            */
  double              *work;
} bench;

typedef struct fitting {
  const nrf_synchrony_pairs *pairs;
  nrf_correlation_fit_how    how;
  int64_t                   *first; /* [images] of an image's fits */
  nrf_pair_fit              *fit;
  bench                     *bench; /* [threads] */
} fitting;

enum { FEWEST_SAMPLES = 3 }; /* that a window of three lags can be had of */

static bool has_period(const nrf_synchrony_pairs *pairs, int period)
{
  return pairs->window[period].count > 0;
}

/* ---- one fit --------------------------------------------------------------------------------------------- */

/* Whether starts of phase 0 alone end in a sine that fits clearly worse. */
static bool one_phase_missed(const nrf_correlation_fit *fit, int lags)
{
  static const double WORSE = 0.01, ROUNDING = 1e-9;
  const double        power = (double)lags * fit->peak * fit->peak;
  return fit->cost_sine_one_phase - fit->cost_sine > WORSE * fit->cost_sine + ROUNDING * power;
}

static nrf_correlation_fit flat_line(void)
{
  return (nrf_correlation_fit){.freq_scale = NAN, .sine_phase = NAN, .gauss_sigma = NAN, .gauss_amp = NAN};
}

static void fit_pair(const fitting *f, bench *own, int period, const nrf_pair *pair, nrf_pair_fit *out)
{
  const nrf_pair_correlator *c     = own->correlator[period];
  const int                  first = nrf_pair_correlator_first(c), lags = nrf_pair_correlator_lags(c);
  out->norm             = nrf_pair_norm(c, pair->a, pair->v);
  out->one_phase_missed = false;
  out->num_peaks        = 0;
  if (out->norm == 0.0) {
    out->fit = flat_line();
    return;
  }
  nrf_pair_correlation(c, pair->a, pair->v, own->window);
  nrf_fit_correlation(lags, first, own->window, f->how, own->work, &out->fit, NULL);
  if (!isfinite(out->fit.amplitude)) {
    out->num_peaks = -1;
    return;
  }
  out->one_phase_missed = one_phase_missed(&out->fit, lags);
  out->num_peaks        = nrf_fitted_curve_peaks(&out->fit, f->how, lags, first, own->work);
}

static nrf_status fit_image(void *context, int64_t item, int worker)
{
  const fitting         *f     = context;
  const nrf_image_pairs *image = &f->pairs->image[item];
  bench                 *own   = &f->bench[worker];
  nrf_pair_fit          *fit   = f->fit + f->first[item];
  for (int p = 0; p < NRF_PERIODS; p++) {
    if (own->correlator[p] == NULL) continue;
    nrf_pair_correlator_load(own->correlator[p], image);
    for (int i = 0; i < image->n_pairs; i++, fit++) {
      const nrf_pair *pair = &image->pair[i];
      *fit                 = (nrf_pair_fit){
                          .image = (int)item, .group = image->group, .period = p, .x = image->x, .y = image->y};
      for (int k = 0; k < NRF_PAIR_KEYS; k++) fit->key[k] = pair->key[k];
      fit_pair(f, own, p, pair, fit);
    }
  }
  return NRF_OK;
}

/* ---- all of them ----------------------------------------------------------------------------------------- */

static nrf_status open_bench(const nrf_synchrony_pairs *pairs, bench *out)
{
  int     lags = 0;
  int64_t room = 0;
  void   *memory;
  for (int p = 0; p < NRF_PERIODS; p++) {
    if (!has_period(pairs, p)) continue;
    NRF_RETURN_IF_ERROR(nrf_pair_correlator_create(pairs->window[p], NRF_FIT_FIRST_LAG,
                                                   NRF_FIT_FIRST_LAG + NRF_FIT_LAGS - 1, pairs->max_series,
                                                   &out->correlator[p]));
    const int     here = nrf_pair_correlator_lags(out->correlator[p]);
    const int64_t work = nrf_correlation_fit_work(here, nrf_pair_correlator_first(out->correlator[p]));
    lags               = here > lags ? here : lags;
    room               = work > room ? work : room;
  }
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)lags * sizeof *out->window, "fits", &memory));
  out->window = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)room * sizeof *out->work, "fits", &memory));
  out->work = memory;
  return NRF_OK;
}

static void close_bench(bench *b)
{
  for (int p = 0; p < NRF_PERIODS; p++) nrf_pair_correlator_free(b->correlator[p]);
  nrf_free(b->window);
  nrf_free(b->work);
}

/* Where each image's fits begin, and how many there are. */
static int64_t place_fits(const nrf_synchrony_pairs *pairs, int64_t *first)
{
  int     periods = 0;
  int64_t n       = 0;
  for (int p = 0; p < NRF_PERIODS; p++) periods += has_period(pairs, p);
  for (int b = 0; b < pairs->images; b++) {
    first[b] = n;
    n += (int64_t)periods * pairs->image[b].n_pairs;
  }
  return n;
}

static nrf_status check_windows(const nrf_synchrony_pairs *pairs)
{
  for (int p = 0; p < NRF_PERIODS; p++)
    if (has_period(pairs, p) && pairs->window[p].count < FEWEST_SAMPLES)
      return nrf_error(NRF_EINVAL, "correlations over %lld samples: too few to be fitted",
                       (long long)pairs->window[p].count);
  return NRF_OK;
}

nrf_status nrf_fit_pairs(const nrf_synchrony_pairs *pairs, nrf_correlation_fit_how how, int threads,
                         const nrf_progress *progress, nrf_pair_fits *out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  fitting    f      = {.pairs = pairs, .how = how};
  int        opened = 0;
  *out              = (nrf_pair_fits){0};
  NRF_TRY(check_windows(pairs));
  NRF_TRY(nrf_alloc((size_t)pairs->images * sizeof *f.first, "fits", &memory));
  f.first         = memory;
  const int64_t n = place_fits(pairs, f.first);
  NRF_TRY(nrf_alloc((size_t)n * sizeof *f.fit, "fits", &memory));
  f.fit = memory;
  NRF_TRY(nrf_alloc((size_t)threads * sizeof *f.bench, "fits", &memory));
  for (f.bench = memory; opened < threads;) NRF_TRY(open_bench(pairs, &f.bench[opened++]));
  const nrf_work_items items = {
      .n = pairs->images, .title = "fits", .unit = "images", .run = fit_image, .context = &f};
  NRF_TRY(nrf_work_items_run(&items, threads, progress));
  *out  = (nrf_pair_fits){n, f.fit};
  f.fit = NULL;
done:
  for (int t = 0; t < opened; t++) close_bench(&f.bench[t]);
  nrf_free(f.bench);
  nrf_free(f.first);
  nrf_free(f.fit);
  return st;
}

void nrf_pair_fits_free(nrf_pair_fits *fits)
{
  nrf_free(fits->fit);
  *fits = (nrf_pair_fits){0};
}
