/* architecture_fields.h - the keys of an architecture file, written once for reader, writer and comparison. */
#ifndef NRFLV_MODEL_ARCHITECTURE_FIELDS_H
#define NRFLV_MODEL_ARCHITECTURE_FIELDS_H

#include "nrflv/architecture.h"

#define KEY_NAME          "name"
#define KEY_DESCRIPTION   "description"
#define KEY_SIZES         "state_sizes"
#define KEY_CONNECTIONS   "mod_connect_dict"
#define KEY_STATUSES      "mod_cct_status_dict"
#define KEY_BASE_KERNELS  "base_kern_pad_dict"
#define KEY_MAIN_KERNEL   "main_kern_dict"
#define KEY_STAGES        "mod_num_lyr_dict"
#define KEY_SPECTRAL_NORM "spec_norm_reg"
#define KEY_LATENT_LAYERS "num_sl" /* redundant: the number of layers above the image */

typedef struct nrf_architecture_scalar {
  const char *key;
  size_t      offset; /* of an int in nrf_architecture */
} nrf_architecture_scalar;

enum { NRF_ARCHITECTURE_SCALARS = 3 };
extern const nrf_architecture_scalar nrf_architecture_scalars[NRF_ARCHITECTURE_SCALARS];

static inline int nrf_architecture_scalar_value(const nrf_architecture *a, int scalar)
{
  return *(const int *)((const char *)a + nrf_architecture_scalars[scalar].offset);
}

#endif
