/* model_name.h - names for models that nobody named. */
#ifndef NRFLV_MODEL_NAME_H
#define NRFLV_MODEL_NAME_H

#include "nrflv/status.h"

#include <stdint.h>
#include <time.h>

enum { NRF_MODEL_NAME_BYTES = 64 };

/* "YYYYmmdd-HHMMSS__rndidx_<0..99998>" for a local time; `entropy` decides the random part. */
void nrf_model_name_at(time_t now, uint64_t entropy, char name[NRF_MODEL_NAME_BYTES]);

/* A name for now that no file directory/NAME.h5 has. Different processes get different names even with equal --seed. */
NRF_MUST_CHECK nrf_status nrf_model_name_new(const char *directory, char name[NRF_MODEL_NAME_BYTES]);

#endif
