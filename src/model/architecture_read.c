/* architecture_read.c - architectures from JSON, checked so that networks can be built from them blindly.
 *
 * Two ways of reading share everything but their patience. Our own files are read strictly: whatever does not
 * fit, or would not be used, is an error. Dictionaries of the published implementation are read as it read
 * them. What no network can be built from is refused in both. */
#include "architecture_fields.h"

#include "nrflv/closest.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far above any use, and far below overflow. */
enum { MAX_SIDE = 4096, MAX_CHANNELS = 4096, MAX_KERNEL = 255, MAX_STAGES = 64 };
static const int64_t MAX_UNITS = INT64_C(1) << 26;

typedef struct reader {
  const char       *where;  /* begins every message */
  bool              strict; /* one of our own files */
  nrf_architecture *a;
} reader;

/* The lists of one layer as they stand in the file. */
typedef struct raw_layer {
  int n_from, from[NRF_MAX_INPUTS];
  int n_status, status[NRF_MAX_INPUTS];
  int n_base;
  struct {
    bool given; /* false: [] */
    int  kernel, padding;
  } base[NRF_MAX_INPUTS];
} raw_layer;

/* ---- errors ------------------------------------------------------------------------------------------- */

enum { NO_LAYER = -1 };

static nrf_status fail(const reader *r, int layer, const char *key, const char *fmt, ...) NRF_PRINTF(4, 5);

/* "where: layer 2, key: ..." */
static nrf_status fail(const reader *r, int layer, const char *key, const char *fmt, ...)
{
  char    text[512];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (layer == NO_LAYER) return nrf_error(NRF_EFORMAT, "%s: %s: %s", r->where, key, text);
  return nrf_error(NRF_EFORMAT, "%s: layer %d, %s: %s", r->where, layer, key, text);
}

static const char *type_name(const json_t *value)
{
  if (value == NULL) return "nothing";
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return "an object";
  case JSON_ARRAY:
    return "a list";
  case JSON_STRING:
    return "a string";
  case JSON_INTEGER:
    return "an integer";
  case JSON_REAL:
    return "a fraction";
  case JSON_TRUE:
  case JSON_FALSE:
    return "true or false";
  case JSON_NULL:
    return "null";
  }
  return "something else";
}

/* ---- single values ------------------------------------------------------------------------------------ */

static nrf_status read_int(const reader *r, int layer, const char *key, const json_t *value, int min, int max,
                           int *out)
{
  if (!json_is_integer(value)) return fail(r, layer, key, "%s where an integer belongs", type_name(value));
  const json_int_t number = json_integer_value(value);
  if (number < min || number > max)
    return fail(r, layer, key, "%lld is not between %d and %d", (long long)number, min, max);
  *out = (int)number;
  return NRF_OK;
}

static nrf_status read_bool(const reader *r, const json_t *root, const char *key, bool *out)
{
  const json_t *value = json_object_get(root, key);
  *out                = false; /* absent means false */
  if (value == NULL) return NRF_OK;
  if (!json_is_boolean(value))
    return fail(r, NO_LAYER, key, "%s where true or false belongs", type_name(value));
  *out = json_is_true(value);
  return NRF_OK;
}

static nrf_status read_string(const reader *r, const json_t *root, const char *key, size_t bytes, char *out)
{
  const json_t *value = json_object_get(root, key);
  if (value == NULL) return NRF_OK;
  if (!json_is_string(value)) return fail(r, NO_LAYER, key, "%s where a string belongs", type_name(value));
  if (json_string_length(value) >= bytes || strlen(json_string_value(value)) != json_string_length(value))
    return fail(r, NO_LAYER, key, "longer than %zu bytes, or with a zero byte", bytes - 1);
  (void)snprintf(out, bytes, "%s", json_string_value(value));
  return NRF_OK;
}

