/* report.c - measuring errors, judging them, and the table. */
#include "report.h"

#include "nrflv/memory.h"

#include <math.h>
#include <string.h>

/* ---- what is demanded ------------------------------------------------------------------------------------ */

/* Error of the worst element relative to the largest magnitude of the reference, and norm of the difference
 * relative to the norm of the reference. The first is 1e-4, and 1e-5 for energies, wherever the description of the
 * references does not suggest less; the second is what it suggests ("Agreement to expect"), or UNLIMITED
 * where it is silent. None is larger than suggested. */
#define UNLIMITED INFINITY

static const struct limits {
  double max, norm;
} limits[RULE_COUNT] = {
    [RULE_TOTAL_ENERGY]          = {2e-6, UNLIMITED}, /* of a scalar both are the same */
    [RULE_NEURON_ENERGY]         = {1e-5, 5e-6},
    [RULE_NETWORK_OUTPUT]        = {1e-4, 5e-6},
    [RULE_STATE_GRADIENT]        = {2e-5, 5e-6},
    [RULE_LOSS]                  = {1e-5, UNLIMITED}, /* it is made of energies */
    [RULE_PARAMETER_GRADIENT]    = {1e-4, 3e-5},
    [RULE_CLIPPED_GRADIENT_ADAM] = {1e-4, 2e-5},
    [RULE_SECOND_MOMENT]         = {1e-4, 6e-5}, /* squares: twice the gradient's */
    [RULE_UPDATED_PARAMETER]     = {1e-4, 2e-3},
    [RULE_SGHMC]                 = {1e-4, 2e-6},
    [RULE_SAMPLER_STATE]         = {1e-4, 5e-6},
    [RULE_SAMPLER_MOMENTUM]      = {1e-4, 1e-5},
    [RULE_INITIALISER_OUTPUT]    = {1e-4, 1e-5},
    [RULE_INITIALISER_LOSS]      = {1e-6, UNLIMITED},
    [RULE_SPECTRAL]              = {1e-4, UNLIMITED},
    [RULE_LEARNING_RATE]         = {1e-6, UNLIMITED}, /* stored in single precision */
};

/* Kinks (kinks.h) explain what a few units differ by, and nothing but that: what they excuse may not be more than
 * this part of a quantity's norm. (To let gradients pass on the bounds of states changes them by more.) */
static const double KINKS_AT_MOST = 1e-2;

/* A gradient without regularisation of the energies is a small difference of two large ones, and cannot be better known
 * than they are. Where its terms are more than CANCELLING times as large as what is left of them, the second limit
 * is as large as the first, 1e-4: what the description of the references allows for the loss, which is such a difference
 * too. A row that needs this says so. */
static const double CANCELLING = 10.0;

/* ---- rows ------------------------------------------------------------------------------------------------ */

typedef struct row {
  char          case_name[128], quantity[128], member[160], note[640], failed_in[64];
  struct limits allowed;
  double        max_error, norm_error;
  double        kink_error; /* norm of what kinks excuse, relative to the same norm as norm_error */
  int64_t       kinks;      /* elements that show it */
  double        cancelling; /* where that was needed: norm of the terms relative to that of their sum */
  bool          ok, is_remark;
  bool          printed; /* as part of its group */
} row;

struct report {
  bool        all;
  const char *members; /* "tensors", in the plural */
  const char *file;
  char        run[64], case_name[128];
  row        *rows;
  int64_t     n_rows, room;
  int64_t     next; /* where the next row is looked for first: runs report in the same order */
  /* totals */
  int64_t quantities, failed;
  int     files;
  double  worst_ratio; /* largest error relative to what it may be */
  char    worst[512];
};

nrf_status report_create(bool all, const char *members, report **out)
{
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof **out, "report", (void **)out));
  (*out)->members     = members;
  (*out)->all         = all;
  (*out)->worst_ratio = -1.0;
  return NRF_OK;
}

void report_free(report *r)
{
  if (r == NULL) return;
  nrf_free(r->rows);
  nrf_free(r);
}

static void copy_text(char *to, size_t bytes, const char *from)
{
  (void)snprintf(to, bytes, "%s", from);
}

void report_begin_file(report *r, const char *name)
{
  r->file   = name;
  r->n_rows = 0;
}

void report_begin_run(report *r, const char *run)
{
  copy_text(r->run, sizeof r->run, run);
  copy_text(r->case_name, sizeof r->case_name, "");
  r->next = 0;
}

