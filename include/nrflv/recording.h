/* recording.h - the recording of an experiment: an NWB 2 file (plain HDF5) that h5py, xarray, MATLAB and PyNWB open as
 * it is.
 *
 * While it is recorded. The whole file is laid out before the first step: every data set has its full extent, in chunks
 * that have their place, and what HDF5 keeps for itself is on the disk and never changes again. Recording then writes
 * plain bytes at known places, without the HDF5 library (which is not thread-safe), and one number that says how many
 * rows are complete. So the file is valid and readable at any moment, also of a process that was killed; rows beyond the
 * complete ones read as 0 or as what was half written. It is called `<name>.partial.nwb` until it is complete.
 *
 * What it holds. Per recorded variable and layer a group "/processing/<variable>_<layer>" with one TimeSeries per recorded
 * image, "image_000", numbered as in the batch; its `data` are [time, channel, height, width], in chunks of one channel that are
 * long in time (at most 1 MiB), with dimension scales time (s), channel, height and width (their numbers in the layer). Beside them
 *   /general/nrflv                what the members of nrf_recording_info say, as attributes; data set rows_complete
 *   /processing/experiment        tables: images (one row per recorded image), settings
 *   /intervals/epochs             the phases
 *   /stimulus                     the pictures shown, 8 bits; which of them was shown when
 * Equal infos and data make equal files, byte by byte. A row is a recorded step: row r is step r * stride.
 *
 * Files are not trusted: what one says of itself is checked before memory is allocated for it, and one that is damaged or
 * somebody else's gives one clear line. */
#ifndef NRFLV_RECORDING_H
#define NRFLV_RECORDING_H

#include "nrflv/progress.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- What is recorded ---- */

/* Of every neuron, in the order of --record_variables (analysis.md 1.2). */
typedef enum nrf_record_variable {
  NRF_RECORD_STATE,    /* after the step, clamped                               */
  NRF_RECORD_MOMENTUM, /* after the step, before the inverse mass matrix        */
  NRF_RECORD_GRADIENT, /* of the energy: the one that moved the state           */
  NRF_RECORD_ENERGY,   /* of the neuron, of the states before the step          */
  NRF_RECORD_BNO,      /* output of the networks, of the states before the step */
  NRF_RECORD_VARIABLES
} nrf_record_variable;

/* "state", "momentum", "gradient", "energy", "bno". */
const char *nrf_record_variable_name(nrf_record_variable variable);

typedef enum nrf_record_number {
  NRF_RECORD_FLOAT32,
  NRF_RECORD_FLOAT16, /* IEEE 754 binary16                                              */
  NRF_RECORD_ROUNDED, /* float32, rounded to `mantissa_bits`: for the filters            */
} nrf_record_number;

typedef struct nrf_record_format {
  nrf_record_number number;
  int               mantissa_bits; /* kept of a float32's 23 by NRF_RECORD_ROUNDED, 1 .. 22; else 0 */
} nrf_record_format;

/* "float32", "float16", "rounded": as --record_format has them. */
const char *nrf_record_number_name(nrf_record_number number);

/* Bytes of a number in the file. */
static inline size_t nrf_record_number_bytes(nrf_record_format format)
{
  return format.number == NRF_RECORD_FLOAT16 ? 2 : 4;
}

/* Largest relative error of a stored number (of normal size): 0 for float32, 2^-11 for float16, 2^-(mantissa_bits + 1). */
double nrf_record_error_bound(nrf_record_format format);

/* HDF5's own, applied in this order; the finished file is packed with them. All off: it stays as it was recorded. */
typedef struct nrf_record_filters {
  bool shuffle, deflate, fletcher32;
  int  deflate_level; /* 1 .. 9 with deflate, else 0 */
} nrf_record_filters;

static inline bool nrf_record_filters_any(nrf_record_filters filters)
{
  return filters.shuffle || filters.deflate || filters.fletcher32;
}

enum {
  NRF_RECORDING_MAX_LAYERS = 16,
  NRF_RECORDING_MAX_PHASES = 8,
  NRF_RECORDING_PHASE_NAME = 32,
  NRF_RECORDING_FILE_NAME  = 128,
};

typedef struct nrf_recorded_layer {
  int layer;                    /* number in the model, 0 is the image                                   */
  int channels, height, width;  /* of the model's layer                                                  */
  int n_channels;               /* recorded                                                              */
  const int *channel;           /* [n_channels] their numbers, ascending                                 */
  int top, left, rows, columns; /* recorded region of each map                                           */
} nrf_recorded_layer;

/* What layer 0 is held to during a phase. */
typedef enum nrf_recording_shows {
  NRF_SHOWS_BLANK,
  NRF_SHOWS_BURN_IN,
  NRF_SHOWS_STIMULUS,
} nrf_recording_shows;

typedef struct nrf_recording_phase {
  char                name[NRF_RECORDING_PHASE_NAME]; /* "burn_in", "pre", "stimulus", "post", "observe" */
  int64_t             first_step, n_steps;
  nrf_recording_shows shows;
} nrf_recording_phase;

