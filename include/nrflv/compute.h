/* compute.h - how a network is computed: choices that change speed and rounding, never the mathematics. */
#ifndef NRFLV_COMPUTE_H
#define NRFLV_COMPUTE_H

#include <stdbool.h>

/* Which algorithm computes convolutions. AUTO chooses the fastest for each node's shape. */
typedef enum nrf_conv_choice {
  NRF_CONV_AUTO,
  NRF_CONV_DIRECT,    /* oneDNN everywhere                                                        */
  NRF_CONV_FREQUENCY, /* by fast Fourier transform wherever the node allows it, oneDNN elsewhere  */
} nrf_conv_choice;

typedef struct nrf_compute {
  int             threads;     /* worker threads, >= 1; results do not depend on it                */
  bool            plain_graph; /* leave the rewrites of graph.h out                                */
  nrf_conv_choice conv;
} nrf_compute;

#endif
