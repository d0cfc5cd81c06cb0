/* scratch.c - temporary directories and small disks for tests. */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

static void create_in(const char *base, char directory[SCRATCH_PATH])
{
  (void)snprintf(directory, SCRATCH_PATH, "%s/nrflv-test-XXXXXX", base);
  if (mkdtemp(directory) == NULL) {
    perror(directory);
    abort();
  }
}

void scratch_create(char directory[SCRATCH_PATH])
{
  const char *base = getenv("TMPDIR");
  create_in(base != NULL ? base : "/tmp", directory);
}

void scratch_create_in_memory(char directory[SCRATCH_PATH])
{
  static const char memory[] = "/dev/shm";
  struct statfs     info;
  if (getenv("TMPDIR") == NULL && access(memory, W_OK) == 0 && statfs(memory, &info) == 0 &&
      info.f_type == TMPFS_MAGIC && (uint64_t)info.f_bavail * (uint64_t)info.f_bsize >= 1u << 30)
    create_in(memory, directory);
  else
    scratch_create(directory);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
  (void)info, (void)kind, (void)where;
  return remove(path);
}

void scratch_remove(const char *directory)
{
  (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(char path[SCRATCH_PATH], const char *directory, const char *name)
{
  if (snprintf(path, SCRATCH_PATH, "%s/%s", directory, name) >= SCRATCH_PATH) abort();
  return path;
}

int scratch_entries(const char *directory)
{
  DIR *dir = opendir(directory);
  if (dir == NULL) return -1;
  int count = -2;
  while (readdir(dir) != NULL) count++;
  (void)closedir(dir);
  return count;
}

static bool write_text(const char *path, const char *text)
{
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  return close(fd) == 0 && ok;
}

/* A mount namespace of our own; an ordinary user gets one inside a user namespace. */
static bool enter_private_mounts(void)
{
  char        map[64];
  const uid_t uid = getuid();
  const gid_t gid = getgid();

  if (unshare(CLONE_NEWNS) == 0) return true;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  (void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
  if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny")) return false;
  (void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
  return write_text("/proc/self/gid_map", map);
}

bool scratch_mount_small_disk(const char *directory, size_t bytes)
{
  char options[64];
  (void)snprintf(options, sizeof options, "size=%zu", bytes);
  if (enter_private_mounts() && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
      mount("nrflv-test", directory, "tmpfs", 0, options) == 0)
    return true;
  printf("skipped: a small disk cannot be mounted here: %s\n", strerror(errno));
  return false;
}

void scratch_unmount(const char *directory)
{
  (void)umount2(directory, MNT_DETACH);
}

void scratch_drop_root(void)
{
  enum { NOBODY = 65534 };
  if (getuid() == 0 && seteuid(NOBODY) != 0) abort();
}

void scratch_regain_root(void)
{
  if (getuid() == 0 && seteuid(0) != 0) abort();
}
