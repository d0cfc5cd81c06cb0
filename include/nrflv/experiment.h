/* experiment.h - recorded experiments: nrflv --experiment (spec/system.md 6, spec/analysis.md 1.1 - 1.5).
 *
 * An experiment is one long run of the sampler on a trained model with the image clamped. Its phases show one image
 * each per batch element; neither the latent states nor the state optimiser start afresh between them. Step t clamps the
 * image of its phase, makes one sampler step, and is row t of the recording (every row, with --record_stride 1):
 *
 *   state      after the step, clamped
 *   momentum   the sampler's p after the step, before the inverse mass matrix is applied to it
 *   gradient   dE/ds that moved the states (as clipped, with --clip_grad)
 *   energy, bno   per neuron, of the states before the step: what the gradient was computed from
 *
 * Noise and random initial states are drawn with a seed of the experiment's own, nrf_experiment_seed: experiments of one
 * model differ in their noise, and differ from training; the same --seed gives the same recording, byte for byte, with any
 * number of threads and any number of interruptions. */
#ifndef NRFLV_EXPERIMENT_H
#define NRFLV_EXPERIMENT_H

#include "nrflv/progress.h"
#include "nrflv/settings.h"
#include "nrflv/status.h"

#include <stdint.h>

/* ---- what experiments there are (experiment_table.c) ---- */

/* What the image layer is clamped to during a phase. */
typedef enum nrf_shown {
  NRF_SHOWN_TEST_IMAGES, /* batch element b: test image b of the model's data set */
  NRF_SHOWN_BLANK,       /* the base image of the stimuli                         */
  NRF_SHOWN_STIMULI,     /* batch element b: image b of the stimulus set          */
} nrf_shown;

enum { NRF_EXPERIMENT_PHASES = 4 };

typedef struct nrf_experiment_phase {
  const char *name; /* "burn_in"                               */
  nrf_shown   shown;
  const char *steps; /* the option that says how many: "num_burn_in_steps" */
} nrf_experiment_phase;

typedef struct nrf_experiment {
  const char          *name;         /* what --experiments accepts                               */
  int                  number;       /* addresses its random numbers: never changes              */
  const char          *stimulus_set; /* stimulus_set.h; NULL: none, it only watches              */
  const char          *file_name;    /* of the recording, without ".nwb"                         */
  const char          *summary;      /* one sentence for people                                  */
  int                  n_phases;
  nrf_experiment_phase phase[NRF_EXPERIMENT_PHASES];
} nrf_experiment;

/* Images at once: the size of every stimulus set that an experiment shows, and of the batch of one that shows none. */
enum { NRF_EXPERIMENT_BATCH = 128 };

/* In order; NULL past the last. */
const nrf_experiment *nrf_experiment_at(int i);

/* By name. NRF_ENOTFOUND, with the closest name there is. */
NRF_MUST_CHECK nrf_status nrf_experiment_find(const char *name, const nrf_experiment **out);

/* Steps of phase i, and of all phases, with these settings. */
int64_t nrf_experiment_phase_steps(const nrf_experiment *e, int i, const nrf_settings *settings);
int64_t nrf_experiment_steps(const nrf_experiment *e, const nrf_settings *settings);

/* The seed of an experiment's random numbers for a --seed. */
uint64_t nrf_experiment_seed(uint64_t seed, const nrf_experiment *e);

/* ---- running them ---- */

/* Records settings->experiments with the model of --load_model (or the newest one), each into
 *     <exp_data_root_path>/<session>_loaded<model>/<file name>.nwb
 * and returns when all are complete.
 *
 * The session is --model_name if that is given. Otherwise it is the newest session of this model in which recordings of exactly
 * these settings were begun, so that the command that was interrupted goes on when it is given again; if there is none, a
 * new name. In a session a finished recording of the same settings is left as it is, and a partial one is continued; one of other
 * settings, or a file that is no recording of ours, is NRF_EINVAL, naming what differs, unless --force replaces it.
 *
 * Everything is checked and a plan is told before the first step: steps, sizes, time (from a few steps and a trial write),
 * free space; NRF_ENOSPACE if it does not fit, but for --force. --dry_run ends there and leaves nothing behind.
 *
 * NRF_EINTERRUPTED: stopped on request or by --max_hours after the step at hand, everything saved. On any other error,
 * full disks included, what is recorded so far stays readable and can be continued by the same command. settings must be
 * finished (nrf_settings_finish); progress may be NULL. */
NRF_MUST_CHECK nrf_status nrf_run_experiments(const nrf_settings *settings, const nrf_progress *progress);

#endif
