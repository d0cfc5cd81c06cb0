/* checkpoint.c - finding, recognising and reading saved models. */
#include "nrflv/checkpoint.h"

#include "managers/checkpoint_format.h"
#include "nrflv/closest.h"
#include "nrflv/memory.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct nrf_checkpoint {
  nrf_h5_file     *file;
  nrf_settings     settings;
  nrf_architecture architecture;
};

const char *const nrf_checkpoint_group[NRF_CHECKPOINT_NETWORKS] = {
    [NRF_CHECKPOINT_MODEL] = "/model", [NRF_CHECKPOINT_INITIALISER] = "/initializer"};
const char *const nrf_checkpoint_optimizer_group[NRF_CHECKPOINT_NETWORKS] = {
    [NRF_CHECKPOINT_MODEL] = "/model_optimizer", [NRF_CHECKPOINT_INITIALISER] = "/initializer_optimizer"};

/* ---- finding ---- */

static bool ends_in_h5(const char *name)
{
  const size_t n = strlen(name);
  return n > 3 && strcmp(name + n - 3, ".h5") == 0;
}

static int is_model(const struct dirent *entry)
{
  return ends_in_h5(entry->d_name);
}

/* The message for a name that is not there, with what may have been meant. */
static nrf_status no_such_model(const char *path, const char *directory, const char *name)
{
  struct dirent **entry = NULL;
  const char    **names = NULL;
  const int       n     = scandir(directory, &entry, is_model, alphasort);
  nrf_status      st    = NRF_OK;

  if (n <= 0)
    NRF_FAIL(NRF_ENOTFOUND, "%s: there is no such model, and none in %s: train one with nrflv --train", path,
             directory);
  NRF_TRY(nrf_alloc((size_t)n * sizeof *names, "names of models", (void **)&names));
  for (int i = 0; i < n; i++) {
    entry[i]->d_name[strlen(entry[i]->d_name) - 3] = '\0';
    names[i]                                       = entry[i]->d_name;
  }
  const int closest = nrf_closest(name, n, names);
  if (closest >= 0)
    st = nrf_error(NRF_ENOTFOUND, "%s: there is no such model; did you mean %s?", path, names[closest]);
  else
    st = nrf_error(NRF_ENOTFOUND, "%s: there is no such model; the last of %d there is %s", path, n,
                   names[n - 1]);
done:
  for (int i = 0; i < n; i++) free(entry[i]); /* scandir's own memory */
  free(entry);
  nrf_free(names);
  return st;
}

nrf_status nrf_checkpoint_find(const char *exps_dir, const char *name, char path[], size_t bytes)
{
  char      directory[NRF_SETTING_STRING_MAX + 16];
  const int is_path = strchr(name, '/') != NULL || ends_in_h5(name);
  (void)snprintf(directory, sizeof directory, "%s/models", exps_dir);
  const int n =
      is_path ? snprintf(path, bytes, "%s", name) : snprintf(path, bytes, "%s/%s.h5", directory, name);
  if (n < 0 || (size_t)n >= bytes) return nrf_error(NRF_EINVAL, "%s: the path is too long", name);
  if (access(path, F_OK) == 0) return NRF_OK;
  return is_path ? nrf_error(NRF_ENOTFOUND, "%s: there is no such model", path)
                 : no_such_model(path, directory, name);
}

/* Whether `a` was written after `b`; at the same time, the later name wins. */
static bool is_newer(const struct stat *a, const struct stat *b)
{
  if (a->st_mtim.tv_sec != b->st_mtim.tv_sec) return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
  return a->st_mtim.tv_nsec >= b->st_mtim.tv_nsec;
}

nrf_status nrf_checkpoint_find_newest(const char *exps_dir, char path[], size_t bytes)
{
  char            candidate[NRF_SETTING_STRING_MAX + 16 + NAME_MAX];
  struct dirent **entry  = NULL;
  struct stat     newest = {0};
  path[0]                = '\0';
  (void)snprintf(candidate, sizeof candidate, "%s/models", exps_dir);
  const int n = scandir(candidate, &entry, is_model, alphasort);
  for (int i = 0; i < n; i++) {
    struct stat info;
    const int   length = snprintf(candidate, sizeof candidate, "%s/models/%s", exps_dir, entry[i]->d_name);
    free(entry[i]); /* scandir's own memory */
    if (length < 0 || (size_t)length >= bytes) continue;
    if (stat(candidate, &info) != 0 || !S_ISREG(info.st_mode) || !is_newer(&info, &newest)) continue;
    newest = info;
    memcpy(path, candidate, (size_t)length + 1);
  }
  free(entry);
  if (path[0] != '\0') return NRF_OK;
  return nrf_error(
      NRF_ENOTFOUND,
      "%s/models: there is no model: train one with nrflv --train, or name one with --load_model", exps_dir);
}

/* ---- recognising ---- */

static nrf_status check_version(const nrf_h5_file *file)
{
  char   *format  = NULL;
  int64_t version = 0;
  if (!nrf_h5_has_attribute(file, "/", "format") || !nrf_h5_has_attribute(file, "/", "format_version"))
    return nrf_error(NRF_EFORMAT, "%s: is an HDF5 file, but not a model of nrflv", nrf_h5_path(file));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, "/", "format", &format));
  const bool ours = strcmp(format, NRF_CHECKPOINT_FORMAT) == 0;
  nrf_free(format);
  if (!ours) return nrf_error(NRF_EFORMAT, "%s: is not a model of nrflv", nrf_h5_path(file));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, "/", "format_version", &version));
  if (version >= 1 && version <= NRF_CHECKPOINT_VERSION) return NRF_OK;
  return nrf_error(NRF_EFORMAT,
                   "%s: has format version %lld, this program reads versions up to %d; use a newer nrflv",
                   nrf_h5_path(file), (long long)version, NRF_CHECKPOINT_VERSION);
}

