/* architecture_write.c - an architecture as the text of a file: one line per field, values aligned. */
#include "architecture_fields.h"

#include "nrflv/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opens a line with a key; the values stand in one column. */
static void write_key(FILE *f, const char *key)
{
  fprintf(f, "  \"%s\":%*s", key, (int)(sizeof KEY_STATUSES - strlen(key)), "");
}

static nrf_status write_string(FILE *f, const char *key, const char *value)
{
  if (value[0] == '\0') return NRF_OK;
  json_t *string = json_string(value);
  char   *quoted = json_dumps(string, JSON_ENCODE_ANY);
  json_decref(string);
  if (quoted == NULL) return nrf_error(NRF_EINVAL, "architecture: its %s is not UTF-8 text", key);
  write_key(f, key);
  fprintf(f, "%s,\n", quoted);
  free(quoted);
  return NRF_OK;
}

static void write_sizes(FILE *f, const nrf_architecture *a)
{
  write_key(f, KEY_SIZES);
  for (int i = 0; i < a->n_layers; i++)
    fprintf(f, "%s[%d, %d, %d]", i == 0 ? "[" : ", ", a->size[i].channels, a->size[i].height,
            a->size[i].width);
  fprintf(f, "],\n");
}

/* One entry of each list that has an entry for every input. */
static void write_from(FILE *f, const nrf_connection *c)
{
  fprintf(f, "%d", c->from);
}

static void write_status(FILE *f, const nrf_connection *c)
{
  fprintf(f, "%d", (int)c->status);
}

static void write_kernel(FILE *f, const nrf_connection *c)
{
  if (c->status == NRF_FULLY_CONNECTED)
    fprintf(f, "[]");
  else
    fprintf(f, "[%d, %d]", c->kernel, c->padding);
}

/* A field with one list, or one number, for each layer. */
static const struct {
  const char *key;
  void (*write_entry)(FILE *f, const nrf_connection *c); /* NULL: a number */
  size_t number;                                         /* offset of an int in nrf_layer_network */
} layer_fields[] = {
    {KEY_CONNECTIONS, write_from, 0},
    {KEY_STATUSES, write_status, 0},
    {KEY_BASE_KERNELS, write_kernel, 0},
    {KEY_MAIN_KERNEL, NULL, offsetof(nrf_layer_network, main_kernel)},
    {KEY_STAGES, NULL, offsetof(nrf_layer_network, n_dense_stages)},
};

static void write_layer_field(FILE *f, int field, const nrf_layer_network *network)
{
  if (layer_fields[field].write_entry == NULL) {
    fprintf(f, "%d", *(const int *)((const char *)network + layer_fields[field].number));
    return;
  }
  fprintf(f, "[");
  for (int j = 0; j < network->n_inputs; j++) {
    if (j > 0) fprintf(f, ", ");
    layer_fields[field].write_entry(f, &network->input[j]);
  }
  fprintf(f, "]");
}

static void write_layer_fields(FILE *f, const nrf_architecture *a)
{
  for (int field = 0; field < (int)(sizeof layer_fields / sizeof *layer_fields); field++) {
    write_key(f, layer_fields[field].key);
    for (int i = 0; i < a->n_layers; i++) {
      fprintf(f, "%s\"%d\": ", i == 0 ? "{" : ", ", i);
      write_layer_field(f, field, &a->network[i]);
    }
    fprintf(f, "},\n");
  }
}

static nrf_status write_all(FILE *f, const nrf_architecture *a)
{
  fprintf(f, "{\n");
  NRF_RETURN_IF_ERROR(write_string(f, KEY_NAME, a->name));
  NRF_RETURN_IF_ERROR(write_string(f, KEY_DESCRIPTION, a->description));
  write_sizes(f, a);
  write_layer_fields(f, a);
  for (int i = 0; i < NRF_ARCHITECTURE_SCALARS; i++) {
    write_key(f, nrf_architecture_scalars[i].key);
    fprintf(f, "%d,\n", nrf_architecture_scalar_value(a, i));
  }
  write_key(f, KEY_SPECTRAL_NORM);
  fprintf(f, "%s\n}\n", a->spectral_norm ? "true" : "false");
  return NRF_OK;
}

nrf_status nrf_architecture_to_json(const nrf_architecture *a, char **out)
{
  char  *text   = NULL;
  size_t length = 0;
  FILE  *f      = open_memstream(&text, &length);
  *out          = NULL;
  if (f == NULL) return nrf_error_errno("architecture %s: cannot write to memory", a->name);
  nrf_status st     = write_all(f, a);
  const bool failed = ferror(f) != 0;
  if ((fclose(f) != 0 || failed) && st == NRF_OK)
    st = nrf_error(NRF_ENOMEM, "architecture %s: no memory", a->name);
  if (st == NRF_OK) st = nrf_alloc(length + 1, "architecture", (void **)out);
  if (st == NRF_OK) memcpy(*out, text, length);
  free(text);
  return st;
}
