/* loss.h - the training loss of a pair of states, as the published implementation computes it. */
#ifndef CHECK_REFERENCE_LOSS_H
#define CHECK_REFERENCE_LOSS_H

#include "source.h"

#include "nrflv/energy_model.h"

/* What the loss is computed from. */
typedef struct loss_input {
  nrf_energy_model *model;
  const nrf_states *positive, *negative;
  double            l2; /* --l2_reg_energy_param */
} loss_input;

/* E+ - E- + l2 (E+^2 + E-^2), evaluated in this order. gradient [parameters->count]. */
typedef struct loss_result {
  double loss, positive_energy, negative_energy;
  float *gradient;
  float *terms; /* NULL, or room: magnitudes of the two energies' parts of the gradient, added */
} loss_result;

/* Also writes the slack of the gradient (kinks.h) to `slack` unless that is NULL. */
NRF_MUST_CHECK nrf_status loss_evaluate(const loss_input *in, loss_result *out, float *slack);

/* The data sets loss, positive_energy and negative_energy of a group. */
NRF_MUST_CHECK nrf_status compare_loss(const source *s, const char *group, const char *quantity, double l2,
                                       const loss_result *ours);

#endif
