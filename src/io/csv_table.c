/* csv_table.c - reading and writing CSV files. */
#include "nrflv/csv_table.h"

#include "io/byte_buffer.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t MAX_FILE_BYTES = (int64_t)256 << 20;

/* ---- Reading ---- */

/* The file's text with a NUL at its end. */
static nrf_status read_text(const char *path, char **out, size_t *size)
{
  nrf_status  st = NRF_OK;
  struct stat info;
  void       *memory = NULL;
  FILE       *file   = fopen(path, "rb");

  if (file == NULL) {
    const bool missing = errno == ENOENT;
    st                 = nrf_error_errno("%s: cannot open", path);
    return missing ? NRF_ENOTFOUND : st;
  }
  if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode))
    NRF_FAIL(NRF_EFORMAT, "%s: not a file", path);
  if (info.st_size > MAX_FILE_BYTES)
    NRF_FAIL(NRF_EFORMAT, "%s: %lld bytes, at most %lld can be read", path, (long long)info.st_size,
             (long long)MAX_FILE_BYTES);
  NRF_TRY(nrf_alloc((size_t)info.st_size + 1, path, &memory));
  *size = fread(memory, 1, (size_t)info.st_size, file);
  if (ferror(file)) {
    st = nrf_error_errno("%s: cannot read", path);
    goto done;
  }
  ((char *)memory)[*size] = '\0';
  *out                    = memory;
  memory                  = NULL;
done:
  nrf_free(memory);
  (void)fclose(file);
  return st;
}

/* Cells are unquoted in place: they never grow. */
typedef struct csv_reader {
  const char *path;
  char       *next; /* what comes: up to the NUL at the text's end */
  int64_t     line;
  nrf_buffer  cells; /* char * of all rows, the header first        */
} csv_reader;

/* Takes the separator at `r->next`; true if the row goes on behind it. */
static bool take_separator(csv_reader *r)
{
  if (*r->next == ',') {
    r->next++;
    return true;
  }
  if (*r->next == '\r') r->next++;
  if (*r->next == '\n') {
    r->next++;
    r->line++;
  }
  return false;
}

static bool at_separator(const char *at)
{
  return *at == ',' || *at == '\n' || *at == '\0' || (*at == '\r' && (at[1] == '\n' || at[1] == '\0'));
}

static nrf_status take_quoted(csv_reader *r, char **end)
{
  const int64_t first_line = r->line;
  char         *to         = r->next;
  for (char *from = r->next + 1;; from++) {
    if (*from == '\0')
      return nrf_error(NRF_EFORMAT, "%s: line %lld: a quoted cell does not end", r->path,
                       (long long)first_line);
    if (*from == '"' && from[1] == '"') {
      from++;
    } else if (*from == '"') {
      r->next = from + 1;
      break;
    }
    if (*from == '\n') r->line++;
    *to++ = *from;
  }
  if (!at_separator(r->next))
    return nrf_error(NRF_EFORMAT, "%s: line %lld: text after a closing quote", r->path, (long long)r->line);
  *end = to;
  return NRF_OK;
}

static nrf_status take_plain(csv_reader *r, char **end)
{
  while (!at_separator(r->next)) {
    if (*r->next == '"')
      return nrf_error(NRF_EFORMAT, "%s: line %lld: a quote inside an unquoted cell", r->path,
                       (long long)r->line);
    r->next++;
  }
  *end = r->next;
  return NRF_OK;
}

/* One row, its number of cells; none for an empty line. */
static nrf_status take_row(csv_reader *r, int64_t *count)
{
  *count = 0;
  if (*r->next != '"' && *r->next != ',' && at_separator(r->next)) {
    (void)take_separator(r);
    return NRF_OK;
  }
  for (bool more = true; more;) {
    char *cell = r->next, *end = NULL;
    NRF_RETURN_IF_ERROR(*cell == '"' ? take_quoted(r, &end) : take_plain(r, &end));
    more = take_separator(r);
    *end = '\0'; /* only now: it may stand where the separator stood */
    nrf_buffer_put(&r->cells, &cell, sizeof cell);
    (*count)++;
  }
  return NRF_OK;
}

