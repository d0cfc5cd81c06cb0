/* option_range.h - a range as the option table writes it, "[0,1]" or "(0,1e3]". */
#ifndef NRFLV_BASE_OPTION_RANGE_H
#define NRFLV_BASE_OPTION_RANGE_H

#include <stdbool.h>

typedef struct nrf_setting_range {
  double low, high;
  bool   low_open, high_open; /* a round bracket: the end itself is left out */
} nrf_setting_range;

nrf_setting_range nrf_setting_range_parse(const char *text);
bool              nrf_setting_range_contains(const char *text, double x);

#endif
