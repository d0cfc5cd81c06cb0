/* trace_source.c - a recording on the disk as a source of traces. */
#include "nrflv/extract.h"

#include "io/recording_reader.h"
#include "nrflv/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct recording_source {
  nrf_recording *recording;
  char          *path;
  char           identity[NRF_RECORDING_HASH_BYTES];
} recording_source;

static nrf_status read_block(void *context, nrf_record_variable variable, int layer, int image,
                             nrf_recording_block block, float *out)
{
  recording_source *s = context;
  return nrf_recording_read(s->recording, variable, layer, image, block, out);
}

static nrf_status read_picture(void *context, nrf_recording_shows which, int image, uint8_t *out)
{
  recording_source *s = context;
  return nrf_recording_read_picture(s->recording, which, image, out);
}

static void close_recording(void *context)
{
  recording_source *s = context;
  if (s == NULL) return;
  nrf_recording_free(s->recording);
  free(s->path);
  nrf_free(s);
}

static nrf_status check_complete(const char *path, const nrf_recording *r)
{
  const nrf_recording_info *info = nrf_recording_info_of(r);
  if (!nrf_recording_is_partial(r)) return NRF_OK;
  return nrf_error(NRF_EFORMAT,
                   "%s: was cut short after %lld of %lld steps: record it to its end first, with the command "
                   "that began it",
                   path, (long long)(nrf_recording_rows(r) * info->stride), (long long)info->n_steps);
}

nrf_status nrf_trace_source_open(const char *path, nrf_trace_source *out)
{
  nrf_status        st     = NRF_OK;
  void             *memory = NULL;
  recording_source *s      = NULL;
  struct stat       file;
  memset(out, 0, sizeof *out);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *s, path, &memory));
  s = memory;
  NRF_TRY(nrf_recording_open(path, &s->recording));
  NRF_TRY(check_complete(path, s->recording));
  if (stat(path, &file) != 0) {
    st = nrf_error_errno("%s: cannot look at", path);
    goto done;
  }
  NRF_TRY(nrf_recording_identify(path, nrf_recording_header_of(s->recording), s->identity));
  s->path = realpath(path, NULL);
  if (s->path == NULL) {
    st = nrf_error_errno("%s: cannot find its place", path);
    goto done;
  }
  *out = (nrf_trace_source){
      .info    = nrf_recording_info_of(s->recording),
      .origin  = {s->path, file.st_size, (int64_t)file.st_mtim.tv_sec * 1000000000 + file.st_mtim.tv_nsec,
                  s->identity},
      .context = s,
      .read    = read_block,
      .read_picture = read_picture,
      .close        = close_recording,
  };
  s = NULL;
done:
  close_recording(s);
  return st;
}

void nrf_trace_source_close(nrf_trace_source *source)
{
  if (source->close != NULL) source->close(source->context);
  memset(source, 0, sizeof *source);
}
