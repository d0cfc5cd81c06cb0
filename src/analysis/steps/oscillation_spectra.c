/* oscillation_spectra.c - windows of a trace, their lines taken off, and their spectra. */
#include "oscillations.h"

#include "nrflv/analysis/line_fit.h"
#include "nrflv/analysis/spectrum.h"
#include "nrflv/memory.h"

#include <string.h>

enum { SEGMENT_STEPS = 1000, PIECES = 2, ALIGNMENT = 8 /* doubles */ };

/* What is analysed: pieces of a trace, put together. */
typedef struct samples {
  nrf_window piece[PIECES];
  int64_t    n;
} samples;

struct nrf_oscillation_spectra {
  samples    samples[NRF_SPECTRA];
  nrf_welch *welch[NRF_SPECTRA]; /* NULL: nothing was recorded */
  int64_t    longest;
};

const char *nrf_spectrum_name(nrf_spectrum_of of)
{
  static const char *const names[NRF_SPECTRA] = {[NRF_SPECTRUM_DURING]  = "during",
                                                 [NRF_SPECTRUM_PRE]     = "pre",
                                                 [NRF_SPECTRUM_POST]    = "post",
                                                 [NRF_SPECTRUM_SPLICED] = "outside"};
  return names[of];
}

static samples samples_of(const nrf_extract *x, nrf_spectrum_of of)
{
  const nrf_window during = x->window[NRF_WINDOW_DUR];
  const int64_t    end    = during.first + during.count;
  samples          s      = {.n = 0};
  switch (of) {
  case NRF_SPECTRUM_PRE:
    s.piece[0] = x->window[NRF_WINDOW_PRE];
    break;
  case NRF_SPECTRUM_POST:
    s.piece[0] = x->window[NRF_WINDOW_POST];
    break;
  case NRF_SPECTRUM_SPLICED:
    s.piece[0] = (nrf_window){0, during.first};
    s.piece[1] = (nrf_window){end, x->rows - end};
    break;
  default:
    s.piece[0] = during;
  }
  for (int k = 0; k < PIECES; k++) s.n += s.piece[k].count;
  return s;
}

nrf_status nrf_oscillation_spectra_create(const nrf_extract *x, double rate, nrf_oscillation_spectra **out)
{
  nrf_status    st      = NRF_OK;
  void         *memory  = NULL;
  const int64_t segment = nrf_rows_of_steps(x, SEGMENT_STEPS);
  *out                  = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof **out, "spectra", &memory));
  nrf_oscillation_spectra *s = memory;
  for (int of = 0; of < NRF_SPECTRA; of++) {
    s->samples[of] = samples_of(x, (nrf_spectrum_of)of);
    if (s->samples[of].n == 0) continue;
    NRF_TRY(nrf_welch_create(s->samples[of].n, segment, rate, NRF_POWER_SPECTRUM, &s->welch[of]));
    if (s->samples[of].n > s->longest) s->longest = s->samples[of].n;
  }
  *out = s;
done:
  if (st != NRF_OK) nrf_oscillation_spectra_free(s);
  return st;
}

void nrf_oscillation_spectra_free(nrf_oscillation_spectra *s)
{
  if (s == NULL) return;
  for (int of = 0; of < NRF_SPECTRA; of++) nrf_welch_free(s->welch[of]);
  nrf_free(s);
}

int64_t nrf_oscillation_bins(const nrf_oscillation_spectra *s, nrf_spectrum_of of)
{
  return s->welch[of] != NULL ? nrf_welch_bins(s->welch[of]) : 0;
}

double nrf_oscillation_frequency(const nrf_oscillation_spectra *s, nrf_spectrum_of of, int64_t bin)
{
  return nrf_welch_frequency(s->welch[of], bin);
}

int64_t nrf_oscillation_segments(const nrf_oscillation_spectra *s, nrf_spectrum_of of)
{
  return s->welch[of] != NULL ? nrf_welch_segments(s->welch[of]) : 0;
}

/* The samples come first, rounded up so that what Welch's estimate is given stays aligned. */
static int64_t room_for_samples(const nrf_oscillation_spectra *s)
{
  return (s->longest + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int64_t nrf_oscillation_work(const nrf_oscillation_spectra *s)
{
  int64_t most = 0;
  for (int of = 0; of < NRF_SPECTRA; of++) {
    const int64_t work = s->welch[of] != NULL ? nrf_welch_work(s->welch[of]) : 0;
    if (work > most) most = work;
  }
  return room_for_samples(s) + (most + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void nrf_oscillation_power(const nrf_oscillation_spectra *s, nrf_spectrum_of of, const float *trace,
                           double *work, double *power)
{
  const samples *chosen = &s->samples[of];
  int64_t        n      = 0;
  for (int k = 0; k < PIECES; k++)
    for (int64_t t = 0; t < chosen->piece[k].count; t++)
      work[n++] = (double)trace[chosen->piece[k].first + t];
  nrf_detrend(n, work, work);
  nrf_welch_power(s->welch[of], work, work + room_for_samples(s), power);
}