/* A recorded image: an element of the batch. What does not apply is NaN or -1. */
typedef struct nrf_recording_image {
  int    index;                              /* in the batch                                               */
  char   file_name[NRF_RECORDING_FILE_NAME]; /* of the stimulus                                            */
  double angle, angle_static;                /* radian, of the (mobile) patch and of the static one        */
  double contrast;                           /* as the stimulus was made, not as it looks                  */
  int    offset_row, offset_column;          /* of the (mobile) patch from the image's centre pixel        */
  int    group, repeat;                      /* images that show the same share a group                    */
} nrf_recording_image;

typedef struct nrf_recording_setting {
  const char *name, *value;
} nrf_recording_setting;

/* 8-bit pictures [n_images, channels, height, width] in the order of `image`; the blank one [channels, height, width].
 * NULL for what is not shown. channels is 1 (grey) or 3 (RGB). */
typedef struct nrf_recording_pictures {
  int            channels, height, width;
  const uint8_t *blank, *burn_in, *stimulus;
} nrf_recording_pictures;

/* Everything that a recording says besides the numbers. Who fills one lends its pointers for the call it is given to;
 * one that comes from a reader belongs to the reader. */
typedef struct nrf_recording_info {
  const char *experiment;      /* "just_angle"                                                          */
  const char *stimulus_set;    /* "single/just_angle"; "" if none                                       */
  const char *session_name;    /* of this session's folder                                              */
  const char *model_name;      /* of the model that was loaded                                          */
  const char *model_hash;      /* MD5 of its file, 32 digits                                            */
  const char *program_version; /* "0.1.0"                                                               */
  uint64_t    seed;
  int64_t     session_start; /* seconds since 1970, UTC; not compared when a recording is resumed       */

  int64_t n_steps;     /* of the sampler                                              */
  int     stride;      /* every so many steps is recorded, the first one included     */
  double  ms_per_step; /* of biological time                                          */
  int     batch;       /* images computed, recorded or not                            */

  bool                variable[NRF_RECORD_VARIABLES]; /* recorded?                                    */
  int                 n_layers;
  nrf_recorded_layer  layer[NRF_RECORDING_MAX_LAYERS]; /* ascending by number                         */
  nrf_record_format   format;
  nrf_record_filters  filters;
  int                 n_phases; /* they follow each other and make up n_steps                         */
  nrf_recording_phase phase[NRF_RECORDING_MAX_PHASES];

  int                        n_images; /* recorded                                                       */
  const nrf_recording_image *image;    /* [n_images] ascending by index                                  */
  int                        n_settings;
  const nrf_recording_setting
      *setting; /* [n_settings] whatever else describes the run, as text; what may differ between a
                                            run and its resumption (threads, verbosity) has no place here */
  nrf_recording_pictures pictures; /* from a reader: sizes only, see nrf_recording_read_picture       */
} nrf_recording_info;

/* Rows of every series: steps 0, stride, 2 stride ... below n_steps. */
static inline int64_t nrf_recording_n_rows(const nrf_recording_info *info)
{
  return (info->n_steps + info->stride - 1) / info->stride;
}

/* NRF_EINVAL, naming the member, for an info that makes no sense: what create and resume begin with. */
NRF_MUST_CHECK nrf_status nrf_recording_check(const nrf_recording_info *info);

/* ---- Sizes, for plans. The info must pass nrf_recording_check. ---- */

/* The numbers alone; the file while it is recorded (an estimate from above, by a few thousandths); the largest sum of
 * what stands on the disk: packing with filters keeps the recorded file until the packed one is complete. */
int64_t nrf_recording_data_bytes(const nrf_recording_info *info);
int64_t nrf_recording_file_bytes(const nrf_recording_info *info);
int64_t nrf_recording_peak_bytes(const nrf_recording_info *info);

/* Rows in a chunk of a recorded layer's series. A chunk is [chunk rows, 1, rows, columns]. */
int64_t nrf_recording_chunk_rows(const nrf_recording_info *info, int layer_index);

/* ---- Writing ---- */

typedef struct nrf_recording_writer nrf_recording_writer;

/* Lays out a new recording at `path` ("....partial.nwb"; the directory must exist), replacing what is there, and opens it
 * for writing. `reserve`: the disk's space is taken now, so that a full disk is found before the first step
 * (NRF_ENOSPACE, and no file); file systems that cannot reserve are forgiven. */
NRF_MUST_CHECK nrf_status nrf_recording_create(const char *path, const nrf_recording_info *info, bool reserve,
                                               nrf_recording_writer **out);

/* Opens an unfinished recording to go on. *rows: how many of its rows are complete; all of them, if only
 * nrf_recording_finish is left. NRF_EINVAL, naming what differs, if it is not a recording of the same `info`;
 * NRF_ENOTFOUND if there is none; NRF_EFORMAT if it is damaged or foreign. */
NRF_MUST_CHECK nrf_status nrf_recording_resume(const char *path, const nrf_recording_info *info,
                                               nrf_recording_writer **out, int64_t *rows);

/* Both lock the file: NRF_EINVAL while another process, or another writer of this one, has it open for writing. */

