/* describe.c - what a recording, or an extract of one, holds, on one screen. */
#include "cli/stages.h"

#include "nrflv/amount_text.h"
#include "nrflv/extract.h"
#include "nrflv/recording.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* "name        what there is to say", the form of every line. */
static void say(const char *name, const char *format, ...) NRF_PRINTF(2, 3);
static void say(const char *name, const char *format, ...)
{
  va_list arguments;
  printf("%-12s ", name);
  va_start(arguments, format);
  (void)vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

/* ---- who recorded what ---- */

/* A partial recording is a sparse file: what counts is what it takes of the disk. */
static void say_size(const char *path, const char *format)
{
  struct stat about = {0};
  (void)stat(path, &about);
  say("file", "%s, %s, %s of the disk", format, nrf_bytes_text((double)about.st_size).s,
      nrf_bytes_text(512.0 * (double)about.st_blocks).s);
}

static void say_how_complete(const nrf_recording *r, const char *path)
{
  const int64_t rows = nrf_recording_rows(r);
  const int64_t all  = nrf_recording_n_rows(nrf_recording_info_of(r));
  printf("%s\n", path);
  if (nrf_recording_is_partial(r))
    say("state", "PARTIAL: %" PRId64 " of %" PRId64 " rows are complete, those after them read as 0", rows,
        all);
  else
    say("state", "complete, %" PRId64 " rows", rows);
  say_size(path, "NWB 2 (HDF5)");
}

static void say_origin(const nrf_recording_info *info)
{
  const time_t start = (time_t)info->session_start;
  struct tm    utc;
  char         date[32] = "";
  if (gmtime_r(&start, &utc) != NULL) (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", &utc);
  say("experiment", "%s%s%s", info->experiment, info->stimulus_set[0] != '\0' ? ", stimuli " : "",
      info->stimulus_set);
  say("session", "%s, begun %s, nrflv %s, seed %" PRIu64, info->session_name, date, info->program_version,
      info->seed);
  say("model", "%s (MD5 %s)", info->model_name, info->model_hash);
}

static const char *setting(const nrf_recording_info *info, const char *name)
{
  for (int i = 0; i < info->n_settings; i++)
    if (strcmp(info->setting[i].name, name) == 0) return info->setting[i].value;
  return "?";
}

static void say_settings(const nrf_recording_info *info)
{
  say("", "%s, %s states, %s networks, trained on %s", setting(info, "architecture"),
      setting(info, "states_activation"), setting(info, "activation"), setting(info, "dataset"));
  say("sampler",
      "%s, step size %s, momentum_param %s, sigma %s; all %d settings in /processing/experiment/settings",
      setting(info, "state_optimizer"), setting(info, "sampling_step_size"), setting(info, "momentum_param"),
      setting(info, "sigma"), info->n_settings);
}

/* ---- time ---- */

static void say_phases(const nrf_recording_info *info)
{
  static const char *const shows[] = {
      [NRF_SHOWS_BLANK] = "blank", [NRF_SHOWS_BURN_IN] = "test images", [NRF_SHOWS_STIMULUS] = "stimulus"};
  if (info->stride == 1)
    say("steps", "%" PRId64 ", each recorded; a step stands for %.4g ms (%.4g per second)", info->n_steps,
        info->ms_per_step, 1000 / info->ms_per_step);
  else
    say("steps", "%" PRId64 ", one in %d recorded; a step stands for %.4g ms (a row: %.4g ms)", info->n_steps,
        info->stride, info->ms_per_step, info->ms_per_step * info->stride);
  for (int i = 0; i < info->n_phases; i++) {
    const nrf_recording_phase *p    = &info->phase[i];
    const int64_t              last = p->first_step + p->n_steps;
    say("", "%-9s %6" PRId64 " .. %-6" PRId64 " %8.1f to %8.1f ms  %s", p->name, p->first_step, last - 1,
        (double)p->first_step * info->ms_per_step, (double)last * info->ms_per_step, shows[p->shows]);
  }
}

/* ---- images ---- */

/* How many different finite values there are, the smallest and the largest. */
typedef struct spread {
  int    n;
  double low, high;
} spread;

static spread spread_of(const nrf_recording_info *info, double (*value)(const nrf_recording_image *))
{
  spread s = {0, INFINITY, -INFINITY};
  for (int i = 0; i < info->n_images; i++) {
    const double v    = value(&info->image[i]);
    bool         seen = !isfinite(v);
    for (int j = 0; j < i && !seen; j++) seen = value(&info->image[j]) == v;
    if (seen) continue;
    s.n++;
    s.low  = fmin(s.low, v);
    s.high = fmax(s.high, v);
  }
  return s;
}

static double angle(const nrf_recording_image *image)
{
  return image->angle * 180 / M_PI;
}

static double static_angle(const nrf_recording_image *image)
{
  return image->angle_static * 180 / M_PI;
}

static double contrast(const nrf_recording_image *image)
{
  return image->contrast;
}

static double place(const nrf_recording_image *image)
{
  return hypot(image->offset_row, image->offset_column);
}

static double group(const nrf_recording_image *image)
{
  return image->group < 0 ? NAN : image->group;
}

static void say_images(const nrf_recording_info *info)
{
  static const struct {
    const char *one, *many, *unit;
    double (*value)(const nrf_recording_image *);
  } properties[]      = {{"angle", "angles", " degrees", angle},
                         {"static angle", "static angles", " degrees", static_angle},
                         {"contrast", "contrasts", "", contrast},
                         {"distance from the centre", "distances from the centre", " pixels", place}};
  const spread groups = spread_of(info, group);
  say("images", "%d of a batch of %d%s", info->n_images, info->batch,
      groups.n == 0 ? "" : ", listed in /processing/experiment/images");
  if (groups.n == 0) return; /* not of a stimulus set: nothing is known of them */
  say("", "%d different stimul%s", groups.n, groups.n == 1 ? "us" : "i");
  for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
    const spread s = spread_of(info, properties[i].value);
    if (s.n == 1)
      say("", "%s %.4g%s", properties[i].one, s.low, properties[i].unit);
    else if (s.n > 1)
      say("", "%d %s, %.4g to %.4g%s", s.n, properties[i].many, s.low, s.high, properties[i].unit);
  }
}

/* ---- numbers ---- */

static void say_format(const nrf_recording_info *info)
{
  const double bound       = nrf_record_error_bound(info->format);
  char         filters[80] = "";
  if (info->filters.shuffle) strncat(filters, ", shuffle", sizeof filters - strlen(filters) - 1);
  if (info->filters.deflate) {
    const size_t used = strlen(filters);
    (void)snprintf(filters + used, sizeof filters - used, ", deflate %d", info->filters.deflate_level);
  }
  if (info->filters.fletcher32) strncat(filters, ", fletcher32", sizeof filters - strlen(filters) - 1);
  if (bound > 0)
    say("numbers", "%s, relative error at most %.2g%s", nrf_record_number_name(info->format.number), bound,
        filters);
  else
    say("numbers", "%s%s", nrf_record_number_name(info->format.number), filters);
}

static void say_series(const nrf_recording_info *info)
{
  for (int l = 0; l < info->n_layers; l++) {
    const nrf_recorded_layer *layer = &info->layer[l];
    say(l == 0 ? "series" : "", "layer %d: %d of %d channels, rows %d to %d and columns %d to %d of %d x %d",
        layer->layer, layer->n_channels, layer->channels, layer->top, layer->top + layer->rows - 1,
        layer->left, layer->left + layer->columns - 1, layer->height, layer->width);
    for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
      if (info->variable[v])
        say("", "  /processing/%s_%d/image_000 ... : %d of [%" PRId64 ", %d, %d, %d]",
            nrf_record_variable_name((nrf_record_variable)v), layer->layer, info->n_images,
            nrf_recording_n_rows(info), layer->n_channels, layer->rows, layer->columns);
  }
}

static int first_variable(const nrf_recording_info *info)
{
  int v = 0;
  while (v < NRF_RECORD_VARIABLES - 1 && !info->variable[v]) v++;
  return v;
}

/* With names that are in this very file. */
static void say_how_to_read(const nrf_recording_info *info, const char *path)
{
  char series[64];
  (void)snprintf(series, sizeof series, "/processing/%s_%d/image_%03d",
                 nrf_record_variable_name((nrf_record_variable)first_variable(info)), info->layer[0].layer,
                 info->image[0].index);
  printf("\nIn Python:\n"
         "  path = \"%s\"\n"
         "  h5py.File(path)[\"%s/data\"][:, 0]  # channel 0: time, row, column\n"
         "  xarray.open_dataset(path, engine=\"h5netcdf\", group=\"%s\")\n"
         "  pynwb.NWBHDF5IO(path, \"r\").read()\n",
         path, series, series);
}

static nrf_status describe_recording(const char *path)
{
  nrf_recording *r = NULL;
  NRF_RETURN_IF_ERROR(nrf_recording_open(path, &r));
  const nrf_recording_info *info = nrf_recording_info_of(r);
  say_how_complete(r, path);
  say_origin(info);
  say_settings(info);
  say_phases(info);
  say_images(info);
  say_format(info);
  say_series(info);
  say_how_to_read(info, path);
  nrf_recording_free(r);
  return NRF_OK;
}

/* ---- extracts ---- */

static int64_t count_sites(const nrf_extract *x, const nrf_sites *sites)
{
  int64_t n = 0;
  for (int b = 0; b < x->images; b++) n += sites[b].count;
  return n;
}

static void say_traces(const nrf_extract *x, const char *what, const nrf_sites *sites)
{
  const int64_t n = count_sites(x, sites) * x->channels;
  if (n > 0) say("", "%" PRId64 " traces of the %s, of %" PRId64 " rows", n, what, x->rows);
}

static void say_what_is_kept(const nrf_extract *x)
{
  const nrf_recorded_layer *layer = x->layer;
  say("layer", "%d: %d of %d channels, rows %d to %d and columns %d to %d of %d x %d", layer->layer,
      layer->n_channels, layer->channels, layer->top, layer->top + layer->rows - 1, layer->left,
      layer->left + layer->columns - 1, layer->height, layer->width);
  say("kept", "mean, variance and Shapiro-Wilk's W of %" PRId64 " traces, during the stimulus and outside it",
      (int64_t)x->channels * x->images * x->height * x->width);
  say_traces(x, "state", x->state_sites);
  say_traces(x, "momentum", x->momentum_sites);
  if (x->n_films > 0)
    say("", "all maps of %d image%s over time, 8 bits", x->n_films, x->n_films == 1 ? "" : "s");
  if (x->traces_not_finite > 0) say("", "%" PRId64 " traces hold a NaN or an infinity", x->traces_not_finite);
}

static nrf_status describe_extract(const char *path)
{
  nrf_extract *x = NULL;
  NRF_RETURN_IF_ERROR(nrf_extract_open(path, &x));
  printf("%s\n", path);
  say("state", "complete: what nrflv-analyze needs of a recording of %" PRId64 " rows", x->rows);
  say_size(path, "extract (HDF5)");
  say_origin(x->info);
  say_settings(x->info);
  say_phases(x->info);
  say_images(x->info);
  say_what_is_kept(x);
  nrf_extract_free(x);
  return NRF_OK;
}

nrf_status nrf_describe(const nrf_settings *settings, const nrf_progress *progress)
{
  (void)progress;
  const char *path = settings->describe;
  return nrf_extract_is_one(path) ? describe_extract(path) : describe_recording(path);
}