void report_begin_case(report *r, const char *name)
{
  copy_text(r->case_name, sizeof r->case_name, name);
}

static nrf_status make_room(report *r)
{
  if (r->n_rows < r->room) return NRF_OK;
  const int64_t room = r->room == 0 ? 256 : 2 * r->room;
  row          *rows = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)room * sizeof *rows, "report", (void **)&rows));
  if (r->n_rows > 0) memcpy(rows, r->rows, (size_t)r->n_rows * sizeof *rows);
  nrf_free(r->rows);
  r->rows = rows;
  r->room = room;
  return NRF_OK;
}

static bool same_group(const row *a, const row *b)
{
  return strcmp(a->quantity, b->quantity) == 0 && strcmp(a->case_name, b->case_name) == 0;
}

static bool same_row(const row *a, const row *b)
{
  return strcmp(a->member, b->member) == 0 && same_group(a, b);
}

static void merge(row *into, const row *from)
{
  into->max_error  = fmax(into->max_error, from->max_error);
  into->norm_error = fmax(into->norm_error, from->norm_error);
  into->kink_error = fmax(into->kink_error, from->kink_error);
  if (from->kinks > into->kinks) into->kinks = from->kinks;
  into->cancelling   = fmax(into->cancelling, from->cancelling);
  into->allowed.norm = fmax(into->allowed.norm, from->allowed.norm);
  if (into->ok && !from->ok) {
    copy_text(into->note, sizeof into->note, from->note);
    copy_text(into->failed_in, sizeof into->failed_in, from->failed_in);
  }
  into->ok = into->ok && from->ok;
}

/* Adds a row, or worsens the one an earlier run has made. */
static nrf_status add_row(report *r, const char *quantity, const char *member, row *new_row)
{
  copy_text(new_row->case_name, sizeof new_row->case_name, r->case_name);
  copy_text(new_row->quantity, sizeof new_row->quantity, quantity);
  copy_text(new_row->member, sizeof new_row->member, member != NULL ? member : "");
  if (!new_row->ok) copy_text(new_row->failed_in, sizeof new_row->failed_in, r->run);
  for (int64_t k = 0; k < r->n_rows; k++) {
    const int64_t at = (r->next + k) % r->n_rows;
    if (!same_row(&r->rows[at], new_row)) continue;
    merge(&r->rows[at], new_row);
    r->next = at + 1;
    return NRF_OK;
  }
  NRF_RETURN_IF_ERROR(make_room(r));
  r->rows[r->n_rows++] = *new_row;
  r->next              = r->n_rows;
  return NRF_OK;
}

/* ---- measuring ------------------------------------------------------------------------------------------- */

/* A NaN or infinity on either side is as wrong as can be; so is any difference from a reference of zero. */
static double relative(double error, double size)
{
  if (!isfinite(error) || !isfinite(size)) return INFINITY;
  if (error == 0.0) return 0.0;
  return size == 0.0 ? INFINITY : error / size;
}

static double largest_magnitude(const comparison *c)
{
  double largest = 0.0;
  for (int64_t i = 0; i < c->count; i++) largest = fmax(largest, fabs((double)c->reference[i]));
  return largest;
}

static double norm_of_terms(const comparison *c)
{
  double squares = 0.0;
  for (int64_t i = 0; i < c->count; i++) {
    const double terms = c->terms[i * c->stride];
    squares += terms * terms;
  }
  return sqrt(squares);
}

static double norm_of_reference(const comparison *c)
{
  double squares = 0.0;
  for (int64_t i = 0; i < c->count; i++) squares += (double)c->reference[i] * (double)c->reference[i];
  return sqrt(squares);
}

