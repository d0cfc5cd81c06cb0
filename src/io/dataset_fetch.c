/* dataset_fetch.c - brings the files of a data set that are not there. */
#include "io/dataset_kinds.h"
#include "io/tar_gz.h"
#include "nrflv/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { MAX_MEMBERS = 8 };

static nrf_status file_exists(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                              const nrf_dataset_file *file, bool *exists)
{
  char path[PATH_MAX];
  NRF_RETURN_IF_ERROR(nrf_dataset_file_path(kind, config, file, path));
  *exists = nrf_dataset_path_exists(path);
  return NRF_OK;
}

/* The first file without which the split is not there, NULL if it is. An archive's files beyond the first
 * may be left out on purpose: to work with some of the images. */
static nrf_status first_missing(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                                nrf_split split, const nrf_dataset_file **missing)
{
  *missing = NULL;
  for (int f = 0; kind->files != NULL && f < kind->num_files; f++) {
    if (kind->files[f].split != split) continue;
    bool exists;
    NRF_RETURN_IF_ERROR(file_exists(kind, config, &kind->files[f], &exists));
    if (!exists) *missing = &kind->files[f];
    if (!exists || kind->archive.name) break;
  }
  return NRF_OK;
}

static bool is_needed(const nrf_dataset_config *config, nrf_split split)
{
  return split == NRF_SPLIT_TRAIN ? config->need_train : config->need_test;
}

static nrf_status first_missing_of_needed(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                                          const nrf_dataset_file **missing)
{
  *missing = NULL;
  for (int s = 0; s < NRF_SPLIT_COUNT && !*missing; s++)
    if (is_needed(config, (nrf_split)s))
      NRF_RETURN_IF_ERROR(first_missing(kind, config, (nrf_split)s, missing));
  return NRF_OK;
}

static nrf_status download(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                           const nrf_remote_file *remote, const char *path)
{
  char url[PATH_MAX];
  NRF_RETURN_IF_ERROR(
      nrf_dataset_path(url, "%s/%s", config->mirror_url ? config->mirror_url : kind->url, remote->name));
  const nrf_download_request request = {
      .url = url, .path = path, .bytes = remote->bytes, .md5 = remote->md5, .watch = config->watch};
  return nrf_download(&request);
}

/* Downloads each file that a needed split lacks. */
static nrf_status fetch_files(const nrf_dataset_kind *kind, const nrf_dataset_config *config)
{
  for (int f = 0; f < kind->num_files; f++) {
    const nrf_dataset_file *file = &kind->files[f];
    bool                    exists;
    NRF_RETURN_IF_ERROR(file_exists(kind, config, file, &exists));
    if (exists || !is_needed(config, file->split)) continue;

    char path[PATH_MAX];
    NRF_RETURN_IF_ERROR(
        nrf_dataset_path(path, "%s/%s/%s", config->data_dir, kind->folder, file->remote.name));
    NRF_RETURN_IF_ERROR(download(kind, config, &file->remote, path));
  }
  return NRF_OK;
}

/* Downloads the archive (it stays: a later call then needs no network) and unpacks the files of the splits that
 * are not there, leaving those that are. The first file of a split comes last: it tells that the split is there,
 * so a crash in between leaves nothing that looks like a set made smaller on purpose. */
