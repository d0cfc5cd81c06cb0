/* h5_sink.c - the file driver of h5_sink.h. */
#include "io/h5_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0) /* drivers moved to a header of their own, with two more fields */
#include <H5FDdevelop.h>
#endif

/* HDF5 copies what a file access list carries, so it carries a pointer. */
typedef struct sink_info {
  nrf_h5_sink *sink;
} sink_info;

typedef struct sink_file {
  H5FD_t       base; /* HDF5's part, which has to come first                             */
  nrf_h5_sink *sink;
  haddr_t      eoa; /* end of what HDF5 has allocated                                    */
  haddr_t      eof; /* end of what it believes it has written                            */
} sink_file;

static const haddr_t MAX_ADDRESS = (haddr_t)INT64_MAX;

static void remember_failure(nrf_h5_sink *sink)
{
  if (sink->failed == 0) sink->failed = errno != 0 ? errno : EIO;
}

static H5FD_t *sink_open(const char *name, unsigned flags, hid_t access, haddr_t max_address)
{
  (void)name, (void)flags, (void)max_address;
  const sink_info *info = H5Pget_driver_info(access);
  sink_file       *file = info != NULL ? calloc(1, sizeof *file) : NULL;
  if (file != NULL) file->sink = info->sink;
  return (H5FD_t *)file;
}

static herr_t sink_close(H5FD_t *base)
{
  free(base);
  return 0;
}

/* What HDF5's own driver for plain files says of itself. */
static herr_t sink_query(const H5FD_t *base, unsigned long *features)
{
  (void)base;
  *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
              H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t sink_get_eoa(const H5FD_t *base, H5FD_mem_t type)
{
  (void)type;
  return ((const sink_file *)base)->eoa;
}

static herr_t sink_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address)
{
  (void)type;
  ((sink_file *)base)->eoa = address;
  return 0;
}

static haddr_t sink_get_eof(const H5FD_t *base, H5FD_mem_t type)
{
  (void)type;
  return ((const sink_file *)base)->eof;
}

/* Past the end of the file stands what HDF5 has allocated and not written yet: zeros. */
static herr_t sink_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                        void *buffer)
{
  (void)type, (void)transfer;
  nrf_h5_sink *sink = ((sink_file *)base)->sink;
  char        *next = buffer;
  while (size > 0) {
    const ssize_t n = pread(sink->fd, next, size, (off_t)address);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) remember_failure(sink);
    if (n <= 0) break;
    next += n;
    address += (haddr_t)n;
    size -= (size_t)n;
  }
  memset(next, 0, size);
  return 0;
}

static herr_t sink_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                         const void *buffer)
{
  (void)type, (void)transfer;
  sink_file  *file = (sink_file *)base;
  const char *next = buffer;
  if (file->eof < address + size) file->eof = address + size;
  while (size > 0 && file->sink->failed == 0) {
    const ssize_t n = pwrite(file->sink->fd, next, size, (off_t)address);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      remember_failure(file->sink);
      break;
    }
    next += n;
    address += (haddr_t)n;
    size -= (size_t)n;
  }
  return 0;
}

/* Brings the file to the length that HDF5 has written into it. */
static herr_t sink_truncate(H5FD_t *base, hid_t transfer, hbool_t closing)
{
  (void)transfer, (void)closing;
  sink_file *file = (sink_file *)base;
  if (file->eof != file->eoa && file->sink->failed == 0 && ftruncate(file->sink->fd, (off_t)file->eoa) != 0)
    remember_failure(file->sink);
  file->eof = file->eoa;
  return 0;
}

herr_t nrf_h5_sink_use(nrf_h5_sink *sink, hid_t access)
{
  const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value   = H5_VFD_RESERVED,
#endif
    .name      = "nrflv_sink",
    .maxaddr   = MAX_ADDRESS,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(sink_info),
    .open      = sink_open,
    .close     = sink_close,
    .query     = sink_query,
    .get_eoa   = sink_get_eoa,
    .set_eoa   = sink_set_eoa,
    .get_eof   = sink_get_eof,
    .read      = sink_read,
    .write     = sink_write,
    .truncate  = sink_truncate,
    .fl_map    = H5FD_FLMAP_DICHOTOMY,
  };
  const sink_info info   = {sink};
  const hid_t     id     = H5FDregister(&driver);
  const herr_t    result = id < 0 ? -1 : H5Pset_driver(access, id, &info);
  /* The list, and later the file, hold the driver for as long as they need it. */
  if (id >= 0) (void)H5FDunregister(id);
  return result;
}
