/* program.c - from a graph to kernels in order, memory, and the loop that runs them. */
#include "nrflv/program.h"

#include "plan.h"

#include "nrflv/memory.h"

#include <stdatomic.h>
#include <string.h>

/* The three stages of a graph; see graph.h. */
typedef enum stage { STAGE_BEFORE, STAGE_FIELDS, STAGE_AFTER } stage;

/* Where a value is found when a kernel needs it. */
typedef enum place {
  PLACE_NONE,      /* not needed                                                     */
  PLACE_INPUT,     /* the caller's input `index`, at the chunk                        */
  PLACE_OUTPUT,    /* the caller's output `index`, at the chunk                       */
  PLACE_PARAMETER, /* the parameter `index`                                           */
  PLACE_WEIGHT,    /* `memory`: a weight of the program's own                         */
  PLACE_ARENA,     /* the worker's arena at `offset`                                  */
} place;

typedef struct value {
  place   where;
  int     index;
  size_t  offset;
  float  *memory;
  int64_t floats; /* one image's, or the weight's                                     */
  stage   stage;
  bool    is_sum;   /* a sum over images: computed per chunk in the arena, added to `partial` */
  float  *partial;  /* [parts * floats]                                               */
  int     lifetime; /* PLACE_ARENA: index into the plan                               */
} value;

typedef struct step {
  nrf_node    node;
  nrf_kernel *kernel;
} step;

struct nrf_program {
  const nrf_graph    *graph;
  const nrf_backend  *backend;
  int                 batch, chunk, parts, workers;
  nrf_compute         compute;
  const float *const *parameter;
  int                 n_outputs;
  nrf_node           *output;
  value              *value; /* [nodes] */
  int                 n_values;
  step               *step; /* all steps, in order of the graph */
  int                 n_steps;
  bool                weights_old;
  bool                stateful; /* a power iteration moves on with every run */
  bool                has_sums;
  size_t              arena_floats, scratch_floats;
  float              *arena; /* [workers][arena_floats + scratch_floats] */
  size_t              bytes;
  /* of the run at hand */
  const float *const *run_input;
  float *const       *run_output;
  atomic_int          run_status; /* the first error of any worker, its message in run_message */
  char                run_message[1024];
};

/* ---- planning -------------------------------------------------------------------------------------- */

static bool is_sum(nrf_op op)
{
  return op == NRF_OP_CONV_WEIGHT || op == NRF_OP_CHANNEL_SUM || op == NRF_OP_BATCH_SUM;
}

/* Operations that may write over their input: element i of the output needs only element i of the inputs. */
static bool may_overwrite(nrf_op op)
{
  switch (op) {
  case NRF_OP_ACTIVATION:
  case NRF_OP_ACTIVATION_GRAD:
  case NRF_OP_ADD:
  case NRF_OP_SCALE:
    return true;
  default:
    return false;
  }
}

/* The stage of each needed value, and where it lives but for arena offsets. */
static void place_values(nrf_program *p, const bool needed[])
{
  for (nrf_node node = 0; node < p->n_values; node++) {
    if (!needed[node]) continue;
    const nrf_graph_node *n = nrf_graph_at(p->graph, node);
    value                *v = &p->value[node];
    v->floats               = nrf_shape_count(n->shape);
    v->is_sum               = is_sum(n->op);
    v->stage                = n->is_field || v->is_sum ? STAGE_FIELDS : STAGE_BEFORE;
    for (int i = 0; i < n->n_inputs && !n->is_field && !v->is_sum; i++) {
      const value *in = &p->value[n->input[i]];
      if (in->is_sum || in->stage == STAGE_AFTER) v->stage = STAGE_AFTER;
    }
    if (n->op == NRF_OP_INPUT || n->op == NRF_OP_PARAMETER) {
      v->where = n->op == NRF_OP_INPUT ? PLACE_INPUT : PLACE_PARAMETER;
      v->index = n->source;
    } else {
      v->where = n->is_field ? PLACE_ARENA : PLACE_WEIGHT;
    }
    p->stateful = p->stateful || n->op == NRF_OP_POWER_ITERATION;
    p->has_sums = p->has_sums || v->is_sum;
  }
  /* A field that is an output is written where the caller wants it. */
  for (int i = 0; i < p->n_outputs; i++) {
    value *v = &p->value[p->output[i]];
    if (v->where != PLACE_ARENA) continue;
    v->where = PLACE_OUTPUT;
    v->index = i;
  }
}

