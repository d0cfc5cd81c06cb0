/* conv.c - which algorithm computes a convolution. */
#include "conv.h"

nrf_conv_shape nrf_conv_shape_of(const nrf_kernel_spec *spec)
{
  const bool      forward = spec->op != NRF_OP_CONV_ADJOINT;
  const nrf_shape x       = forward ? spec->input[0] : spec->output;
  const nrf_shape y       = spec->op == NRF_OP_CONV           ? spec->output
                            : spec->op == NRF_OP_CONV_ADJOINT ? spec->input[0]
                                                              : spec->input[1];
  return (nrf_conv_shape){
      .images     = spec->images,
      .in         = (int)x.dim[0],
      .height     = (int)x.dim[1],
      .width      = (int)x.dim[2],
      .out        = (int)y.dim[0],
      .out_height = (int)y.dim[1],
      .out_width  = (int)y.dim[2],
      .kernel     = spec->attr.kernel,
      .stride     = spec->attr.stride,
      .padding    = spec->attr.padding,
  };
}

static const nrf_conv_algorithm *choose(const nrf_kernel_spec *spec)
{
  const nrf_conv_algorithm *const quickest_first[] = {&nrf_conv_product, &nrf_conv_frequency,
                                                      &nrf_conv_direct};
  if (spec->compute.conv == NRF_CONV_FREQUENCY && nrf_conv_frequency.supports(spec))
    return &nrf_conv_frequency;
  for (int i = 0; i < 3 && spec->compute.conv == NRF_CONV_AUTO; i++)
    if (quickest_first[i]->supports(spec) && quickest_first[i]->prefers(spec)) return quickest_first[i];
  return &nrf_conv_direct;
}

nrf_status nrf_cpu_conv_kernel(nrf_kernel *k)
{
  return choose(&k->spec)->create(k);
}
