/* visualisation_folder.c - the pictures of --viz on disk. */
#include "managers/visualisation_folder.h"

#include "io/byte_buffer.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

enum { NAME_BYTES = 64 };

typedef struct file_name {
  char text[NAME_BYTES];
} file_name;

static file_name named(const char *fmt, ...) NRF_PRINTF(1, 2);
static file_name named(const char *fmt, ...)
{
  file_name n;
  va_list   args;
  va_start(args, fmt);
  (void)vsnprintf(n.text, sizeof n.text, fmt, args);
  va_end(args);
  return n;
}

static bool shows_channels(nrf_viz_kind kind)
{
  return kind != NRF_VIZ_STANDARD;
}

static file_name picture_name(nrf_viz_kind kind, nrf_viz_run run, int64_t steps)
{
  return shows_channels(kind) ? named("lyr%d_ch%d_%06lld.png", run.layer, run.channel, (long long)steps)
                              : named("lyr0%06lld.png", (long long)steps);
}

static file_name film_name(nrf_viz_kind kind, nrf_viz_run run)
{
  return shows_channels(kind) ? named("lyr%d_ch%d.gif", run.layer, run.channel) : named("lyr0.gif");
}

static file_name summary_name(int layer)
{
  return named("lyr%d.png", layer);
}

static file_name note_name(nrf_viz_kind kind)
{
  return named("viz_%s.txt", shows_channels(kind) ? "channels" : "standard");
}

/* Whether a name is one that visualisations of this family give: read its numbers, and see whether they give it. */
static bool is_of_family(nrf_viz_kind kind, const char *name)
{
  nrf_viz_run run   = {0, 0};
  long long   steps = 0;
  const bool  film  = strstr(name, ".gif") != NULL;
  if (!shows_channels(kind)) {
    if (film) return strcmp(name, film_name(kind, run).text) == 0;
    return sscanf(name, "lyr0%lld", &steps) == 1 && strcmp(name, picture_name(kind, run, steps).text) == 0;
  }
  const int numbers = sscanf(name, "lyr%d_ch%d_%lld", &run.layer, &run.channel, &steps);
  if (numbers == 1) return strcmp(name, summary_name(run.layer).text) == 0;
  if (numbers == 2) return strcmp(name, film_name(kind, run).text) == 0;
  return numbers == 3 && strcmp(name, picture_name(kind, run, steps).text) == 0;
}

static nrf_viz_path in_folder(const nrf_viz_folder *folder, file_name name)
{
  nrf_viz_path p;
  (void)snprintf(p.text, sizeof p.text, "%s/%s", folder->path, name.text);
  return p;
}

nrf_viz_path nrf_viz_picture_path(const nrf_viz_folder *folder, nrf_viz_run run, int64_t steps_done)
{
  return in_folder(folder, picture_name(folder->kind, run, steps_done));
}

nrf_viz_path nrf_viz_film_path(const nrf_viz_folder *folder, nrf_viz_run run)
{
  return in_folder(folder, film_name(folder->kind, run));
}

nrf_viz_path nrf_viz_summary_path(const nrf_viz_folder *folder, int layer)
{
  return in_folder(folder, summary_name(layer));
}

nrf_status nrf_viz_folder_path(const nrf_settings *settings, const char *model_name,
                               char path[NRF_SESSION_PATH])
{
  nrf_session_paths paths;
  nrf_settings      s = *settings;
  if (s.model_name[0] == '\0') (void)snprintf(s.model_name, sizeof s.model_name, "%s", model_name);
  NRF_RETURN_IF_ERROR(nrf_session_paths_of(&s, &paths));
  (void)snprintf(path, NRF_SESSION_PATH, "%s", paths.samples);
  return NRF_OK;
}

/* ---- the pictures of a run ---- */

int64_t nrf_viz_picture_count(const nrf_viz_folder *folder)
{
  return 1 + folder->steps / folder->interval + (folder->steps % folder->interval != 0);
}

