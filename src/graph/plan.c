/* plan.c - memory for values with known lifetimes. */
#include "plan.h"

#include "nrflv/memory.h"

#include <stdlib.h>

static int larger_first(const void *a, const void *b)
{
  const nrf_lifetime *const *x = a, *const *y = b;
  if ((*x)->floats != (*y)->floats) return (*x)->floats < (*y)->floats ? 1 : -1;
  return *x < *y ? -1 : 1; /* a fixed order for equal sizes */
}

static bool meet(const nrf_lifetime *a, const nrf_lifetime *b)
{
  return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which v overlaps none of the n placed values that exist at the same time. */
static size_t first_fit(int n, nrf_lifetime *const placed[], const nrf_lifetime *v)
{
  size_t offset = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < n; i++) {
      const nrf_lifetime *p = placed[i];
      if (meet(p, v) && offset < p->offset + p->floats && p->offset < offset + v->floats) {
        offset = p->offset + p->floats;
        moved  = true;
      }
    }
  }
  return offset;
}

nrf_status nrf_plan_memory(int n, nrf_lifetime value[], size_t *total)
{
  nrf_lifetime **order = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(nrf_lifetime *), "memory plan", (void **)&order));
  for (int i = 0; i < n; i++) {
    value[i].floats = (value[i].floats + 15) / 16 * 16;
    order[i]        = &value[i];
  }
  qsort(order, (size_t)n, sizeof(nrf_lifetime *), larger_first);
  *total = 0;
  for (int i = 0; i < n; i++) {
    order[i]->offset = first_fit(i, order, order[i]);
    if (order[i]->offset + order[i]->floats > *total) *total = order[i]->offset + order[i]->floats;
  }
  nrf_free(order);
  return NRF_OK;
}
