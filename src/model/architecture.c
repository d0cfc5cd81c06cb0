/* architecture.c - finding, listing and comparing architectures. Their files are read by architecture_read.c
 * and written by architecture_write.c. */
#include "architecture_fields.h"

#include "nrflv/closest.h"
#include "nrflv/memory.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const nrf_architecture_scalar nrf_architecture_scalars[NRF_ARCHITECTURE_SCALARS] = {
    {"num_ch_base", offsetof(nrf_architecture, base_channels)},
    {"growth_rate", offsetof(nrf_architecture, growth_rate)},
    {"num_ch_initter", offsetof(nrf_architecture, initialiser_channels)},
};

/* ---- questions about one layer ------------------------------------------------------------------------ */

int nrf_architecture_n_fc_inputs(const nrf_layer_network *network)
{
  int n = 0;
  for (int j = 0; j < network->n_inputs; j++) n += network->input[j].status == NRF_FULLY_CONNECTED;
  return n;
}

int nrf_architecture_n_conv_inputs(const nrf_layer_network *network)
{
  return network->n_inputs - nrf_architecture_n_fc_inputs(network);
}

nrf_connection_status nrf_architecture_dense_status(const nrf_layer_network *network)
{
  const int n_conv = nrf_architecture_n_conv_inputs(network);
  int       of[4]  = {0};
  for (int j = 0; j < network->n_inputs; j++) of[network->input[j].status]++;
  if (n_conv > 0 && of[NRF_CONV] == n_conv) return NRF_CONV;
  if (n_conv > 0 && of[NRF_CONV_TRANSPOSED] == n_conv) return NRF_CONV_TRANSPOSED;
  return NRF_CCT;
}

/* ---- listing ------------------------------------------------------------------------------------------ */

static const char   FILE_ENDING[] = ".json";
static const size_t ENDING_LENGTH = sizeof FILE_ENDING - 1;

static bool is_file_name(const char *name)
{
  const size_t length = strlen(name);
  return length > ENDING_LENGTH && strcmp(name + length - ENDING_LENGTH, FILE_ENDING) == 0;
}

