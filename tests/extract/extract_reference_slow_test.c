/* The activity tables (analysis.md 3.1) of the five synthetic recordings of analysis_steps.h5, by the statistics in their
 * extracts; and the traces and momenta that are kept of them, by the file's samples. Tolerances are the reference's own. */
#include "nrflv/extract.h"
#include "nrflv/h5_file.h"
#include "nrflv/memory.h"
#include "nrflv/shapiro_wilk.h"
#include "nrflv/synthetic_source.h"
#include "support/scratch.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call)                                                                            \
  do {                                                                                      \
    const nrf_status st_ = (call);                                                          \
    if (st_ != NRF_OK) fail_msg("%s: status %d: %s", #call, (int)st_, nrf_error_message()); \
  } while (0)

static char         reference[1024];
static nrf_h5_file *file;
static char         directory[SCRATCH_PATH];

static int set_up(void **state)
{
  (void)state;
  const char *shared = getenv("NRFLV_SHARED_DIR");
  if (shared == NULL) return 0;
  (void)snprintf(reference, sizeof reference, "%s/reference/analysis_steps.h5", shared);
  scratch_create(directory);
  if (access(reference, R_OK) == 0 && nrf_h5_open(reference, &file) != NRF_OK) return -1;
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  nrf_h5_free(file);
  if (directory[0] != '\0') scratch_remove(directory);
  return 0;
}

/* ---- only what is alive: a window of the maps around it, so that the test is quick ---- */

typedef struct cut {
  nrf_trace_source   whole, source;
  nrf_recording_info info;
} cut;

static nrf_status read_cut(void *context, nrf_record_variable variable, int layer, int image,
                           nrf_recording_block block, float *out)
{
  cut *c = context;
  block.top += c->info.layer[0].top;
  block.left += c->info.layer[0].left;
  return c->whole.read(c->whole.context, variable, layer, image, block, out);
}

static nrf_status read_no_picture(void *context, nrf_recording_shows which, int image, uint8_t *out)
{
  cut *c = context;
  return c->whole.read_picture(c->whole.context, which, image, out);
}

static void open_cut(cut *c, nrf_experiment_kind kind, int first, int size)
{
  OK(nrf_synthetic_source_open(reference, kind, &c->whole));
  c->info                  = *c->whole.info;
  c->info.layer[0].top     = first;
  c->info.layer[0].left    = first;
  c->info.layer[0].rows    = size;
  c->info.layer[0].columns = size;
  c->source = (nrf_trace_source){&c->info, c->whole.origin, c, read_cut, read_no_picture, NULL};
}

/* ---- columns of the file ---- */

static double *column(const char *group, const char *name, int64_t *n)
{
  char         path[256];
  nrf_h5_shape shape;
  void        *values = NULL;
  (void)snprintf(path, sizeof path, "%s/%s", group, name);
  OK(nrf_h5_read_new(file, path, NRF_H5_FLOAT64, 1 << 22, &shape, &values));
  *n = nrf_h5_count(shape);
  return values;
}

static void assert_near(const char *what, int64_t row, double got, double wanted, double relative,
                        double absolute)
{
  if (isnan(wanted)   ? !isnan(got)
      : isinf(wanted) ? got != wanted
                      : !(fabs(got - wanted) <= relative * fabs(wanted) + absolute))
    fail_msg("%s, row %lld: %.17g, not %.17g", what, (long long)row, got, wanted);
}

static double welch_t(const nrf_trace_statistics *a, const nrf_trace_statistics *b, int64_t at)
{
  return (a->mean[at] - b->mean[at]) / sqrt(a->variance[at] / (double)a->n + b->variance[at] / (double)b->n);
}

/* ---- what is checked ---- */

static void check_table(const nrf_extract *x, const char *group)
{
  enum { B, CH, H, W, MEAN_IN, MEAN_OUT, T, W_IN, W_OUT, P_IN, P_OUT, COLUMNS };
  static const char *const names[COLUMNS] = {"batch_idx",
                                             "channel",
                                             "height",
                                             "width",
                                             "mean_act_during",
                                             "mean_act_outside",
                                             "ttest_t",
                                             "shapiro_W_during_double",
                                             "shapiro_W_outside_double",
                                             "shapiro_p_during_double",
                                             "shapiro_p_outside_double"};
  double                  *v[COLUMNS];
  int64_t                  n  = 0;
  nrf_shapiro_wilk        *in = NULL, *out = NULL;
  double                   top = 0.0;
  OK(nrf_shapiro_wilk_create(x->during.n, &in));
  OK(nrf_shapiro_wilk_create(x->outside.n, &out));
  for (int i = 0; i < COLUMNS; i++) v[i] = column(group, names[i], &n);
  assert_true(n > 1000);
  for (int64_t i = 0; i < n; i++) top = fmax(top, fmax(fabs(v[MEAN_IN][i]), fabs(v[MEAN_OUT][i])));
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = nrf_extract_at(x, (int)v[CH][i], (int)v[B][i], (int)v[H][i] - x->layer->top,
                                      (int)v[W][i] - x->layer->left);
    assert_near("mean during", i, x->during.mean[at], v[MEAN_IN][i], 0, 1e-12 * top);
    assert_near("mean outside", i, x->outside.mean[at], v[MEAN_OUT][i], 0, 1e-12 * top);
    assert_near("Welch t", i, welch_t(&x->during, &x->outside, at), v[T][i], 1e-9, 0);
    assert_near("W during", i, 1 - x->during.one_minus_w[at], v[W_IN][i], 1e-10, 0);
    assert_near("W outside", i, 1 - x->outside.one_minus_w[at], v[W_OUT][i], 1e-10, 0);
    assert_near("p during", i, nrf_shapiro_wilk_p(in, x->during.one_minus_w[at]), v[P_IN][i], 1e-7, 1e-300);
    assert_near("p outside", i, nrf_shapiro_wilk_p(out, x->outside.one_minus_w[at]), v[P_OUT][i], 1e-7,
                1e-300);
  }
  for (int i = 0; i < COLUMNS; i++) nrf_free(v[i]);
  nrf_shapiro_wilk_free(in);
  nrf_shapiro_wilk_free(out);
}

