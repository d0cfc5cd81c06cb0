/* contact_sheet.h - all images of a set on one page, to be looked at. */
#ifndef NRFLV_STIMULUS_CONTACT_SHEET_H
#define NRFLV_STIMULUS_CONTACT_SHEET_H

#include "nrflv/png_file.h"
#include "nrflv/stimulus_set.h"

/* Draws images[count, C, H, W] in the order of the batch, enlarged, with what each shows below it and the number of
 * the first image of each row before it. */
NRF_MUST_CHECK nrf_status nrf_contact_sheet_render(const nrf_stimulus_set *set, const nrf_stimulus *stimulus,
                                                   nrf_layer_size size, const uint8_t *images,
                                                   nrf_picture *out);

#endif
