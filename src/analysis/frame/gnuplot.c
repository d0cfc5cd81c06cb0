/* gnuplot.c - runs gnuplot on scripts, several processes at a time, and finds out what became of each.
 *
 * A process draws a batch of scripts, since starting gnuplot takes longer than most figures. It stops at the first script it
 * cannot draw; what is left of the batch is then drawn one by one, so that each failure has its own message. */
#include "analysis/frame/text.h"
#include "nrflv/analysis/figure.h"
#include "nrflv/memory.h"
#include "nrflv/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 12, MAX_PROCESSES = 64, PATH_BYTES = 1200, POLL_MILLISECONDS = 5 };

typedef struct job {
  pid_t pid;    /* 0: free */
  int   errors; /* memory file that takes its standard error */
  int   first, n;
} job;

typedef struct crew {
  const char        *source; /* directory of the scripts */
  const char *const *names;
  bool              *drawn;
  nrf_drawing       *out;
  job                jobs[MAX_PROCESSES];
  int                busy, size;
} crew;

/* ---- is a picture complete? ---- */

/* Whether a file ends with these bytes, but for blanks. A full disk cuts files off. */
static bool ends_with(const char *path, const char *ending, size_t bytes)
{
  char  tail[64];
  bool  found = false;
  FILE *file  = fopen(path, "rb");
  if (!file) return false;
  if (fseek(file, -(long)sizeof tail, SEEK_END) == 0) {
    const size_t n = fread(tail, 1, sizeof tail, file);
    found          = memmem(tail, n, ending, bytes) != NULL;
  }
  (void)fclose(file);
  return found;
}

static bool is_drawn(const char *source, const char *name)
{
  char      png[PATH_BYTES], pdf[PATH_BYTES];
  const int a = snprintf(png, sizeof png, "%s/../%s.png", source, name);
  const int b = snprintf(pdf, sizeof pdf, "%s/../%s.pdf", source, name);
  return a < PATH_BYTES && b < PATH_BYTES && ends_with(png, "IEND", 4) && ends_with(pdf, "%%EOF", 5);
}

/* Pictures of an earlier run must not pass for new ones. */
static void remove_pictures(const char *source, const char *name)
{
  static const char *const endings[] = {"png", "pdf"};
  for (int i = 0; i < 2; i++) {
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/../%s.%s", source, name, endings[i]) < PATH_BYTES) (void)unlink(path);
  }
}

/* ---- processes ---- */

static void complain(nrf_drawing *out, const char *fmt, ...) NRF_PRINTF(2, 3);

static void complain(nrf_drawing *out, const char *fmt, ...)
{
  if (out->message[0] != '\0') return;
  va_list arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(out->message, sizeof out->message, fmt, arguments);
  va_end(arguments);
}

static int spawn(const crew *c, char *const argv[], int errors, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  int                        failure = posix_spawn_file_actions_init(&actions);
  if (failure != 0) return failure;
  failure = posix_spawn_file_actions_addchdir_np(&actions, c->source);
  if (failure == 0)
    failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (failure == 0)
    failure = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (failure == 0) failure = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  if (failure == 0) failure = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
  (void)posix_spawn_file_actions_destroy(&actions);
  return failure;
}

/* Starts gnuplot on scripts [first, first + n); 0, or what errno would say. */
static int start(crew *c, job *j, int first, int n)
{
  char  text[BATCH][PATH_BYTES];
  char *argv[BATCH + 3] = {"gnuplot", "-d"}; /* -d: without the user's own start-up file */
  for (int i = 0; i < n; i++) {
    (void)snprintf(text[i], PATH_BYTES, "%s.gp", c->names[first + i]);
    argv[2 + i] = text[i];
  }
  j->errors = memfd_create("gnuplot", MFD_CLOEXEC);
  if (j->errors < 0) return errno;
  const int failure = spawn(c, argv, j->errors, &j->pid);
  if (failure != 0) {
    (void)close(j->errors);
    j->pid = 0;
    return failure;
  }
  j->first = first;
  j->n     = n;
  c->busy++;
  return 0;
}

/* The line of gnuplot's complaint that says what is wrong: the last one that is not empty. */
static void read_complaint(int errors, char *line, size_t bytes)
{
  char          text[2048];
  const ssize_t n = pread(errors, text, sizeof text - 1, 0);
  line[0]         = '\0';
  if (n <= 0) return;
  text[n] = '\0';
  for (char *rest = text, *one; (one = strtok_r(rest, "\n", &rest)) != NULL;) {
    one += strspn(one, " \t\r^");
    if (*one) (void)snprintf(line, bytes, "%.180s", one);
  }
}