static nrf_status make_weights(nrf_program *p)
{
  for (nrf_node node = 0; node < p->n_values; node++) {
    value *v = &p->value[node];
    if (v->where != PLACE_WEIGHT) continue;
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(v->floats, "weights", &v->memory));
    p->bytes += (size_t)v->floats * sizeof(float);
    if (!v->is_sum) continue;
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(p->parts * v->floats, "sums over images", &v->partial));
    p->bytes += (size_t)(p->parts * v->floats) * sizeof(float);
  }
  return NRF_OK;
}

static nrf_status make_kernel(nrf_program *p, nrf_node node, nrf_kernel **out)
{
  const nrf_graph_node *n    = nrf_graph_at(p->graph, node);
  nrf_kernel_spec       spec = {
            .op       = n->op,
            .attr     = n->attr,
            .images   = p->chunk,
            .workers  = p->workers,
            .compute  = p->compute,
            .is_field = n->is_field,
            .output   = n->shape,
            .n_inputs = n->n_inputs,
  };
  for (int i = 0; i < n->n_inputs; i++) {
    const nrf_graph_node *in = nrf_graph_at(p->graph, n->input[i]);
    spec.input[i]            = in->shape;
    spec.input_is_field[i]   = in->is_field;
  }
  NRF_RETURN_IF_ERROR(p->backend->kernel_create(&spec, out));
  const size_t scratch = p->backend->kernel_scratch_floats(*out);
  if (scratch > p->scratch_floats) p->scratch_floats = (scratch + 15) / 16 * 16;
  p->bytes += p->backend->kernel_bytes(*out);
  return NRF_OK;
}

static nrf_status make_steps(nrf_program *p)
{
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)p->n_values * sizeof *p->step, "program", (void **)&p->step));
  for (nrf_node node = 0; node < p->n_values; node++) {
    const value *v = &p->value[node];
    if (v->where == PLACE_NONE || v->where == PLACE_INPUT || v->where == PLACE_PARAMETER) continue;
    p->step[p->n_steps].node = node;
    NRF_RETURN_IF_ERROR(make_kernel(p, node, &p->step[p->n_steps].kernel));
    p->n_steps++;
  }
  return NRF_OK;
}

/* Lifetimes of arena values, in steps; a value whose operation may overwrite an input that ends there takes its place. */
static int find_lifetimes(nrf_program *p, nrf_lifetime plan[])
{
  int n_plan = 0;
  for (int s = 0; s < p->n_steps; s++) {
    const nrf_node        node = p->step[s].node;
    const nrf_graph_node *n    = nrf_graph_at(p->graph, node);
    value                *v    = &p->value[node];
    for (int i = 0; i < n->n_inputs; i++)
      if (p->value[n->input[i]].where == PLACE_ARENA) plan[p->value[n->input[i]].lifetime].last = s;
    if (v->where != PLACE_ARENA && !v->is_sum) continue;
    v->lifetime = n_plan++;
    plan[v->lifetime] =
        (nrf_lifetime){.floats = (size_t)(v->floats * (v->is_sum ? 1 : p->chunk)), .first = s, .last = s};
  }
  return n_plan;
}

/* Joins the lifetime of a value with that of an input that ends where the value begins. */
static void share_places(nrf_program *p, nrf_lifetime plan[], int merged[])
{
  for (int s = 0; s < p->n_steps; s++) {
    const nrf_graph_node *n = nrf_graph_at(p->graph, p->step[s].node);
    const value          *v = &p->value[p->step[s].node];
    if (v->where != PLACE_ARENA || !may_overwrite(n->op)) continue;
    for (int i = 0; i < n->n_inputs; i++) {
      const value *in = &p->value[n->input[i]];
      if (in->where != PLACE_ARENA) continue;
      int root = in->lifetime;
      while (merged[root] >= 0) root = merged[root];
      if (plan[root].last != s || plan[root].floats != plan[v->lifetime].floats) continue;
      /* An ADD reads its third and later inputs after it has begun to write: only the first two may be overwritten. */
      if (i > 1) break;
      merged[v->lifetime] = root;
      plan[root].last     = plan[v->lifetime].last;
      break;
    }
  }
}

static nrf_status plan_arena(nrf_program *p)
{
  nrf_status    st     = NRF_OK;
  nrf_lifetime *plan   = NULL;
  int          *merged = NULL;
  NRF_TRY(nrf_alloc((size_t)(p->n_steps + 1) * sizeof *plan, "memory plan", (void **)&plan));
  NRF_TRY(nrf_alloc((size_t)(p->n_steps + 1) * sizeof *merged, "memory plan", (void **)&merged));
  const int n_plan = find_lifetimes(p, plan);
  for (int i = 0; i < n_plan; i++) merged[i] = -1;
  share_places(p, plan, merged);
  for (int i = 0; i < n_plan; i++)
    if (merged[i] >= 0) plan[i].floats = 0;
  NRF_TRY(nrf_plan_memory(n_plan, plan, &p->arena_floats));
  for (int s = 0; s < p->n_steps; s++) {
    value *v = &p->value[p->step[s].node];
    if (v->where != PLACE_ARENA && !v->is_sum) continue;
    int root = v->lifetime;
    while (merged[root] >= 0) root = merged[root];
    v->offset = plan[root].offset;
  }
  const size_t floats = (size_t)p->workers * (p->arena_floats + p->scratch_floats);
  NRF_TRY(nrf_alloc_floats((int64_t)floats, "working memory", &p->arena));
  p->bytes += floats * sizeof(float);
done:
  nrf_free(plan);
  nrf_free(merged);
  return st;
}