static nrf_status read_scalars(const reader *r, const json_t *root)
{
  for (int i = 0; i < NRF_ARCHITECTURE_SCALARS; i++) {
    const nrf_architecture_scalar *s     = &nrf_architecture_scalars[i];
    const json_t                  *value = json_object_get(root, s->key);
    int                           *out   = (int *)((char *)r->a + s->offset);
    if (value == NULL) return fail(r, NO_LAYER, s->key, "missing");
    NRF_RETURN_IF_ERROR(read_int(r, NO_LAYER, s->key, value, 1, MAX_CHANNELS, out));
  }
  return read_bool(r, root, KEY_SPECTRAL_NORM, &r->a->spectral_norm);
}

/* ---- sizes -------------------------------------------------------------------------------------------- */

static nrf_status read_size(const reader *r, int layer, const json_t *value, nrf_layer_size *out)
{
  if (json_array_size(value) != 3)
    return fail(r, layer, KEY_SIZES, "%s where [channels, height, width] belongs",
                json_is_array(value) ? "another list" : type_name(value));
  NRF_RETURN_IF_ERROR(
      read_int(r, layer, KEY_SIZES, json_array_get(value, 0), 1, MAX_CHANNELS, &out->channels));
  NRF_RETURN_IF_ERROR(read_int(r, layer, KEY_SIZES, json_array_get(value, 1), 1, MAX_SIDE, &out->height));
  NRF_RETURN_IF_ERROR(read_int(r, layer, KEY_SIZES, json_array_get(value, 2), 1, MAX_SIDE, &out->width));
  if (nrf_layer_units(*out) > MAX_UNITS)
    return fail(r, layer, KEY_SIZES, "%lld units; at most %lld are possible",
                (long long)nrf_layer_units(*out), (long long)MAX_UNITS);
  return NRF_OK;
}

static nrf_status read_sizes(const reader *r, const json_t *sizes)
{
  const size_t n = json_array_size(sizes);
  if (!json_is_array(sizes)) return fail(r, NO_LAYER, KEY_SIZES, "%s where a list belongs", type_name(sizes));
  if (n < 1 || n > NRF_MAX_LAYERS)
    return fail(r, NO_LAYER, KEY_SIZES, "%zu layers; 1 to %d are possible", n, NRF_MAX_LAYERS);
  r->a->n_layers = (int)n;
  for (int i = 0; i < (int)n; i++)
    NRF_RETURN_IF_ERROR(read_size(r, i, json_array_get(sizes, (size_t)i), &r->a->size[i]));
  const int channels = r->a->size[0].channels;
  if (r->strict && channels != 1 && channels != 3)
    return fail(r, 0, KEY_SIZES, "an image has 1 or 3 channels, not %d", channels);
  return NRF_OK;
}

/* ---- the lists of one layer --------------------------------------------------------------------------- */

/* The entry of a layer in a dictionary that is known to be an object; NULL if it has none. */
static json_t *entry_of(const json_t *root, const char *key, int layer)
{
  char number[16];
  (void)snprintf(number, sizeof number, "%d", layer);
  return json_object_get(json_object_get(root, key), number);
}

static nrf_status check_list(const reader *r, int layer, const char *key, const json_t *list)
{
  if (list == NULL) return fail(r, layer, key, "missing");
  if (!json_is_array(list)) return fail(r, layer, key, "%s where a list belongs", type_name(list));
  if (json_array_size(list) > NRF_MAX_INPUTS)
    return fail(r, layer, key, "%zu entries; at most %d are possible", json_array_size(list), NRF_MAX_INPUTS);
  return NRF_OK;
}

static nrf_status read_ints(const reader *r, int layer, const char *key, const json_t *root, int max, int *n,
                            int out[])
{
  const json_t *list = entry_of(root, key, layer);
  NRF_RETURN_IF_ERROR(check_list(r, layer, key, list));
  *n = (int)json_array_size(list);
  for (int j = 0; j < *n; j++)
    NRF_RETURN_IF_ERROR(read_int(r, layer, key, json_array_get(list, (size_t)j), 0, max, &out[j]));
  return NRF_OK;
}

