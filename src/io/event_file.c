/* event_file.c - TFRecord framing around protocol buffers written by hand.
 *
 * A record is: length (uint64), masked CRC-32C of those 8 bytes (uint32), the bytes, masked CRC-32C of the
 * bytes (uint32), all little-endian (tensorflow/core/lib/io/record_writer). The bytes are a message Event
 * (tensorflow/core/util/event.proto, framework/summary.proto); the field numbers used are named below. */
#include "nrflv/event_file.h"

#include "io/byte_buffer.h"
#include "io/crc32c.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  EVENT_WALL_TIME    = 1, /* double                        */
  EVENT_STEP         = 2, /* int64                         */
  EVENT_FILE_VERSION = 3, /* string                        */
  EVENT_SUMMARY      = 5, /* Summary                       */

  SUMMARY_VALUE = 1, /* Value                              */

  VALUE_TAG    = 1, /* string                              */
  VALUE_SIMPLE = 2, /* float                               */
  VALUE_HISTO  = 5, /* HistogramProto                      */

  HISTO_MIN         = 1, /* doubles                        */
  HISTO_MAX         = 2,
  HISTO_NUM         = 3,
  HISTO_SUM         = 4,
  HISTO_SUM_SQUARES = 5,
  HISTO_LIMITS      = 6, /* packed doubles                 */
  HISTO_COUNTS      = 7, /* packed doubles                 */
};

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* Bucket limits 1e-12 * 1.1^k below 1e20, their negatives, and 0. */
enum { MAX_LIMITS = 2 * 774 + 1 };

enum { HEADER_BYTES = 12, FLUSH_BYTES = 64 * 1024, HOST_BYTES = 256 };

struct nrf_event_file {
  int        fd;
  char      *path;
  off_t      written;                   /* length of the file: always whole records  */
  nrf_buffer pending;                   /* whole records on their way to it          */
  nrf_buffer summary, value, histogram; /* messages being put together               */
  int        n_limits;
  double     limits[MAX_LIMITS]; /* ascending                                 */
  double     counts[MAX_LIMITS]; /* of values in [limits[i - 1], limits[i])   */
};

/* ---- Protocol buffers ---- */

static void put_u32(nrf_buffer *b, uint32_t value)
{
  value = htole32(value);
  nrf_buffer_put(b, &value, sizeof value);
}

static void put_u64(nrf_buffer *b, uint64_t value)
{
  value = htole64(value);
  nrf_buffer_put(b, &value, sizeof value);
}

static void put_double_bits(nrf_buffer *b, double value)
{
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_u64(b, bits);
}

static void put_varint(nrf_buffer *b, uint64_t value)
{
  do {
    const uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    nrf_buffer_put(b, &byte, 1);
    value >>= 7;
  } while (value != 0);
}

static void put_key(nrf_buffer *b, int field, enum wire wire)
{
  put_varint(b, (uint64_t)field << 3 | wire);
}

static void put_double(nrf_buffer *b, int field, double value)
{
  put_key(b, field, WIRE_64);
  put_double_bits(b, value);
}

static void put_float(nrf_buffer *b, int field, float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(b, field, WIRE_32);
  put_u32(b, bits);
}

static void put_doubles(nrf_buffer *b, int field, const double *values, int count)
{
  put_key(b, field, WIRE_BYTES);
  put_varint(b, (uint64_t)count * sizeof(double));
  for (int i = 0; i < count; i++) put_double_bits(b, values[i]);
}

/* A string or an embedded message. */
static void put_bytes(nrf_buffer *b, int field, const void *bytes, size_t size)
{
  put_key(b, field, WIRE_BYTES);
  put_varint(b, size);
  nrf_buffer_put(b, bytes, size);
}

static size_t varint_size(uint64_t value)
{
  size_t size = 1;
  while (value > 0x7f) value >>= 7, size++;
  return size;
}

/* ---- Records ---- */

