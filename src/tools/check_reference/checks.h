/* checks.h - one function for each kind of reference file. Each recomputes all cases of a file in one way of
 * computing. A status other than NRF_OK means that the file as a whole could not be used; whatever concerns one
 * case is in the report. */
#ifndef CHECK_REFERENCE_CHECKS_H
#define CHECK_REFERENCE_CHECKS_H

#include "source.h"

/* Each kind is told by what a file contains. */
bool is_model_file(const nrf_h5_file *file);
bool is_sghmc_file(const nrf_h5_file *file);
bool is_sampler_file(const nrf_h5_file *file);
bool is_training_file(const nrf_h5_file *file);
bool is_stimuli_file(const nrf_h5_file *file);

NRF_MUST_CHECK nrf_status check_model_file(const source *s);
NRF_MUST_CHECK nrf_status check_sghmc_file(const source *s);
NRF_MUST_CHECK nrf_status check_sampler_file(const source *s);
NRF_MUST_CHECK nrf_status check_training_file(const source *s);
NRF_MUST_CHECK nrf_status check_stimuli_file(const source *s);

#endif
