/* stages.h - what the program can do, by stage. */
#ifndef NRFLV_CLI_STAGES_H
#define NRFLV_CLI_STAGES_H

#include "nrflv/progress.h"
#include "nrflv/settings.h"

/* Runs one stage. NRF_EINTERRUPTED: stopped on request, with everything saved. */
typedef nrf_status (*nrf_stage_fn)(const nrf_settings *settings, const nrf_progress *progress);

/* NRF_EUNSUPPORTED, naming it, if a wanted stage is not in this version, and NRF_EINVAL if none is wanted:
 * found out before the first one runs for a week. */
nrf_status nrf_stages_check(const nrf_stages *stages) NRF_MUST_CHECK;

/* Runs the wanted stages in order, up to the first that does not end with NRF_OK. */
nrf_status nrf_stages_run(const nrf_stages *stages, const nrf_settings *settings,
                          const nrf_progress *progress) NRF_MUST_CHECK;

/* The stages that are small enough to live here. --describe prints what a recording holds. --list_architectures prints a line per architecture; --collate
 * merges the result rows of a folder. */
nrf_status nrf_describe(const nrf_settings *settings, const nrf_progress *progress) NRF_MUST_CHECK;
nrf_status nrf_list_architectures(const nrf_settings *settings, const nrf_progress *progress) NRF_MUST_CHECK;
nrf_status nrf_collate(const nrf_settings *settings, const nrf_progress *progress) NRF_MUST_CHECK;

#endif
