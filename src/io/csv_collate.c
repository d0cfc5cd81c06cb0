/* csv_collate.c - many files of result rows into one. */
#include "io/byte_buffer.h"
#include "nrflv/atomic_file.h"
#include "nrflv/csv_table.h"
#include "nrflv/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything a collation holds until it is done. Strings belong to the tables. */
typedef struct collation {
  const char     *directory;
  struct dirent **entry; /* the files to merge, by name                    */
  int             n_entries;
  nrf_csv_table  *table; /* [n_tables]: the collated one, if any, and theirs */
  int             n_tables;
  nrf_buffer      header; /* const char * of the union of the columns       */
  nrf_buffer      cells;  /* const char * of all rows, equal ones once      */
  int64_t         columns, rows;
} collation;

static void collation_free(collation *c)
{
  for (int i = 0; i < c->n_entries; i++) free(c->entry[i]);
  free(c->entry);
  for (int i = 0; i < c->n_tables; i++) nrf_csv_free(&c->table[i]);
  nrf_free(c->table);
  nrf_buffer_free(&c->header);
  nrf_buffer_free(&c->cells);
}

/* "directory/folder/name", or "directory/name" if `folder` is NULL; new memory. */
static nrf_status join(const char *directory, const char *folder, const char *name, char **out)
{
  const size_t size   = strlen(directory) + (folder != NULL ? strlen(folder) : 0) + strlen(name) + 32;
  void        *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(size, directory, &memory));
  (void)snprintf(memory, size, "%s/%s%s%s", directory, folder != NULL ? folder : "",
                 folder != NULL ? "/" : "", name);
  *out = memory;
  return NRF_OK;
}

static nrf_status too_large(const collation *c)
{
  return nrf_error(NRF_ENOMEM, "%s: too many results for the memory there is", c->directory);
}

/* ---- Reading ---- */

static int is_result_file(const struct dirent *entry)
{
  return fnmatch(NRF_CSV_RESULTS_PATTERN, entry->d_name, 0) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static nrf_status read_table(collation *c, const char *name, bool may_be_missing)
{
  char      *path = NULL;
  nrf_status st   = join(c->directory, NULL, name, &path);
  if (st == NRF_OK) st = nrf_csv_read(path, &c->table[c->n_tables]);
  nrf_free(path);
  if (st == NRF_ENOTFOUND && may_be_missing) return NRF_OK;
  if (st == NRF_OK) c->n_tables++;
  return st;
}

static nrf_status read_tables(collation *c)
{
  void *memory = NULL;
  c->n_entries = scandir(c->directory, &c->entry, is_result_file, by_name);
  if (c->n_entries < 0) {
    c->n_entries = 0;
    return nrf_error_errno("%s: cannot list", c->directory);
  }
  NRF_RETURN_IF_ERROR(nrf_alloc(((size_t)c->n_entries + 1) * sizeof *c->table, c->directory, &memory));
  c->table = memory;
  NRF_RETURN_IF_ERROR(read_table(c, NRF_CSV_COLLATED_NAME, true));
  for (int i = 0; i < c->n_entries; i++) NRF_RETURN_IF_ERROR(read_table(c, c->entry[i]->d_name, false));
  if (c->n_tables == 0)
    return nrf_error(NRF_ENOTFOUND, "%s: no %s to collate", c->directory, NRF_CSV_RESULTS_PATTERN);
  return NRF_OK;
}

/* ---- Merging ---- */

static int64_t find_column(const collation *c, const char *name)
{
  const char *const *header = (const char *const *)(const void *)c->header.bytes;
  for (int64_t i = 0; i < c->columns; i++)
    if (strcmp(header[i], name) == 0) return i;
  return -1;
}

static nrf_status unite_columns(collation *c)
{
  for (int t = 0; t < c->n_tables; t++)
    for (int64_t i = 0; i < c->table[t].columns; i++) {
      if (find_column(c, c->table[t].header[i]) >= 0) continue;
      nrf_buffer_put(&c->header, &c->table[t].header[i], sizeof(char *));
      if (c->header.failed) return too_large(c);
      c->columns++;
    }
  return NRF_OK;
}

/* FNV-1a over the cells and their ends. */
static uint64_t hash_row(const char *const row[], int64_t columns)
{
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int64_t i = 0; i < columns; i++)
    for (const char *at = row[i];; at++) {
      hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
      if (*at == '\0') break;
    }
  return hash;
}

static bool rows_equal(const char *const a[], const char *const b[], int64_t columns)
{
  for (int64_t i = 0; i < columns; i++)
    if (strcmp(a[i], b[i]) != 0) return false;
  return true;
}

/* Rows met so far: an open hash table of row numbers + 1. */
typedef struct row_set {
  int64_t *slot;
  uint64_t mask;
} row_set;

