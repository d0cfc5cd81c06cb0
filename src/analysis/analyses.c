/* analyses.c - the table of analyses, in the order of the published program. */
#include "nrflv/analysis/analysis.h"

#include <stddef.h>

/* The last row is empty. */
static const nrf_analysis table[] = {
    {.name = NULL},
};

nrf_analyses nrf_analyses_all(void)
{
  return (nrf_analyses){table, (int)(sizeof table / sizeof *table) - 1};
}
