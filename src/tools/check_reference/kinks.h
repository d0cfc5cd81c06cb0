/* kinks.h - what a gradient may differ by because an activation has a kink.
 *
 * The slope of relu and leaky_relu jumps at 0, that of the initialiser's output where it is clamped. A unit whose input is there to within rounding takes one slope in one
 * implementation and the other slope in another, and neither is wrong. Which elements of a gradient depend on such a
 * unit, and how much, is found out by computing it several times with all weights changed in their last places: an
 * element without a kink stays put, one with a kink jumps. */
#ifndef CHECK_REFERENCE_KINKS_H
#define CHECK_REFERENCE_KINKS_H

#include "nrflv/energy_model.h"
#include "nrflv/sampler.h"

#include <stdint.h>

/* Writes a gradient of `count` elements, computed from the values of the parameters as they are now. */
typedef nrf_status gradient_fn(void *context, float *gradient);

/* Whether an activation's slope jumps where inputs are not exact. */
bool kinks_matter(nrf_activation activation);

/* slack[e] becomes the largest difference between any two of the gradients. The parameters are as before afterwards;
 * `gradient` is responsible for telling its network about changed values. */
NRF_MUST_CHECK nrf_status kinks_slack(nrf_parameters *p, gradient_fn *gradient, void *context, int64_t count,
                                      float *slack);

/* The same for a gradient with respect to the states, computed by `gradient` from the model m, which is told about changed
 * values: slack holds all layers, one after the other, each [batch, C, H, W]. room: to work in, of the form of the states. */
NRF_MUST_CHECK nrf_status kinks_state_slack(nrf_energy_model *m, nrf_gradient_fn *gradient, void *context,
                                            const nrf_states *states, nrf_states *room, float *slack);
/* Elements of such an array. */
int64_t kinks_state_count(const nrf_states *states);

#endif
