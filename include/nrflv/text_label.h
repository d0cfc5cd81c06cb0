/* text_label.h - words and numbers in pictures: a font of 5 x 9 pixels, ASCII and the degree sign. */
#ifndef NRFLV_TEXT_LABEL_H
#define NRFLV_TEXT_LABEL_H

#include "nrflv/png_file.h"

#include <stdint.h>

/* At scale 1: the width of a character with the blank column that follows it; the height of a line, of which the last two
 * rows are for what reaches below (as in p), without a blank row between lines. */
enum { NRF_LABEL_ADVANCE = 6, NRF_LABEL_HEIGHT = 9 };

/* The width of a line in pixels, without the blank after its last character. Each font pixel becomes scale x scale. */
int nrf_label_width(const char *text, int scale);

/* Writes a line with its upper left corner at (x, y), in a shade of grey, over what is there. What lies outside the
 * picture is left out. UTF-8: a character that the font does not have becomes a question mark. */
void nrf_label_draw(nrf_picture *picture, int x, int y, int scale, uint8_t shade, const char *text);

#endif
