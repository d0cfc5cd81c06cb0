/* loss.c - energies of the positive and then the negative states, and the gradient of the loss made of them. */
#include "loss.h"

#include "kinks.h"

#include "nrflv/memory.h"

#include <math.h>

static nrf_status evaluate(const loss_input *in, loss_result *out)
{
  nrf_status            st       = NRF_OK;
  const nrf_parameters *p        = nrf_energy_model_parameters(in->model);
  float                *negative = NULL;
  NRF_TRY(nrf_alloc_floats(p->count, "loss", &negative));
  NRF_TRY(nrf_energy_model_weight_gradient(in->model, in->positive, out->gradient, &out->positive_energy));
  NRF_TRY(nrf_energy_model_weight_gradient(in->model, in->negative, negative, &out->negative_energy));

  const double up = out->positive_energy, down = out->negative_energy;
  const double by_positive = 1.0 + 2.0 * in->l2 * up, by_negative = -1.0 + 2.0 * in->l2 * down;
  out->loss = up - down + in->l2 * (up * up + down * down);
  for (int64_t e = 0; e < p->count; e++) {
    const double first = by_positive * (double)out->gradient[e], second = by_negative * (double)negative[e];
    out->gradient[e] = (float)(first + second);
    if (out->terms != NULL) out->terms[e] = (float)(fabs(first) + fabs(second));
  }
done:
  nrf_free(negative);
  return st;
}

static nrf_status gradient_only(void *context, float *gradient)
{
  const loss_input *in  = context;
  loss_result       out = {.gradient = gradient};
  nrf_energy_model_parameters_changed(in->model);
  return evaluate(in, &out);
}

nrf_status loss_evaluate(const loss_input *in, loss_result *out, float *slack)
{
  nrf_parameters *p = nrf_energy_model_parameters(in->model);
  if (slack != NULL) {
    NRF_RETURN_IF_ERROR(kinks_slack(p, gradient_only, (void *)in, p->count, slack));
    nrf_energy_model_parameters_changed(in->model);
  }
  return evaluate(in, out);
}

/* The loss cannot be better known than the energies that it is made of. Without regularisation it is a small
 * difference of large ones: 1e-4 is allowed then, as the description of the references suggests, or 1e-6 of the energies
 * where they cancel even more. */
static double loss_limit(double l2, const loss_result *ours)
{
  static const double usual = 1e-5, of_a_difference = 1e-4, of_the_energies = 1e-6, cancelling = 10.0;

  const double up = fabs(ours->positive_energy), down = fabs(ours->negative_energy);
  const double terms = 0.5 * (up * (1.0 + 2.0 * l2 * up) + down * (1.0 + 2.0 * l2 * down));
  if (terms <= cancelling * fabs(ours->loss)) return usual;
  return fmax(of_a_difference, of_the_energies * terms / fabs(ours->loss));
}

nrf_status compare_loss(const source *s, const char *group, const char *quantity, double l2,
                        const loss_result *ours)
{
  NRF_RETURN_IF_ERROR(compare_scalar(s, text_of("%s/positive_energy", group).s,
                                     text_of("%s/positive_energy", quantity).s, RULE_TOTAL_ENERGY,
                                     ours->positive_energy));
  NRF_RETURN_IF_ERROR(compare_scalar(s, text_of("%s/negative_energy", group).s,
                                     text_of("%s/negative_energy", quantity).s, RULE_TOTAL_ENERGY,
                                     ours->negative_energy));
  const text name      = text_of("%s/loss", quantity);
  double     reference = 0.0;
  if (nrf_h5_read(s->file, text_of("%s/loss", group).s, NRF_H5_FLOAT64, nrf_h5_scalar(), &reference) !=
      NRF_OK)
    return report_problem(s->report, name.s, NULL, nrf_error_message());
  return report_number(s->report, name.s, NULL, loss_limit(l2, ours), ours->loss, reference, fabs(reference));
}