static nrf_status read_base_kernels(const reader *r, int layer, const json_t *root, raw_layer *raw)
{
  const json_t *list = entry_of(root, KEY_BASE_KERNELS, layer);
  if (list == NULL && !r->strict) return NRF_OK; /* none needed if all inputs are fully connected */
  NRF_RETURN_IF_ERROR(check_list(r, layer, KEY_BASE_KERNELS, list));
  raw->n_base = (int)json_array_size(list);
  for (int j = 0; j < raw->n_base; j++) {
    const json_t *pair = json_array_get(list, (size_t)j);
    if (!json_is_array(pair) || (json_array_size(pair) != 0 && json_array_size(pair) != 2))
      return fail(r, layer, KEY_BASE_KERNELS,
                  "[kernel, padding] is needed, or [] for a fully connected input");
    raw->base[j].given = json_array_size(pair) == 2;
    if (!raw->base[j].given) continue;
    NRF_RETURN_IF_ERROR(
        read_int(r, layer, KEY_BASE_KERNELS, json_array_get(pair, 0), 1, MAX_KERNEL, &raw->base[j].kernel));
    NRF_RETURN_IF_ERROR(
        read_int(r, layer, KEY_BASE_KERNELS, json_array_get(pair, 1), 0, MAX_KERNEL, &raw->base[j].padding));
  }
  return NRF_OK;
}

/* ---- inputs ------------------------------------------------------------------------------------------- */

/* What the published implementation makes of a padding: for the common kernels any but 0 becomes the one
 * that keeps the size. */
static int used_padding(int kernel, int given)
{
  if (given == 0) return 0;
  switch (kernel) {
  case 1:
    return 0;
  case 3:
    return 1;
  case 7:
    return 3;
  case 11:
    return 5;
  default:
    return given;
  }
}

/* Both sides of what a base layer makes of an input must have at least one pixel, and where convolution and
 * transposed convolution stand side by side they must agree. */
static nrf_status check_base_shape(const reader *r, int layer, const nrf_connection *c)
{
  const nrf_layer_size from = r->a->size[c->from];
  const int            side = from.height < from.width ? from.height : from.width;
  const int            grow =
      c->kernel - 1 - 2 * c->padding; /* a transposed convolution adds it, a convolution takes it */
  const bool conv = c->status != NRF_CONV_TRANSPOSED, transposed = c->status != NRF_CONV;
  if (c->status == NRF_CCT && grow != 0)
    return fail(r, layer, KEY_BASE_KERNELS,
                "kernel %d with padding %d for layer %d: status 0 needs padding = (kernel - 1) / 2, so that "
                "convolution and "
                "transposed convolution have one size",
                c->kernel, c->padding, c->from);
  if ((conv && side - grow < 1) || (transposed && side + grow < 1))
    return fail(r, layer, KEY_BASE_KERNELS,
                "kernel %d with padding %d leaves nothing of layer %d, which is %dx%dx%d", c->kernel,
                c->padding, c->from, from.channels, from.height, from.width);
  return NRF_OK;
}

/* What our own files must say exactly. */
static nrf_status check_base_text(const reader *r, int layer, const raw_layer *raw, int j)
{
  const int kernel = raw->base[j].kernel, padding = raw->base[j].padding;
  if (padding >= kernel)
    return fail(r, layer, KEY_BASE_KERNELS, "padding %d is not smaller than kernel %d", padding, kernel);
  if (padding != used_padding(kernel, padding))
    return fail(r, layer, KEY_BASE_KERNELS, "kernel %d goes with padding 0 or %d, not %d", kernel,
                used_padding(kernel, padding), padding);
  return NRF_OK;
}

static nrf_status read_connection(const reader *r, int layer, const raw_layer *raw, int j, nrf_connection *c)
{
  c->from   = raw->from[j];
  c->status = (nrf_connection_status)raw->status[j];
  if (c->from >= r->a->n_layers)
    return fail(r, layer, KEY_CONNECTIONS, "layer %d is read, but the layers are 0 to %d", c->from,
                r->a->n_layers - 1);
  const bool given = j < raw->n_base && raw->base[j].given;
  if (c->status == NRF_FULLY_CONNECTED) {
    if (r->strict && given)
      return fail(r, layer, KEY_BASE_KERNELS,
                  "layer %d is fully connected (status 3) and has no kernel: write []", c->from);
    return NRF_OK;
  }
  if (!given)
    return fail(r, layer, KEY_BASE_KERNELS,
                "layer %d is read by a convolution (status %d) and needs [kernel, padding]", c->from,
                (int)c->status);
  if (r->strict) NRF_RETURN_IF_ERROR(check_base_text(r, layer, raw, j));
  c->kernel  = raw->base[j].kernel;
  c->padding = used_padding(c->kernel, raw->base[j].padding);
  return check_base_shape(r, layer, c);
}

