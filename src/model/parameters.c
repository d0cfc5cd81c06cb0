/* parameters.c - named tensors in one flat array, and how their values start. */
#include "nrflv/parameters.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double TWO_PI = 6.283185307179586476925286766559;

/* Elements of one set: 8 GiB of values, far above any network here and far below overflow. */
static const int64_t MAX_ELEMENTS = INT64_C(1) << 31;

/* ---- making a set ------------------------------------------------------------------------------------- */

nrf_status nrf_parameters_create(nrf_parameters **out)
{
  *out = NULL;
  return nrf_alloc(sizeof **out, "parameters", (void **)out);
}

void nrf_parameters_free(nrf_parameters *p)
{
  if (p == NULL) return;
  nrf_free(p->item);
  nrf_free(p->value);
  nrf_free(p);
}

/* Product of the dimensions, or -1 if one of them is below 1 or the product too large. */
static int64_t count_elements(int rank, const int64_t dim[])
{
  int64_t count = 1;
  for (int d = 0; d < rank; d++) {
    if (dim[d] < 1 || dim[d] > MAX_ELEMENTS / count) return -1;
    count *= dim[d];
  }
  return count;
}

/* Room for one more item: the array doubles whenever its length is a power of two. */
static nrf_status grow(nrf_parameters *p)
{
  if ((p->n & (p->n - 1)) != 0) return NRF_OK;
  const size_t   used = (size_t)p->n * sizeof *p->item;
  nrf_parameter *item = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(p->n == 0 ? sizeof *item : 2 * used, "parameters", (void **)&item));
  if (used > 0) memcpy(item, p->item, used);
  nrf_free(p->item);
  p->item = item;
  return NRF_OK;
}

nrf_status nrf_parameters_add(nrf_parameters *p, const char *name, int rank, const int64_t dim[],
                              nrf_parameter_start start, int64_t fan_in, bool trainable, int *index)
{
  if (strlen(name) >= NRF_PARAMETER_NAME_BYTES || nrf_parameters_find(p, name) >= 0)
    return nrf_error(NRF_EINVAL, "parameter %s: the name is taken or too long", name);
  const int64_t count = rank >= 1 && rank <= 4 ? count_elements(rank, dim) : -1;
  if (count < 0 || count > MAX_ELEMENTS - p->count)
    return nrf_error(NRF_EINVAL, "parameter %s: a shape of rank %d that is empty or too large", name, rank);
  if (start == NRF_START_UNIFORM && fan_in < 1)
    return nrf_error(NRF_EINVAL, "parameter %s: fan_in %lld", name, (long long)fan_in);
  NRF_RETURN_IF_ERROR(grow(p));

  nrf_parameter *item = &p->item[p->n];
  (void)snprintf(item->name, sizeof item->name, "%s", name);
  item->rank = rank;
  memcpy(item->dim, dim, (size_t)rank * sizeof *dim);
  item->count     = count;
  item->offset    = p->count;
  item->trainable = trainable;
  item->start     = start;
  item->fan_in    = fan_in;
  if (index != NULL) *index = p->n;
  p->n++;
  p->count += count;
  return NRF_OK;
}

void nrf_parameters_move_to_end(nrf_parameters *p, int n)
{
  for (int k = 0; k < n; k++) {
    const nrf_parameter first = p->item[0];
    memmove(p->item, p->item + 1, (size_t)(p->n - 1) * sizeof *p->item);
    p->item[p->n - 1] = first;
  }
  int64_t offset = 0;
  for (int i = 0; i < p->n; i++) {
    p->item[i].offset = offset;
    offset += p->item[i].count;
  }
}

nrf_status nrf_parameters_finish(nrf_parameters *p)
{
  for (int i = 0; i < p->n; i++) {
    const nrf_parameter *item = &p->item[i];
    if (item->start == NRF_START_NORM_OF && (i + 1 == p->n || p->item[i + 1].dim[0] != item->count))
      return nrf_error(NRF_EINVAL, "parameter %s: %lld norms do not fit the parameter that follows",
                       item->name, (long long)item->count);
  }
  return nrf_alloc_floats(p->count, "parameters", &p->value);
}

int nrf_parameters_find(const nrf_parameters *p, const char *name)
{
  for (int i = 0; i < p->n; i++)
    if (strcmp(p->item[i].name, name) == 0) return i;
  return -1;
}

int64_t nrf_parameters_trainable_count(const nrf_parameters *p)
{
  int64_t count = 0;
  for (int i = 0; i < p->n; i++)
    if (p->item[i].trainable) count += p->item[i].count;
  return count;
}

/* ---- starting values ------------------------------------------------------------------------------------ */

/* Standard normal number of an element (Box and Muller), from two uniform ones of its own. */
static float normal_at(nrf_rng r, int64_t element)
{
  const double u = 1.0 - nrf_rng_uniform(r, (uint64_t)element * 2); /* in (0, 1]: the logarithm is finite */
  const double v = nrf_rng_uniform(r, (uint64_t)element * 2 + 1);
  return (float)(sqrt(-2.0 * log(u)) * cos(TWO_PI * v));
}

static void fill_uniform(float *value, int64_t count, double bound, nrf_rng r)
{
  for (int64_t i = 0; i < count; i++)
    value[i] = (float)(bound * (2.0 * nrf_rng_uniform(r, (uint64_t)i) - 1.0));
}

static void fill_normal(float *value, int64_t count, nrf_rng r)
{
  for (int64_t i = 0; i < count; i++) value[i] = normal_at(r, i);
}

static double norm(const float *value, int64_t count)
{
  double squares = 0.0;
  for (int64_t i = 0; i < count; i++) squares += (double)value[i] * value[i];
  return sqrt(squares);
}

static void fill_unit(float *value, int64_t count, nrf_rng r)
{
  fill_normal(value, count, r);
  const double length = norm(value, count);
  for (int64_t i = 0; i < count; i++) value[i] = (float)(value[i] / length);
}

/* One norm for each first index of `of`, over all its other dimensions. */
static void fill_norms(float *value, const nrf_parameter *of, const float *of_value)
{
  const int64_t row = of->count / of->dim[0];
  for (int64_t i = 0; i < of->dim[0]; i++) value[i] = (float)norm(of_value + i * row, row);
}

static void start_one(nrf_parameters *p, int i, uint64_t seed, uint32_t layer)
{
  const nrf_parameter *item  = &p->item[i];
  float               *value = p->value + item->offset;
  const nrf_rng        r     = nrf_rng_at(seed, NRF_RNG_WEIGHTS, 0, layer);
  switch (item->start) {
  case NRF_START_ZERO:
    memset(value, 0, (size_t)item->count * sizeof *value);
    break;
  case NRF_START_UNIFORM:
    fill_uniform(value, item->count, 1.0 / sqrt((double)item->fan_in), r);
    break;
  case NRF_START_NORMAL:
    fill_normal(value, item->count, r);
    break;
  case NRF_START_UNIT:
    fill_unit(value, item->count, nrf_rng_at(seed, NRF_RNG_SPECTRAL, 0, layer));
    break;
  case NRF_START_NORM_OF:
    fill_norms(value, item + 1, p->value + item[1].offset);
    break;
  }
}

void nrf_parameters_start(nrf_parameters *p, uint64_t seed, uint32_t first_layer)
{
  /* Backwards: a norm is taken of the parameter that follows, which must have its values by then. */
  for (int i = p->n - 1; i >= 0; i--) start_one(p, i, seed, first_layer + (uint32_t)i);
}