static nrf_status row_set_create(const collation *c, row_set *set)
{
  int64_t rows   = 0;
  size_t  slots  = 16;
  void   *memory = NULL;
  for (int t = 0; t < c->n_tables; t++) rows += c->table[t].rows;
  while (slots < 2 * (size_t)rows) slots *= 2;
  NRF_RETURN_IF_ERROR(nrf_alloc(slots * sizeof *set->slot, c->directory, &memory));
  *set = (row_set){memory, slots - 1};
  return NRF_OK;
}

static nrf_status add_if_new(collation *c, row_set *set, const char *const row[])
{
  uint64_t at = hash_row(row, c->columns) & set->mask;
  for (; set->slot[at] != 0; at = (at + 1) & set->mask) {
    const char *const *cells = (const char *const *)(const void *)c->cells.bytes;
    if (rows_equal(row, cells + (set->slot[at] - 1) * c->columns, c->columns)) return NRF_OK;
  }
  nrf_buffer_put(&c->cells, row, (size_t)c->columns * sizeof row[0]);
  if (c->cells.failed) return too_large(c);
  set->slot[at] = ++c->rows;
  return NRF_OK;
}

static nrf_status merge_rows(collation *c)
{
  nrf_status st         = NRF_OK;
  row_set    set        = {0};
  void      *row_memory = NULL, *source_memory = NULL;

  NRF_TRY(row_set_create(c, &set));
  NRF_TRY(nrf_alloc((size_t)c->columns * sizeof(char *), c->directory, &row_memory));
  NRF_TRY(nrf_alloc((size_t)c->columns * sizeof(int64_t), c->directory, &source_memory));
  const char **row    = row_memory;
  int64_t     *source = source_memory; /* the table's column for each of ours, or -1 */
  for (int t = 0; t < c->n_tables; t++) {
    const nrf_csv_table *table = &c->table[t];
    for (int64_t i = 0; i < c->columns; i++) source[i] = -1;
    for (int64_t i = 0; i < table->columns; i++) source[find_column(c, table->header[i])] = i;
    for (int64_t r = 0; r < table->rows; r++) {
      for (int64_t i = 0; i < c->columns; i++)
        row[i] = source[i] < 0 ? "" : nrf_csv_cell(table, r, source[i]);
      NRF_TRY(add_if_new(c, &set, row));
    }
  }
done:
  nrf_free(set.slot);
  nrf_free(row_memory);
  nrf_free(source_memory);
  return st;
}

static nrf_status write_collated(const collation *c)
{
  char *path = NULL;
  NRF_RETURN_IF_ERROR(join(c->directory, NULL, NRF_CSV_COLLATED_NAME, &path));
  const nrf_status st = nrf_csv_write(path, c->columns, (const char *const *)(const void *)c->header.bytes,
                                      c->rows, (const char *const *)(const void *)c->cells.bytes);
  nrf_free(path);
  return st;
}

/* ---- Archiving ---- */

/* Appends ".2", ".3", ... to `path` until no file has that name; join left room for it. */
static void avoid_existing(char *path)
{
  char *end = path + strlen(path);
  for (int n = 2; access(path, F_OK) == 0; n++) (void)snprintf(end, 16, ".%d", n);
}

static nrf_status archive_file(const collation *c, const char *name)
{
  nrf_status st   = NRF_OK;
  char      *from = NULL, *to = NULL;
  NRF_TRY(join(c->directory, NULL, name, &from));
  NRF_TRY(join(c->directory, NRF_CSV_ARCHIVE_NAME, name, &to));
  avoid_existing(to);
  if (rename(from, to) != 0) st = nrf_error_errno("%s: cannot move to %s", from, to);
done:
  nrf_free(from);
  nrf_free(to);
  return st;
}

static nrf_status archive_files(const collation *c)
{
  char *folder = NULL;
  if (c->n_entries == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(join(c->directory, NULL, NRF_CSV_ARCHIVE_NAME, &folder));
  nrf_status st = nrf_make_directories(folder);
  nrf_free(folder);
  for (int i = 0; st == NRF_OK && i < c->n_entries; i++) st = archive_file(c, c->entry[i]->d_name);
  return st;
}

nrf_status nrf_csv_collate(const char *directory, bool archive, nrf_csv_collation *out)
{
  nrf_status st = NRF_OK;
  collation  c  = {.directory = directory};

  *out = (nrf_csv_collation){0};
  NRF_TRY(read_tables(&c));
  NRF_TRY(unite_columns(&c));
  NRF_TRY(merge_rows(&c));
  NRF_TRY(write_collated(&c));
  if (archive) NRF_TRY(archive_files(&c));
  *out = (nrf_csv_collation){.files = c.n_entries, .columns = c.columns, .rows = c.rows};
done:
  collation_free(&c);
  return st;
}
