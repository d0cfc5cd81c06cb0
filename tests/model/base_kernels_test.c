/* base_kernels_test.c - the weights that are shown are the weights that are used. */
#include "nrflv/base_kernels.h"

#include "nrflv/energy_model.h"
#include "nrflv/memory.h"
#include "nrflv/reference.h"
#include "nrflv/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

typedef enum normalisation { PLAIN, WEIGHT_NORM, SPECTRAL_NORM } normalisation;

/* The tiny field of the training tests, with weights that are not at their start, so that g is not |v|. */
static nrf_energy_model *make_model(normalisation how)
{
  nrf_energy_model *m = NULL;
  nrf_architecture  a;
  char              path[1024];
  const char       *source = getenv("NRFLV_SOURCE_DIR");
  if (source == NULL) fail_msg("NRFLV_SOURCE_DIR is not set");
  (void)snprintf(path, sizeof path, "%s/tests/train/tiny.json", source);
  must(nrf_architecture_load(path, ".", &a));
  a.spectral_norm                = how == SPECTRAL_NORM;
  const nrf_energy_config config = {.activation        = NRF_SWISH,
                                    .states_activation = NRF_HARDTANH,
                                    .weight_norm       = how == WEIGHT_NORM,
                                    .batch             = 1,
                                    .compute           = {.threads = 1}};
  must(nrf_energy_model_create(&a, &config, &m));
  nrf_parameters *p = nrf_energy_model_parameters(m);
  const nrf_rng   r = nrf_rng_at(8, NRF_RNG_TEST, 0, 0);
  nrf_parameters_start(p, 4, 0);
  for (int64_t e = 0; e < p->count; e++) p->value[e] += 0.5f * (nrf_rng_uniform(r, (uint64_t)e) - 0.5f);
  return m;
}

static nrf_base_kernel_list kernels_of(nrf_energy_model *m, int layer)
{
  nrf_base_kernel_list list;
  must(nrf_base_kernels_get(nrf_energy_model_architecture(m), nrf_energy_model_parameters(m), layer, &list));
  return list;
}

static const nrf_parameter *parameter(nrf_energy_model *m, const char *name, const float **value)
{
  const nrf_parameters *p     = nrf_energy_model_parameters(m);
  const int             index = nrf_parameters_find(p, name);
  if (index < 0) fail_msg("no parameter %s", name);
  *value = p->value + p->item[index].offset;
  return &p->item[index];
}

static void check_near(double got, double want)
{
  if (!(fabs(got - want) <= 1e-6 + 1e-5 * fabs(want))) fail_msg("%g is not %g", got, want);
}

/* w = g v / |v|, the norm taken over all dimensions but the first. */
static void check_weight_norm(nrf_energy_model *m, const char *layer, const float *got)
{
  char         name[160];
  const float *v, *g;
  (void)snprintf(name, sizeof name, "%s.weight_g", layer);
  (void)parameter(m, name, &g);
  (void)snprintf(name, sizeof name, "%s.weight_v", layer);
  const nrf_parameter *shape = parameter(m, name, &v);
  const int64_t        rest  = shape->count / shape->dim[0];
  for (int64_t i = 0; i < shape->dim[0]; i++) {
    double squares = 0.0;
    for (int64_t e = 0; e < rest; e++) squares += pow((double)v[i * rest + e], 2.0);
    for (int64_t e = 0; e < rest; e++)
      check_near((double)got[i * rest + e], (double)g[i] * (double)v[i * rest + e] / sqrt(squares));
  }
}

