/* formats.c - one recording in every number format, packed with every set of filters.
 *
 * The steps are read back and go through a recorder again, so that copying, writing and packing are the program's own. */
#include "bench.h"

#include "nrflv/memory.h"
#include "nrflv/recorder.h"

#include <omp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const nrf_record_format formats[] = {
    {.number = NRF_RECORD_FLOAT32},
    {.number = NRF_RECORD_FLOAT16},
    {.number = NRF_RECORD_ROUNDED, .mantissa_bits = 10},
    {.number = NRF_RECORD_ROUNDED, .mantissa_bits = 7},
};

static const struct filter_set {
  const char        *name;
  nrf_record_filters filters;
} filter_sets[] = {
    {"none", {0}},
    {"fletcher32", {.fletcher32 = true}},
    {"shuffle", {.shuffle = true}},
    {"deflate 1", {.deflate = true, .deflate_level = 1}},
    {"shuffle, deflate 1", {.shuffle = true, .deflate = true, .deflate_level = 1}},
    {"shuffle, deflate 4", {.shuffle = true, .deflate = true, .deflate_level = 4}},
    {"shuffle, deflate 9", {.shuffle = true, .deflate = true, .deflate_level = 9}},
    {"shuffle, deflate 4, fletcher32",
     {.shuffle = true, .deflate = true, .fletcher32 = true, .deflate_level = 4}},
};

enum {
  FORMATS     = sizeof formats / sizeof formats[0],
  FILTER_SETS = sizeof filter_sets / sizeof filter_sets[0],
  PATH_BYTES  = 1024,
};

/* ---- reading a step back ---------------------------------------------------------------------------- */

typedef struct source {
  nrf_recording *file;
  nrf_states    *states[NRF_RECORD_VARIABLES]; /* of the whole field; what is not recorded is 0 */
  float         *maps;                         /* of one step of one image                      */
  uint8_t       *picture[NRF_SHOWS_STIMULUS + 1];
} source;

/* What the images showed, which the copies have to say as well. */
static nrf_status read_pictures(source *s)
{
  const nrf_recording_info     *info = nrf_recording_info_of(s->file);
  const nrf_recording_pictures *p    = &info->pictures;
  const int64_t                 size = (int64_t)p->channels * p->height * p->width;
  for (int k = 0; k < info->n_phases; k++) {
    const nrf_recording_shows which = info->phase[k].shows;
    const int                 n     = which == NRF_SHOWS_BLANK ? 1 : info->n_images;
    if (s->picture[which] != NULL) continue;
    NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(n * size), "pictures", (void **)&s->picture[which]));
    for (int i = 0; i < n; i++)
      NRF_RETURN_IF_ERROR(nrf_recording_read_picture(s->file, which, i, s->picture[which] + i * size));
  }
  return NRF_OK;
}

static nrf_status open_source(const char *path, source *s)
{
  nrf_layer_size size[NRF_MAX_LAYERS];
  int64_t        most = 0;
  NRF_RETURN_IF_ERROR(nrf_recording_open(path, &s->file));
  const nrf_recording_info *info = nrf_recording_info_of(s->file);
  if (nrf_recording_is_partial(s->file) || info->format.number != NRF_RECORD_FLOAT32)
    return nrf_error(NRF_EINVAL, "%s: a complete recording in float32 is needed", path);
  for (int l = 0; l < NRF_MAX_LAYERS; l++) size[l] = (nrf_layer_size){1, 1, 1};
  for (int l = 0; l < info->n_layers; l++) {
    const nrf_recorded_layer *layer = &info->layer[l];
    if (layer->layer >= NRF_MAX_LAYERS) return nrf_error(NRF_EINVAL, "%s: layer %d", path, layer->layer);
    size[layer->layer]  = (nrf_layer_size){layer->channels, layer->height, layer->width};
    const int64_t count = nrf_layer_units(size[layer->layer]);
    if (count > most) most = count;
  }
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(most, "maps", &s->maps));
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    if (info->variable[v])
      NRF_RETURN_IF_ERROR(nrf_states_create(NRF_MAX_LAYERS, size, info->batch, &s->states[v]));
  return read_pictures(s);
}

static void close_source(source *s)
{
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) nrf_states_free(s->states[v]);
  for (int k = 0; k <= NRF_SHOWS_STIMULUS; k++) nrf_free(s->picture[k]);
  nrf_free(s->maps);
  nrf_recording_free(s->file);
}

/* One image's maps to where the sampler has them. */
static void place_maps(const nrf_recorded_layer *l, const float *maps, float *image)
{
  for (int c = 0; c < l->n_channels; c++)
    for (int y = 0; y < l->rows; y++)
      for (int x = 0; x < l->columns; x++)
        image[((int64_t)(l->top + y) * l->width + l->left + x) * l->channels + l->channel[c]] = *maps++;
}

