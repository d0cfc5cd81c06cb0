/* extract.h - from a recording to what the analyses need of it (analysis.md sections 1, 3.1, 6): an extract file, about 1/75 of
 * the recording of the states, made in one pass.
 *
 * It holds, of the first recorded latent layer,
 *   - everything that the recording says besides the numbers (recording.h: nrf_recording_info), its pictures included;
 *   - statistics of every trace, during the stimulus and outside it;
 *   - the traces that later analyses read, which depend on what kind of experiment it is (below: "what is kept");
 *   - films: whole maps over all time, 8 bits, of two images of some experiments.
 *
 * Positions. c, b, h and w count within the recording: c the recorded channels (their numbers in the layer: layer->channel[c]), b
 * the recorded images (their stimuli: info->image[b], never anything computed from b), h and w the rows and columns of
 * the recorded region (in the layer's map: layer->top + h, layer->left + w). In a recording of everything they are the numbers
 * themselves. Time is counted in rows of the recording: row t is the sampler's step t * info->stride.
 *
 * Files are not trusted. An open extract is a mapped file: it takes memory only for what is looked at, may be read by
 * many threads at once, and does not touch HDF5 after it was opened. */
#ifndef NRFLV_EXTRACT_H
#define NRFLV_EXTRACT_H

#include "nrflv/progress.h"
#include "nrflv/recording.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- What kind of experiment: from the stimulus set (analysis.md 1.1) ---- */

typedef enum nrf_experiment_kind {
  NRF_KIND_PRIM,  /* contrast x angle, "single/contrast_and_angle"                    */
  NRF_KIND_ANG,   /* many angles, "single/just_angle"                                 */
  NRF_KIND_FEW,   /* few angles, repeated, "single/just_angle_few_angles"             */
  NRF_KIND_DBL,   /* two patches, "double/fewlocs_and_fewerangles"                    */
  NRF_KIND_LONG,  /* long bars, "single/long_just_fewangles"                          */
  NRF_KIND_OTHER, /* another set: statistics, and the traces of the centre            */
  NRF_KINDS
} nrf_experiment_kind;

typedef struct nrf_experiment_kind_row {
  const char *name;          /* "PRIM"                                                           */
  const char *key;           /* in names of results: "primary", "just_angles", ...               */
  const char *stimulus_set;  /* "single/contrast_and_angle"; NULL for OTHER                      */
  bool        uses_momentum; /* whether analyses read momenta of it                              */
} nrf_experiment_kind_row;

const nrf_experiment_kind_row *nrf_experiment_kind_info(nrf_experiment_kind kind);

/* NRF_KIND_OTHER for a set that is not one of the five. */
nrf_experiment_kind nrf_experiment_kind_of(const nrf_recording_info *info);

/* ---- Windows: rows [first, first + count), possibly none (analysis.md 1.3) ---- */

typedef enum nrf_window_name {
  NRF_WINDOW_BURN, /* burn-in                          */
  NRF_WINDOW_PRE,  /* blank, before the stimulus       */
  NRF_WINDOW_DUR,  /* the stimulus; never empty        */
  NRF_WINDOW_POST, /* blank, after the stimulus        */
  NRF_WINDOWS
} nrf_window_name;

typedef struct nrf_window {
  int64_t first, count;
} nrf_window;

/* ---- Statistics of the traces: each array is [channels][images][height][width], nrf_extract_at() its index ---- */

/* NaN of a trace that is not finite somewhere in the span. */
typedef struct nrf_trace_statistics {
  int64_t n; /* samples of each trace */

  const double *mean;

  /* Denominator n - 1; exactly 0 if all values are equal; NaN if n < 2. */
  const double *variance;

  /* Shapiro-Wilk: 1 - W, which keeps the digits that W near 1 loses. 0 if all values are equal; NaN if n < 3. Its
   * probability: nrflv/shapiro_wilk.h. */
  const double *one_minus_w;
} nrf_trace_statistics;

/* ---- What is kept ---- */