static nrf_status check_lengths(const reader *r, int layer, const raw_layer *raw)
{
  /* More statuses than connections stop the published implementation too. */
  if (raw->n_status > raw->n_from || (r->strict && raw->n_status != raw->n_from))
    return fail(r, layer, KEY_STATUSES, "%d statuses for %d connections", raw->n_status, raw->n_from);
  if (r->strict && raw->n_base != raw->n_from)
    return fail(r, layer, KEY_BASE_KERNELS, "%d kernels for %d connections", raw->n_base, raw->n_from);
  return NRF_OK;
}

static nrf_status check_duplicates(const reader *r, int layer, const nrf_layer_network *network)
{
  for (int j = 0; j < network->n_inputs; j++)
    for (int k = 0; k < j; k++)
      if (network->input[j].from == network->input[k].from)
        return fail(r, layer, KEY_CONNECTIONS, "layer %d is read twice", network->input[j].from);
  return NRF_OK;
}

/* An input counts as far as all lists reach; fully connected ones need no kernel. */
static nrf_status read_inputs(const reader *r, int layer, const json_t *root)
{
  nrf_layer_network *network = &r->a->network[layer];
  raw_layer          raw     = {0};
  NRF_RETURN_IF_ERROR(read_ints(r, layer, KEY_CONNECTIONS, root, INT32_MAX, &raw.n_from, raw.from));
  NRF_RETURN_IF_ERROR(
      read_ints(r, layer, KEY_STATUSES, root, NRF_FULLY_CONNECTED, &raw.n_status, raw.status));
  NRF_RETURN_IF_ERROR(read_base_kernels(r, layer, root, &raw));
  NRF_RETURN_IF_ERROR(check_lengths(r, layer, &raw));
  for (int j = 0; j < raw.n_status; j++) {
    if (raw.status[j] != NRF_FULLY_CONNECTED && j >= raw.n_base) continue;
    NRF_RETURN_IF_ERROR(read_connection(r, layer, &raw, j, &network->input[network->n_inputs]));
    network->n_inputs++;
  }
  if (network->n_inputs == 0) return fail(r, layer, KEY_CONNECTIONS, "the layer reads nothing");
  return r->strict ? check_duplicates(r, layer, network) : NRF_OK;
}

/* ---- the rest of a layer ------------------------------------------------------------------------------- */

static nrf_status read_main_kernel(const reader *r, int layer, const json_t *root)
{
  nrf_layer_network *network = &r->a->network[layer];
  const json_t      *value   = entry_of(root, KEY_MAIN_KERNEL, layer);
  int                kernel  = 0;
  if (value == NULL && r->strict) return fail(r, layer, KEY_MAIN_KERNEL, "missing");
  if (value != NULL) NRF_RETURN_IF_ERROR(read_int(r, layer, KEY_MAIN_KERNEL, value, 0, MAX_KERNEL, &kernel));
  if (nrf_architecture_n_conv_inputs(network) == 0) {
    if (r->strict && kernel != 0)
      return fail(r, layer, KEY_MAIN_KERNEL, "%d, but no input is read by a convolution: write 0", kernel);
    return NRF_OK;
  }
  if (kernel % 2 == 0)
    return fail(r, layer, KEY_MAIN_KERNEL, "%d: an odd kernel is needed, which can keep the layer's size",
                kernel);
  network->main_kernel  = kernel;
  network->main_padding = (kernel - 1) / 2;
  return NRF_OK;
}