static nrf_status fetch_archive(const nrf_dataset_kind *kind, const nrf_dataset_config *config)
{
  char archive[PATH_MAX];
  NRF_RETURN_IF_ERROR(nrf_dataset_path(archive, "%s/%s", config->data_dir, kind->archive.name));
  NRF_RETURN_IF_ERROR(download(kind, config, &kind->archive, archive));

  nrf_tar_member members[MAX_MEMBERS];
  char           names[MAX_MEMBERS][PATH_MAX], paths[MAX_MEMBERS][PATH_MAX];
  int            n = 0;
  for (int f = kind->num_files - 1; f >= 0 && n < MAX_MEMBERS; f--) {
    const nrf_dataset_file *file = &kind->files[f], *missing;
    bool                    exists;
    NRF_RETURN_IF_ERROR(first_missing(kind, config, file->split, &missing));
    NRF_RETURN_IF_ERROR(file_exists(kind, config, file, &exists));
    if (!missing || exists) continue;
    NRF_RETURN_IF_ERROR(nrf_dataset_path(names[n], "%s/%s", kind->folder, file->name));
    NRF_RETURN_IF_ERROR(nrf_dataset_path(paths[n], "%s/%s/%s", config->data_dir, kind->folder, file->name));
    members[n] = (nrf_tar_member){names[n], file->bytes, paths[n]};
    n++;
  }
  return nrf_tar_gz_extract(archive, members, n, config->watch.cancelled, config->watch.user);
}

/* Makes the data set's folder and locks it against another process that is fetching the same files;
 * clears what one that was killed while unpacking has left. */
static nrf_status lock_folder(const char *folder, int *lock)
{
  NRF_RETURN_IF_ERROR(nrf_make_directories(folder));
  *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*lock < 0) return nrf_error_errno("%s: open", folder);
  if (flock(*lock, LOCK_EX | LOCK_NB) == 0) return nrf_atomic_remove_stale(folder, NULL);
  if (errno == EWOULDBLOCK)
    return nrf_error(NRF_EIO, "%s: another process is fetching these files; wait for it", folder);
  return nrf_error_errno("%s: lock", folder);
}

/* The length of the part of a path that is there; 0 if nothing is. */
static size_t existing_part(const char *path)
{
  char   part[PATH_MAX];
  size_t n = strlen(path);
  memcpy(part, path, n + 1);
  while (n > 0 && !nrf_dataset_path_exists(part)) {
    while (n > 0 && part[n - 1] != '/') n--;
    while (n > 0 && part[n - 1] == '/') n--;
    part[n] = '\0';
  }
  return n;
}

/* Removes the folders below what was there before, as far as they are empty: --data_dir may have been a slip of the pen. */
static void remove_empty_folders(char *folder, size_t before)
{
  for (size_t n = strlen(folder); n > before && rmdir(folder) == 0; folder[n] = '\0') {
    while (n > 0 && folder[n - 1] != '/') n--;
    while (n > 0 && folder[n - 1] == '/') n--;
  }
}

nrf_status nrf_dataset_fetch(const nrf_dataset_kind *kind, const nrf_dataset_config *config)
{
  nrf_status              st      = NRF_OK;
  int                     lock    = -1;
  size_t                  before  = 0;
  const nrf_dataset_file *missing = NULL;
  char                    folder[PATH_MAX];
  NRF_TRY(nrf_dataset_folder(kind, config, folder));
  NRF_TRY(first_missing_of_needed(kind, config, &missing));
  if (!missing) goto done;
  if (!config->download)
    NRF_FAIL(NRF_ENOTFOUND,
             "%s/%s/%s: not found (the %s set of %s); name its place with --data_dir, or use --dataset "
             "dead_leaves, which needs no files",
             config->data_dir, kind->folder, missing->name, nrf_split_name(missing->split), kind->info.name);

  before = existing_part(folder);
  NRF_TRY(lock_folder(folder, &lock));
  /* Again, now that nobody else is fetching: the last one to hold the lock may have brought it. */
  NRF_TRY(first_missing_of_needed(kind, config, &missing));
  if (!missing) goto done;
  NRF_TRY(kind->archive.name ? fetch_archive(kind, config) : fetch_files(kind, config));
done:
  if (lock >= 0) close(lock);
  if (lock >= 0 && st != NRF_OK) remove_empty_folders(folder, before);
  if (missing && (st == NRF_ENETWORK || st == NRF_EIO))
    st = nrf_error_context(
        st,
        "%s/%s: the %s set of %s is not there and could not be fetched (name its place with "
        "--data_dir, or use --dataset dead_leaves, which needs no files)",
        config->data_dir, kind->folder, nrf_split_name(missing->split), kind->info.name);
  return st;
}