static nrf_status read_row(source *s, int64_t row)
{
  const nrf_recording_info *info = nrf_recording_info_of(s->file);
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) {
    for (int l = 0; info->variable[v] && l < info->n_layers; l++) {
      const nrf_recorded_layer *layer = &info->layer[l];
      nrf_recording_block       block = nrf_recording_whole(s->file, l);
      block.first_row = row, block.n_rows = 1;
      for (int i = 0; i < info->n_images; i++) {
        const int64_t units = nrf_layer_units(s->states[v]->size[layer->layer]);
        NRF_RETURN_IF_ERROR(nrf_recording_read(s->file, (nrf_record_variable)v, l, i, block, s->maps));
        place_maps(layer, s->maps, s->states[v]->data[layer->layer] + info->image[i].index * units);
      }
    }
  }
  return NRF_OK;
}

/* ---- recording it again ------------------------------------------------------------------------------- */

typedef struct figures {
  double  recording, packing; /* seconds */
  int64_t bytes;              /* of the finished file */
} figures;

/* Every row; only what the recorder takes counts, not reading. */
static nrf_status push_all(source *s, nrf_recorder *recorder, double *seconds)
{
  const nrf_recording_info *info = nrf_recording_info_of(s->file);
  const nrf_states         *states[NRF_RECORD_VARIABLES];
  double                    start = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) states[v] = s->states[v];
  *seconds = 0;
  for (int64_t row = 0; row < nrf_recording_n_rows(info); row++) {
    NRF_RETURN_IF_ERROR(read_row(s, row));
    start = seconds_now();
    NRF_RETURN_IF_ERROR(nrf_recorder_push(recorder, row * info->stride, states));
    *seconds += seconds_now() - start;
  }
  start               = seconds_now();
  const nrf_status st = nrf_recorder_drain(recorder);
  *seconds += seconds_now() - start;
  return st;
}

static nrf_status size_of_file(const char *path, int64_t *bytes)
{
  struct stat status;
  if (stat(path, &status) != 0) return nrf_error_errno("%s: cannot be looked at", path);
  *bytes = status.st_size;
  return NRF_OK;
}

static nrf_status record_as(source *s, nrf_record_format format, nrf_record_filters filters,
                            const char *folder, const nrf_recorder_config *config, figures *out)
{
  nrf_status            st       = NRF_OK;
  nrf_recording_writer *writer   = NULL;
  nrf_recorder         *recorder = NULL;
  nrf_recording_info    info     = *nrf_recording_info_of(s->file);
  char                  partial[PATH_BYTES], final[PATH_BYTES];
  info.format            = format;
  info.filters           = filters;
  info.pictures.blank    = s->picture[NRF_SHOWS_BLANK];
  info.pictures.burn_in  = s->picture[NRF_SHOWS_BURN_IN];
  info.pictures.stimulus = s->picture[NRF_SHOWS_STIMULUS];
  if (snprintf(partial, sizeof partial, "%s/bench_recorder-%ld.partial.nwb", folder, (long)getpid()) >=
      PATH_BYTES)
    return nrf_error(NRF_EINVAL, "%s: the path is too long", folder);
  (void)snprintf(final, sizeof final, "%s/bench_recorder-%ld.nwb", folder, (long)getpid());
  NRF_TRY(nrf_recording_create(partial, &info, true, &writer));
  NRF_TRY(nrf_recorder_create(writer, config, &recorder));
  NRF_TRY(push_all(s, recorder, &out->recording));
  const double start = seconds_now();
  NRF_TRY(nrf_recording_finish(writer, final, NULL));
  out->packing = seconds_now() - start;
  NRF_TRY(size_of_file(final, &out->bytes));
done:
  nrf_recorder_free(recorder);
  nrf_recording_writer_free(writer);
  (void)unlink(partial);
  (void)unlink(final);
  return st;
}

static void print_name(nrf_record_format format, char name[32])
{
  if (format.number == NRF_RECORD_ROUNDED)
    (void)snprintf(name, 32, "rounded to %d bits", format.mantissa_bits);
  else
    (void)snprintf(name, 32, "%s", nrf_record_number_name(format.number));
}

nrf_status bench_formats(const char *recording, const char *folder, const nrf_settings *settings)
{
  nrf_status                st     = NRF_OK;
  source                    s      = {0};
  const nrf_recorder_config config = {.memory        = (size_t)(settings->record_memory * (1 << 30)),
                                      .flush_seconds = settings->record_flush,
                                      .threads       = omp_get_max_threads()};
  NRF_TRY(open_source(recording, &s));
  const double full = (double)nrf_recording_data_bytes(nrf_recording_info_of(s.file));
  printf("%s: %.1f MB of float32, %d threads; speeds in MB of float32 per second\n", recording, full / 1e6,
         omp_get_max_threads());
  printf("%-20s %-32s %10s %8s %12s %12s\n", "format", "filters", "size, MB", "of full", "recording",
         "finishing");
  for (int f = 0; f < FORMATS; f++) {
    for (int k = 0; k < FILTER_SETS; k++) {
      figures got;
      char    name[32];
      NRF_TRY(record_as(&s, formats[f], filter_sets[k].filters, folder, &config, &got));
      print_name(formats[f], name);
      printf("%-20s %-32s %10.1f %7.1f%% %12.0f %12.0f\n", name, filter_sets[k].name, (double)got.bytes / 1e6,
             100 * (double)got.bytes / full, full / got.recording / 1e6, full / got.packing / 1e6);
      (void)fflush(stdout);
    }
  }
done:
  close_source(&s);
  return st;
}
