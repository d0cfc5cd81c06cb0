/* plan.h - where the values of a list of steps live in one block of memory. */
#ifndef NRFLV_PLAN_H
#define NRFLV_PLAN_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A value that exists from step `first` to step `last`, both included. */
typedef struct nrf_lifetime {
  size_t floats;
  int    first, last;
  size_t offset; /* found by nrf_plan_memory, a multiple of 16 floats (64 bytes) */
} nrf_lifetime;

/* Gives every value an offset so that no two that exist at the same step overlap; *total becomes the floats needed. First fit,
 * largest values first. */
NRF_MUST_CHECK nrf_status nrf_plan_memory(int n, nrf_lifetime value[], size_t *total);

#endif
