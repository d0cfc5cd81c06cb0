/* recordings.c - from a path to the extracts of a session's experiments. */
#include "nrflv/analysis/recordings.h"

#include "analysis/frame/text.h"
#include "io/md5.h"
#include "nrflv/atomic_file.h"
#include "nrflv/experiment.h"
#include "nrflv/memory.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a recording can be on the disk, best first. */
typedef enum form { COMPLETE, EXTRACT, PARTIAL, FORMS } form;

static const char *const endings[FORMS] = {
    [COMPLETE] = ".nwb", [EXTRACT] = ".extract.h5", [PARTIAL] = ".partial.nwb"};

struct nrf_recordings_inputs {
  nrf_analysis_inputs inputs;
  nrf_extract_effort  effort;
  char                extracts[NRF_ANALYSIS_PATH];
};

/* ---- experiments and kinds ---- */

/* The experiment whose stimuli are those of a kind; NULL for OTHER. */
static const nrf_experiment *experiment_of(nrf_experiment_kind kind)
{
  const char *set = nrf_experiment_kind_info(kind)->stimulus_set;
  for (int i = 0; set && nrf_experiment_at(i); i++) {
    const nrf_experiment *e = nrf_experiment_at(i);
    if (e->stimulus_set && strcmp(e->stimulus_set, set) == 0) return e;
  }
  return NULL;
}

static bool exists(const char *folder, const char *name, const char *ending, char path[NRF_ANALYSIS_PATH],
                   struct stat *info)
{
  if (text_path(path, NRF_ANALYSIS_PATH, folder, name, ending) != NRF_OK) return false;
  return stat(path, info) == 0 && S_ISREG(info->st_mode);
}

/* ---- the session's folder ---- */

/* When the newest recording of a folder was last changed; 0 if there is none. */
static time_t newest_in(const char *folder)
{
  time_t newest = 0;
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    const nrf_experiment *e = experiment_of((nrf_experiment_kind)kind);
    for (int f = 0; e && f < FORMS; f++) {
      char        path[NRF_ANALYSIS_PATH];
      struct stat info;
      if (exists(folder, e->file_name, endings[f], path, &info) && info.st_mtime > newest)
        newest = info.st_mtime;
    }
  }
  return newest;
}

/* The folder's own name, also of "." and "..". */
static void name_session(nrf_recordings *r)
{
  char       *real  = realpath(r->folder, NULL);
  const char *path  = real ? real : r->folder;
  const char *slash = strrchr(path, '/');
  const char *name  = slash && slash[1] ? slash + 1 : path;
  (void)snprintf(r->session, sizeof r->session, "%s", strcmp(name, "/") == 0 ? "session" : name);
  free(real);
}

static nrf_status look_below(const char *root, nrf_recordings *out)
{
  time_t newest = 0;
  DIR   *dir    = opendir(root);
  if (!dir) return nrf_error_errno("--root_path: %s", root);
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    char folder[NRF_ANALYSIS_PATH];
    if (entry->d_name[0] == '.' || text_path(folder, sizeof folder, root, entry->d_name, "") != NRF_OK)
      continue;
    const time_t when = newest_in(folder);
    if (when == 0) continue;
    out->sessions++;
    /* Of two equally new ones the later name, so that the choice does not depend on the order of the directory. */
    if (when > newest || (when == newest && strcmp(folder, out->folder) > 0)) {
      newest = when;
      memcpy(out->folder, folder, sizeof folder);
    }
  }
  (void)closedir(dir);
  return NRF_OK;
}

nrf_status nrf_recordings_find(const char *root, nrf_recordings *out)
{
  struct stat info;
  memset(out, 0, sizeof *out);
  if (strlen(root) >= sizeof out->folder) return nrf_error(NRF_EINVAL, "--root_path: too long");
  if (stat(root, &info) != 0) return nrf_error(NRF_ENOTFOUND, "--root_path: there is no %s", root);
  if (!S_ISDIR(info.st_mode))
    return nrf_error(NRF_EINVAL, "--root_path: %s is a file; give the folder that the recordings are in",
                     root);
  if (newest_in(root) != 0) {
    out->sessions = 1;
    (void)snprintf(out->folder, sizeof out->folder, "%s", root);
  } else {
    NRF_RETURN_IF_ERROR(look_below(root, out));
  }
  if (out->sessions == 0)
    return nrf_error(
        NRF_ENOTFOUND,
        "--root_path: no recordings of the experiments (%s%s, ...) in %s or in the folders there",
        experiment_of(NRF_KIND_PRIM)->file_name, endings[COMPLETE], root);
  name_session(out);
  return NRF_OK;
}

/* ---- one experiment's recording ---- */

static void describe_origin(const nrf_extract_origin *origin, nrf_analysis_input *input)
{
  char    text[160];
  nrf_md5 md5;
  (void)snprintf(text, sizeof text, "%.64s %" PRId64 " %" PRId64, origin->identity, origin->bytes,
                 origin->modified_ns);
  nrf_md5_init(&md5);
  nrf_md5_update(&md5, text, strlen(text));
  nrf_md5_final(&md5, input->fingerprint);
  (void)snprintf(input->identity, sizeof input->identity, "%s", origin->identity);
  input->found = true;
}

static void not_usable(nrf_analysis_input *input)
{
  (void)snprintf(input->why_not, sizeof input->why_not, "%.390s", nrf_error_message());
  input->damaged = true;
}

