/* activation.h - the names of the activations (spec/system.md 1.2 and 1.5); elementwise.h has their mathematics. */
#ifndef NRFLV_ACTIVATION_H
#define NRFLV_ACTIVATION_H

typedef enum nrf_activation {
  NRF_IDENTITY,
  NRF_HARDTANH, /* clamp to [-1, 1]; slope 0 on the bounds            */
  NRF_HARDSIG,  /* clamp to [0, 1]; slope 0 on the bounds             */
  NRF_RELU,
  NRF_LEAKY_RELU,    /* slope 0.01 at and below 0                          */
  NRF_SWISH,         /* x sigmoid(x)                                       */
  NRF_SOFT_HARDTANH, /* hardtanh(x) + 0.01 x: output of the initialiser    */
  NRF_SOFT_HARDSIG,  /* hardsig(x) + 0.01 x                                */
  NRF_ACTIVATION_COUNT
} nrf_activation;

#endif
