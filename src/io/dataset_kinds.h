/* dataset_kinds.h - one row for each kind of data set: what it is, which files it has, who reads them. */
#ifndef NRF_IO_DATASET_KINDS_H
#define NRF_IO_DATASET_KINDS_H

#include "nrflv/dataset.h"

#include <limits.h>

/* The images of one split, as bytes. */
typedef struct nrf_image_set {
  int64_t  count;
  uint8_t *pixels; /* [count, C, H, W], memory of nrf_alloc                           */
  uint8_t *labels; /* [count], memory of nrf_alloc; NULL where there are no labels    */
} nrf_image_set;

/* As its publisher describes it. */
typedef struct nrf_remote_file {
  const char *name;
  int64_t     bytes;
  const char *md5;
} nrf_remote_file;

typedef struct nrf_dataset_file {
  nrf_split split;
  const char
         *name;  /* in the data set's folder; also taken packed, as `name`.gz, unless it is in an archive */
  int64_t bytes; /* unpacked, in the complete set                                                         */
  nrf_remote_file
      remote; /* what to download for it; no name: it is in the kind's archive                         */
} nrf_dataset_file;

typedef struct nrf_dataset_kind nrf_dataset_kind;
struct nrf_dataset_kind {
  nrf_dataset_info        info;
  const char             *folder;  /* under data_dir, and in the archive; NULL: no files       */
  const char             *url;     /* where the publisher keeps archive or files               */
  nrf_remote_file         archive; /* a .tar.gz that holds all files; no name: there is none   */
  const nrf_dataset_file *files;   /* the files of a split in their order                      */
  int                     num_files;

  /* Fills a zeroed set; what it allocated before an error is freed by the caller. */
  nrf_status (*load)(const nrf_dataset_kind *kind, const nrf_dataset_config *config, nrf_split split,
                     nrf_image_set *out);
};

/* "training" or "test". */
const char *nrf_split_name(nrf_split split);

/* data_dir/folder, and the path of a file in it. Errors: NRF_EINVAL, a path longer than the system allows. */
NRF_MUST_CHECK nrf_status nrf_dataset_folder(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                                             char path[PATH_MAX]);
/* The .gz if that is there and the plain file is not. */
NRF_MUST_CHECK nrf_status nrf_dataset_file_path(const nrf_dataset_kind   *kind,
                                                const nrf_dataset_config *config,
                                                const nrf_dataset_file *file, char path[PATH_MAX]);

/* printf into a path. Errors: NRF_EINVAL if it is too long. */
NRF_MUST_CHECK nrf_status nrf_dataset_path(char path[PATH_MAX], const char *fmt, ...) NRF_PRINTF(2, 3);

/* Is something of this name there, be it readable or not? */
bool nrf_dataset_path_exists(const char *path);

/* Memory for `count` images of the kind, labels included if asked for. */
NRF_MUST_CHECK nrf_status nrf_image_set_alloc(const nrf_dataset_kind *kind, int64_t count, bool labelled,
                                              nrf_image_set *out);

/* Makes sure that the files of the sets that `config` needs are there, downloading them if it allows that. A set
 * counts as there if its first file is (in an archive's kind, where the rest may be missing) or all are. */
NRF_MUST_CHECK nrf_status nrf_dataset_fetch(const nrf_dataset_kind *kind, const nrf_dataset_config *config);

/* The readers. */
nrf_status nrf_cifar_load(const nrf_dataset_kind *kind, const nrf_dataset_config *config, nrf_split split,
                          nrf_image_set *out);
nrf_status nrf_mnist_load(const nrf_dataset_kind *kind, const nrf_dataset_config *config, nrf_split split,
                          nrf_image_set *out);

#endif