static nrf_status read_architecture(const nrf_h5_file *file, nrf_architecture *out)
{
  char *json = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, "/", "architecture_json", &json));
  const nrf_status st = nrf_architecture_parse(json, nrf_h5_path(file), out);
  nrf_free(json);
  return st;
}

nrf_status nrf_checkpoint_open(const char *path, nrf_checkpoint **out)
{
  nrf_status      st = NRF_OK;
  nrf_checkpoint *c  = NULL;
  *out               = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *c, "checkpoint", (void **)&c));
  nrf_settings_defaults(&c->settings);
  NRF_TRY(nrf_h5_open(path, &c->file));
  NRF_TRY(check_version(c->file));
  NRF_TRY(nrf_checkpoint_read_settings(c->file, &c->settings));
  NRF_TRY(read_architecture(c->file, &c->architecture));
  *out = c;
  c    = NULL;
done:
  nrf_checkpoint_close(c);
  return st;
}

void nrf_checkpoint_close(nrf_checkpoint *c)
{
  if (c == NULL) return;
  nrf_h5_free(c->file);
  nrf_free(c);
}

const char *nrf_checkpoint_path(const nrf_checkpoint *c)
{
  return nrf_h5_path(c->file);
}

const nrf_settings *nrf_checkpoint_settings(const nrf_checkpoint *c)
{
  return &c->settings;
}

const nrf_architecture *nrf_checkpoint_architecture(const nrf_checkpoint *c)
{
  return &c->architecture;
}

const nrf_h5_file *nrf_checkpoint_file(const nrf_checkpoint *c)
{
  return c->file;
}

/* ---- parts that are written and read ---- */

nrf_status nrf_checkpoint_write_head(nrf_h5_file *file, const nrf_settings *settings,
                                     const nrf_architecture *architecture)
{
  nrf_status st   = NRF_OK;
  char      *json = NULL;
  NRF_TRY(nrf_architecture_to_json(architecture, &json));
  NRF_TRY(nrf_h5_write_attribute_string(file, "/", "format", NRF_CHECKPOINT_FORMAT));
  NRF_TRY(nrf_h5_write_attribute_int64(file, "/", "format_version", NRF_CHECKPOINT_VERSION));
  NRF_TRY(nrf_h5_write_attribute_string(file, "/", "program_version", NRFLV_VERSION));
  NRF_TRY(nrf_h5_write_attribute_string(file, "/", "architecture", architecture->name));
  NRF_TRY(nrf_h5_write_attribute_string(file, "/", "architecture_json", json));
  NRF_TRY(nrf_checkpoint_write_settings(file, settings));
done:
  nrf_free(json);
  return st;
}

enum { PATH_BYTES = NRF_PARAMETER_NAME_BYTES + 64 };

static nrf_h5_shape shape_of(const nrf_parameter *item)
{
  nrf_h5_shape shape = {.rank = item->rank};
  for (int i = 0; i < item->rank; i++) shape.dim[i] = item->dim[i];
  return shape;
}

nrf_status nrf_checkpoint_write_flat(nrf_h5_file *file, const char *group, const nrf_parameters *p,
                                     const float *values)
{
  for (int j = 0; j < p->n; j++) {
    const nrf_parameter *item = &p->item[j];
    char                 name[PATH_BYTES];
    (void)snprintf(name, sizeof name, "%s/%s", group, item->name);
    NRF_RETURN_IF_ERROR(
        nrf_h5_write(file, name, NRF_H5_FLOAT32, shape_of(item), NRF_H5_CHECKED, values + item->offset));
  }
  return NRF_OK;
}

/* The first data set of a group that is no parameter of the network. */
static nrf_status check_members(const nrf_h5_file *file, const char *group, const nrf_parameters *p)
{
  nrf_h5_strings members = {0};
  nrf_status     st      = NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_h5_list(file, group, &members));
  for (int64_t i = 0; i < members.count && st == NRF_OK; i++)
    if (nrf_parameters_find(p, members.item[i]) < 0)
      st = nrf_error(NRF_EFORMAT,
                     "%s: '%s/%s' is no parameter of the network that the file's settings describe",
                     nrf_h5_path(file), group, members.item[i]);
  nrf_h5_strings_free(&members);
  return st;
}

nrf_status nrf_checkpoint_read_flat(const nrf_h5_file *file, const char *group, const nrf_parameters *p,
                                    float *values)
{
  NRF_RETURN_IF_ERROR(check_members(file, group, p));
  for (int j = 0; j < p->n; j++) {
    const nrf_parameter *item = &p->item[j];
    char                 name[PATH_BYTES];
    (void)snprintf(name, sizeof name, "%s/%s", group, item->name);
    NRF_RETURN_IF_ERROR(nrf_h5_read(file, name, NRF_H5_FLOAT32, shape_of(item), values + item->offset));
  }
  return NRF_OK;
}

nrf_status nrf_checkpoint_read_parameters(const nrf_checkpoint *c, nrf_checkpoint_network which,
                                          nrf_parameters *p)
{
  char group[64];
  (void)snprintf(group, sizeof group, "%s/parameters", nrf_checkpoint_group[which]);
  return nrf_checkpoint_read_flat(c->file, group, p, p->value);
}