static int is_architecture_entry(const struct dirent *entry)
{
  return entry->d_name[0] != '.' && is_file_name(entry->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

/* Names without their ending, and the pointers to them, in one block. */
static nrf_status pack_names(int n, struct dirent *const entry[], char ***names)
{
  size_t bytes = (size_t)n * sizeof(char *);
  for (int i = 0; i < n; i++) bytes += strlen(entry[i]->d_name) - ENDING_LENGTH + 1;
  NRF_RETURN_IF_ERROR(nrf_alloc(bytes, "list of architectures", (void **)names));
  char *text = (char *)(*names + n);
  for (int i = 0; i < n; i++) {
    const size_t length = strlen(entry[i]->d_name) - ENDING_LENGTH;
    (*names)[i]         = text;
    memcpy(text, entry[i]->d_name, length); /* the block is zeroed: a terminator follows */
    text += length + 1;
  }
  return NRF_OK;
}

nrf_status nrf_architecture_list(const char *dir, int *n, char ***names)
{
  struct dirent **entry = NULL;
  *n                    = 0;
  *names                = NULL;
  const int found       = scandir(dir, &entry, is_architecture_entry, by_name);
  if (found < 0) return nrf_error_errno("%s: cannot list the architectures", dir);
  const nrf_status st = pack_names(found, entry, names);
  if (st == NRF_OK) *n = found;
  for (int i = 0; i < found; i++) free(entry[i]);
  free(entry);
  return st;
}

/* ---- loading ------------------------------------------------------------------------------------------ */

enum { MAX_FILE_BYTES = 1 << 20 };

/* The whole file, with a terminator. */
static nrf_status read_text(const char *path, char **out)
{
  nrf_status st   = NRF_OK;
  char      *text = NULL;
  FILE      *file = fopen(path, "rb");
  if (file == NULL && errno == ENOENT)
    return nrf_error(NRF_ENOTFOUND, "%s: there is no such architecture file", path);
  if (file == NULL) return nrf_error_errno("%s: cannot open", path);

  NRF_TRY(nrf_alloc(MAX_FILE_BYTES + 1, path, (void **)&text));
  const size_t length = fread(text, 1, MAX_FILE_BYTES + 1, file);
  if (ferror(file)) {
    st = nrf_error_errno("%s: cannot read", path);
    goto done;
  }
  if (length > MAX_FILE_BYTES) NRF_FAIL(NRF_EFORMAT, "%s: too large for an architecture", path);
  if (memchr(text, '\0', length) != NULL) NRF_FAIL(NRF_EFORMAT, "%s: not a text file", path);
  text[length] = '\0';
  *out         = text;
  text         = NULL;

done:
  nrf_free(text);
  (void)fclose(file);
  return st;
}

/* "a/b.json" -> "b" */
static nrf_status name_from_path(const char *path, char name[NRF_ARCHITECTURE_NAME_BYTES])
{
  const char  *slash  = strrchr(path, '/');
  const char  *base   = slash == NULL ? path : slash + 1;
  const size_t length = strlen(base) - (is_file_name(base) ? ENDING_LENGTH : 0);
  if (length >= NRF_ARCHITECTURE_NAME_BYTES) return nrf_error(NRF_EINVAL, "%s: the name is too long", path);
  memcpy(name, base, length);
  name[length] = '\0';
  return NRF_OK;
}

static nrf_status load_file(const char *path, nrf_architecture *out)
{
  char *text = NULL;
  NRF_RETURN_IF_ERROR(read_text(path, &text));
  nrf_status st = nrf_architecture_parse(text, path, out);
  if (st == NRF_OK && out->name[0] == '\0') st = name_from_path(path, out->name);
  nrf_free(text);
  return st;
}

static nrf_status unknown_name(const char *name, const char *dir)
{
  int    n     = 0;
  char **names = NULL;
  NRF_RETURN_IF_ERROR(nrf_architecture_list(dir, &n, &names));
  const int closest = nrf_closest(name, n, (const char *const *)names);
  (void)nrf_error(
      NRF_ENOTFOUND,
      "architecture '%s': there is none of this name in %s%s%s%s (--list_architectures shows all)", name, dir,
      closest < 0 ? "" : "; did you mean '", closest < 0 ? "" : names[closest], closest < 0 ? "" : "'?");
  nrf_free(names);
  return NRF_ENOTFOUND;
}

nrf_status nrf_architecture_load(const char *name_or_path, const char *dir, nrf_architecture *out)
{
  char path[PATH_MAX];
  if (strchr(name_or_path, '/') != NULL || is_file_name(name_or_path)) return load_file(name_or_path, out);

  if (snprintf(path, sizeof path, "%s/%s%s", dir, name_or_path, FILE_ENDING) >= (int)sizeof path)
    return nrf_error(NRF_EINVAL, "architecture '%.40s...': the name is too long", name_or_path);
  const nrf_status st = load_file(path, out);
  return st == NRF_ENOTFOUND ? unknown_name(name_or_path, dir) : st;
}

/* ---- comparing ---------------------------------------------------------------------------------------- */

/* Where the first difference is told, if anybody wants to know. */
typedef struct difference {
  char  *text;
  size_t bytes;
} difference;

static bool differ(const difference *d, const char *fmt, ...) NRF_PRINTF(2, 3);

/* Always true, for `return differ(...)`. */
static bool differ(const difference *d, const char *fmt, ...)
{
  if (d->text == NULL) return true;
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(d->text, d->bytes, fmt, args);
  va_end(args);
  return true;
}

static bool inputs_differ(const difference *d, int layer, const nrf_layer_network *a,
                          const nrf_layer_network *b)
{
  if (a->n_inputs != b->n_inputs)
    return differ(d, "layer %d, " KEY_CONNECTIONS ": %d and %d connections", layer, a->n_inputs, b->n_inputs);
  for (int j = 0; j < a->n_inputs; j++) {
    const nrf_connection *p = &a->input[j], *q = &b->input[j];
    if (p->from != q->from)
      return differ(d, "layer %d, " KEY_CONNECTIONS ": reads layer %d and layer %d", layer, p->from, q->from);
    if (p->status != q->status)
      return differ(d, "layer %d, " KEY_STATUSES ": %d and %d for layer %d", layer, (int)p->status,
                    (int)q->status, p->from);
    if (p->kernel != q->kernel || p->padding != q->padding)
      return differ(d, "layer %d, " KEY_BASE_KERNELS ": [%d, %d] and [%d, %d] for layer %d", layer, p->kernel,
                    p->padding, q->kernel, q->padding, p->from);
  }
  return false;
}

static bool layers_differ(const difference *d, int layer, const nrf_architecture *a,
                          const nrf_architecture *b)
{
  const nrf_layer_size s = a->size[layer], t = b->size[layer];
  if (s.channels != t.channels || s.height != t.height || s.width != t.width)
    return differ(d, "layer %d, " KEY_SIZES ": %dx%dx%d and %dx%dx%d", layer, s.channels, s.height, s.width,
                  t.channels, t.height, t.width);
  const nrf_layer_network *p = &a->network[layer], *q = &b->network[layer];
  if (p->n_dense_stages != q->n_dense_stages)
    return differ(d, "layer %d, " KEY_STAGES ": %d and %d", layer, p->n_dense_stages, q->n_dense_stages);
  if (p->main_kernel != q->main_kernel)
    return differ(d, "layer %d, " KEY_MAIN_KERNEL ": %d and %d", layer, p->main_kernel, q->main_kernel);
  return inputs_differ(d, layer, p, q);
}

bool nrf_architecture_equal(const nrf_architecture *a, const nrf_architecture *b, char *text, size_t bytes)
{
  const difference d = {text, bytes};
  if (a->n_layers != b->n_layers)
    return !differ(&d, KEY_SIZES ": %d and %d layers", a->n_layers, b->n_layers);
  for (int i = 0; i < NRF_ARCHITECTURE_SCALARS; i++) {
    const int p = nrf_architecture_scalar_value(a, i), q = nrf_architecture_scalar_value(b, i);
    if (p != q) return !differ(&d, "%s: %d and %d", nrf_architecture_scalars[i].key, p, q);
  }
  if (a->spectral_norm != b->spectral_norm)
    return !differ(&d, KEY_SPECTRAL_NORM ": %s and %s", a->spectral_norm ? "true" : "false",
                   b->spectral_norm ? "true" : "false");
  for (int i = 0; i < a->n_layers; i++)
    if (layers_differ(&d, i, a, b)) return false;
  return true;
}