/* Layer 1 of the field: reads the image by convolution, itself in both ways, layer 2 by transposed convolution. */
static void every_way_of_reading_is_listed(void **state)
{
  (void)state;
  static const struct {
    int                   from, out, in, kernel;
    nrf_connection_status status;
  } want[]                  = {{0, 2, 3, 3, NRF_CONV},
                               {1, 1, 8, 3, NRF_CONV},
                               {1, 1, 8, 3, NRF_CONV_TRANSPOSED},
                               {2, 2, 2, 3, NRF_CONV_TRANSPOSED}};
  nrf_energy_model    *m    = make_model(WEIGHT_NORM);
  nrf_base_kernel_list list = kernels_of(m, 1);
  assert_int_equal(list.n, 4);
  for (int i = 0; i < list.n; i++) {
    const nrf_base_kernels *k = &list.item[i];
    assert_int_equal(k->from, want[i].from);
    assert_int_equal(k->status, want[i].status);
    assert_int_equal(k->out, want[i].out);
    assert_int_equal(k->in, want[i].in);
    assert_int_equal(k->height, want[i].kernel);
    assert_int_equal(k->width, want[i].kernel);
  }
  nrf_base_kernels_free(&list);
  nrf_energy_model_free(m);
}

static void convolutions_are_weight_normalised(void **state)
{
  (void)state;
  nrf_energy_model    *m    = make_model(WEIGHT_NORM);
  nrf_base_kernel_list list = kernels_of(m, 1);
  check_weight_norm(m, "quadratic_nets.1.densecctblock.base_cctls.0.0.conv", list.item[0].weight);
  check_weight_norm(m, "quadratic_nets.1.densecctblock.base_cctls.1.0.conv", list.item[1].weight);
  nrf_base_kernels_free(&list);
  nrf_energy_model_free(m);
}

/* sigma is u W v after one power iteration from the u that is stored: v = W'u / |W'u|, u = W v / |W v|. */
static void convolutions_are_spectrally_normalised(void **state)
{
  (void)state;
  const char          *layer = "quadratic_nets.1.densecctblock.base_cctls.0.0.conv";
  nrf_energy_model    *m     = make_model(SPECTRAL_NORM);
  nrf_base_kernel_list list  = kernels_of(m, 1);
  const float         *w, *u;
  char                 name[160];
  (void)snprintf(name, sizeof name, "%s.weight_u", layer);
  (void)parameter(m, name, &u);
  (void)snprintf(name, sizeof name, "%s.weight_orig", layer);
  const nrf_parameter *shape = parameter(m, name, &w);
  const int            rows = (int)shape->dim[0], columns = (int)(shape->count / rows);
  double               v[64] = {0.0}, norm = 0.0, sigma = 0.0;
  assert_true(columns <= 64);
  for (int c = 0; c < columns; c++) {
    for (int r = 0; r < rows; r++) v[c] += (double)w[r * columns + c] * (double)u[r];
    norm += v[c] * v[c];
  }
  for (int r = 0; r < rows; r++) {
    double x = 0.0;
    for (int c = 0; c < columns; c++) x += (double)w[r * columns + c] * v[c] / sqrt(norm);
    sigma += x * x;
  }
  for (int64_t e = 0; e < shape->count; e++)
    check_near((double)list.item[0].weight[e], (double)w[e] / sqrt(sigma));
  nrf_base_kernels_free(&list);
  nrf_energy_model_free(m);
}

static void weights_without_normalisation_are_taken_as_they_are(void **state)
{
  (void)state;
  nrf_energy_model    *m    = make_model(PLAIN);
  nrf_base_kernel_list list = kernels_of(m, 1);
  const float         *w;
  const nrf_parameter *shape = parameter(m, "quadratic_nets.1.densecctblock.base_cctls.0.0.conv.weight", &w);
  assert_memory_equal(list.item[0].weight, w, (size_t)shape->count * sizeof(float));
  nrf_base_kernels_free(&list);
  nrf_energy_model_free(m);
}

