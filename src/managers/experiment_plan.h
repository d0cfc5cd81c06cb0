/* experiment_plan.h - what a session of experiments will compute and write: checked, complete, before anything is done. */
#ifndef NRFLV_MANAGERS_EXPERIMENT_PLAN_H
#define NRFLV_MANAGERS_EXPERIMENT_PLAN_H

#include "io/md5.h"
#include "managers/loaded_model.h"
#include "managers/session.h"
#include "nrflv/experiment.h"
#include "nrflv/progress.h"
#include "nrflv/recording.h"
#include "nrflv/stimulus_folder.h"

/* How far an experiment's recording has come. */
typedef enum nrf_recording_stage {
  NRF_RECORDING_MISSING,
  NRF_RECORDING_PARTIAL,
  NRF_RECORDING_FINISHED,
} nrf_recording_stage;

typedef struct nrf_planned_experiment {
  const nrf_experiment *experiment;
  nrf_stimuli          *stimuli; /* NULL if it shows none                                           */
  nrf_recording_info    info;    /* what the recording says; its pointers lead into the plan        */
  bool                  reduce;  /* once it is complete, only its extract stays                     */

  /* what `info` points to */
  nrf_recording_image *image;
  uint8_t             *pictures; /* blank, burn-in, stimuli */

  /* in the session (experiment_session.h) */
  char                final[NRF_SESSION_PATH];   /* FILE.nwb; FILE.extract.h5 if it is reduced  */
  char                partial[NRF_SESSION_PATH]; /* FILE.partial.nwb                            */
  char                state[NRF_SESSION_PATH];   /* FILE.partial.state: the sampler             */
  nrf_recording_stage stage;
  int64_t             rows;     /* complete ones of a partial recording                  */
  bool                leftover; /* a finished one's recording is still beside its extract */
} nrf_planned_experiment;

enum { NRF_PLANNED_MAX = 16 };

typedef struct nrf_experiment_plan {
  const nrf_loaded_model *model;
  nrf_settings            settings; /* the model's, with what experiments make of them */
  char                    model_hash[NRF_MD5_HEX_BYTES];
  float *test_images; /* [NRF_EXPERIMENT_BATCH, C, H, W]: the first of the model's data set */
  int    n_recorded;  /* images, and which                                              */
  int    recorded[NRF_EXPERIMENT_BATCH];

  bool               reduce; /* --record analysis */
  bool               variable[NRF_RECORD_VARIABLES];
  int                n_layers; /* recorded */
  nrf_recorded_layer layer[NRF_RECORDING_MAX_LAYERS];
  int               *channels; /* of all recorded layers, one after another */

  int                    n_settings;
  nrf_recording_setting *setting;
  char                  *setting_texts;
  char                   settings_hash[NRF_MD5_HEX_BYTES]; /* of what they say */

  char session[NRF_SETTING_STRING_MAX]; /* experiment_session.h: its name, */
  char folder[NRF_SESSION_PATH];        /* its folder,                     */
  bool is_new;                          /* and whether it begins now       */

  int                    n;
  nrf_planned_experiment item[NRF_PLANNED_MAX];
} nrf_experiment_plan;

/* Plans the experiments of model->settings, loading all the images they show. Errors name the option or file at fault.
 * The session is still to be chosen. `model` is borrowed for the plan's life. */
NRF_MUST_CHECK nrf_status nrf_experiment_plan_create(const nrf_loaded_model *model,
                                                     const nrf_progress *progress, nrf_experiment_plan **out);
void                      nrf_experiment_plan_free(nrf_experiment_plan *plan);

/* Layer 0 as phase `phase` of an experiment shows it. */
void nrf_experiment_show(const nrf_experiment_plan *plan, const nrf_planned_experiment *item, nrf_shown shown,
                         nrf_states *states);

#endif
