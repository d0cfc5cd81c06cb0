/* dataset.h - images by index: CIFAR-10, MNIST and the built-in dead leaves, each with a training and a test set. */
#ifndef NRFLV_DATASET_H
#define NRFLV_DATASET_H

#include "nrflv/download.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum nrf_split { NRF_SPLIT_TRAIN, NRF_SPLIT_TEST, NRF_SPLIT_COUNT } nrf_split;

/* What is known of a data set before it is opened. */
typedef struct nrf_dataset_info {
  const char *name;     /* what --dataset accepts: "CIFAR10"                       */
  int32_t     shape[3]; /* channels, height, width of an image                     */
  bool        embedded; /* made by the program itself: needs no files, no network  */
} nrf_dataset_info;

/* The known data sets, in order; NULL past the last. */
const nrf_dataset_info *nrf_dataset_info_at(int i);

/* By name. Errors: NRF_ENOTFOUND, naming the choices. */
NRF_MUST_CHECK nrf_status nrf_dataset_find(const char *name, const nrf_dataset_info **out);

typedef struct nrf_dataset_config {
  const char *name;       /* "CIFAR10", "MNIST", "dead_leaves"                                        */
  const char *data_dir;   /* holds cifar-10-batches-bin/ and mnist/; NULL: "data"                     */
  bool        need_train; /* which sets to load; only these have to be there                          */
  bool        need_test;
  bool        download;     /* fetch what is missing                                                    */
  const char *mirror_url;   /* fetch from `mirror_url`/<file> instead of the publisher; NULL: publisher */
  uint64_t    seed;         /* dead_leaves: which ensemble                                              */
  nrf_download_watch watch; /* progress and cancelling of a download                                  */
} nrf_dataset_config;

typedef struct nrf_dataset nrf_dataset;

/* Opens a data set and keeps its images in memory, as bytes. Nothing of `config` is kept.
 *
 * CIFAR-10: data_batch_1.bin ... data_batch_5.bin and test_batch.bin in the publisher's binary format; files
 * of fewer whole records will do, and so will the first few batch files. MNIST: the four idx files, packed
 * (.gz) or not. Files of a needed set that are not there are downloaded, verified and unpacked (never over
 * a file that is); without `download` they are an error.
 *
 * Errors: NRF_ENOTFOUND (name, files), NRF_EFORMAT (file, size and record are named), NRF_EIO, NRF_ENOSPACE,
 * NRF_ENOMEM, and those of nrf_download. */
NRF_MUST_CHECK nrf_status nrf_dataset_create(const nrf_dataset_config *config, nrf_dataset **out);
void                      nrf_dataset_free(nrf_dataset *ds); /* NULL is fine */

const nrf_dataset_info *nrf_dataset_info_of(const nrf_dataset *ds);

/* Images in a set; 0 for one that was not needed. */
int64_t nrf_dataset_count(const nrf_dataset *ds, nrf_split split);

/* The labels, one byte per image, owned by the data set; NULL where there are none (dead_leaves). */
const uint8_t *nrf_dataset_labels(const nrf_dataset *ds, nrf_split split);

/* Image indices[b], for b = 0 .. n-1, as out[b, C, H, W] in [0, 1] (byte / 255).
 * Errors: NRF_EINVAL for an index that is out of range; `out` is then partly written. */
NRF_MUST_CHECK nrf_status nrf_dataset_batch(const nrf_dataset *ds, nrf_split split, const uint32_t *indices,
                                            int64_t n, float *out);

/* The mean over a set's images, out[C, H, W] in [0, 1], accumulated in double.
 * Errors: NRF_EINVAL if the set was not loaded; NRF_ENOMEM. */
NRF_MUST_CHECK nrf_status nrf_dataset_mean_image(const nrf_dataset *ds, nrf_split split, float *out);

/* The order in which an epoch shows n images: order[n] becomes a uniformly drawn permutation of 0 .. n-1, a
 * pure function of (seed, epoch, n). */
void nrf_shuffle(uint64_t seed, uint64_t epoch, uint32_t n, uint32_t *order);

#endif