/* Where convolution and transposed convolution share the channels, there must be two halves. */
static nrf_status check_halves(const reader *r, int layer)
{
  const nrf_layer_network *network = &r->a->network[layer];
  for (int j = 0; j < network->n_inputs; j++)
    if (network->input[j].status == NRF_CCT && r->a->base_channels % 2 != 0)
      return fail(r, layer, KEY_STATUSES, "status 0 halves num_ch_base, which is odd (%d)",
                  r->a->base_channels);
  if (network->n_dense_stages > 0 && nrf_architecture_n_conv_inputs(network) > 0 &&
      nrf_architecture_dense_status(network) == NRF_CCT && r->a->growth_rate % 2 != 0)
    return fail(r, layer, KEY_STAGES,
                "the dense block has status 0 and halves growth_rate, which is odd (%d)", r->a->growth_rate);
  return NRF_OK;
}

static nrf_status read_layer(const reader *r, int layer, const json_t *root)
{
  const json_t *stages = entry_of(root, KEY_STAGES, layer);
  NRF_RETURN_IF_ERROR(read_inputs(r, layer, root));
  NRF_RETURN_IF_ERROR(read_main_kernel(r, layer, root));
  if (stages == NULL) return fail(r, layer, KEY_STAGES, "missing");
  NRF_RETURN_IF_ERROR(
      read_int(r, layer, KEY_STAGES, stages, 0, MAX_STAGES, &r->a->network[layer].n_dense_stages));
  return check_halves(r, layer);
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static const char *const dictionary_keys[] = {KEY_CONNECTIONS, KEY_STATUSES, KEY_BASE_KERNELS,
                                              KEY_MAIN_KERNEL, KEY_STAGES};

static bool is_layer_number(const char *text, int n_layers)
{
  char number[16];
  for (int i = 0; i < n_layers; i++) {
    (void)snprintf(number, sizeof number, "%d", i);
    if (strcmp(text, number) == 0) return true;
  }
  return false;
}

static nrf_status check_dictionary(const reader *r, const json_t *root, const char *key)
{
  json_t     *dictionary = json_object_get(root, key), *value;
  const char *number;
  if (dictionary == NULL) return fail(r, NO_LAYER, key, "missing");
  if (!json_is_object(dictionary))
    return fail(r, NO_LAYER, key, "%s where {\"0\": ..., \"1\": ...} belongs", type_name(dictionary));
  json_object_foreach(dictionary, number, value)
  {
    if (r->strict && !is_layer_number(number, r->a->n_layers))
      return fail(r, NO_LAYER, key, "an entry for layer '%s', but the layers are 0 to %d", number,
                  r->a->n_layers - 1);
  }
  return NRF_OK;
}

static nrf_status check_keys(const reader *r, json_t *root)
{
  const char *known[] = {KEY_NAME,
                         KEY_DESCRIPTION,
                         KEY_SIZES,
                         KEY_CONNECTIONS,
                         KEY_STATUSES,
                         KEY_BASE_KERNELS,
                         KEY_MAIN_KERNEL,
                         KEY_STAGES,
                         KEY_SPECTRAL_NORM,
                         KEY_LATENT_LAYERS,
                         nrf_architecture_scalars[0].key,
                         nrf_architecture_scalars[1].key,
                         nrf_architecture_scalars[2].key};
  enum { N_KNOWN = sizeof known / sizeof *known };
  const char *key;
  json_t     *value;
  json_object_foreach(root, key, value)
  {
    bool found = false;
    for (int i = 0; i < N_KNOWN && !found; i++) found = strcmp(key, known[i]) == 0;
    if (found) continue;
    const int closest = nrf_closest(key, N_KNOWN, known);
    if (closest < 0) return nrf_error(NRF_EFORMAT, "%s: unknown key '%s'", r->where, key);
    return nrf_error(NRF_EFORMAT, "%s: unknown key '%s'; did you mean '%s'?", r->where, key, known[closest]);
  }
  return NRF_OK;
}

static nrf_status check_latent_layers(const reader *r, const json_t *root)
{
  const json_t *value = json_object_get(root, KEY_LATENT_LAYERS);
  int           n     = 0;
  if (value == NULL) return NRF_OK;
  NRF_RETURN_IF_ERROR(read_int(r, NO_LAYER, KEY_LATENT_LAYERS, value, 0, NRF_MAX_LAYERS, &n));
  if (n != r->a->n_layers - 1)
    return fail(r, NO_LAYER, KEY_LATENT_LAYERS, "%d layers above the image, but " KEY_SIZES " has %d", n,
                r->a->n_layers - 1);
  return NRF_OK;
}

/* The initialiser network halves its channels everywhere, and those it has for a layer are the larger of
 * num_ch_initter and the layer's own (spec/system.md 1.5). */
static nrf_status check_initialiser(const reader *r)
{
  const nrf_architecture *a = r->a;
  if (a->initialiser_channels % 2 != 0)
    return fail(r, NO_LAYER, "num_ch_initter",
                "%d: an even number is needed, the initialiser network halves it", a->initialiser_channels);
  for (int i = 1; i < a->n_layers; i++)
    if (a->size[i].channels % 2 != 0 && a->size[i].channels > a->initialiser_channels)
      return fail(r, i, KEY_SIZES,
                  "%d channels: the initialiser network halves them, so that an odd number must not "
                  "exceed num_ch_initter (%d)",
                  a->size[i].channels, a->initialiser_channels);
  return NRF_OK;
}

static nrf_status read_dictionaries(const reader *r, const json_t *root)
{
  for (size_t k = 0; k < sizeof dictionary_keys / sizeof *dictionary_keys; k++)
    NRF_RETURN_IF_ERROR(check_dictionary(r, root, dictionary_keys[k]));
  NRF_RETURN_IF_ERROR(read_scalars(r, root));
  for (int i = 0; i < r->a->n_layers; i++) NRF_RETURN_IF_ERROR(read_layer(r, i, root));
  return NRF_OK;
}

static nrf_status read_file(const reader *r, json_t *root)
{
  NRF_RETURN_IF_ERROR(check_keys(r, root));
  NRF_RETURN_IF_ERROR(read_string(r, root, KEY_NAME, sizeof r->a->name, r->a->name));
  NRF_RETURN_IF_ERROR(read_string(r, root, KEY_DESCRIPTION, sizeof r->a->description, r->a->description));
  if (json_object_get(root, KEY_SIZES) == NULL) return fail(r, NO_LAYER, KEY_SIZES, "missing");
  NRF_RETURN_IF_ERROR(read_sizes(r, json_object_get(root, KEY_SIZES)));
  NRF_RETURN_IF_ERROR(check_latent_layers(r, root));
  NRF_RETURN_IF_ERROR(read_dictionaries(r, root));
  return check_initialiser(r);
}

static nrf_status parse_object(const char *text, const char *where, json_t **out)
{
  json_error_t error;
  *out = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  if (*out == NULL)
    return nrf_error(NRF_EFORMAT, "%s: line %d, column %d: %s", where, error.line, error.column, error.text);
  return NRF_OK;
}

nrf_status nrf_architecture_parse(const char *json, const char *where, nrf_architecture *out)
{
  nrf_architecture a = {0};
  json_t          *root;
  NRF_RETURN_IF_ERROR(parse_object(json, where, &root));
  const reader r  = {.where = where, .strict = true, .a = &a};
  nrf_status   st = json_is_object(root)
                        ? read_file(&r, root)
                        : nrf_error(NRF_EFORMAT, "%s: %s where {...} belongs", where, type_name(root));
  json_decref(root);
  if (st == NRF_OK) *out = a;
  return st;
}

nrf_status nrf_architecture_parse_original(const char *dictionary_json, const char *state_sizes_json,
                                           const char *name, const char *where, nrf_architecture *out)
{
  nrf_architecture a          = {0};
  const reader     r          = {.where = where, .strict = false, .a = &a};
  json_t          *dictionary = NULL, *sizes = NULL;
  nrf_status       st = NRF_OK;
  (void)snprintf(a.name, sizeof a.name, "%s", name);
  NRF_TRY(parse_object(dictionary_json, where, &dictionary));
  NRF_TRY(parse_object(state_sizes_json, where, &sizes));
  NRF_TRY(read_sizes(&r, sizes));
  NRF_TRY(read_dictionaries(&r, dictionary));
  *out = a;

done:
  json_decref(dictionary);
  json_decref(sizes);
  return st;
}