/* Places of the map whose traces, of all channels, are in the extract: for image b, extract->state_sites[b], or
 * momentum_sites[b], ordered by h, then w. Sites that were not recorded are left out. c.: the centre.
 *
 *              state                                  momentum, if it was recorded
 *   PRIM       the 3 x 3 patch around c.              c., of one image: largest angle, largest contrast
 *   ANG, FEW   c.                                     -
 *   DBL        c. and the mobile patch's place        -
 *   LONG       places along the bar (analysis.md 1.7) c.
 *   OTHER      c.                                     -                                                   */
typedef struct nrf_site {
  int h, w;
} nrf_site;

typedef struct nrf_sites {
  int             count;
  const nrf_site *site;
} nrf_sites;

/* The map of each channel of one image over all rows, as grey values (analysis.md 3.4): 255 (x - low) / (high - low), rounded
 * down, in single precision; low and high are the channel's over all rows and places, NaN and infinities apart (which become 0).
 * ANG: the images whose angles are nearest 0 and pi / 2. LONG: one of those of angle 0, one of angle pi. */
typedef struct nrf_film {
  int            image;      /* b                                     */
  const uint8_t *grey;       /* [channels][rows][height][width]       */
  const float   *low, *high; /* [channels]                       */
} nrf_film;

enum { NRF_EXTRACT_MAX_FILMS = 2 };

/* ---- The extract ---- */

/* Which recording it was made from. */
typedef struct nrf_extract_origin {
  const char *path;        /* of the recording; it need not be there any more                             */
  int64_t     bytes;       /* its size and ...                                                            */
  int64_t     modified_ns; /* ... when it was last modified, ns since 1970                                */
  const char *identity;    /* 32 hexadecimal digits that depend on everything the recording says of itself */
} nrf_extract_origin;

/* Everything in it is the extract's, and not to be changed. */
typedef struct nrf_extract {
  const nrf_recording_info *info; /* of the recording; pictures: see nrf_extract_picture   */
  nrf_experiment_kind       kind;
  nrf_extract_origin        origin;

  const nrf_recorded_layer *layer; /* the one that is analysed                                     */
  int     channels, images;        /* recorded                                                     */
  int     height, width;           /* of the recorded region                                       */
  int64_t rows;                    /* of each trace                                                */
  double  ms_per_row;              /* of biological time; the sampling rate is 1000 / ms_per_row Hz */
  bool    has_momentum;            /* was it recorded?                                             */

  /* (height / 2, width / 2) of the layer's map; -1, -1 if that place was not recorded. */
  nrf_site centre;

  nrf_window           window[NRF_WINDOWS];
  nrf_trace_statistics during;            /* DUR                                                         */
  nrf_trace_statistics outside;           /* PRE and POST together                                       */
  int64_t              traces_not_finite; /* how many hold a NaN or an infinity, burn-in included  */

  const nrf_sites *state_sites;    /* [images] */
  const nrf_sites *momentum_sites; /* [images] */

  int      n_films;
  nrf_film film[NRF_EXTRACT_MAX_FILMS];

  struct nrf_extract_private *own; /* the rest */
} nrf_extract;

/* Opens a complete extract. NRF_ENOTFOUND; NRF_EFORMAT, NRF_ESHAPE, NRF_EUNSUPPORTED for one that is unfinished, damaged,
 * foreign or of another version. */
NRF_MUST_CHECK nrf_status nrf_extract_open(const char *path, nrf_extract **out);
void                      nrf_extract_free(nrf_extract *x); /* NULL is fine */

/* Whether a file says that it is an extract, of whatever version and complete or not. False for what cannot be read. */
bool nrf_extract_is_one(const char *path);

/* What was looked at so far no longer counts as this process's memory (the system may still keep it). It may be looked at again
 * at any time, also by other threads meanwhile: this is for those who go through much of a large extract. */
void nrf_extract_release(const nrf_extract *x);

/* Index of a trace in the arrays of statistics. */
static inline int64_t nrf_extract_at(const nrf_extract *x, int c, int b, int h, int w)
{
  return (((int64_t)c * x->images + b) * x->height + h) * x->width + w;
}