/* TensorFlow masks the sums, since a CRC of bytes that contain their own CRC says little. */
static uint32_t masked_crc(const void *bytes, size_t size)
{
  const uint32_t crc = nrf_crc32c(bytes, size);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

static double wall_time(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Frames an Event around one field (`payload` is a string or a Summary). If memory runs out nothing is
 * added. */
static nrf_status add_event(nrf_event_file *file, int64_t step, int field, const void *payload, size_t size)
{
  nrf_buffer  *b     = &file->pending;
  const size_t start = b->used;
  nrf_buffer_put(b, "\0\0\0\0\0\0\0\0\0\0\0\0", HEADER_BYTES); /* filled in below */
  put_double(b, EVENT_WALL_TIME, wall_time());
  put_key(b, EVENT_STEP, WIRE_VARINT);
  put_varint(b, (uint64_t)step);
  put_bytes(b, field, payload, size);

  const size_t   length = b->used - start - HEADER_BYTES;
  const uint64_t framed = htole64(length);
  if (!b->failed) {
    const uint32_t length_crc = htole32(masked_crc(&framed, sizeof framed));
    memcpy(b->bytes + start, &framed, sizeof framed);
    memcpy(b->bytes + start + sizeof framed, &length_crc, sizeof length_crc);
    put_u32(b, masked_crc(b->bytes + start + HEADER_BYTES, length));
  }
  if (b->failed) {
    b->used   = start;
    b->failed = false;
    return nrf_error(NRF_ENOMEM, "%s: cannot add an event", file->path);
  }
  return b->used >= FLUSH_BYTES ? nrf_event_file_flush(file) : NRF_OK;
}

/* Adds an event with a Summary of one Value: `tag` and what else `file->value` holds. */
static nrf_status add_value(nrf_event_file *file, const char *tag, int64_t step)
{
  nrf_buffer  *b        = &file->summary;
  const size_t tag_size = strlen(tag);
  nrf_buffer_clear(b);
  put_key(b, SUMMARY_VALUE, WIRE_BYTES);
  put_varint(b, 1 + varint_size(tag_size) + tag_size + file->value.used);
  put_bytes(b, VALUE_TAG, tag, tag_size);
  nrf_buffer_put(b, file->value.bytes, file->value.used);
  if (b->failed || file->value.failed) return nrf_error(NRF_ENOMEM, "%s: cannot add '%s'", file->path, tag);
  return add_event(file, step, EVENT_SUMMARY, b->bytes, b->used);
}

/* ---- The file ---- */

static nrf_status open_new(nrf_event_file *file, const char *directory)
{
  char         host[HOST_BYTES] = "localhost";
  const size_t size             = strlen(directory) + HOST_BYTES + 128;
  void        *memory           = NULL;

  NRF_RETURN_IF_ERROR(nrf_make_directories(directory));
  NRF_RETURN_IF_ERROR(nrf_alloc(size, directory, &memory));
  file->path = memory;
  if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
    (void)snprintf(host, sizeof host, "localhost");
  /* Two files may start in one second. */
  for (int n = 0; file->fd < 0; n++) {
    (void)snprintf(file->path, size, "%s/events.out.tfevents.%010lld.%s.%ld.%d", directory,
                   (long long)time(NULL), host, (long)getpid(), n);
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->fd < 0 && errno != EEXIST) return nrf_error_errno("%s: cannot create", file->path);
  }
  return NRF_OK;
}

/* The limits of tensorflow::histogram::Histogram, as torch.utils.tensorboard and tensorboardX use them. */
static void fill_limits(nrf_event_file *file)
{
  int    n_positive = 0;
  double v          = 1e-12;
  while (v < 1e20) {
    v *= 1.1;
    n_positive++;
  }
  file->n_limits           = 2 * n_positive + 1;
  file->limits[n_positive] = 0.0;
  v                        = 1e-12;
  for (int i = 1; i <= n_positive; i++, v *= 1.1) {
    file->limits[n_positive + i] = v;
    file->limits[n_positive - i] = -v;
  }
}

static void release(nrf_event_file *file)
{
  if (file == NULL) return;
  if (file->fd >= 0) (void)close(file->fd);
  nrf_buffer_free(&file->pending);
  nrf_buffer_free(&file->summary);
  nrf_buffer_free(&file->value);
  nrf_buffer_free(&file->histogram);
  nrf_free(file->path);
  nrf_free(file);
}

nrf_status nrf_event_file_create(const char *directory, nrf_event_file **out)
{
  nrf_status        st        = NRF_OK;
  nrf_event_file   *file      = NULL;
  void             *memory    = NULL;
  static const char version[] = "brain.Event:2";

  *out = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *file, "event file", &memory));
  file     = memory;
  file->fd = -1;
  fill_limits(file);
  NRF_TRY(open_new(file, directory));
  NRF_TRY(add_event(file, 0, EVENT_FILE_VERSION, version, sizeof version - 1));
  NRF_TRY(nrf_event_file_flush(file));
  *out = file;
  file = NULL;