/* The file has some samples and the sum of some traces. Returns how many traces could be compared. */
static int check_traces(const nrf_extract *x, const char *recording, const char *rows,
                        nrf_record_variable variable)
{
  char    group[128], checks[140];
  int64_t n = 0, n_rows = 0, n_t = 0, n_all = 0;
  int     compared = 0;
  (void)snprintf(group, sizeof group, "%s/%s", recording, rows);
  (void)snprintf(checks, sizeof checks, "%s_check", group);
  double *b = column(group, "b", &n), *ch = column(group, "ch", &n), *h = column(group, "h", &n),
         *w   = column(group, "w", &n);
  double *row = column(checks, "row", &n_rows), *t = column(checks, "t", &n_t),
         *value = column(checks, "x", &n_all), *sum = column(checks, "sum_of_q", &n_rows);
  for (int64_t i = 0; i < n_rows; i++) {
    const int64_t k     = (int64_t)row[i];
    const float  *trace = nrf_extract_trace(x, variable, (int)ch[k], (int)b[k], (int)h[k] - x->layer->top,
                                            (int)w[k] - x->layer->left);
    double        total = 0.0;
    if (trace == NULL) continue;
    for (int64_t j = 0; j < n_t; j++) assert_true((double)trace[(int64_t)t[j]] == value[i * n_t + j]);
    for (int64_t j = 0; j < x->rows; j++) total += (double)trace[j] * (1 << 22);
    assert_true(total == sum[i]);
    compared++;
  }
  double *all[] = {b, ch, h, w, row, t, value, sum};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) nrf_free(all[i]);
  return compared;
}

static void check(nrf_experiment_kind kind, int first, int size)
{
  char         path[SCRATCH_PATH], name[16], group[128];
  cut          c;
  nrf_extract *x = NULL;
  if (file == NULL) skip();
  open_cut(&c, kind, first, size);
  scratch_path(path, directory, "x.extract.h5");
  OK(nrf_extract_make(&c.source, path, (nrf_extract_effort){2, 64 << 20}, NULL));
  OK(nrf_extract_open(path, &x));
  assert_int_equal(x->kind, kind);
  (void)snprintf(name, sizeof name, "%s", nrf_experiment_kind_info(kind)->name);
  for (char *p = name; *p != '\0'; p++) *p = (char)tolower((unsigned char)*p);

  (void)snprintf(group, sizeof group, "steps/3.01_find_active_neurons/%s", name);
  check_table(x, group);
  (void)snprintf(group, sizeof group, "recordings/%s", name);
  assert_true(check_traces(x, group, "state_rows", NRF_RECORD_STATE) > 0);
  assert_int_equal(x->has_momentum, kind == NRF_KIND_PRIM || kind == NRF_KIND_LONG);
  if (x->has_momentum) assert_true(check_traces(x, group, "momentum_rows", NRF_RECORD_MOMENTUM) > 5);
  assert_null(nrf_extract_picture(x, NRF_SHOWS_BLANK, 0));

  nrf_extract_free(x);
  nrf_trace_source_close(&c.whole);
}

static void contrast_and_angle(void **state)
{
  (void)state;
  check(NRF_KIND_PRIM, 13, 7);
}

static void many_angles(void **state)
{
  (void)state;
  check(NRF_KIND_ANG, 15, 3);
}

static void few_angles(void **state)
{
  (void)state;
  check(NRF_KIND_FEW, 15, 3);
}

static void two_patches(void **state)
{
  (void)state;
  check(NRF_KIND_DBL, 6, 21);
}

static void long_bars(void **state)
{
  (void)state;
  check(NRF_KIND_LONG, 1, 31);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contrast_and_angle), cmocka_unit_test(many_angles), cmocka_unit_test(few_angles),
      cmocka_unit_test(two_patches),        cmocka_unit_test(long_bars),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
