/* experiment_state.c - all that a sampler's future depends on, to and from a file. */
#include "managers/experiment_state.h"

#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { PIECES = (1 + NRF_MEMORY_KINDS) * NRF_MAX_LAYERS + 1 };

struct nrf_sampler_state {
  char                 identity[NRF_SAMPLER_IDENTITY];
  nrf_state_optimizer *optimizer;
  int64_t              steps;           /* of the experiment      */
  int64_t              optimizer_steps; /* since its last reset   */
  int                  n_pieces;
  struct piece {
    float  *live; /* in the sampler, and */
    float  *copy; /* here                */
    int64_t count;
  } piece[PIECES];
  float  *copies; /* the memory of all copies */
  int64_t floats;
};

/* ---- copies ---- */

static void add(nrf_sampler_state *s, float *live, int64_t count)
{
  s->piece[s->n_pieces++] = (struct piece){.live = live, .count = count};
  s->floats += count;
}

static void add_layers(nrf_sampler_state *s, nrf_states *states)
{
  for (int i = 0; states != NULL && i < states->n_layers; i++)
    add(s, states->data[i], nrf_states_count(states, i));
}

nrf_status nrf_sampler_state_create(const nrf_sampler_sources *sources, const char *identity,
                                    nrf_sampler_state **out)
{
  nrf_sampler_state *s = NULL;
  *out                 = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *s, "copy of the sampler", (void **)&s));
  (void)snprintf(s->identity, sizeof s->identity, "%s", identity);
  s->optimizer = nrf_sampler_optimizer(sources->sampler);
  add_layers(s, sources->states);
  for (int kind = 0; kind < NRF_MEMORY_KINDS; kind++)
    add_layers(s, nrf_state_optimizer_memory(s->optimizer, (nrf_state_memory)kind));
  if (sources->parameters != NULL) add(s, sources->parameters->value, sources->parameters->count);

  const nrf_status st = nrf_alloc_floats(s->floats, "copy of the sampler", &s->copies);
  if (st != NRF_OK) {
    nrf_sampler_state_free(s);
    return st;
  }
  float *next = s->copies;
  for (int i = 0; i < s->n_pieces; i++) {
    s->piece[i].copy = next;
    next += s->piece[i].count;
  }
  *out = s;
  return NRF_OK;
}

void nrf_sampler_state_free(nrf_sampler_state *s)
{
  if (s == NULL) return;
  nrf_free(s->copies);
  nrf_free(s);
}

static size_t bytes_of(const struct piece *p)
{
  return (size_t)p->count * sizeof(float);
}

void nrf_sampler_state_take(nrf_sampler_state *s, int64_t steps)
{
  s->steps           = steps;
  s->optimizer_steps = nrf_state_optimizer_steps_done(s->optimizer);
  for (int i = 0; i < s->n_pieces; i++) memcpy(s->piece[i].copy, s->piece[i].live, bytes_of(&s->piece[i]));
}

int64_t nrf_sampler_state_put_back(const nrf_sampler_state *s)
{
  nrf_state_optimizer_set_steps_done(s->optimizer, s->optimizer_steps);
  for (int i = 0; i < s->n_pieces; i++) memcpy(s->piece[i].live, s->piece[i].copy, bytes_of(&s->piece[i]));
  return s->steps;
}

/* ---- the file: head, copies, CRC-32 of both ---- */

typedef struct state_head {
  char    format[32];
  char    identity[NRF_SAMPLER_IDENTITY];
  int64_t steps, optimizer_steps;
  int64_t floats; /* of the copies */
} state_head;

static state_head head_of(const nrf_sampler_state *s)
{
  state_head head = {.format          = "nrflv sampler state, version 1\n",
                     .steps           = s->steps,
                     .optimizer_steps = s->optimizer_steps,
                     .floats          = s->floats};
  memcpy(head.identity, s->identity, sizeof head.identity);
  return head;
}

static uint32_t checksum(const state_head *head, const nrf_sampler_state *s)
{
  const uLong of_head = crc32_z(crc32_z(0, NULL, 0), (const Bytef *)head, sizeof *head);
  return (uint32_t)crc32_z(of_head, (const Bytef *)s->copies, (size_t)s->floats * sizeof(float));
}

int64_t nrf_sampler_state_bytes(const nrf_sampler_state *s)
{
  return (int64_t)(sizeof(state_head) + sizeof(uint32_t)) + s->floats * (int64_t)sizeof(float);
}

nrf_status nrf_sampler_state_write(const nrf_sampler_state *s, const char *path)
{
  nrf_status       st   = NRF_OK;
  nrf_atomic_file *file = NULL;
  const state_head head = head_of(s);
  const uint32_t   sum  = checksum(&head, s);
  NRF_TRY(nrf_atomic_create(path, &file));
  NRF_TRY(nrf_atomic_append(file, &head, sizeof head));
  NRF_TRY(nrf_atomic_append(file, s->copies, (size_t)s->floats * sizeof(float)));
  NRF_TRY(nrf_atomic_append(file, &sum, sizeof sum));
  NRF_TRY(nrf_atomic_commit(file));
done:
  nrf_atomic_free(file);
  return st;
}

/* Nothing in the file decides how much is read: it has to be of the very size that is expected. */
static bool read_all(FILE *file, nrf_sampler_state *s)
{
  const state_head expected = head_of(s);
  state_head       head;
  uint32_t         sum;
  const size_t     floats = (size_t)s->floats;
  if (fread(&head, sizeof head, 1, file) != 1) return false;
  if (memcmp(head.format, expected.format, sizeof head.format) != 0 ||
      memcmp(head.identity, expected.identity, sizeof head.identity) != 0 || head.floats != expected.floats)
    return false;
  if (fread(s->copies, sizeof(float), floats, file) != floats || fread(&sum, sizeof sum, 1, file) != 1 ||
      fgetc(file) != EOF)
    return false;
  if (sum != checksum(&head, s) || head.steps < 0 || head.optimizer_steps < 0) return false;
  s->steps           = head.steps;
  s->optimizer_steps = head.optimizer_steps;
  return true;
}

nrf_status nrf_sampler_state_read(nrf_sampler_state *s, const char *path)
{
  FILE *file = fopen(path, "rbe");
  if (file == NULL && errno == ENOENT) return nrf_error(NRF_ENOTFOUND, "%s: there is no such file", path);
  if (file == NULL) return nrf_error_errno("%s: cannot open", path);
  const bool complete = read_all(file, s);
  (void)fclose(file);
  return complete ? NRF_OK : nrf_error(NRF_EFORMAT, "%s: not a complete state of this sampler", path);
}