/* Drawn as a convolution: convolving with the turned kernels is what the transposed convolution does. */
static void transposed_kernels_are_turned(void **state)
{
  (void)state;
  enum { SIDE = 5, IN = 2, OUT = 2, KERNEL = 3, PAD = 1 };
  nrf_energy_model    *m    = make_model(PLAIN);
  nrf_base_kernel_list list = kernels_of(m, 1);
  const float         *stored;
  (void)parameter(m, "quadratic_nets.1.densecctblock.base_cctls.2.0.conv_T.weight", &stored);

  nrf_graph     *g = NULL;
  nrf_reference *r = NULL;
  double x[IN * SIDE * SIDE], original[IN * OUT * KERNEL * KERNEL], turned[OUT * IN * KERNEL * KERNEL];
  for (int i = 0; i < IN * SIDE * SIDE; i++)
    x[i] = (double)nrf_rng_uniform(nrf_rng_at(2, NRF_RNG_TEST, 0, 0), (uint64_t)i);
  for (int i = 0; i < IN * OUT * KERNEL * KERNEL; i++) {
    original[i] = (double)stored[i];
    turned[i]   = (double)list.item[3].weight[i];
  }
  must(nrf_graph_create(&g));
  const nrf_node input   = nrf_graph_input(g, 0, IN, SIDE, SIDE);
  const nrf_node w_there = nrf_graph_parameter(g, 0, 4, (int64_t[]){IN, OUT, KERNEL, KERNEL});
  const nrf_node w_here  = nrf_graph_parameter(g, 1, 4, (int64_t[]){OUT, IN, KERNEL, KERNEL});
  const nrf_node out[2]  = {nrf_graph_conv_adjoint(g, input, w_there, NRF_NO_NODE, 1, PAD, 0, 0),
                            nrf_graph_conv(g, input, w_here, NRF_NO_NODE, 1, PAD)};
  must(nrf_graph_status(g));
  must(nrf_reference_evaluate(g, 1, (const double *const[]){x}, (const double *const[]){original, turned}, 2,
                              out, &r));
  assert_int_equal(nrf_reference_count(r, out[0]), OUT * SIDE * SIDE);
  for (int i = 0; i < OUT * SIDE * SIDE; i++)
    check_near(nrf_reference_value(r, out[1])[i], nrf_reference_value(r, out[0])[i]);
  nrf_reference_free(r);
  nrf_graph_free(g);
  nrf_base_kernels_free(&list);
  nrf_energy_model_free(m);
}

/* Layer 2 reads layers 1 and 2, 512 and 18 units: the matrix [64, 530] falls into maps of both. */
static void fully_connected_weights_are_maps_of_what_they_read(void **state)
{
  (void)state;
  nrf_energy_model    *m    = make_model(PLAIN);
  nrf_base_kernel_list list = kernels_of(m, 2);
  const float         *w;
  const nrf_parameter *shape = parameter(m, "quadratic_nets.2.fc_net.net.0.weight", &w);
  assert_int_equal(shape->dim[0], 64);
  assert_int_equal(shape->dim[1], 530);
  assert_int_equal(list.n, 2);
  for (int i = 0; i < 2; i++) {
    const nrf_base_kernels *k     = &list.item[i];
    const int               units = i == 0 ? 512 : 18, first = i == 0 ? 0 : 512;
    assert_int_equal(k->status, NRF_FULLY_CONNECTED);
    assert_int_equal(k->from, 1 + i);
    assert_int_equal(k->out, 64);
    assert_int_equal(k->in * k->height * k->width, units);
    assert_int_equal(k->height, i == 0 ? 8 : 3);
    for (int o = 0; o < 64; o++)
      assert_memory_equal(k->weight + (int64_t)o * units, w + (int64_t)o * 530 + first,
                          (size_t)units * sizeof(float));
  }
  nrf_base_kernels_free(&list);
  nrf_energy_model_free(m);
}

static void parameters_of_another_architecture_are_refused(void **state)
{
  (void)state;
  nrf_energy_model    *m     = make_model(PLAIN);
  nrf_architecture     other = *nrf_energy_model_architecture(m);
  nrf_base_kernel_list list;
  other.network[1].input[0].kernel = 5;
  assert_int_equal(nrf_base_kernels_get(&other, nrf_energy_model_parameters(m), 1, &list), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "base_cctls.0.0.conv"));
  assert_int_equal(list.n, 0);
  nrf_energy_model_free(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_way_of_reading_is_listed),
      cmocka_unit_test(convolutions_are_weight_normalised),
      cmocka_unit_test(convolutions_are_spectrally_normalised),
      cmocka_unit_test(weights_without_normalisation_are_taken_as_they_are),
      cmocka_unit_test(transposed_kernels_are_turned),
      cmocka_unit_test(fully_connected_weights_are_maps_of_what_they_read),
      cmocka_unit_test(parameters_of_another_architecture_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
