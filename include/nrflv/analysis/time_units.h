/* time_units.h - timesteps of the sampler in biological time (section 1.4). */
#ifndef NRFLV_ANALYSIS_TIME_UNITS_H
#define NRFLV_ANALYSIS_TIME_UNITS_H

/* One timestep is 70/17 ms. */
#define NRF_TIMESTEP_MS      (70.0 / 17.0)
#define NRF_SAMPLING_RATE_HZ (1000.0 * 17.0 / 70.0)

static inline double nrf_ms_of_timesteps(double timesteps)
{
  return timesteps * NRF_TIMESTEP_MS;
}

static inline double nrf_timesteps_of_ms(double ms)
{
  return ms * 17.0 / 70.0;
}

#endif
