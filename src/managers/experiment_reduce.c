/* experiment_reduce.c - see experiment_reduce.h. */
#include "managers/experiment_reduce.h"

#include "nrflv/extract.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_given(const nrf_settings *s, const char *option)
{
  return s->given[nrf_setting_index(nrf_setting_find(option))];
}

nrf_status nrf_reduction_wanted(const nrf_settings *settings, bool *out)
{
  *out = strcmp(settings->record, "analysis") == 0;
  if (*out && is_given(settings, "record_variables"))
    return nrf_error(
        NRF_EINVAL, "--record_variables: --record analysis keeps what the analyses read, and chooses itself");
  if (*out && settings->record_filters.count > 0)
    return nrf_error(NRF_EINVAL,
                     "--record_filters: with --record analysis no recording stays that could be packed");
  return NRF_OK;
}

static size_t memory_of(const nrf_settings *settings)
{
  return (size_t)(settings->record_memory * (double)(1 << 30));
}

/* Before hours are spent on a recording that could not be reduced. */
static nrf_status check_memory(const nrf_recording_info *info, const nrf_settings *settings)
{
  size_t least;
  NRF_RETURN_IF_ERROR(nrf_extract_least_memory(info, &least));
  if (memory_of(settings) >= least) return NRF_OK;
  return nrf_error(NRF_EINVAL,
                   "--record_memory: %.3g GiB are too little to reduce %s; at least %.3g GiB are needed",
                   settings->record_memory, info->experiment, (double)least / (1 << 30));
}

nrf_status nrf_reduction_adapt(nrf_recording_info *info, const nrf_settings *settings)
{
  int64_t bytes;
  if (info->n_layers != 1)
    return nrf_error(NRF_EINVAL, "--record_layers: --record analysis keeps one layer, not %d",
                     info->n_layers);
  if (!nrf_experiment_kind_info(nrf_experiment_kind_of(info))->uses_momentum)
    info->variable[NRF_RECORD_MOMENTUM] = false;
  const nrf_status st = nrf_extract_bytes(info, &bytes);
  if (st != NRF_OK) return nrf_error_context(st, "--record analysis");
  return check_memory(info, settings);
}

int64_t nrf_reduction_bytes(const nrf_recording_info *info)
{
  int64_t bytes = 0;
  return nrf_extract_bytes(info, &bytes) == NRF_OK ? bytes : 0;
}

nrf_status nrf_reduction_compare(const char *extract, const nrf_recording_info *info)
{
  nrf_extract *x = NULL;
  NRF_RETURN_IF_ERROR(nrf_extract_open(extract, &x));
  const nrf_status st = nrf_extract_compare_info(x, info);
  nrf_extract_free(x);
  return st;
}

/* That what is about to be all that there is can be read, and is of this recording. */
static nrf_status verify(const char *extract, const nrf_trace_source *source)
{
  nrf_extract *x = NULL;
  NRF_RETURN_IF_ERROR(nrf_extract_open(extract, &x));
  const bool good = nrf_extract_is_of(x, &source->origin);
  nrf_extract_free(x);
  return good ? NRF_OK
              : nrf_error(NRF_EFORMAT, "%s: is of another recording, or this one has changed", extract);
}

static nrf_status make_extract(const char *recording, const char *extract, const nrf_settings *settings,
                               int threads, const nrf_progress *progress)
{
  nrf_trace_source source;
  NRF_RETURN_IF_ERROR(nrf_trace_source_open(recording, &source));
  nrf_status st =
      nrf_extract_make(&source, extract, (nrf_extract_effort){threads, memory_of(settings)}, progress);
  if (st == NRF_OK) st = verify(extract, &source);
  nrf_trace_source_close(&source);
  return st;
}

nrf_status nrf_reduction_make(const char *recording, const char *extract, const nrf_settings *settings,
                              int threads, const nrf_progress *progress)
{
  char             why[1024];
  const nrf_status st = make_extract(recording, extract, settings, threads, progress);
  if (st == NRF_EINTERRUPTED) return st;
  if (st != NRF_OK) {
    (void)snprintf(why, sizeof why, "%s", nrf_error_message());
    return nrf_error(st, "%s; the complete recording is in %s, and the same command goes on with it", why,
                     recording);
  }
  if (unlink(recording) != 0 && errno != ENOENT)
    return nrf_error_errno("%s: is in %s, but cannot be removed", recording, extract);
  return NRF_OK;
}