nrf_status nrf_program_create(const nrf_program_spec *spec, nrf_program **out)
{
  nrf_status   st     = NRF_OK;
  nrf_program *p      = NULL;
  bool        *needed = NULL;
  *out                = NULL;
  NRF_TRY(nrf_graph_status(spec->graph));
  NRF_TRY(nrf_alloc(sizeof *p, "program", (void **)&p));
  p->graph       = spec->graph;
  p->backend     = spec->backend;
  p->batch       = spec->batch;
  p->compute     = spec->compute;
  p->parameter   = spec->parameter;
  p->n_outputs   = spec->n_outputs;
  p->n_values    = nrf_graph_count(spec->graph);
  p->chunk       = spec->backend->chunk(spec->batch);
  p->workers     = spec->compute.threads < 1 ? 1 : spec->compute.threads;
  p->weights_old = true;
  NRF_TRY(nrf_alloc((size_t)p->n_outputs * sizeof *p->output, "program", (void **)&p->output));
  memcpy(p->output, spec->output, (size_t)p->n_outputs * sizeof *p->output);
  NRF_TRY(nrf_alloc((size_t)p->n_values * sizeof *p->value, "program", (void **)&p->value));
  NRF_TRY(nrf_alloc((size_t)p->n_values * sizeof *needed, "program", (void **)&needed));
  nrf_graph_mark_needed(p->graph, p->n_outputs, p->output, needed);
  place_values(p, needed);
  /* Sums are added up in `parts` runs of neighbouring chunks, a number that depends on the batch alone. */
  enum { MOST_PARTS = 8 };
  const int chunks = p->batch / p->chunk;
  p->parts         = p->has_sums && chunks > MOST_PARTS ? MOST_PARTS : chunks;
  NRF_TRY(make_weights(p));
  NRF_TRY(make_steps(p));
  NRF_TRY(plan_arena(p));
  *out = p;
  p    = NULL;
done:
  nrf_free(needed);
  nrf_program_free(p);
  return st;
}

void nrf_program_free(nrf_program *p)
{
  if (p == NULL) return;
  for (int s = 0; s < p->n_steps; s++) p->backend->kernel_free(p->step[s].kernel);
  for (nrf_node node = 0; p->value != NULL && node < p->n_values; node++) {
    nrf_free(p->value[node].memory);
    nrf_free(p->value[node].partial);
  }
  nrf_free(p->value);
  nrf_free(p->step);
  nrf_free(p->output);
  nrf_free(p->arena);
  nrf_free(p);
}

void nrf_program_weights_changed(nrf_program *p)
{
  p->weights_old = true;
}

size_t nrf_program_bytes(const nrf_program *p)
{
  return p->bytes;
}

/* ---- running --------------------------------------------------------------------------------------- */

/* The memory of a value, for the chunk that begins at image `first` in a worker's arena. */
static float *locate(const nrf_program *p, nrf_node node, int first, float *arena)
{
  const value *v = &p->value[node];
  switch (v->where) {
  case PLACE_INPUT:
    return (float *)(uintptr_t)(p->run_input[v->index] + first * v->floats);
  case PLACE_OUTPUT:
    return p->run_output[v->index] + first * v->floats;
  case PLACE_PARAMETER:
    return (float *)(uintptr_t)p->parameter[v->index];
  case PLACE_WEIGHT:
    return v->memory;
  case PLACE_ARENA:
    return arena + v->offset;
  default:
    return NULL;
  }
}

static nrf_status run_step(const nrf_program *p, const step *s, int worker, int first)
{
  const nrf_graph_node *n     = nrf_graph_at(p->graph, s->node);
  const value          *v     = &p->value[s->node];
  float                *arena = p->arena + (size_t)worker * (p->arena_floats + p->scratch_floats);
  nrf_kernel_call       call  = {.worker = worker, .scratch = arena + p->arena_floats};
  for (int i = 0; i < n->n_inputs; i++) call.in[i] = locate(p, n->input[i], first, arena);
  call.out = v->is_sum ? arena + v->offset : locate(p, s->node, first, arena);
  return p->backend->kernel_run(s->kernel, &call);
}

