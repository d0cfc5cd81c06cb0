/* synchrony_steps.h - the analyses of the experiments on synchrony (3.17 to 3.30), as the table of analyses has them. */
#ifndef SYNCHRONY_STEPS_H
#define SYNCHRONY_STEPS_H

#include "nrflv/analysis/analysis.h"

typedef nrf_status nrf_step(const nrf_analysis_context *context, nrf_results *results);

/* synchrony_xcorrs_steps.c: 3.17, 3.23, 3.27 */
nrf_step nrf_step_synchrony1_xcorrs, nrf_step_synchrony2_xcorrs, nrf_step_synchrony3_xcorrs;

/* synchrony_fits_steps.c: 3.18, 3.24, 3.28 */
nrf_step nrf_step_synchrony1_fits, nrf_step_synchrony2_fits, nrf_step_synchrony3_fits;

/* synchrony_groups_steps.c: 3.20, 3.25, 3.29 */
nrf_step nrf_step_synchrony1_groups, nrf_step_synchrony2_groups, nrf_step_synchrony3_groups;

/* synchrony_amplitudes_steps.c: 3.21, 3.26, 3.30 */
nrf_step nrf_step_synchrony1_amplitudes, nrf_step_synchrony2_amplitudes, nrf_step_synchrony3_amplitudes;

/* synchrony_channels_steps.c: 3.19, 3.22 */
nrf_step nrf_step_synchrony1_neighbours, nrf_step_synchrony1_individually;

/* synchrony_images_steps.c: appendix C */
nrf_step nrf_step_synchrony1_images;

#endif
