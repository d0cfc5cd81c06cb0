/* weight_sheet.h - the weights with which a layer reads its inputs, on one labelled sheet.
 *
 * One block for each input: a column for each output channel, a row for each input channel, every kernel enlarged, in
 * colours from blue (negative) over white (0) to red (positive) whose range is the block's own; a colour bar says what
 * it is. For an image of three channels there is a fourth row with the kernels as they are in colour, 0 being grey. */
#ifndef NRFLV_MANAGERS_WEIGHT_SHEET_H
#define NRFLV_MANAGERS_WEIGHT_SHEET_H

#include "nrflv/base_kernels.h"
#include "nrflv/png_file.h"

/* `title` stands at the top. Frees nothing; *out is freed with nrf_picture_free. */
NRF_MUST_CHECK nrf_status nrf_weight_sheet_render(const char *title, int layer,
                                                  const nrf_base_kernel_list *kernels, nrf_picture *out);

/* The colour of a value in [-1, 1] on the sheet's scale; values beyond take the colour of the end. */
void nrf_weight_colour(double value, uint8_t rgb[3]);

#endif