/* Keeps the first error; the others are consequences or repetitions. */
static void keep_error(nrf_program *p, nrf_status st)
{
  int none = NRF_OK;
  if (st != NRF_OK && atomic_compare_exchange_strong(&p->run_status, &none, (int)st))
    strncpy(p->run_message, nrf_error_message(), sizeof p->run_message - 1);
}

/* Adds the chunk's sum, just computed, to the part's. */
static void add_to_part(const nrf_program *p, const value *v, int worker, int part)
{
  const float *sum   = p->arena + (size_t)worker * (p->arena_floats + p->scratch_floats) + v->offset;
  float       *total = v->partial + part * v->floats;
#pragma omp simd
  for (int64_t i = 0; i < v->floats; i++) total[i] += sum[i];
}

/* One part of the batch: its chunks in order, each through all field steps. */
static void run_part(void *context, int part, int worker)
{
  nrf_program *p      = context;
  const int    chunks = p->batch / p->chunk;
  for (int c = part * chunks / p->parts; c < (part + 1) * chunks / p->parts; c++)
    for (int s = 0; s < p->n_steps; s++) {
      const value *v = &p->value[p->step[s].node];
      if (v->stage != STAGE_FIELDS) continue;
      if (atomic_load_explicit(&p->run_status, memory_order_relaxed) != NRF_OK) return;
      keep_error(p, run_step(p, &p->step[s], worker, c * p->chunk));
      if (v->is_sum) add_to_part(p, v, worker, part);
    }
}

static nrf_status run_weights(const nrf_program *p, stage which)
{
  for (int s = 0; s < p->n_steps; s++)
    if (p->value[p->step[s].node].stage == which) NRF_RETURN_IF_ERROR(run_step(p, &p->step[s], 0, 0));
  return NRF_OK;
}

static nrf_status prepare_kernels(nrf_program *p)
{
  for (int s = 0; s < p->n_steps; s++) {
    const nrf_graph_node *n = nrf_graph_at(p->graph, p->step[s].node);
    if (!n->is_field) continue;
    const float *in[NRF_MAX_NODE_INPUTS] = {NULL};
    for (int i = 0; i < n->n_inputs; i++)
      if (!nrf_graph_at(p->graph, n->input[i])->is_field) in[i] = locate(p, n->input[i], 0, NULL);
    NRF_RETURN_IF_ERROR(p->backend->kernel_prepare(p->step[s].kernel, in));
  }
  return NRF_OK;
}

static void clear_parts(const nrf_program *p)
{
  for (nrf_node node = 0; node < p->n_values; node++) {
    const value *v = &p->value[node];
    if (v->partial != NULL) memset(v->partial, 0, (size_t)(p->parts * v->floats) * sizeof(float));
  }
}

static void add_parts(const nrf_program *p)
{
  for (nrf_node node = 0; node < p->n_values; node++) {
    const value *v = &p->value[node];
    if (v->partial == NULL) continue;
    for (int64_t i = 0; i < v->floats; i++) {
      double sum = 0.0;
      for (int part = 0; part < p->parts; part++) sum += (double)v->partial[part * v->floats + i];
      v->memory[i] = (float)sum;
    }
  }
}

/* Outputs that were not written in place: weights, and inputs handed through. */
static void copy_outputs(const nrf_program *p)
{
  for (int i = 0; i < p->n_outputs; i++) {
    const value *v = &p->value[p->output[i]];
    if (v->where == PLACE_OUTPUT) continue;
    const int64_t images = v->where == PLACE_INPUT ? p->batch : 1;
    memcpy(p->run_output[i], locate(p, p->output[i], 0, NULL), (size_t)(images * v->floats) * sizeof(float));
  }
}

nrf_status nrf_program_run(nrf_program *p, const float *const input[], float *const output[])
{
  p->run_input  = input;
  p->run_output = output;
  atomic_store(&p->run_status, NRF_OK);
  if (p->weights_old || p->stateful) {
    NRF_RETURN_IF_ERROR(run_weights(p, STAGE_BEFORE));
    NRF_RETURN_IF_ERROR(prepare_kernels(p));
    p->weights_old = false;
  }
  clear_parts(p);
  p->backend->parallel(p->workers, p->parts, run_part, p);
  const nrf_status st = (nrf_status)atomic_load(&p->run_status);
  if (st != NRF_OK) return nrf_error(st, "%s", p->run_message);
  add_parts(p);
  NRF_RETURN_IF_ERROR(run_weights(p, STAGE_AFTER));
  copy_outputs(p);
  return NRF_OK;
}
