/* blocks.h - one function for each building block: recomputes what the group holds. A status other than NRF_OK means that the
 * group as a whole could not be used. */
#ifndef CHECK_ANALYSIS_REFERENCE_BLOCKS_H
#define CHECK_ANALYSIS_REFERENCE_BLOCKS_H

#include "block.h"

/* numbers.c */
NRF_MUST_CHECK nrf_status check_moments(ref_block *b);
NRF_MUST_CHECK nrf_status check_welch_t(ref_block *b);
NRF_MUST_CHECK nrf_status check_one_sample_t(ref_block *b);
NRF_MUST_CHECK nrf_status check_mean_trace_interval(ref_block *b);
NRF_MUST_CHECK nrf_status check_shapiro_wilk(ref_block *b);
NRF_MUST_CHECK nrf_status check_percentile(ref_block *b);
NRF_MUST_CHECK nrf_status check_bootstrap(ref_block *b);
NRF_MUST_CHECK nrf_status check_straight_line(ref_block *b);
NRF_MUST_CHECK nrf_status check_angle_difference(ref_block *b);

/* series.c */
NRF_MUST_CHECK nrf_status check_linear_detrend(ref_block *b);
NRF_MUST_CHECK nrf_status check_spectrogram(ref_block *b);
NRF_MUST_CHECK nrf_status check_welch_psd(ref_block *b);
NRF_MUST_CHECK nrf_status check_cross_correlation(ref_block *b);
NRF_MUST_CHECK nrf_status check_autocorrelation(ref_block *b);
NRF_MUST_CHECK nrf_status check_find_peaks(ref_block *b);

/* fits.c */
NRF_MUST_CHECK nrf_status check_gabor_fit(ref_block *b);
NRF_MUST_CHECK nrf_status check_orientation_fit(ref_block *b);

/* figures.c */
NRF_MUST_CHECK nrf_status check_colour_maps(ref_block *b);
NRF_MUST_CHECK nrf_status check_image_contrast(ref_block *b);
NRF_MUST_CHECK nrf_status check_map_grey(ref_block *b);
NRF_MUST_CHECK nrf_status check_time_units(ref_block *b);

#endif