/* Sums over the elements of a comparison. With slack, an element's error is what exceeds its slack. */
static void measure(const comparison *c, bool with_slack, row *out)
{
  const double largest = largest_magnitude(c);
  double       worst = 0.0, squares = 0.0, excused = 0.0, change_squares = 0.0;
  out->kinks = 0;
  for (int64_t i = 0; i < c->count; i++) {
    const int64_t at         = i * c->stride;
    const double  reference  = c->reference[i];
    const double  change     = c->before != NULL ? reference - (double)c->before[at] : 0.0;
    const double  difference = fabs((double)c->ours[at] - reference);
    const double  slack      = with_slack ? fmin(difference, (double)c->slack[at]) : 0.0;
    const double  error      = difference - slack;
    change_squares += change * change;
    squares += error * error;
    excused += slack * slack;
    if (!isfinite(difference)) worst = INFINITY; /* for good */
    if (error > worst) worst = error;
    if (slack > out->allowed.norm * largest) out->kinks++;
  }
  double size = norm_of_reference(c);
  if (c->before != NULL) size = sqrt(change_squares) + PARAMETER_ROUNDING * size;
  out->max_error  = relative(worst, largest);
  out->norm_error = relative(sqrt(squares), size);
  out->kink_error = relative(sqrt(excused), size);
  out->ok         = out->max_error <= out->allowed.max && out->norm_error <= out->allowed.norm &&
            out->kink_error <= KINKS_AT_MOST;
}

static void allow_for_cancelling(const comparison *c, row *out)
{
  const double cancelling = relative(norm_of_terms(c), norm_of_reference(c));
  if (!isfinite(cancelling) || cancelling < CANCELLING) return;
  out->cancelling   = cancelling;
  out->allowed.norm = out->allowed.max;
  measure(c, false, out);
}

nrf_status report_arrays(report *r, const char *quantity, const char *member, rule_id rule,
                         const comparison *c)
{
  row new_row = {.allowed = limits[rule]};
  measure(c, false, &new_row);
  if (!new_row.ok && c->terms != NULL) allow_for_cancelling(c, &new_row);
  if (!new_row.ok && c->slack != NULL) measure(c, true, &new_row);
  return add_row(r, quantity, member, &new_row);
}

nrf_status report_number(report *r, const char *quantity, const char *member, double allowed, double ours,
                         double reference, double size)
{
  return report_error(r, quantity, member, allowed, relative(fabs(ours - reference), size));
}

nrf_status report_error(report *r, const char *quantity, const char *member, double allowed, double error)
{
  row new_row = {.allowed = {allowed, UNLIMITED}, .max_error = error, .norm_error = error};
  new_row.ok  = error <= allowed;
  return add_row(r, quantity, member, &new_row);
}

nrf_status report_scalar(report *r, const char *quantity, const char *member, rule_id rule, double ours,
                         double reference)
{
  return report_number(r, quantity, member, limits[rule].max, ours, reference, fabs(reference));
}

nrf_status report_norm(report *r, const char *quantity, const char *member, rule_id rule, double ours,
                       double reference, double size)
{
  return report_number(r, quantity, member, limits[rule].norm, ours, reference, size);
}

nrf_status report_fact(report *r, const char *quantity, bool agrees)
{
  return report_number(r, quantity, NULL, 0.0, agrees ? 1.0 : 0.0, 1.0, 1.0);
}

nrf_status report_problem(report *r, const char *quantity, const char *member, const char *why)
{
  row new_row = {.max_error = INFINITY, .norm_error = INFINITY};
  copy_text(new_row.note, sizeof new_row.note, why);
  return add_row(r, quantity, member, &new_row);
}

nrf_status report_remark(report *r, const char *quantity, const char *remark)
{
  row new_row = {.ok = true, .is_remark = true};
  copy_text(new_row.note, sizeof new_row.note, remark);
  return add_row(r, quantity, NULL, &new_row);
}

/* ---- the table ------------------------------------------------------------------------------------------- */

/* How near a row is to failing: 1 just passes. */
static double ratio(const row *w)
{
  const double by_max = relative(w->max_error, w->allowed.max);
  return isfinite(w->allowed.norm) ? fmax(by_max, relative(w->norm_error, w->allowed.norm)) : by_max;
}

static int width_of(int so_far, const char *text)
{
  const int width = (int)strlen(text);
  return width > so_far ? width : so_far;
}

typedef struct columns {
  int case_name, quantity;
} columns;

static void print_limit(FILE *to, double limit)
{
  if (isfinite(limit))
    fprintf(to, " %7.0e", limit);
  else
    fprintf(to, " %7s", "-");
}

