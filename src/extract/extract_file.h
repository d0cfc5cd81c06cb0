/* extract_file.h - the file of an extract: laid out completely before the pass, as recordings are, so that it is written with
 * plain writes at known places and can be taken up again at any moment. */
#ifndef NRFLV_EXTRACT_FILE_H
#define NRFLV_EXTRACT_FILE_H

#include "extract_plan.h"
#include "map_statistics.h"

#include "io/recording_header.h"
#include "nrflv/h5_file.h"

enum { NRF_STATISTIC_MEAN, NRF_STATISTIC_VARIANCE, NRF_STATISTIC_ONE_MINUS_W, NRF_STATISTICS };
enum { NRF_SHOWS = NRF_SHOWS_STIMULUS + 1 };

/* The data sets that have a place, by number; those without elements are not in the file. */
enum {
  NRF_ITEM_DONE,       /* [images] 1 once an image is complete     */
  NRF_ITEM_NOT_FINITE, /* [images, channels] traces                */
  NRF_ITEM_STATISTIC,  /* + span * NRF_STATISTICS + statistic      */
  NRF_ITEM_TRACES =
      NRF_ITEM_STATISTIC + NRF_SPANS * NRF_STATISTICS, /* + kept                                   */
  NRF_ITEM_FILM_GREY = NRF_ITEM_TRACES + NRF_KEPT,     /* + film                                   */
  NRF_ITEM_FILM_LOW =
      NRF_ITEM_FILM_GREY + NRF_EXTRACT_MAX_FILMS, /* + film                                   */
  NRF_ITEM_FILM_HIGH =
      NRF_ITEM_FILM_LOW + NRF_EXTRACT_MAX_FILMS, /* + film                                   */
  NRF_ITEM_PICTURES =
      NRF_ITEM_FILM_HIGH + NRF_EXTRACT_MAX_FILMS, /* + nrf_recording_shows                    */
  NRF_ITEMS = NRF_ITEM_PICTURES + NRF_SHOWS,
};

typedef struct nrf_extract_item {
  const char  *path, *description;
  nrf_h5_type  type;
  nrf_h5_shape shape;
  int64_t      elements; /* 0: not in the file */
  int64_t      size;     /* bytes of an element */
} nrf_extract_item;

/* pictures: which of them there are. */
nrf_extract_item nrf_extract_item_of(const nrf_extract_plan *plan, const nrf_recording_info *info,
                                     const bool pictures[NRF_SHOWS], int number);

/* What an extract says of itself, and where everything is. */
typedef struct nrf_extract_head {
  nrf_recording_header header; /* the recording's: owns the info */
  nrf_extract_plan     plan;
  char                *origin_path, *identity;
  int64_t              origin_bytes, origin_modified_ns;
  nrf_extract_item     item[NRF_ITEMS];
  int64_t              address[NRF_ITEMS];
} nrf_extract_head;

/* Lays out a new file at `path`, in place of what is there. */
NRF_MUST_CHECK nrf_status nrf_extract_lay_out(const char *path, const nrf_trace_source *source,
                                              const nrf_extract_plan *plan);

/* Reads the head of a file; all items lie within it. Free it, also after a failure. */
NRF_MUST_CHECK nrf_status nrf_extract_read_head(const char *path, nrf_extract_head *out);
void                      nrf_extract_free_head(nrf_extract_head *head);

bool nrf_extract_same_origin(const nrf_extract_origin *a, const nrf_extract_origin *b);

/* ---- Writing ---- */

typedef struct nrf_extract_writer nrf_extract_writer;

/* Opens `<path>.partial`: the one that is there if it is of this source, otherwise a new one. NRF_EINVAL while somebody else
 * has it open. */
NRF_MUST_CHECK nrf_status nrf_extract_writer_open(const char *path, const nrf_trace_source *source,
                                                  const nrf_extract_plan *plan, const nrf_progress *progress,
                                                  nrf_extract_writer **out);
void nrf_extract_writer_free(nrf_extract_writer *w); /* the partial file stays; NULL is fine */

/* Whether an image was marked. */
bool nrf_extract_has_image(const nrf_extract_writer *w, int image);

/* Writes elements of an item. Any number of threads may write at once. */
NRF_MUST_CHECK nrf_status nrf_extract_write(const nrf_extract_writer *w, int item, int64_t first,
                                            int64_t count, const void *data);

/* Sees that everything that was written is on the disk, then marks the images of which finished[image]. */
NRF_MUST_CHECK nrf_status nrf_extract_mark(nrf_extract_writer *w, const bool *finished);

/* Puts the file at its path. */
NRF_MUST_CHECK nrf_status nrf_extract_finish(nrf_extract_writer *w);

#endif