static nrf_status check_header(const csv_reader *r, int64_t columns, char *const header[])
{
  if (columns == 0) return nrf_error(NRF_EFORMAT, "%s: no header line", r->path);
  if (r->cells.failed) return NRF_OK; /* reported at the end */
  for (int64_t i = 0; i < columns; i++)
    for (int64_t j = 0; j < i; j++)
      if (strcmp(header[i], header[j]) == 0)
        return nrf_error(NRF_EFORMAT, "%s: column '%s' stands twice in the header", r->path, header[i]);
  return NRF_OK;
}

static nrf_status take_table(csv_reader *r, nrf_csv_table *out)
{
  while (*r->next != '\0' && out->columns == 0) NRF_RETURN_IF_ERROR(take_row(r, &out->columns));
  NRF_RETURN_IF_ERROR(check_header(r, out->columns, (char **)(void *)r->cells.bytes));
  while (*r->next != '\0') {
    const int64_t line  = r->line;
    int64_t       count = 0;
    NRF_RETURN_IF_ERROR(take_row(r, &count));
    if (count == 0) continue;
    if (count != out->columns)
      return nrf_error(NRF_EFORMAT, "%s: line %lld: %lld cells, %lld expected", r->path, (long long)line,
                       (long long)count, (long long)out->columns);
    out->rows++;
  }
  if (r->cells.failed) return nrf_error(NRF_ENOMEM, "%s: too large for the memory there is", r->path);
  return NRF_OK;
}

nrf_status nrf_csv_read(const char *path, nrf_csv_table *out)
{
  static const char byte_order_mark[] = "\xef\xbb\xbf";
  nrf_status        st                = NRF_OK;
  nrf_csv_table     table             = {0};
  csv_reader        reader            = {.path = path, .line = 1};
  size_t            size              = 0;

  *out = (nrf_csv_table){0};
  NRF_RETURN_IF_ERROR(read_text(path, &table.text, &size));
  if (memchr(table.text, '\0', size) != NULL)
    NRF_FAIL(NRF_EFORMAT, "%s: not text: there are NUL bytes", path);
  reader.next = table.text;
  if (strncmp(reader.next, byte_order_mark, 3) == 0) reader.next += 3;
  NRF_TRY(take_table(&reader, &table));
  table.header       = (char **)(void *)reader.cells.bytes;
  table.cells        = table.header + table.columns;
  reader.cells.bytes = NULL;
  *out               = table;
  table              = (nrf_csv_table){0};
done:
  nrf_buffer_free(&reader.cells);
  nrf_csv_free(&table);
  return st;
}

void nrf_csv_free(nrf_csv_table *table)
{
  nrf_free(table->header); /* the cells stand behind it in the same block */
  nrf_free(table->text);
  *table = (nrf_csv_table){0};
}

int64_t nrf_csv_column(const nrf_csv_table *table, const char *name)
{
  for (int64_t i = 0; i < table->columns; i++)
    if (strcmp(table->header[i], name) == 0) return i;
  return -1;
}

/* ---- Writing ---- */

static void put_cell(nrf_buffer *b, const char *cell, bool only_one)
{
  /* An empty cell alone in its row would be an empty line. */
  if (cell[strcspn(cell, ",\"\r\n")] == '\0' && !(only_one && cell[0] == '\0')) {
    nrf_buffer_put(b, cell, strlen(cell));
    return;
  }
  nrf_buffer_put(b, "\"", 1);
  for (; *cell != '\0'; cell++) {
    if (*cell == '"') nrf_buffer_put(b, "\"", 1);
    nrf_buffer_put(b, cell, 1);
  }
  nrf_buffer_put(b, "\"", 1);
}

static void put_row(nrf_buffer *b, int64_t columns, const char *const cells[])
{
  for (int64_t i = 0; i < columns; i++) {
    if (i > 0) nrf_buffer_put(b, ",", 1);
    put_cell(b, cells[i], columns == 1);
  }
  nrf_buffer_put(b, "\n", 1);
}

nrf_status nrf_csv_write(const char *path, int64_t columns, const char *const header[], int64_t rows,
                         const char *const cells[])
{
  nrf_status st   = NRF_OK;
  nrf_buffer text = {0};

  if (columns < 1) return nrf_error(NRF_EINVAL, "%s: a table needs columns", path);
  put_row(&text, columns, header);
  for (int64_t row = 0; row < rows; row++) put_row(&text, columns, cells + row * columns);
  if (text.failed) NRF_FAIL(NRF_ENOMEM, "%s: too large for the memory there is", path);
  NRF_TRY(nrf_atomic_write(path, text.bytes, text.used));
done:
  nrf_buffer_free(&text);
  return st;
}
