/* synchrony_fits.c - all correlations of an experiment, fitted. */
#include "synchrony.h"

#include "nrflv/memory.h"

#include <math.h>

enum { LAST_LAG = NRF_FIT_FIRST_LAG + NRF_FIT_LAGS - 1, FEWEST_LAGS = 3 };

typedef struct fitting {
  nrf_correlation_fit_how how;
  nrf_pair_fit           *fit;
  int64_t                 room;    /* doubles of scratch for each worker      */
  double                 *scratch; /* [threads][room] a window, then the fit's */
} fitting;

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

/* The published program can do this, and never does (analysis.md, appendix C). */
static double fold(double phase)
{
  const double folded = phase - M_PI * floor(phase / M_PI);
  return folded >= M_PI ? 0.0 : folded; /* rounding makes pi of a tiny negative phase; NaN stays */
}

/* What follows a window stays aligned. */
static int64_t window_room(int lags)
{
  return (lags + 7) / 8 * 8;
}

static void fit_row(void *context, const nrf_pair_visit *visit)
{
  const fitting             *f     = context;
  const nrf_pair_correlator *c     = visit->correlator;
  const int                  first = nrf_pair_correlator_first(c), lags = nrf_pair_correlator_lags(c);
  double       *window = f->scratch + visit->worker * f->room, *work = window + window_room(lags);
  nrf_pair_fit *out = &f->fit[visit->index];
  *out              = (nrf_pair_fit){.row = visit->row, .norm = nrf_pair_norm(c, visit->a, visit->v)};
  if (out->norm == 0.0) {
    out->fit                  = flat_line();
    out->amplitude_normalised = NAN;
    out->phase_folded         = NAN;
    return;
  }
  nrf_pair_correlation(c, visit->a, visit->v, window);
  nrf_fit_correlation(lags, first, window, f->how, work, &out->fit, NULL);
  out->amplitude_normalised = out->fit.amplitude / out->norm;
  out->phase_folded         = fold(out->fit.sine_phase);
  if (!isfinite(out->fit.amplitude)) {
    out->num_peaks = -1;
    return;
  }
  out->one_phase_missed = one_phase_missed(&out->fit, lags);
  out->num_peaks        = nrf_fitted_curve_peaks(&out->fit, f->how, lags, first, work);
}

static nrf_status check_windows(const nrf_synchrony_pairs *pairs)
{
  for (int p = 0; p < NRF_PERIODS; p++) {
    const int64_t samples = pairs->window[p].count;
    if (samples > 0 && 2 * samples - 1 < FEWEST_LAGS)
      return nrf_error(NRF_EINVAL, "correlations over %lld samples: too few to be fitted",
                       (long long)samples);
  }
  return NRF_OK;
}

nrf_status nrf_fit_pairs(const nrf_synchrony_pairs *pairs, nrf_correlation_fit_how how, int threads,
                         const nrf_progress *progress, nrf_pair_fits *out)
{
  nrf_status    st     = NRF_OK;
  void         *memory = NULL;
  fitting       f      = {.how = how};
  const int64_t n      = nrf_count_pair_rows(pairs);
  *out                 = (nrf_pair_fits){0};
  NRF_TRY(check_windows(pairs));
  NRF_TRY(nrf_alloc((size_t)n * sizeof *f.fit, "fits", &memory));
  f.fit = memory;
  f.room =
      window_room(NRF_FIT_LAGS) + window_room((int)nrf_correlation_fit_work(NRF_FIT_LAGS, NRF_FIT_FIRST_LAG));
  NRF_TRY(nrf_alloc((size_t)(threads * f.room) * sizeof *f.scratch, "fits", &memory));
  f.scratch                = memory;
  const nrf_pair_walk walk = {"fits", NRF_FIT_FIRST_LAG, LAST_LAG, fit_row, &f};
  NRF_TRY(nrf_walk_pairs(pairs, &walk, threads, progress));
  *out  = (nrf_pair_fits){n, f.fit};
  f.fit = NULL;
done:
  nrf_free(f.scratch);
  nrf_free(f.fit);
  return st;
}

void nrf_pair_fits_free(nrf_pair_fits *fits)
{
  nrf_free(fits->fit);
  *fits = (nrf_pair_fits){0};
}
