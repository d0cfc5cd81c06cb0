/* op.c - names and sizes of operations. */
#include "nrflv/op.h"

static const char *const op_names[NRF_OP_COUNT] = {
    [NRF_OP_INPUT]              = "input",
    [NRF_OP_PARAMETER]          = "parameter",
    [NRF_OP_CONV]               = "conv",
    [NRF_OP_CONV_ADJOINT]       = "conv_adjoint",
    [NRF_OP_CONV_WEIGHT]        = "conv_weight",
    [NRF_OP_CHANNEL_SUM]        = "channel_sum",
    [NRF_OP_BATCH_SUM]          = "batch_sum",
    [NRF_OP_ACTIVATION]         = "activation",
    [NRF_OP_ACTIVATION_GRAD]    = "activation_grad",
    [NRF_OP_RESIZE]             = "resize",
    [NRF_OP_RESIZE_ADJOINT]     = "resize_adjoint",
    [NRF_OP_CONCAT]             = "concat",
    [NRF_OP_SLICE]              = "slice",
    [NRF_OP_ADD]                = "add",
    [NRF_OP_SCALE]              = "scale",
    [NRF_OP_FLATTEN]            = "flatten",
    [NRF_OP_UNFLATTEN]          = "unflatten",
    [NRF_OP_LAYER_NORM]         = "layer_norm",
    [NRF_OP_LAYER_NORM_GRAD]    = "layer_norm_grad",
    [NRF_OP_STATE_GRADIENT]     = "state_gradient",
    [NRF_OP_NEURON_ENERGY]      = "neuron_energy",
    [NRF_OP_WEIGHT_NORM]        = "weight_norm",
    [NRF_OP_WEIGHT_NORM_GRAD_V] = "weight_norm_grad_v",
    [NRF_OP_WEIGHT_NORM_GRAD_G] = "weight_norm_grad_g",
    [NRF_OP_POWER_ITERATION]    = "power_iteration",
    [NRF_OP_SPECTRAL_NORM]      = "spectral_norm",
    [NRF_OP_SPECTRAL_NORM_GRAD] = "spectral_norm_grad",
    [NRF_OP_FLIP]               = "flip",
    [NRF_OP_INPUT_SLICE]        = "input_slice",
    [NRF_OP_INPUT_PAD]          = "input_pad",
};

const char *nrf_op_name(nrf_op op)
{
  return op_names[op];
}

int64_t nrf_shape_count(nrf_shape s)
{
  int64_t count = 1;
  for (int i = 0; i < s.rank; i++) count *= s.dim[i];
  return count;
}