/* The trace [rows] of a neuron of image b; NULL if it was not kept. `variable`: NRF_RECORD_STATE or
 * NRF_RECORD_MOMENTUM. Borrowed from `x`. */
const float *nrf_extract_trace(const nrf_extract *x, nrf_record_variable variable, int c, int b, int h,
                               int w);

/* The picture that image b showed: [channels, height, width] of info->pictures, borrowed. NULL if such pictures were not
 * shown. */
const uint8_t *nrf_extract_picture(const nrf_extract *x, nrf_recording_shows which, int b);

/* ---- Where traces come from ---- */

/* A recording, or something that can be read like one. */
typedef struct nrf_trace_source {
  const nrf_recording_info *info; /* what info->pictures points to is not read: see read_picture */
  nrf_extract_origin        origin;
  void                     *context;

  /* As nrf_recording_read, of the layer with index `layer` of the info. From one thread at a time. */
  nrf_status (*read)(void *context, nrf_record_variable variable, int layer, int image,
                     nrf_recording_block block, float *out);

  /* As nrf_recording_read_picture. */
  nrf_status (*read_picture)(void *context, nrf_recording_shows which, int image, uint8_t *out);

  void (*close)(void *context); /* may be NULL */
} nrf_trace_source;

/* A recording on the disk, complete or not; close it with nrf_trace_source_close. NRF_EFORMAT for one that was cut short: it
 * has to be resumed first. */
NRF_MUST_CHECK nrf_status nrf_trace_source_open(const char *path, nrf_trace_source *out);
void                      nrf_trace_source_close(nrf_trace_source *source);

/* ---- Making an extract ---- */

/* What the extract of such a recording will take on the disk, from above by a few thousandths. NRF_EUNSUPPORTED for a recording
 * that has nothing to extract: without the states of a latent layer, or without a stimulus and something to compare with. */
NRF_MUST_CHECK nrf_status nrf_extract_bytes(const nrf_recording_info *info, int64_t *bytes);

/* The least memory that a pass over such a recording can do with, in bytes: one worker, one channel of one image. */
NRF_MUST_CHECK nrf_status nrf_extract_least_memory(const nrf_recording_info *info, size_t *bytes);

typedef struct nrf_extract_effort {
  int threads; /* >= 1; the extract does not depend on it                                                    */
  size_t
      memory; /* bytes for buffers; NRF_EINVAL, saying how many are needed, if it is too little            */
} nrf_extract_effort;

/* Reads the source once, image by image, and writes its extract to `path` (the directory must exist), replacing what is
 * there when it is complete. Until then it is called `<path>.partial`; a pass that was killed or interrupted is taken up
 * where it was, image by image, if that file is of the same recording. NRF_EINTERRUPTED if `progress` asks to stop,
 * NRF_EINVAL while another process makes the same extract, NRF_ENOSPACE. */
NRF_MUST_CHECK nrf_status nrf_extract_make(const nrf_trace_source *source, const char *path,
                                           nrf_extract_effort effort, const nrf_progress *progress);

/* Whether an extract was made from this very recording: same place in the file system does not matter, but size, date and
 * identity do. */
bool nrf_extract_is_of(const nrf_extract *x, const nrf_extract_origin *origin);

/* NRF_EINVAL, naming the first thing that differs, unless it was made from a recording of `info` (session_start apart). */
NRF_MUST_CHECK nrf_status nrf_extract_compare_info(const nrf_extract *x, const nrf_recording_info *info);

/* The usual way to an extract: that of `recording` at `path` if it is there and was made from the recording as it now is,
 * otherwise made now. If there is no recording, the extract has to do. NRF_ENOTFOUND if there is neither. */
NRF_MUST_CHECK nrf_status nrf_extract_obtain(const char *recording, const char *path,
                                             nrf_extract_effort effort, const nrf_progress *progress,
                                             nrf_extract **out);

#endif
