/* session.h - where a model's files stand. */
#ifndef NRFLV_MANAGERS_SESSION_H
#define NRFLV_MANAGERS_SESSION_H

#include "nrflv/settings.h"

enum { NRF_SESSION_PATH = 2 * NRF_SETTING_STRING_MAX };

typedef struct nrf_session_paths {
  char models[NRF_SESSION_PATH];      /* exps/models                         */
  char checkpoint[NRF_SESSION_PATH];  /* exps/models/NAME.h5                 */
  char samples[NRF_SESSION_PATH];     /* exps/samples/NAME: pictures         */
  char neg_samples[NRF_SESSION_PATH]; /* exps/samples/NAME/neg               */
  char tblogs[NRF_SESSION_PATH];      /* exps/tblogs/NAME: event files       */
  char row[NRF_SESSION_PATH];         /* exps/params_and_results_NAME.csv    */
} nrf_session_paths;

/* For the model settings->model_name. NRF_EINVAL if a path gets too long. */
NRF_MUST_CHECK nrf_status nrf_session_paths_of(const nrf_settings *settings, nrf_session_paths *out);

/* Makes all directories; NRF_EIO, naming it, if one cannot be made or written to. */
NRF_MUST_CHECK nrf_status nrf_session_make_directories(const nrf_settings      *settings,
                                                       const nrf_session_paths *p);

#endif
