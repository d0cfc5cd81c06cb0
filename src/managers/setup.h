/* setup.h - from settings to the objects that compute: what every manager does before its own work. */
#ifndef NRFLV_MANAGERS_SETUP_H
#define NRFLV_MANAGERS_SETUP_H

#include "nrflv/architecture.h"
#include "nrflv/dataset.h"
#include "nrflv/energy_model.h"
#include "nrflv/initialiser.h"
#include "nrflv/progress.h"
#include "nrflv/sampler.h"
#include "nrflv/settings.h"

/* The architecture that --architecture names, from --architectures_dir or by path. */
NRF_MUST_CHECK nrf_status nrf_setup_architecture(const nrf_settings *s, nrf_architecture *out);

nrf_energy_config      nrf_setup_energy(const nrf_settings *s, int batch);
nrf_initialiser_config nrf_setup_initialiser(const nrf_settings *s, int batch);

/* Spreads per-layer options over the layers: NRF_EINVAL, naming the option, for a list of the wrong length. */
NRF_MUST_CHECK nrf_status nrf_setup_sampler(const nrf_settings *s, int n_layers, nrf_sampler_config *out);

/* Opens the images of one set, training or test, downloading them if need be with a progress display. NRF_ESHAPE if they do
 * not fit layer 0 of the architecture; NULL: of any shape. */
NRF_MUST_CHECK nrf_status nrf_setup_dataset(const nrf_settings *s, const nrf_architecture *a, nrf_split split,
                                            const nrf_progress *progress, nrf_dataset **out);

#endif