static void print_row(const report *r, columns wide, const row *w, const char *quantity, FILE *to)
{
  fprintf(to, "%s  %-*s  %-*s", r->file, wide.case_name, w->case_name, wide.quantity, quantity);
  if (w->is_remark) {
    fprintf(to, "  %s\n", w->note);
    return;
  }
  if (w->note[0] != '\0') {
    fprintf(to, "  FAIL (%s): %s\n", w->failed_in, w->note);
    return;
  }
  fprintf(to, "  %8.1e", w->max_error);
  print_limit(to, w->allowed.max);
  fprintf(to, "  %8.1e", w->norm_error);
  print_limit(to, w->allowed.norm);
  fprintf(to, "  %s", w->ok ? "ok" : "FAIL");
  if (!w->ok) fprintf(to, " (%s)", w->failed_in);
  if (w->cancelling > 0.0) fprintf(to, " [a difference of terms %.0f times as large]", w->cancelling);
  if (w->kink_error > 0.0)
    fprintf(to, " [kinks excuse %.1e of the norm, %lld elements]", w->kink_error, (long long)w->kinks);
  fputc('\n', to);
}

static void full_name(const row *w, char *out, size_t bytes)
{
  (void)snprintf(out, bytes, "%s%s%s", w->quantity, w->member[0] != '\0' ? "/" : "", w->member);
}

static void print_full(const report *r, columns wide, const row *w, FILE *to)
{
  char name[sizeof w->quantity + sizeof w->member + 2];
  full_name(w, name, sizeof name);
  print_row(r, wide, w, name, to);
}

/* The group of tensors that begins at `first`: those that pass as one row, with the worst of their errors; then those
 * that fail. */
static void print_group(const report *r, columns wide, int64_t first, FILE *to)
{
  row     together = {.ok = true};
  int64_t passed   = 0;
  for (int64_t i = first; i < r->n_rows; i++) {
    row *w = &r->rows[i];
    if (w->member[0] == '\0' || !same_group(w, &r->rows[first])) continue;
    w->printed = true;
    if (!w->ok) continue;
    const int64_t kinks = together.kinks + w->kinks;
    if (passed++ == 0)
      together = *w;
    else
      merge(&together, w);
    together.kinks = kinks;
  }
  if (passed > 0) {
    char      name[sizeof together.quantity + 32];
    const int letters = (int)strlen(r->members) - (passed == 1 ? 1 : 0);
    (void)snprintf(name, sizeof name, "%s (%lld %.*s)", together.quantity, (long long)passed, letters,
                   r->members);
    print_row(r, wide, &together, name, to);
  }
  for (int64_t i = first; i < r->n_rows; i++)
    if (!r->rows[i].ok && same_group(&r->rows[i], &r->rows[first])) print_full(r, wide, &r->rows[i], to);
}

static void print_rows(const report *r, FILE *to)
{
  columns wide = {4, 44};
  for (int64_t i = 0; i < r->n_rows; i++) wide.case_name = width_of(wide.case_name, r->rows[i].case_name);
  for (int64_t i = 0; i < r->n_rows; i++) {
    const row *w = &r->rows[i];
    if (w->printed) continue;
    if (w->member[0] == '\0' || r->all)
      print_full(r, wide, w, to);
    else
      print_group(r, wide, i, to);
  }
}

static void count_row(report *r, const row *w)
{
  char name[sizeof w->quantity + sizeof w->member + 2];
  if (w->is_remark) return;
  r->quantities++;
  if (!w->ok) r->failed++;
  if (ratio(w) <= r->worst_ratio) return;
  r->worst_ratio = ratio(w);
  full_name(w, name, sizeof name);
  (void)snprintf(r->worst, sizeof r->worst, "%s %s %s", r->file, w->case_name, name);
}

int64_t report_end_file(report *r, FILE *to)
{
  const int64_t before = r->quantities;
  print_rows(r, to);
  for (int64_t i = 0; i < r->n_rows; i++) count_row(r, &r->rows[i]);
  r->n_rows = 0;
  r->files++;
  return r->quantities - before;
}

void report_summary(const report *r, int unreadable, FILE *to)
{
  fprintf(to, "%lld quantities in %d files", (long long)r->quantities, r->files);
  if (r->quantities > 0) fprintf(to, ", worst at %.2g of what is allowed: %s", r->worst_ratio, r->worst);
  if (r->failed > 0) fprintf(to, "; %lld FAILED", (long long)r->failed);
  if (unreadable > 0) fprintf(to, "; %d FILES COULD NOT BE CHECKED", unreadable);
  if (r->failed == 0 && unreadable == 0) fprintf(to, "; all passed");
  fputc('\n', to);
}

bool report_all_passed(const report *r)
{
  return r->failed == 0;
}