int64_t nrf_viz_picture_steps(const nrf_viz_folder *folder, int64_t picture)
{
  const int64_t steps = picture * folder->interval;
  return steps < folder->steps ? steps : folder->steps;
}

bool nrf_viz_picture_is_due(const nrf_viz_folder *folder, int64_t steps_done)
{
  return steps_done % folder->interval == 0 || steps_done == folder->steps;
}

bool nrf_viz_run_is_complete(const nrf_viz_folder *folder, nrf_viz_run run)
{
  /* From the last, which is missing in most runs that are not complete. */
  for (int64_t i = nrf_viz_picture_count(folder) - 1; i >= 0; i--) {
    const nrf_viz_path p = nrf_viz_picture_path(folder, run, nrf_viz_picture_steps(folder, i));
    if (access(p.text, F_OK) != 0) return false;
  }
  return true;
}

/* ---- what the pictures are made with ---- */

/* These choose among pictures, and change none. */
static bool only_chooses(const nrf_setting *row)
{
  static const char *const names[] = {"viz_start_layer", "viz_channels", "viz_gif"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(row->name, names[i]) == 0) return true;
  return false;
}

static void put_line(nrf_buffer *b, const char *name, const char *value)
{
  nrf_buffer_put(b, name, strlen(name));
  nrf_buffer_put(b, " ", 1);
  nrf_buffer_put(b, value, strlen(value));
  nrf_buffer_put(b, "\n", 1);
}

/* The note, NUL-terminated. What most likely differs comes first: a difference is reported by its line. */
static nrf_status compose_note(const nrf_settings *settings, const char *model_name, const char *fingerprint,
                               nrf_buffer *out)
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  char               text[NRF_SETTING_TEXT_MAX];
  put_line(out, "model", model_name);
  put_line(out, "weights", fingerprint);
  for (int i = 0; i < count; i++)
    if (rows[i].group == NRF_GROUP_VIZ && !only_chooses(&rows[i]))
      put_line(out, rows[i].name, nrf_settings_get_text(settings, &rows[i], text));
  for (int i = 0; i < count; i++)
    if (nrf_setting_is_saved(&rows[i]))
      put_line(out, rows[i].name, nrf_settings_get_text(settings, &rows[i], text));
  put_line(out, "program", "nrflv " NRFLV_VERSION);
  nrf_buffer_put(out, "", 1);
  return out->failed ? nrf_error(NRF_ENOMEM, "visualisation: no memory for its settings") : NRF_OK;
}

/* What stands in a file, NUL-terminated; an empty text if there is no file. */
static nrf_status read_note(const char *path, nrf_buffer *out)
{
  nrf_status st   = NRF_OK;
  FILE      *file = fopen(path, "rb");
  char       piece[4096];
  size_t     n;
  if (file == NULL && errno != ENOENT) return nrf_error_errno("%s: cannot open", path);
  if (file != NULL) {
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) nrf_buffer_put(out, piece, n);
    if (ferror(file)) st = nrf_error_errno("%s: cannot read", path);
    (void)fclose(file);
  }
  nrf_buffer_put(out, "", 1);
  if (st == NRF_OK && out->failed) st = nrf_error(NRF_ENOMEM, "%s: no memory to read it", path);
  return st;
}

/* A line is quoted up to here. */
enum { QUOTED_BYTES = 120 };

/* The first line of `a` in which it differs from `b`: its beginning and length. */
static const char *first_difference(const char *a, const char *b, int *length)
{
  const char *line = a;
  for (; *a != '\0' && *a == *b; a++, b++)
    if (*a == '\n') line = a + 1;
  const size_t bytes = strcspn(line, "\n");
  *length            = bytes < QUOTED_BYTES ? (int)bytes : QUOTED_BYTES;
  return line;
}

/* ---- what an earlier visualisation left ---- */

typedef struct listing {
  struct dirent **entry;
  int             n;
} listing;

static void free_listing(listing *l)
{
  for (int i = 0; i < l->n; i++) free(l->entry[i]);
  free(l->entry);
}