done:
  if (file != NULL && file->fd >= 0) (void)unlink(file->path);
  release(file);
  return st;
}

const char *nrf_event_file_path(const nrf_event_file *file)
{
  return file->path;
}

nrf_status nrf_event_file_flush(nrf_event_file *file)
{
  nrf_buffer *b = &file->pending;
  size_t      n = 0;
  while (n < b->used) {
    const ssize_t written = pwrite(file->fd, b->bytes + n, b->used - n, file->written + (off_t)n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const nrf_status st = nrf_error_errno("%s: cannot write", file->path);
      /* No half records: for a reader the file would end there. The next attempt overwrites what cannot be
       * cut. */
      const int cut = ftruncate(file->fd, file->written);
      (void)cut;
      return st;
    }
    n += (size_t)written;
  }
  file->written += (off_t)b->used;
  b->used = 0;
  return NRF_OK;
}

nrf_status nrf_event_file_close(nrf_event_file *file)
{
  if (file == NULL) return NRF_OK;
  const nrf_status st = nrf_event_file_flush(file);
  release(file);
  return st;
}

/* ---- Summaries ---- */

nrf_status nrf_event_add_scalar(nrf_event_file *file, const char *tag, int64_t step, double value)
{
  nrf_buffer_clear(&file->value);
  put_float(&file->value, VALUE_SIMPLE, (float)value);
  return add_value(file, tag, step);
}

/* Index of the bucket [limits[i - 1], limits[i]) of a finite value; what lies beyond the ends counts as
 * the ends. */
static int bucket_of(const nrf_event_file *file, double value)
{
  int low = 0, high = file->n_limits - 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (value < file->limits[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

typedef struct moments {
  double  min, max, sum, sum_squares;
  int64_t count, left_out;
} moments;

static moments fill_buckets(nrf_event_file *file, int n_pieces, const nrf_float_span pieces[])
{
  moments m = {.min = DBL_MAX, .max = -DBL_MAX};
  memset(file->counts, 0, sizeof file->counts);
  for (int p = 0; p < n_pieces; p++)
    for (int64_t i = 0; i < pieces[p].count; i++) {
      const double x = (double)pieces[p].data[i];
      if (!isfinite(x)) {
        m.left_out++;
        continue;
      }
      m.count++;
      m.min = x < m.min ? x : m.min;
      m.max = x > m.max ? x : m.max;
      m.sum += x;
      m.sum_squares += x * x;
      file->counts[bucket_of(file, x)] += 1.0;
    }
  return m;
}

nrf_status nrf_event_add_histogram(nrf_event_file *file, const char *tag, int64_t step, int n_pieces,
                                   const nrf_float_span pieces[], int64_t *left_out)
{
  const moments m = fill_buckets(file, n_pieces, pieces);
  if (left_out != NULL) *left_out = m.left_out;
  if (m.count == 0) return NRF_OK;

  /* Only the buckets from the first to the last that are not empty, and an empty one before, whose limit
   * is the left edge of the first. */
  int first = 0, last = file->n_limits - 1;
  while (file->counts[first] == 0.0) first++;
  while (file->counts[last] == 0.0) last--;
  if (first > 0) first--;

  nrf_buffer *h = &file->histogram;
  nrf_buffer_clear(h);
  put_double(h, HISTO_MIN, m.min);
  put_double(h, HISTO_MAX, m.max);
  put_double(h, HISTO_NUM, (double)m.count);
  put_double(h, HISTO_SUM, m.sum);
  put_double(h, HISTO_SUM_SQUARES, m.sum_squares);
  put_doubles(h, HISTO_LIMITS, file->limits + first, last - first + 1);
  put_doubles(h, HISTO_COUNTS, file->counts + first, last - first + 1);
  nrf_buffer_clear(&file->value);
  put_bytes(&file->value, VALUE_HISTO, h->bytes, h->used);
  if (h->failed) return nrf_error(NRF_ENOMEM, "%s: cannot add '%s'", file->path, tag);
  return add_value(file, tag, step);
}
