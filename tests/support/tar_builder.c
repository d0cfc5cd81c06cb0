/* tar_builder.c - see tar_builder.h. */
#include "tar_builder.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512 };

static const char zeros[2 * BLOCK];

/* Eleven octal digits, or GNU tar's way for sizes beyond them: the top bit set, then a big-endian number. */
static void put_size(char field[12], size_t bytes)
{
  if (bytes >> 33 == 0) {
    snprintf(field, 12, "%011zo", bytes);
    return;
  }
  field[0] = (char)0x80;
  for (int i = 0; i < 8; i++) field[11 - i] = (char)(bytes >> 8 * i);
}

void tar_builder_add(gzFile archive, const char *name, char type, const void *content, size_t bytes,
                     size_t announced)
{
  char header[BLOCK] = "";
  snprintf(header, 100, "%s", name);
  memcpy(header + 100,
         "0000644\0"
         "0000000\0"
         "0000000",
         24);
  put_size(header + 124, announced);
  memcpy(header + 136, "00000000000", 12);
  header[156] = type;
  memcpy(header + 257,
         "ustar\0"
         "00",
         8);

  unsigned sum = 8 * ' ';
  for (int i = 0; i < BLOCK; i++) sum += (unsigned char)header[i];
  snprintf(header + 148, 8, "%06o", sum);
  header[155] = ' ';

  gzwrite(archive, header, BLOCK);
  if (bytes > 0) gzwrite(archive, content, (unsigned)bytes);
  if (bytes % BLOCK != 0) gzwrite(archive, zeros, (unsigned)(BLOCK - bytes % BLOCK));
}

void tar_builder_end(gzFile archive)
{
  gzwrite(archive, zeros, sizeof zeros);
}
