/* experiment_session.c - which session a command belongs to. */
#include "managers/experiment_session.h"

#include "managers/experiment_reduce.h"
#include "nrflv/memory.h"
#include "nrflv/model_name.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- paths ---- */

static nrf_status join(const char *folder, const char *name, const char *end, char out[NRF_SESSION_PATH])
{
  const int n = snprintf(out, NRF_SESSION_PATH, "%s/%s%s", folder, name, end);
  return n >= 0 && n < NRF_SESSION_PATH ? NRF_OK : nrf_error(NRF_EINVAL, "%s: the path is too long", folder);
}

/* <exp_data_root_path>/<session>_loaded<model> and what is in it. */
static nrf_status set_paths(nrf_experiment_plan *plan, const char *session)
{
  char between[2 * NRF_SETTING_STRING_MAX];
  (void)snprintf(plan->session, sizeof plan->session, "%s", session);
  (void)snprintf(between, sizeof between, "%s_loaded", session);
  NRF_RETURN_IF_ERROR(join(plan->settings.exp_data_root_path, between, plan->model->name, plan->folder));
  for (int i = 0; i < plan->n; i++) {
    nrf_planned_experiment *item = &plan->item[i];
    const char             *name = item->experiment->file_name;
    NRF_RETURN_IF_ERROR(join(plan->folder, name, item->reduce ? ".extract.h5" : ".nwb", item->final));
    NRF_RETURN_IF_ERROR(join(plan->folder, name, ".partial.nwb", item->partial));
    NRF_RETURN_IF_ERROR(join(plan->folder, name, ".partial.state", item->state));
  }
  return NRF_OK;
}

/* ---- what is there ---- */

static bool exists(const char *path)
{
  return access(path, F_OK) == 0;
}

/* Whether the file at `path` is a recording of what is planned; if it is, how many rows are complete. */
static nrf_status compare(const char *path, const nrf_recording_info *planned, int64_t *rows)
{
  nrf_recording *r = NULL;
  NRF_RETURN_IF_ERROR(nrf_recording_open(path, &r));
  const nrf_status st = nrf_recording_compare_info(r, planned);
  *rows               = nrf_recording_rows(r);
  nrf_recording_free(r);
  return st;
}

static nrf_status compare_finished(const nrf_planned_experiment *item)
{
  int64_t rows;
  return item->reduce ? nrf_reduction_compare(item->final, &item->info)
                      : compare(item->final, &item->info, &rows);
}

/* Whether the complete recording of a finished extract is still there: the session was killed before it was removed. One
 * that is not complete is another command's (--record full), and not touched. */
static bool left_over(const nrf_planned_experiment *item)
{
  int64_t rows;
  return item->reduce && exists(item->partial) && compare(item->partial, &item->info, &rows) == NRF_OK &&
         rows == nrf_recording_n_rows(&item->info);
}

/* An error unless it may be replaced. */
static nrf_status in_the_way(nrf_status st, bool replace)
{
  char why[1024];
  if (replace) return NRF_OK;
  (void)snprintf(why, sizeof why, "%s", nrf_error_message());
  return nrf_error(st, "%s; choose another --model_name, or replace it with --force", why);
}

/* `replace`: recordings of other settings count as missing; otherwise they are an error. */
static nrf_status look_at(nrf_planned_experiment *item, bool replace)
{
  int64_t rows   = 0;
  item->stage    = NRF_RECORDING_MISSING;
  item->rows     = 0;
  item->leftover = false;
  if (exists(item->final)) {
    const nrf_status st = compare_finished(item);
    if (st == NRF_OK) {
      item->stage    = NRF_RECORDING_FINISHED;
      item->leftover = left_over(item);
      return NRF_OK;
    }
    NRF_RETURN_IF_ERROR(in_the_way(st, replace));
  }
  if (exists(item->partial)) {
    const nrf_status st = compare(item->partial, &item->info, &rows);
    if (st != NRF_OK) return in_the_way(st, replace);
    item->stage = NRF_RECORDING_PARTIAL;
    item->rows  = rows;
  }
  return NRF_OK;
}

static nrf_status look_at_all(nrf_experiment_plan *plan, bool replace, bool *anything)
{
  *anything = false;
  for (int i = 0; i < plan->n; i++) {
    NRF_RETURN_IF_ERROR(look_at(&plan->item[i], replace));
    *anything = *anything || plan->item[i].stage != NRF_RECORDING_MISSING;
  }
  return NRF_OK;
}

/* ---- the sessions of a model ---- */

