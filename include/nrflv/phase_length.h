/* phase_length.h - how many sampler steps a phase has: early stopping of the positive phase, random and
 * adaptive lengths of the negative one (spec/system.md 3). */
#ifndef NRFLV_PHASE_LENGTH_H
#define NRFLV_PHASE_LENGTH_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- --truncate_pos_its ---- */

enum { NRF_TRUNCATION_MIN_STEPS = 200 };

/* The energies of the last `length` steps of a phase. */
typedef struct nrf_truncation {
  int     length;    /* --trunc_pos_history_len */
  double  threshold; /* --truncate_pos_its_threshold */
  int64_t seen;      /* energies since the start of the phase */
  double *energy;    /* [length], a ring */
} nrf_truncation;

NRF_MUST_CHECK nrf_status nrf_truncation_create(int length, double threshold, nrf_truncation **out);
void                      nrf_truncation_free(nrf_truncation *t);

/* A new phase. */
void nrf_truncation_reset(nrf_truncation *t);

/* Notes the energy of the next step; true if the phase should end after it: it is past step
 * NRF_TRUNCATION_MIN_STEPS, and the last `length` energies (so many there must be) lie within less than the
 * threshold. */
bool nrf_truncation_add(nrf_truncation *t, double energy);

/* ---- --randomize_neg_its ---- */

/* A Poisson number with the given mean (finite, >= 0), at least 1: a pure function of (mean, seed, phase). */
int64_t nrf_poisson_length(double mean, uint64_t seed, uint64_t phase);

/* ---- adaptive length of the negative phase ---- */

enum {
  NRF_LENGTH_HISTORY     = 200, /* batches                                    */
  NRF_LENGTH_FIRST_EPOCH = 3,   /* that is remembered; epochs count from 1    */
  NRF_LENGTH_SETTLED     = 6,   /* epochs after which the length may grow     */
  NRF_LENGTH_COOLDOWN    = 5,   /* epochs to wait after it grew               */
};

/* The last energies of one phase, one per batch. */
typedef struct nrf_energy_history {
  int    count; /* at most NRF_LENGTH_HISTORY */
  int    next;  /* where the next one goes    */
  double energy[NRF_LENGTH_HISTORY];
} nrf_energy_history;

/* Plain data: a checkpoint holds all of it. */
typedef struct nrf_negative_length {
  int64_t            steps;    /* --num_it_neg, as grown so far                          */
  int                cooldown; /* ends of epochs to pass before the length may grow again */
  nrf_energy_history positive, negative;
} nrf_negative_length;

nrf_negative_length nrf_negative_length_start(int64_t steps);

/* The energies at the end of both phases of a batch. */
void nrf_negative_length_add(nrf_negative_length *l, int epoch, double positive, double negative);

/* The end of an epoch; true if the length grew (by a quarter, rounded down). */
bool nrf_negative_length_end_epoch(nrf_negative_length *l, int epoch);

/* 0 while empty. */
double nrf_energy_history_mean(const nrf_energy_history *h);

#endif