/* The info of the file: that of create (session_start: when it was begun). Borrowed from `w`. */
const nrf_recording_info *nrf_recording_writer_info(const nrf_recording_writer *w);

/* Writes rows [first_row, first_row + n_rows) of one channel of one image: `data` are [n_rows, rows, columns] in the
 * file's number format (little-endian float32 or binary16). layer, image and channel count within `info`, not within the
 * model. Uses neither HDF5 nor memory; from one thread at a time, which need not be the one that created `w`. A failed
 * write (NRF_ENOSPACE, NRF_EIO) leaves the file as good as the last mark. */
NRF_MUST_CHECK nrf_status nrf_recording_write(nrf_recording_writer *w, nrf_record_variable variable,
                                              int layer, int image, int channel, int64_t first_row,
                                              int64_t n_rows, const void *data);

/* The same for many pieces at once: `data` are lent until the next mark or wait, and the error may be that of a piece before. Two
 * pages or more that lie in memory as they will in the file are written past the operating system's page cache, if the file
 * system can do that, which for long pieces is cheaper. */
NRF_MUST_CHECK nrf_status nrf_recording_lend(nrf_recording_writer *w, nrf_record_variable variable, int layer,
                                             int image, int channel, int64_t first_row, int64_t n_rows,
                                             const void *data);

/* Waits until no data are lent any more; whether they were written, the next mark says. */
void nrf_recording_wait(nrf_recording_writer *w);

/* Where the maps of `row` stand in the file, modulo the size of a page, 4096; 0 where it is no matter. */
size_t nrf_recording_place_in_page(const nrf_recording_info *info, int layer, int64_t row);

/* Whether anything is written past the page cache. */
bool nrf_recording_is_direct(const nrf_recording_writer *w);

/* All series are complete up to row `n_rows` (not included). A mark never goes back: who resumes writes some rows again, with the
 * same numbers. Same thread rules. */
NRF_MUST_CHECK nrf_status nrf_recording_mark(nrf_recording_writer *w, int64_t n_rows);

/* Waits until what was written is on the disk (a killed process loses nothing without; a power cut does). */
NRF_MUST_CHECK nrf_status nrf_recording_sync(nrf_recording_writer *w);

/* Completes a recording of which all rows are marked: packs it if there are filters, brings it safely to the disk and
 * puts it at `final_path` (same directory or at least same file system), in place of what is there. Afterwards only free may
 * follow. NRF_EINTERRUPTED if `progress` asks to stop during packing: the unpacked file stays and can be resumed and
 * finished. On any failure the unpacked file stays. */
NRF_MUST_CHECK nrf_status nrf_recording_finish(nrf_recording_writer *w, const char *final_path,
                                               const nrf_progress *progress);

/* Closes; what is at the path stays. NULL is fine. */
void nrf_recording_writer_free(nrf_recording_writer *w);

/* ---- Reading: recordings complete and partial, plain and packed ---- */

typedef struct nrf_recording nrf_recording;

/* Opens and checks the layout of every series. NRF_ENOTFOUND, NRF_EFORMAT, NRF_ESHAPE. */
NRF_MUST_CHECK nrf_status nrf_recording_open(const char *path, nrf_recording **out);
void                      nrf_recording_free(nrf_recording *r);

const nrf_recording_info *nrf_recording_info_of(const nrf_recording *r);

/* NRF_EINVAL, naming the first thing that differs, unless r records the same as `info` (session_start apart), as when a
 * recording is resumed. */
NRF_MUST_CHECK nrf_status nrf_recording_compare_info(const nrf_recording *r, const nrf_recording_info *info);

/* Complete rows; all of them unless the recording was cut short. */
int64_t nrf_recording_rows(const nrf_recording *r);

static inline bool nrf_recording_is_partial(const nrf_recording *r)
{
  return nrf_recording_rows(r) < nrf_recording_n_rows(nrf_recording_info_of(r));
}

/* A block of a series: rows x channels x region, counted within the recording (row 0 is its first row, channel 0 the
 * first recorded channel, top 0 the first recorded row of the map). */
typedef struct nrf_recording_block {
  int64_t first_row, n_rows;
  int     first_channel, n_channels;
  int     top, left, rows, columns;
} nrf_recording_block;

/* The whole of a series: all complete rows, all channels, the whole recorded region. */
nrf_recording_block nrf_recording_whole(const nrf_recording *r, int layer);

/* Reads a block of one image as float32, [n_rows, n_channels, rows, columns]. Complete rows only: NRF_ESHAPE beyond. */
NRF_MUST_CHECK nrf_status nrf_recording_read(nrf_recording *r, nrf_record_variable variable, int layer,
                                             int image, nrf_recording_block block, float *out);

/* The picture that one recorded image (counted within the recording) showed: [channels, height, width] of
 * info->pictures. NRF_ENOTFOUND if such pictures were not shown. */
NRF_MUST_CHECK nrf_status nrf_recording_read_picture(nrf_recording *r, nrf_recording_shows which, int image,
                                                     uint8_t *out);

/* Bytes that the data of all series take in the file, as stored. */
NRF_MUST_CHECK nrf_status nrf_recording_stored_bytes(nrf_recording *r, int64_t *bytes);

#endif
