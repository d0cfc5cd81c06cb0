/* steps_transients.c - responses to contrasts round the onset and the offset of a stimulus. */
#include "steps.h"

#include "analysis/steps/state_traces.h"
#include "analysis/steps/transients.h"

#include "nrflv/memory.h"

static const struct place {
  const char *name;
  nrf_central central;
} places[] = {{"patch", NRF_CENTRAL_PATCH}, {"neuron", NRF_CENTRAL_NEURON}};

enum { PLACES = sizeof places / sizeof *places };

/* ---- 3.11 ------------------------------------------------------------------------------------------------ */

/* `name`: [shown contrasts, rows]. */
static nrf_status compare_sums(ref_block *b, const char *name, const nrf_transients *ours)
{
  nrf_contrasts contrasts = {.n = ours->n};
  int           shown[NRF_SHOWN_CONTRASTS];
  double       *reference;
  for (int k = 0; k < ours->n; k++) contrasts.at[k] = ours->contrast[k].contrast;
  const int n = nrf_shown_contrasts(&contrasts, shown);
  NRF_RETURN_IF_ERROR(read_vector(b, name, n * ours->rows, &reference));
  for (int k = 0; k < n; k++)
    NRF_RETURN_IF_ERROR(compare_values(b, name, TOLERANCE_SUM, ours->rows, ours->contrast[shown[k]].sum,
                                       reference + k * ours->rows));
  return NRF_OK;
}

static nrf_status check_transients_of(ref_block *b, steps *s, const char *name, nrf_transient_rules rules)
{
  const nrf_extract *x;
  nrf_transients     ours;
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_RETURN_IF_ERROR(nrf_transients_create(x, rules, s->threads, NULL, &ours));
  const nrf_status st = compare_sums(b, name, &ours);
  nrf_transients_free(&ours);
  return st;
}

nrf_status check_transients(ref_block *b, steps *s)
{
  static const char *const known[] = {"patch", "neuron", NULL};
  nrf_status               st      = NRF_OK;
  const nrf_extract       *x;
  nrf_preferences          preferences = {0};
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_TRY(read_preferences(b, "as_written", x->layer->channels, &preferences));
  for (int k = 0; k < PLACES; k++) {
    const nrf_transient_rules all = {places[k].central, NULL}, matched = {places[k].central, &preferences};
    NRF_TRY(check_transients_of(b, s, text_of("%s/U", places[k].name).s, all));
    NRF_TRY(check_transients_of(b, s, text_of("%s/option_matched_active/U", places[k].name).s, matched));
  }
  NRF_TRY(report_remark(b->report, "second_series", "not checked: never shown, and not computed here"));
  NRF_TRY(report_unknown_members(b, known, NULL));
done:
  nrf_free(preferences.channel);
  return st;
}

/* ---- 3.12 ------------------------------------------------------------------------------------------------ */

static nrf_status compare_traces(ref_block *b, const char *group, const nrf_state_trace *trace, int64_t n,
                                 int64_t rows)
{
  double *images, *sums;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/b", group).s, n, &images));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/traces", group).s, n * rows, &sums));
  for (int64_t k = 0; k < n; k++) {
    NRF_RETURN_IF_ERROR(compare_counts(b, "b", trace[k].b, (int64_t)images[k]));
    NRF_RETURN_IF_ERROR(compare_values(b, "traces", TOLERANCE_SUM, rows, trace[k].sum, sums + k * rows));
  }
  return NRF_OK;
}

/* Channels without a match are absent. */
static nrf_status compare_channels(ref_block *b, const char *group, int channels,
                                   const nrf_state_traces *ours)
{
  int64_t at = 0;
  for (int c = 0; c < channels; c++) {
    const text name = text_of("%s/channel_%d", group, c);
    int64_t    n    = 0;
    while (at + n < ours->n && ours->trace[at + n].channel == c) n++;
    NRF_RETURN_IF_ERROR(compare_counts(b, "channel is there", n > 0, has_member(b, name.s)));
    if (n > 0 && has_member(b, name.s))
      NRF_RETURN_IF_ERROR(compare_traces(b, name.s, &ours->trace[at], n, ours->rows.count));
    at += n;
  }
  return NRF_OK;
}

static nrf_status check_traces_of(ref_block *b, steps *s, const char *way, const struct place *place)
{
  nrf_status         st          = NRF_OK;
  nrf_preferences    preferences = {0};
  nrf_state_traces   ours        = {0};
  const nrf_extract *x;
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_TRY(read_preferences(b, way, x->layer->channels, &preferences));
  NRF_TRY(nrf_state_traces_create(x, place->central, &preferences, &ours));
  NRF_TRY(compare_channels(b, text_of("%s/%s", way, place->name).s, x->layer->channels, &ours));
done:
  nrf_state_traces_free(&ours);
  nrf_free(preferences.channel);
  return st;
}

nrf_status check_state_traces(ref_block *b, steps *s)
{
  static const char *const known[] = {"as_written", "correct", NULL};
  for (int way = 0; known[way] != NULL; way++)
    for (int k = 0; k < PLACES; k++) NRF_RETURN_IF_ERROR(check_traces_of(b, s, known[way], &places[k]));
  return report_unknown_members(b, known, NULL);
}