static nrf_status list(const char *path, listing *out)
{
  out->entry = NULL;
  out->n     = scandir(path, &out->entry, NULL, alphasort);
  if (out->n >= 0) return NRF_OK;
  out->n = 0;
  return nrf_error_errno("%s: cannot list the directory", path);
}

static int count_of_family(nrf_viz_kind kind, const listing *l)
{
  int n = 0;
  for (int i = 0; i < l->n; i++) n += is_of_family(kind, l->entry[i]->d_name);
  return n;
}

/* A new directory FOLDER/earlier_K. */
static nrf_status make_attic(const nrf_viz_folder *folder, nrf_viz_path *out)
{
  for (int k = 1;; k++) {
    *out = in_folder(folder, named("earlier_%d", k));
    if (mkdir(out->text, 0777) == 0) return NRF_OK;
    if (errno != EEXIST) return nrf_error_errno("%s: cannot make the directory", out->text);
  }
}

static nrf_status move(const nrf_viz_folder *folder, file_name name, const nrf_viz_path *to)
{
  const nrf_viz_path from = in_folder(folder, name);
  char               target[sizeof to->text + NAME_BYTES];
  (void)snprintf(target, sizeof target, "%s/%s", to->text, name.text);
  if (rename(from.text, target) == 0 || errno == ENOENT) return NRF_OK;
  return nrf_error_errno("%s: cannot move it to %s", from.text, to->text);
}

/* The note goes last: if this is broken off, what is left is still known to be of another making. */
static nrf_status move_all(const nrf_viz_folder *folder, const listing *l, const nrf_viz_path *to)
{
  for (int i = 0; i < l->n; i++)
    if (is_of_family(folder->kind, l->entry[i]->d_name))
      NRF_RETURN_IF_ERROR(move(folder, named("%s", l->entry[i]->d_name), to));
  return move(folder, note_name(folder->kind), to);
}

static void tell_moved(const nrf_progress *progress, int n, const nrf_viz_path *to, const char *old,
                       const char *now)
{
  int         old_length, now_length;
  const char *old_line = first_difference(old, now, &old_length);
  const char *now_line = first_difference(now, old, &now_length);
  if (old_length == 0)
    nrf_progress_message(progress, NRF_INFO, "moved pictures that were there before to %s/ (%d)", to->text,
                         n);
  else
    nrf_progress_message(
        progress, NRF_INFO,
        "moved pictures of an earlier visualisation to %s/ (%d): they were made with %.*s, now it is %.*s",
        to->text, n, old_length, old_line, now_length, now_line);
}

/* Clears the way for pictures made with `now`, where `old` says what those that are there were made with. */
static nrf_status put_away(const nrf_viz_folder *folder, const char *old, const char *now,
                           const nrf_progress *progress)
{
  nrf_status   st = NRF_OK;
  listing      l;
  nrf_viz_path attic;
  if (strcmp(old, now) == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(list(folder->path, &l));
  const int n = count_of_family(folder->kind, &l);
  if (n > 0) {
    NRF_TRY(make_attic(folder, &attic));
    NRF_TRY(move_all(folder, &l, &attic));
    tell_moved(progress, n, &attic, old, now);
  }
done:
  free_listing(&l);
  return st;
}

nrf_status nrf_viz_folder_open(const nrf_viz_folder *folder, const nrf_settings *settings,
                               const char *model_name, const char *fingerprint, const nrf_progress *progress)
{
  nrf_status         st  = NRF_OK;
  nrf_buffer         now = {0}, old = {0};
  const nrf_viz_path note = in_folder(folder, note_name(folder->kind));
  NRF_TRY(nrf_make_directories(folder->path));
  NRF_TRY(nrf_atomic_remove_stale(folder->path, NULL));
  NRF_TRY(compose_note(settings, model_name, fingerprint, &now));
  NRF_TRY(read_note(note.text, &old));
  NRF_TRY(put_away(folder, old.bytes, now.bytes, progress));
  NRF_TRY(nrf_atomic_write(note.text, now.bytes, strlen(now.bytes)));
done:
  nrf_buffer_free(&now);
  nrf_buffer_free(&old);
  return st;
}
