/* show.c - tables, means, shares and histograms. */
#include "show.h"

#include <math.h>
#include <string.h>

nrf_status nrf_show_records(const char *name, const char *description, int n_columns,
                            const nrf_record_column columns[], nrf_records records, nrf_results *results)
{
  nrf_table *table = NULL;
  NRF_RETURN_IF_ERROR(nrf_records_to_table(name, description, n_columns, columns, records, &table));
  const nrf_status st = nrf_results_table(results, table);
  nrf_table_free(table);
  return st;
}

void nrf_show_mean(nrf_results *results, const char *name, const char *unit, nrf_moments mean,
                   const char *note)
{
  if (mean.n == 0) return;
  const nrf_interval ends   = nrf_t_interval(mean, NRF_SHOWN_CONFIDENCE);
  nrf_key_number     number = {.name = name, .value = mean.mean, .unit = unit, .n = mean.n, .note = note};
  if (isfinite(ends.lower)) {
    number.low        = ends.lower;
    number.high       = ends.upper;
    number.confidence = NRF_SHOWN_CONFIDENCE;
  }
  nrf_results_number(results, &number);
}

/* Wilson, Journal of the American Statistical Association 22, 1927. */
nrf_interval nrf_share_interval(int64_t count, int64_t n)
{
  static const double Z    = 1.959963984540054; /* 97.5 % of the normal distribution */
  const double        size = (double)n, share = (double)count / size, spread = Z * Z / size;
  const double        middle = (share + 0.5 * spread) / (1.0 + spread),
               half          = Z / (1.0 + spread) * sqrt(share * (1.0 - share) / size + 0.25 * spread / size);
  return (nrf_interval){fmax(0.0, middle - half), fmin(1.0, middle + half)};
}

void nrf_show_share(nrf_results *results, const char *name, int64_t count, int64_t n, const char *note)
{
  if (n == 0) return;
  const nrf_interval ends = nrf_share_interval(count, n);
  nrf_results_number(results, &(nrf_key_number){.name       = name,
                                                .value      = 100.0 * (double)count / (double)n,
                                                .unit       = "%",
                                                .low        = 100.0 * ends.lower,
                                                .high       = 100.0 * ends.upper,
                                                .confidence = NRF_SHOWN_CONFIDENCE,
                                                .n          = n,
                                                .note       = note});
}

void nrf_histogram(int64_t n, const double *value, double low, double high, int bins, double *count)
{
  memset(count, 0, (size_t)bins * sizeof *count);
  for (int64_t i = 0; i < n; i++) {
    if (!(value[i] >= low && value[i] <= high)) continue;
    const int bin = (int)((value[i] - low) / (high - low) * bins);
    count[bin < bins ? bin : bins - 1] += 1.0;
  }
}