/* Takes note of a process that has ended. What a batch left undone is tried again, alone, before it counts as failed. */
static void note_end(crew *c, job *j)
{
  char complaint[200];
  read_complaint(j->errors, complaint, sizeof complaint);
  (void)close(j->errors);
  j->pid = 0;
  c->busy--;
  for (int i = j->first; i < j->first + j->n; i++) {
    c->drawn[i] = is_drawn(c->source, c->names[i]);
    if (c->drawn[i] || j->n > 1) continue;
    complain(c->out, "gnuplot, %s.gp: %s", c->names[i],
             complaint[0] ? complaint : "no complete picture came out (is the disk full?)");
  }
}

static void nap(void)
{
  const struct timespec t = {.tv_nsec = POLL_MILLISECONDS * 1000000L};
  (void)nanosleep(&t, NULL);
}

/* Waits until at most `most` processes are busy. Only our own are waited for: others may have children too. */
static void wait_for(crew *c, int most)
{
  while (c->busy > most) {
    const int before = c->busy;
    for (int i = 0; i < c->size; i++) {
      int status;
      if (c->jobs[i].pid != 0 && waitpid(c->jobs[i].pid, &status, WNOHANG) != 0) note_end(c, &c->jobs[i]);
    }
    if (c->busy == before) nap();
  }
}

static void end_all(crew *c)
{
  for (int i = 0; i < c->size; i++)
    if (c->jobs[i].pid != 0) (void)kill(c->jobs[i].pid, SIGKILL);
  wait_for(c, 0);
}

static job *free_job(crew *c)
{
  wait_for(c, c->size - 1);
  for (int i = 0; i < c->size; i++)
    if (c->jobs[i].pid == 0) return &c->jobs[i];
  return NULL; /* not reached: fewer than `size` are busy */
}

/* Draws what is not drawn yet, in batches of at most `batch` scripts that stand side by side. */
static nrf_status draw_missing(crew *c, int n, int batch, const nrf_progress *progress)
{
  for (int i = 0; i < n; i++) {
    if (c->drawn[i]) continue;
    int together = 1;
    while (together < batch && i + together < n && !c->drawn[i + together]) together++;
    if (nrf_progress_stop_requested(progress))
      return nrf_error(NRF_EINTERRUPTED, "stopped while drawing figures");
    const int failure = start(c, free_job(c), i, together);
    if (failure == ENOENT) {
      c->out->no_gnuplot = true;
      return NRF_OK;
    }
    if (failure != 0) {
      complain(c->out, "gnuplot cannot be started: %s", strerror(failure));
      return NRF_OK;
    }
    i += together - 1;
  }
  wait_for(c, 0);
  return NRF_OK;
}

/* ---- the whole job ---- */

static nrf_status draw_all(crew *c, int n, const nrf_progress *progress)
{
  const int share = (n + c->size - 1) / c->size; /* so that every process has something to do */
  for (int i = 0; i < n; i++) remove_pictures(c->source, c->names[i]);
  NRF_RETURN_IF_ERROR(draw_missing(c, n, share < BATCH ? share : BATCH, progress));
  return c->out->no_gnuplot ? NRF_OK : draw_missing(c, n, 1, progress);
}

nrf_status nrf_figures_draw(const char *source, int n, const char *const names[], int processes,
                            const nrf_progress *progress, bool drawn[], nrf_drawing *out)
{
  nrf_status st   = NRF_OK;
  crew      *c    = NULL;
  bool      *mine = NULL;
  *out            = (nrf_drawing){0};
  if (n == 0) return NRF_OK;
  NRF_TRY(nrf_alloc(sizeof *c, "drawing figures", (void **)&c));
  NRF_TRY(nrf_alloc((size_t)n * sizeof *mine, "drawing figures", (void **)&mine));
  *c      = (crew){.source = source, .names = names, .drawn = mine, .out = out};
  c->size = processes < 1 ? 1 : processes > MAX_PROCESSES ? MAX_PROCESSES : processes;

  st = draw_all(c, n, progress);
  end_all(c);
  for (int i = 0; i < n; i++) {
    out->drawn += mine[i];
    if (drawn) drawn[i] = mine[i];
  }
  if (!out->no_gnuplot) out->failed = n - out->drawn;
done:
  nrf_free(mine);
  nrf_free(c);
  return st;
}
