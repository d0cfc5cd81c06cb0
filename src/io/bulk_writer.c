/* bulk_writer.c - Linux's own asynchronous writes, handed over and taken back many at a time by a single thread. (Threads that
 * each wait for one write reach the same speed with three times the processor time.) */
#include "io/bulk_writer.h"

#include "nrflv/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  PAGE  = NRF_BULK_PAGE,
  DEPTH = 256, /* requests under way: as many as Linux queues for a disk by default                      */
  BATCH = 64,  /* handed over and taken back together: one wake-up of the disk and of us for all of them */
  LEAST_BYTES =
      2 * PAGE, /* of a request: single pages cost the disk more than the copy costs us              */
  TRIAL = 1024, /* requests after which the disk is judged                                           */
};

typedef struct request {
  int64_t     place;
  const char *bytes;
  size_t      size;
} request;

/* A request's slot is idle, or waits in `batch`, or is under way. */
struct nrf_bulk_writer {
  int           fd, direct_fd; /* direct_fd -1: there is no queue either */
  const char   *path;
  aio_context_t queue;
  bool          direct;
  request       slot[DEPTH];
  struct iocb   control[DEPTH];
  int           idle[DEPTH], n_idle;
  struct iocb  *batch[BATCH];
  int           n_batch, n_under_way;
  nrf_status    failed; /* since the last settling */

  /* the trial that is on: */
  double  least_rate, since, seconds; /* since: negative while nothing is under way */
  int64_t bytes;
  int     n_done;
};

static double now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the plain way ---- */

static nrf_status write_plain(const nrf_bulk_writer *w, int64_t place, const char *bytes, size_t size)
{
  while (size > 0) {
    const ssize_t n = pwrite(w->fd, bytes, size, (off_t)place);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return nrf_error_errno("%s: cannot write", w->path);
    bytes += n;
    place += n;
    size -= (size_t)n;
  }
  return NRF_OK;
}

/* What a request left over goes the plain way, and all that follows: either that works, or it says what is wrong. */
static void complete(nrf_bulk_writer *w, int slot, int64_t result)
{
  const request *r     = &w->slot[slot];
  const size_t   done  = result > 0 ? (size_t)result : 0;
  w->idle[w->n_idle++] = slot;
  if (done >= r->size) return;
  w->direct = false;
  if (w->failed == NRF_OK)
    w->failed = write_plain(w, r->place + (int64_t)done, r->bytes + done, r->size - done);
}

/* ---- judging the disk ---- */

static void stop_clock(nrf_bulk_writer *w)
{
  if (w->since >= 0) w->seconds += now() - w->since;
  w->since = -1;
}

static void judge(nrf_bulk_writer *w)
{
  if (w->n_done < TRIAL) return;
  stop_clock(w);
  if ((double)w->bytes < w->least_rate * w->seconds) w->direct = false;
  w->n_done  = 0;
  w->bytes   = 0;
  w->seconds = 0;
  if (w->n_under_way > 0) w->since = now();
}

/* ---- the queue ---- */

/* Not known to happen. Closing the queue waits for what is under way. */
static void give_up(nrf_bulk_writer *w)
{
  if (w->failed == NRF_OK) w->failed = nrf_error_errno("%s: cannot wait for writes", w->path);
  (void)syscall(SYS_io_destroy, w->queue);
  w->direct      = false;
  w->n_under_way = 0;
}

/* Waits until at least so many requests are completed. */
static void take_back(nrf_bulk_writer *w, int at_least)
{
  struct io_event event[BATCH];
  const int       wanted = at_least < w->n_under_way ? at_least : w->n_under_way;
  for (int n = 0; n < wanted;) {
    const long got = syscall(SYS_io_getevents, w->queue, (long)(wanted - n < BATCH ? wanted - n : BATCH),
                             (long)BATCH, event, NULL);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      give_up(w);
      return;
    }
    for (long i = 0; i < got; i++) {
      w->bytes += (int64_t)w->slot[event[i].data].size;
      complete(w, (int)event[i].data, event[i].res);
    }
    w->n_under_way -= (int)got;
    w->n_done += (int)got;
    n += (int)got;
  }
  if (w->n_under_way == 0) stop_clock(w);
  judge(w);
}

