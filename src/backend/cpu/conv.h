/* conv.h - algorithms for convolutions. One node (its shapes are fixed) gets one algorithm, by conv.c. */
#ifndef NRFLV_CPU_CONV_H
#define NRFLV_CPU_CONV_H

#include "kernels.h"

/* The convolution behind CONV, CONV_ADJOINT and CONV_WEIGHT alike: x [in, H, W] -> y [out, h, w]. */
typedef struct nrf_conv_shape {
  int images;
  int in, height, width;          /* x */
  int out, out_height, out_width; /* y */
  int kernel, stride, padding;
} nrf_conv_shape;

nrf_conv_shape nrf_conv_shape_of(const nrf_kernel_spec *spec);

typedef struct nrf_conv_algorithm {
  const char *name;
  /* Whether it can compute this node, and whether it expects to be the fastest. */
  bool (*supports)(const nrf_kernel_spec *spec);
  bool (*prefers)(const nrf_kernel_spec *spec);
  nrf_status (*create)(nrf_kernel *k);
} nrf_conv_algorithm;

extern const nrf_conv_algorithm nrf_conv_direct;    /* conv_direct.c: oneDNN                            */
extern const nrf_conv_algorithm nrf_conv_product;   /* conv_product.c: patches times a matrix           */
extern const nrf_conv_algorithm nrf_conv_frequency; /* conv_frequency.c: Fourier transform              */

#endif
