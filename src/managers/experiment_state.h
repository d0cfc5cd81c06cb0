/* experiment_state.h - all that a sampler's future depends on, as a file beside a recording: what an experiment that was cut
 * short goes on from.
 *
 * The file is plain: a line that names format and version, numbers in the machine's order, a CRC-32. It is written without
 * the HDF5 library, which one thread at a time may use. */
#ifndef NRFLV_MANAGERS_EXPERIMENT_STATE_H
#define NRFLV_MANAGERS_EXPERIMENT_STATE_H

#include "nrflv/parameters.h"
#include "nrflv/sampler.h"
#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stdint.h>

enum { NRF_SAMPLER_IDENTITY = 256 };

/* A copy of a sampler that is at work elsewhere. */
typedef struct nrf_sampler_state nrf_sampler_state;

/* What is copied; borrowed for the copy's life. */
typedef struct nrf_sampler_sources {
  nrf_states     *states;
  nrf_sampler    *sampler;    /* its optimiser's memory and count of steps                              */
  nrf_parameters *parameters; /* NULL unless steps change them: the vectors of spectral normalisation   */
} nrf_sampler_sources;

/* Room for a copy. identity: of the experiment, in a few words; files of another one are refused. */
NRF_MUST_CHECK nrf_status nrf_sampler_state_create(const nrf_sampler_sources *sources, const char *identity,
                                                   nrf_sampler_state **out);
void                      nrf_sampler_state_free(nrf_sampler_state *s);

/* Copies what the sampler is after `steps` steps of the experiment; and puts the copy back. Whoever owns the parameters has
 * to be told then. */
void    nrf_sampler_state_take(nrf_sampler_state *s, int64_t steps);
int64_t nrf_sampler_state_put_back(const nrf_sampler_state *s); /* returns the steps */

/* Bytes of the file. */
int64_t nrf_sampler_state_bytes(const nrf_sampler_state *s);

/* Writes the file, atomically and flushed. Other threads may do anything meanwhile but change the copy. */
NRF_MUST_CHECK nrf_status nrf_sampler_state_write(const nrf_sampler_state *s, const char *path);

/* Fills a copy of the same identity. NRF_ENOTFOUND if there is no file; NRF_EFORMAT if it is damaged, foreign, or of
 * another experiment: the copy is worthless then. */
NRF_MUST_CHECK nrf_status nrf_sampler_state_read(nrf_sampler_state *s, const char *path);

#endif
