/* checkpoint_format.h - the parts of a checkpoint that more than one file writes or reads. */
#ifndef NRFLV_MANAGERS_CHECKPOINT_FORMAT_H
#define NRFLV_MANAGERS_CHECKPOINT_FORMAT_H

#include "nrflv/checkpoint.h"
#include "nrflv/h5_file.h"

/* Raise the version when a reader of the present one would misunderstand the file. */
#define NRF_CHECKPOINT_FORMAT "nrflv checkpoint"
enum { NRF_CHECKPOINT_VERSION = 1 };

/* Groups of a network and of its optimiser. */
extern const char *const nrf_checkpoint_group[NRF_CHECKPOINT_NETWORKS];           /* "/model", ... */
extern const char *const nrf_checkpoint_optimizer_group[NRF_CHECKPOINT_NETWORKS]; /* "/model_optimizer" */

const nrf_h5_file *nrf_checkpoint_file(const nrf_checkpoint *c);

/* The attributes of the root, and /settings. */
NRF_MUST_CHECK nrf_status nrf_checkpoint_write_head(nrf_h5_file *file, const nrf_settings *settings,
                                                    const nrf_architecture *architecture);

/* All rows that belong to a model, as attributes of /settings. Rows that a file does not have stay as they are. */
NRF_MUST_CHECK nrf_status nrf_checkpoint_write_settings(nrf_h5_file *file, const nrf_settings *settings);
NRF_MUST_CHECK nrf_status nrf_checkpoint_read_settings(const nrf_h5_file *file, nrf_settings *settings);

/* An array laid out like a network's parameters, as one data set for each of them, in `group`. */
NRF_MUST_CHECK nrf_status nrf_checkpoint_write_flat(nrf_h5_file *file, const char *group,
                                                    const nrf_parameters *p, const float *values);
NRF_MUST_CHECK nrf_status nrf_checkpoint_read_flat(const nrf_h5_file *file, const char *group,
                                                   const nrf_parameters *p, float *values);

#endif
