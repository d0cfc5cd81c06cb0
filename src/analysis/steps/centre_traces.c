/* centre_traces.c - selecting and adding up traces. */
#include "centre_traces.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/analysis/matches.h"
#include "nrflv/memory.h"

bool nrf_has_central(const nrf_extract *x, nrf_central central)
{
  nrf_site site[NRF_CENTRAL_SITES];
  for (int b = 0; b < x->images; b++)
    if (nrf_central_sites(x, central, b, site) > 0) return true;
  return false;
}

static void add_trace(int64_t n, const float *trace, nrf_trace_sum *to)
{
  if (!nrf_is_finite_trace(n, trace)) {
    to->not_finite++;
    return;
  }
  to->traces++;
  for (int64_t t = 0; t < n; t++) to->sum[t] += (double)trace[t];
}

void nrf_add_central(const nrf_extract *x, nrf_central central, bool only_active, int c, int b,
                     nrf_trace_sum *to)
{
  nrf_site  site[NRF_CENTRAL_SITES];
  const int n = nrf_central_sites(x, central, b, site);
  for (int i = 0; i < n; i++) {
    const int h = site[i].h, w = site[i].w;
    if (only_active && !nrf_is_active(x, nrf_extract_at(x, c, b, h, w))) continue;
    const float *trace = nrf_extract_trace(x, NRF_RECORD_STATE, c, b, h, w);
    if (trace != NULL) add_trace(x->rows, trace, to);
  }
}

/* ---- the LFP --------------------------------------------------------------------------------------------- */

static bool is_in_part(const nrf_lfp *lfp, const nrf_preferences *p, const nrf_extract *x, int k, int c,
                       int b)
{
  return nrf_contrast_index(&lfp->contrasts, x->info->image[b].contrast) == k && nrf_is_matched(p, x, c, b);
}

static bool has_part(const nrf_lfp *lfp, const nrf_preferences *p, const nrf_extract *x, int k, int c)
{
  for (int b = 0; b < x->images; b++)
    if (is_in_part(lfp, p, x, k, c, b)) return true;
  return false;
}

/* Keeps the part, as number lfp->parts, if there is a trace in it. */
static void add_part(const nrf_extract *x, const nrf_preferences *p, nrf_central central, int k, int c,
                     nrf_lfp *lfp)
{
  nrf_lfp_part *part = &lfp->part[lfp->parts];
  *part = (nrf_lfp_part){.contrast = k, .channel = c, .sum.sum = lfp->sums + lfp->parts * lfp->rows};
  for (int b = 0; b < x->images; b++) {
    if (!is_in_part(lfp, p, x, k, c, b)) continue;
    const int64_t before = part->sum.traces;
    nrf_add_central(x, central, false, c, b, &part->sum);
    part->images += part->sum.traces > before;
  }
  lfp->not_finite += part->sum.not_finite;
  lfp->parts += part->sum.traces > 0;
}

static nrf_status allocate_parts(const nrf_extract *x, const nrf_preferences *p, nrf_lfp *lfp)
{
  void   *memory = NULL;
  int64_t most   = 0;
  for (int k = 0; k < lfp->contrasts.n; k++)
    for (int c = 0; c < x->channels; c++) most += has_part(lfp, p, x, k, c);
  const int64_t room = most + 1; /* a part that turns out to be empty is overwritten by the next */
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)room * sizeof *lfp->part, "LFP", &memory));
  lfp->part = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(room * x->rows) * sizeof *lfp->sums, "LFP", &memory));
  lfp->sums = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(lfp->contrasts.n + 1) * sizeof *lfp->first, "LFP", &memory));
  lfp->first = memory;
  return NRF_OK;
}

nrf_status nrf_lfp_create(const nrf_extract *x, const nrf_preferences *preferences, nrf_central central,
                          nrf_lfp *out)
{
  nrf_status st = NRF_OK;
  *out          = (nrf_lfp){.rows = x->rows};
  NRF_TRY(nrf_contrasts_of(x, &out->contrasts));
  NRF_TRY(allocate_parts(x, preferences, out));
  for (int k = 0; k < out->contrasts.n; k++) {
    out->first[k] = out->parts;
    for (int c = 0; c < x->channels; c++)
      if (has_part(out, preferences, x, k, c)) add_part(x, preferences, central, k, c, out);
  }
  out->first[out->contrasts.n] = out->parts;
done:
  if (st != NRF_OK) nrf_lfp_free(out);
  return st;
}

void nrf_lfp_free(nrf_lfp *lfp)
{
  nrf_free(lfp->part);
  nrf_free(lfp->first);
  nrf_free(lfp->sums);
  *lfp = (nrf_lfp){0};
}

void nrf_lfp_series(const nrf_lfp *lfp, int k, nrf_window window, double *out)
{
  for (int64_t t = 0; t < window.count; t++) out[t] = 0.0;
  for (int i = lfp->first[k]; i < lfp->first[k + 1]; i++) {
    const double *sum = lfp->part[i].sum.sum + window.first;
    for (int64_t t = 0; t < window.count; t++) out[t] += sum[t];
  }
}

int nrf_lfp_channels(const nrf_lfp *lfp, int k)
{
  return lfp->first[k + 1] - lfp->first[k];
}

int64_t nrf_lfp_traces(const nrf_lfp *lfp, int k)
{
  int64_t traces = 0;
  for (int i = lfp->first[k]; i < lfp->first[k + 1]; i++) traces += lfp->part[i].sum.traces;
  return traces;
}

bool nrf_lfp_same_channels(const nrf_lfp *lfp, int k, int l)
{
  const int n = nrf_lfp_channels(lfp, k);
  if (n != nrf_lfp_channels(lfp, l)) return false;
  for (int i = 0; i < n; i++)
    if (lfp->part[lfp->first[k] + i].channel != lfp->part[lfp->first[l] + i].channel) return false;
  return true;
}