static void hand_over(nrf_bulk_writer *w)
{
  for (int n = 0; n < w->n_batch;) {
    const long taken = syscall(SYS_io_submit, w->queue, (long)(w->n_batch - n), w->batch + n);
    if (taken > 0) {
      if (w->since < 0) w->since = now();
      w->n_under_way += (int)taken;
      n += (int)taken;
    } else if ((errno == EAGAIN || errno == EINTR) && w->n_under_way > 0) {
      take_back(w, 1);
    } else {
      complete(w, (int)w->batch[n++]->aio_data, 0);
    }
  }
  w->n_batch = 0;
}

static void enqueue(nrf_bulk_writer *w, int64_t place, const char *bytes, size_t size)
{
  if (w->n_idle == 0) take_back(w, BATCH);
  if (w->n_idle == 0) return; /* given up */
  const int slot         = w->idle[--w->n_idle];
  w->slot[slot]          = (request){place, bytes, size};
  w->control[slot]       = (struct iocb){.aio_data       = (uint64_t)slot,
                                         .aio_lio_opcode = IOCB_CMD_PWRITE,
                                         .aio_fildes     = (uint32_t)w->direct_fd,
                                         .aio_buf        = (uint64_t)(uintptr_t)bytes,
                                         .aio_nbytes     = size,
                                         .aio_offset     = place};
  w->batch[w->n_batch++] = &w->control[slot];
  if (w->n_batch == BATCH || w->n_idle == 0) hand_over(w);
}

/* ---- life ---- */

static void open_queue(nrf_bulk_writer *w)
{
  w->direct_fd = open(w->path, O_WRONLY | O_CLOEXEC | O_DIRECT);
  if (w->direct_fd < 0) return;
  w->direct = syscall(SYS_io_setup, (unsigned)DEPTH, &w->queue) == 0;
  if (w->direct) return;
  (void)close(w->direct_fd);
  w->direct_fd = -1;
}

nrf_status nrf_bulk_create(int fd, const char *path, double least_rate, nrf_bulk_writer **out)
{
  nrf_bulk_writer *w = NULL;
  *out               = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *w, path, (void **)&w));
  w->fd         = fd;
  w->direct_fd  = -1;
  w->path       = path;
  w->least_rate = least_rate;
  w->since      = -1;
  w->n_idle     = DEPTH;
  for (int i = 0; i < DEPTH; i++) w->idle[i] = i;
  open_queue(w);
  *out = w;
  return NRF_OK;
}

void nrf_bulk_free(nrf_bulk_writer *w)
{
  if (w == NULL) return;
  if (w->direct_fd >= 0) {
    (void)syscall(SYS_io_destroy, w->queue); /* waits */
    (void)close(w->direct_fd);
  }
  nrf_free(w);
}

bool nrf_bulk_is_direct(const nrf_bulk_writer *w)
{
  return w->direct;
}

/* ---- writing ---- */

/* Whole pages are lent; what stands before and after them is written. */
static nrf_status write_direct(nrf_bulk_writer *w, int64_t place, const char *bytes, size_t head,
                               size_t pages, size_t tail)
{
  const size_t end = head + pages;
  enqueue(w, place + (int64_t)head, bytes + head, pages);
  NRF_RETURN_IF_ERROR(w->failed);
  NRF_RETURN_IF_ERROR(write_plain(w, place, bytes, head));
  return write_plain(w, place + (int64_t)end, bytes + end, tail);
}

nrf_status nrf_bulk_write(nrf_bulk_writer *w, int64_t place, const void *bytes, size_t size)
{
  const size_t head  = (size_t)(-place & (PAGE - 1));
  const size_t pages = size > head ? (size - head) / PAGE * PAGE : 0;
  const bool   fits  = (((uintptr_t)bytes ^ (uint64_t)place) & (PAGE - 1)) == 0;
  if (w->failed != NRF_OK) return w->failed;
  w->failed = w->direct && fits && pages >= LEAST_BYTES
                  ? write_direct(w, place, bytes, head, pages, size - head - pages)
                  : write_plain(w, place, bytes, size);
  return w->failed;
}

void nrf_bulk_wait(nrf_bulk_writer *w)
{
  if (w->n_batch > 0) hand_over(w);
  take_back(w, w->n_under_way);
}

nrf_status nrf_bulk_settle(nrf_bulk_writer *w)
{
  nrf_bulk_wait(w);
  const nrf_status st = w->failed;
  w->failed           = NRF_OK;
  return st;
}