typedef struct session_folder {
  char   *name; /* of the session */
  int64_t time; /* when something in it was last begun or finished */
} session_folder;

typedef struct session_folders {
  int             n, room;
  session_folder *item;
} session_folders;

static int by_time_newest_first(const void *a, const void *b)
{
  const session_folder *x = a, *y = b;
  if (x->time != y->time) return x->time > y->time ? -1 : 1;
  return strcmp(y->name, x->name);
}

static void free_folders(session_folders *f)
{
  for (int i = 0; i < f->n; i++) nrf_free(f->item[i].name);
  nrf_free(f->item);
}

static nrf_status add_folder(session_folders *f, const char *name, size_t length, int64_t time)
{
  if (f->n == f->room) {
    session_folder *more;
    const int       room = 2 * f->room + 16;
    NRF_RETURN_IF_ERROR(nrf_alloc((size_t)room * sizeof *more, "sessions", (void **)&more));
    if (f->n > 0) memcpy(more, f->item, (size_t)f->n * sizeof *more);
    nrf_free(f->item);
    f->item = more;
    f->room = room;
  }
  session_folder *s = &f->item[f->n];
  NRF_RETURN_IF_ERROR(nrf_alloc(length + 1, "sessions", (void **)&s->name));
  memcpy(s->name, name, length);
  s->time = time;
  f->n++;
  return NRF_OK;
}

/* "a_loadedm" is session "a" of model "m": the length of "a", or 0 for folders of other models. */
static size_t session_name_length(const char *folder, const char *model)
{
  char end[NRF_SETTING_STRING_MAX + 16];
  (void)snprintf(end, sizeof end, "_loaded%s", model);
  const size_t length = strlen(folder), end_length = strlen(end);
  if (length <= end_length || strcmp(folder + length - end_length, end) != 0) return 0;
  return length - end_length;
}

/* No folder at all is no session. */
static nrf_status list_sessions(const nrf_experiment_plan *plan, session_folders *out)
{
  nrf_status     st   = NRF_OK;
  const char    *root = plan->settings.exp_data_root_path;
  DIR           *dir  = opendir(root);
  struct dirent *entry;
  if (dir == NULL && errno == ENOENT) return NRF_OK;
  if (dir == NULL) return nrf_error_errno("%s: cannot list", root);
  while ((entry = readdir(dir)) != NULL) {
    const size_t length = session_name_length(entry->d_name, plan->model->name);
    struct stat  info;
    if (length == 0 || length >= NRF_SETTING_STRING_MAX ||
        fstatat(dirfd(dir), entry->d_name, &info, 0) != 0 || !S_ISDIR(info.st_mode))
      continue;
    NRF_TRY(add_folder(out, entry->d_name, length,
                       (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec));
  }
done:
  (void)closedir(dir);
  if (out->n > 1) qsort(out->item, (size_t)out->n, sizeof *out->item, by_time_newest_first);
  return st;
}

/* The newest session that has some of the planned recordings, and none of them with other settings. */
static nrf_status find_begun(nrf_experiment_plan *plan, bool *found)
{
  nrf_status      st      = NRF_OK;
  session_folders folders = {0};
  *found                  = false;
  NRF_TRY(list_sessions(plan, &folders));
  for (int i = 0; i < folders.n && !*found; i++) {
    NRF_TRY(set_paths(plan, folders.item[i].name));
    if (look_at_all(plan, false, found) != NRF_OK) *found = false; /* of something else: let it be */
  }
done:
  free_folders(&folders);
  return st;
}

/* ---- the choice ---- */

static nrf_status begin_new(nrf_experiment_plan *plan)
{
  char name[NRF_MODEL_NAME_BYTES];
  NRF_RETURN_IF_ERROR(nrf_model_name_new(plan->settings.exp_data_root_path, name));
  NRF_RETURN_IF_ERROR(set_paths(plan, name));
  bool anything;
  return look_at_all(plan, false, &anything);
}

nrf_status nrf_experiment_choose_session(nrf_experiment_plan *plan)
{
  bool anything = false;
  if (plan->settings.model_name[0] != '\0') {
    NRF_RETURN_IF_ERROR(set_paths(plan, plan->settings.model_name));
    NRF_RETURN_IF_ERROR(look_at_all(plan, plan->settings.force, &anything));
    plan->is_new = !anything;
    return NRF_OK;
  }
  NRF_RETURN_IF_ERROR(find_begun(plan, &anything));
  plan->is_new = !anything;
  return anything ? NRF_OK : begin_new(plan);
}