/* Whether a file holds the experiment that its name says. */
static bool is_as_named(nrf_experiment_kind kind, const nrf_recording_info *info, const char *path)
{
  if (nrf_experiment_kind_of(info) == kind) return true;
  (void)nrf_error(NRF_EFORMAT, "%s: holds %s, which its name does not say", path, info->experiment);
  return false;
}

static void look_at_recording(nrf_experiment_kind kind, nrf_analysis_input *input)
{
  nrf_trace_source source;
  if (nrf_trace_source_open(input->path, &source) != NRF_OK) {
    not_usable(input);
    return;
  }
  if (is_as_named(kind, source.info, input->path))
    describe_origin(&source.origin, input);
  else
    not_usable(input);
  nrf_trace_source_close(&source);
}

static void look_at_extract(nrf_experiment_kind kind, nrf_analysis_input *input)
{
  nrf_extract *x;
  if (nrf_extract_open(input->path, &x) != NRF_OK) {
    not_usable(input);
    return;
  }
  if (is_as_named(kind, x->info, input->path))
    describe_origin(&x->origin, input);
  else
    not_usable(input);
  nrf_extract_free(x);
}

/* The path of the extract that is made, or was made, of a complete recording. */
static nrf_status own_extract(const nrf_recordings_inputs *r, nrf_experiment_kind kind,
                              char path[NRF_ANALYSIS_PATH])
{
  return text_path(path, NRF_ANALYSIS_PATH, r->extracts, nrf_experiment_kind_info(kind)->key, ".h5");
}

/* Of a recording that cannot be read any more, the extract that was made of it has to do, if there is one: results that it gave are not
 * thrown away because a disk fails. `damaged` and `why_not` go on saying what is wrong. */
static void fall_back_on_extract(const nrf_recordings_inputs *r, nrf_experiment_kind kind,
                                 nrf_analysis_input *input)
{
  nrf_analysis_input made = {.found = false};
  if (own_extract(r, kind, made.path) != NRF_OK || access(made.path, R_OK) != 0) return;
  look_at_extract(kind, &made);
  if (!made.found) return;
  made.damaged = true;
  memcpy(made.why_not, input->why_not, sizeof made.why_not);
  *input = made;
}

static void look_for(nrf_recordings_inputs *r, const char *folder, nrf_experiment_kind kind)
{
  nrf_analysis_input   *input = &r->inputs.input[kind];
  const nrf_experiment *e     = experiment_of(kind);
  struct stat           info;
  if (!e) {
    (void)snprintf(input->why_not, sizeof input->why_not, "there is no such experiment");
  } else if (exists(folder, e->file_name, endings[COMPLETE], input->path, &info)) {
    look_at_recording(kind, input);
    if (input->damaged) fall_back_on_extract(r, kind, input);
  } else if (exists(folder, e->file_name, endings[EXTRACT], input->path, &info) ||
             (own_extract(r, kind, input->path) == NRF_OK && access(input->path, R_OK) == 0)) {
    look_at_extract(kind, input); /* recorded as such; or made of a recording that was deleted since */
  } else if (exists(folder, e->file_name, endings[PARTIAL], input->path, &info)) {
    (void)snprintf(input->why_not, sizeof input->why_not,
                   "the recording of %s is not complete (%s%s): the command that was recording it goes on "
                   "when it is given again",
                   e->name, e->file_name, endings[PARTIAL]);
  } else {
    (void)snprintf(input->why_not, sizeof input->why_not, "there is no recording of %s (%s%s)", e->name,
                   e->file_name, endings[COMPLETE]);
  }
}

/* ---- all of them ---- */

static bool ends_with(const char *text, const char *ending)
{
  const size_t n = strlen(text), m = strlen(ending);
  return n >= m && strcmp(text + n - m, ending) == 0;
}

static nrf_status open_extract(void *user, nrf_experiment_kind kind, const nrf_progress *progress,
                               nrf_extract **out)
{
  const nrf_recordings_inputs *r     = user;
  const nrf_analysis_input    *input = &r->inputs.input[kind];
  char                         path[NRF_ANALYSIS_PATH];
  if (!ends_with(input->path, endings[COMPLETE])) return nrf_extract_open(input->path, out);
  NRF_RETURN_IF_ERROR(own_extract(r, kind, path));
  NRF_RETURN_IF_ERROR(nrf_make_directories(r->extracts));
  return nrf_extract_obtain(input->path, path, r->effort, progress, out);
}

nrf_status nrf_recordings_open(const nrf_recordings *recordings, const char *extracts,
                               nrf_extract_effort effort, nrf_recordings_inputs **out)
{
  nrf_recordings_inputs *r = NULL;
  *out                     = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *r, "recordings", (void **)&r));
  (void)snprintf(r->extracts, sizeof r->extracts, "%s", extracts);
  (void)snprintf(r->inputs.session, sizeof r->inputs.session, "%s", recordings->session);
  r->effort      = effort;
  r->inputs.open = open_extract;
  r->inputs.user = r;
  for (int kind = 0; kind < NRF_KINDS; kind++) look_for(r, recordings->folder, (nrf_experiment_kind)kind);
  *out = r;
  return NRF_OK;
}

void nrf_recordings_free(nrf_recordings_inputs *inputs)
{
  nrf_free(inputs);
}

const nrf_analysis_inputs *nrf_recordings_inputs_of(const nrf_recordings_inputs *inputs)
{
  return &inputs->inputs;
}
