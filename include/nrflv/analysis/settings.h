/* settings.h - the options of nrflv-analyze, declared as nrflv's are (option_table.h): a field here, a row in
 * src/analysis/frame/settings_table.c, and the block in README.md. */
#ifndef NRFLV_ANALYSIS_SETTINGS_H
#define NRFLV_ANALYSIS_SETTINGS_H

#include "nrflv/option_table.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct nrf_analysis_settings {
  /* what to do */
  char          root_path[NRF_SETTING_STRING_MAX];
  nrf_name_list steps;
  bool          force;
  bool          list;
  const char   *completion;
  bool          version;
  bool          help;

  /* how */
  bool     original_quirks;
  uint64_t seed;
  bool     single_maps;

  /* where results go */
  char results_dir[NRF_SETTING_STRING_MAX];
  bool ehd_results_storage;

  /* machine */
  int    threads;
  double memory;
  bool   quiet;

  /* Not an option: which rows (by index) the command line named. Keep it last. */
  bool given[NRF_SETTINGS_MAX];
} nrf_analysis_settings;

const nrf_option_table *nrf_analysis_options(void);

/* nrf_option_parse, then a check of what no single option can know: NRF_EINVAL. */
NRF_MUST_CHECK nrf_status nrf_analysis_settings_parse(int argc, char *const argv[],
                                                      nrf_analysis_settings *settings);

#endif
