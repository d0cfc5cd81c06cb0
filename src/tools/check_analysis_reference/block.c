/* block.c - groups of the file, and how closely each kind of quantity must agree. */
#include "block.h"

#include "nrflv/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

text text_of(const char *fmt, ...)
{
  text    out;
  va_list arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(out.s, sizeof out.s, fmt, arguments);
  va_end(arguments);
  return out;
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

/* Blocks of memory, the youngest first. The header takes a cache line, so that what follows is aligned like it. */
typedef struct piece {
  struct piece *older;
} piece;

enum { HEADER = 64, LARGEST_ARRAY = 1 << 26 };

nrf_status scratch(ref_block *b, int64_t doubles, double **out)
{
  piece *made = NULL;
  *out        = NULL;
  if (doubles < 0 || doubles > LARGEST_ARRAY)
    return nrf_error(NRF_EINVAL, "%s: '%s': an array of %lld numbers", nrf_h5_path(b->file), b->name,
                     (long long)doubles);
  NRF_RETURN_IF_ERROR(nrf_alloc(HEADER + (size_t)doubles * sizeof(double), b->name, (void **)&made));
  made->older = b->memory;
  b->memory   = made;
  *out        = (double *)((char *)made + HEADER);
  return NRF_OK;
}

static void release(ref_block *b, const piece *down_to)
{
  while (b->memory != down_to) {
    piece *older = b->memory->older;
    nrf_free(b->memory);
    b->memory = older;
  }
}

nrf_status block_open(const nrf_h5_file *file, report *r, const char *name, ref_block *out)
{
  *out = (ref_block){.file = file, .report = r, .name = name, .at = -1};
  if (has_member(out, "case_name")) {
    NRF_RETURN_IF_ERROR(read_strings(out, "case_name", &out->case_names));
    out->cases = out->case_names.count;
    return NRF_OK;
  }
  while (nrf_h5_exists(file, text_of("/%s/case_%03lld", name, (long long)out->cases).s)) out->cases++;
  return NRF_OK;
}

void block_close(ref_block *b)
{
  release(b, NULL);
  nrf_h5_strings_free(&b->case_names);
}

/* ---- inputs ---------------------------------------------------------------------------------------------- */

static text path_of(const ref_block *b, const char *name)
{
  if (b->at >= 0) return text_of("/%s/case_%03lld/%s", b->name, (long long)b->at, name);
  return text_of("/%s/%s", b->name, name);
}

bool has_member(const ref_block *b, const char *name)
{
  return nrf_h5_exists(b->file, path_of(b, name).s);
}

nrf_status read_values(ref_block *b, const char *name, values *out)
{
  const text path = path_of(b, name);
  NRF_RETURN_IF_ERROR(nrf_h5_dataset_shape(b->file, path.s, &out->shape));
  out->count = nrf_h5_count(out->shape);
  NRF_RETURN_IF_ERROR(scratch(b, out->count, &out->v));
  return nrf_h5_read(b->file, path.s, NRF_H5_FLOAT64, out->shape, out->v);
}

nrf_status read_vector(ref_block *b, const char *name, int64_t n, double **out)
{
  values found;
  NRF_RETURN_IF_ERROR(read_values(b, name, &found));
  if (found.count != n)
    return nrf_error(NRF_ESHAPE, "%s: '%s' holds %lld numbers, %lld expected", nrf_h5_path(b->file),
                     path_of(b, name).s, (long long)found.count, (long long)n);
  *out = found.v;
  return NRF_OK;
}

nrf_status read_entries(ref_block *b, const char *name, int64_t n, double **out)
{
  return read_vector(b, name, b->cases * n, out);
}

nrf_status read_strings(ref_block *b, const char *name, nrf_h5_strings *out)
{
  return nrf_h5_read_strings(b->file, path_of(b, name).s, out);
}

nrf_status read_count(ref_block *b, const char *attribute, int64_t *out)
{
  return nrf_h5_read_attribute_int64(b->file, text_of("/%s", b->name).s, attribute, out);
}

static const char *member_of(const ref_block *b, text *name)
{
  if (b->at < 0) return NULL;
  *name = text_of("%lld %s", (long long)b->at, b->case_names.count > 0 ? b->case_names.item[b->at] : "");
  return name->s;
}

static nrf_status report_case_problem(const ref_block *b)
{
  text name;
  return report_problem(b->report, "the case as a whole", member_of(b, &name), nrf_error_message());
}

nrf_status for_each_case(ref_block *b, case_fn *check, const void *context)
{
  const piece *before = b->memory;
  nrf_status   st     = NRF_OK;
  for (b->at = 0; b->at < b->cases && st == NRF_OK; b->at++) {
    if (check(b, context) != NRF_OK) st = report_case_problem(b);
    release(b, before);
  }
  b->at = -1;
  return st;
}

/* ---- members --------------------------------------------------------------------------------------------- */

static bool is_number(const char *s)
{
  if (*s == '\0') return false;
  while (isdigit((unsigned char)*s)) s++;
  return *s == '\0';
}

static bool is_known(const char *name, const char *const known[])
{
  for (int k = 0; known[k] != NULL; k++) {
    const size_t length = strlen(known[k]);
    if (strcmp(name, known[k]) == 0) return true;
    if (length > 0 && known[k][length - 1] == '#' && strncmp(name, known[k], length - 1) == 0 &&
        is_number(name + length - 1))
      return true;
  }
  return false;
}

static nrf_status report_unknown_in(ref_block *b, const char *group, const char *const known[])
{
  nrf_h5_strings names = {0, NULL};
  NRF_RETURN_IF_ERROR(nrf_h5_list(b->file, group, &names));
  nrf_status st = NRF_OK;
  for (int64_t k = 0; k < names.count && st == NRF_OK; k++)
    if (!is_known(names.item[k], known))
      st = report_problem(b->report, text_of("%s/%s", group, names.item[k]).s, NULL,
                          "unknown name: there is nothing to compare it with");
  nrf_h5_strings_free(&names);
  return st;
}

nrf_status report_unknown_members(ref_block *b, const char *const known[], const char *const known_in_cases[])
{
  NRF_RETURN_IF_ERROR(report_unknown_in(b, text_of("/%s", b->name).s, known));
  for (int64_t k = 0; k < b->cases; k++) {
    const text group = text_of("/%s/case_%03lld", b->name, (long long)k);
    if (nrf_h5_kind_of(b->file, group.s) == NRF_H5_GROUP)
      NRF_RETURN_IF_ERROR(report_unknown_in(b, group.s, known_in_cases));
  }
  return NRF_OK;
}

/* ---- what is demanded ------------------------------------------------------------------------------------ */

typedef enum measure {
  ABSOLUTE,
  TO_LARGEST, /* relative to the largest magnitude of the reference                             */
  RELATIVE,   /* element by element                                                              */
} measure;

/* From the description of the references ("Suggested tolerances"); what is larger, or not in there, says why. */
/* clang-format off */
static const struct limit {
  measure measure;
  double  allowed;
  double  tiny; /* differences up to this count as none */
} limits[TOLERANCE_COUNT] = {
    [TOLERANCE_EXACT]            = {ABSOLUTE, 0.0, 0.0},
    [TOLERANCE_SUM]              = {TO_LARGEST, 1e-12, 0.0},
    [TOLERANCE_VARIANCE]         = {RELATIVE, 1e-10, 0.0},
    [TOLERANCE_T]                = {RELATIVE, 1e-9, 0.0},
    [TOLERANCE_P]                = {RELATIVE, 1e-7, 1e-300},
    [TOLERANCE_QUANTILE]         = {RELATIVE, 4e-9, 0.0},      /* the library's are off by up to 2e-9 ... */
    [TOLERANCE_INTERVAL]         = {TO_LARGEST, 4e-9, 0.0},    /* ... and intervals with them             */
    [TOLERANCE_W]                = {ABSOLUTE, 1e-10, 0.0},
    [TOLERANCE_W_SINGLE]         = {ABSOLUTE, 1e-5, 0.0},
    [TOLERANCE_NORMALITY_P]      = {RELATIVE, 1e-7, 1e-300},
    [TOLERANCE_SERIES]           = {TO_LARGEST, 1e-11, 0.0},
    [TOLERANCE_POWER]            = {TO_LARGEST, 1e-10, 0.0},
    [TOLERANCE_STRONG_POWER]     = {RELATIVE, 1e-6, 0.0},
    [TOLERANCE_DECIBEL]          = {ABSOLUTE, 1e-5, 0.0},
    [TOLERANCE_AXIS]             = {TO_LARGEST, 1e-12, 0.0},
    [TOLERANCE_PROMINENCE]       = {TO_LARGEST, 1e-12, 0.0},
    [TOLERANCE_MAXIMUM]          = {RELATIVE, 1e-11, 0.0},
    [TOLERANCE_LINE]             = {RELATIVE, 1e-8, 0.0},
    [TOLERANCE_RESAMPLED]        = {TO_LARGEST, 1e-12, 0.0},
    [TOLERANCE_COSINE_COST]      = {RELATIVE, 1e-9, 1e-17},    /* that of an exact cosine is rounding */
    [TOLERANCE_COSINE_AMPLITUDE] = {ABSOLUTE, 1e-6, 0.0},      /* of curves of norm 1                 */
    [TOLERANCE_COSINE_PHASE]     = {ABSOLUTE, 1e-5, 0.0},
    [TOLERANCE_COSINE_MEAN]      = {ABSOLUTE, 1e-7, 0.0},
    [TOLERANCE_SAME_PATH]        = {RELATIVE, 1e-6, 0.0},
    [TOLERANCE_SAME_PLACE]       = {TO_LARGEST, 1e-4, 0.0},    /* costs are flat where a fit ends     */
    [TOLERANCE_CURVE]            = {TO_LARGEST, 1e-6, 0.0},
    [TOLERANCE_CURVE_OTHER]      = {TO_LARGEST, 2e-2, 0.0},
    [TOLERANCE_SINE_COST]        = {RELATIVE, 1e-6, 0.0},
    [TOLERANCE_SINE_PHASE]       = {ABSOLUTE, 1e-3, 0.0},      /* suggested: 5e-4; likewise              */
    [TOLERANCE_SINE_MEAN]        = {ABSOLUTE, 5e-4, 0.0},
    [TOLERANCE_FREQ_SCALE]       = {RELATIVE, 1e-4, 0.0},
    [TOLERANCE_AMPLITUDE]        = {RELATIVE, 1e-3, 0.0},
    [TOLERANCE_GAUSS]            = {RELATIVE, 5e-3, 0.0},
    [TOLERANCE_GABOR_COST]       = {RELATIVE, 1e-3, 0.0},      /* suggested: 3e-4; see compare_correct_fit */
    [TOLERANCE_AMPLITUDE_OTHER]  = {RELATIVE, 2e-2, 0.0},
    [TOLERANCE_GABOR_COST_OTHER] = {RELATIVE, 2e-5, 0.0},
    [TOLERANCE_CONTRAST]         = {ABSOLUTE, 1e-12, 0.0},
    [TOLERANCE_CONTRAST_SINGLE]  = {ABSOLUTE, 1e-6, 0.0},
    [TOLERANCE_COLOUR]           = {ABSOLUTE, 1.0, 0.0},
};
/* clang-format on */

static double difference(double ours, double reference)
{
  if (isnan(ours) && isnan(reference)) return 0.0;
  if (ours == reference) return 0.0; /* infinities too */
  const double d = fabs(ours - reference);
  return isfinite(d) ? d : INFINITY;
}

static double size_for(measure m, double reference, double largest)
{
  if (m == ABSOLUTE) return 1.0;
  return m == RELATIVE ? fabs(reference) : largest;
}

static double worst_error(const struct limit *limit, int64_t n, const double *ours, const double *reference)
{
  double largest = 0.0, worst = 0.0;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(reference[i])) largest = fmax(largest, fabs(reference[i]));
  for (int64_t i = 0; i < n; i++) {
    const double d = difference(ours[i], reference[i]);
    if (d <= limit->tiny) continue;
    const double size = size_for(limit->measure, reference[i], largest);
    worst             = fmax(worst, size > 0.0 ? d / size : INFINITY);
  }
  return worst;
}

nrf_status compare_error(ref_block *b, const char *quantity, double allowed, double error)
{
  text name;
  return report_error(b->report, quantity, member_of(b, &name), allowed, error);
}

nrf_status compare_values(ref_block *b, const char *quantity, tolerance allowed, int64_t n,
                          const double *ours, const double *reference)
{
  return compare_error(b, quantity, limits[allowed].allowed,
                       worst_error(&limits[allowed], n, ours, reference));
}

nrf_status compare_value(ref_block *b, const char *quantity, tolerance allowed, double ours, double reference)
{
  return compare_values(b, quantity, allowed, 1, &ours, &reference);
}

nrf_status compare_counts(ref_block *b, const char *quantity, int64_t ours, int64_t reference)
{
  return compare_value(b, quantity, TOLERANCE_EXACT, (double)ours, (double)reference);
}
