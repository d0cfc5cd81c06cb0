/* analyses.c - the table of analyses, in the order of the published program. */
#include "nrflv/analysis/analysis.h"

#include "analysis/steps/activity_steps.h"
#include "analysis/steps/momentum_steps.h"
#include "analysis/steps/orientation_steps.h"
#include "analysis/steps/spectra_steps.h"
#include "analysis/steps/synchrony_steps.h"
#include "analysis/steps/transient_steps.h"

#include <stddef.h>

#define PREFERENCES  "find_orientation_preferences"
#define TRANSIENTS   "plot_contrast_dependent_transients_of_active_neurons"
#define STATE_TRACES "plot_state_traces"

#define SYNCHRONY1 "synchrony_experiment1_overlapping_rec_fields"
#define SYNCHRONY2 "synchrony_experiment2"
#define SYNCHRONY3 "synchrony_experiment3"

#define ACTIVE_PURPOSE "Which neurons does a stimulus raise, and are their states normally distributed?"

/* The last row is empty. */
static const nrf_analysis table[] = {
    {.name    = "find_active_neurons",
     .variant = "primary",
     .title   = "Active neurons of the contrast experiment",
     .purpose = ACTIVE_PURPOSE,
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .run     = nrf_step_active_neurons},
    {.name    = "find_active_neurons",
     .variant = "just_angles",
     .title   = "Active neurons of the experiment with many angles",
     .purpose = ACTIVE_PURPOSE,
     .reads   = NRF_READS(NRF_KIND_ANG),
     .run     = nrf_step_active_neurons},
    {.name    = "find_active_neurons",
     .variant = "just_angles_few_angles",
     .title   = "Active neurons of the experiment with few angles",
     .purpose = ACTIVE_PURPOSE,
     .reads   = NRF_READS(NRF_KIND_FEW),
     .run     = nrf_step_active_neurons},
    {.name    = "find_active_neurons",
     .variant = "double_stim",
     .title   = "Active neurons of the experiment with two patches",
     .purpose = ACTIVE_PURPOSE,
     .reads   = NRF_READS(NRF_KIND_DBL),
     .run     = nrf_step_active_neurons},
    {.name    = "find_active_neurons",
     .variant = "long_just_fewangles",
     .title   = "Active neurons of the experiment with long bars",
     .purpose = ACTIVE_PURPOSE,
     .reads   = NRF_READS(NRF_KIND_LONG),
     .run     = nrf_step_active_neurons},
    {.name    = PREFERENCES,
     .title   = "Orientation preferences",
     .purpose = "Which angle of a stimulus does each channel's central neuron respond to most, and is it "
                "tuned at all?",
     .reads   = NRF_READS(NRF_KIND_ANG),
     .run     = nrf_step_orientation_preferences},
    {.name    = "plot_contrast_power_spectra_LFP",
     .title   = "Power spectra of the LFP at each contrast",
     .purpose = "At which frequency does the response at the centre oscillate, and does that depend on the "
                "contrast?",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .needs   = PREFERENCES,
     .run     = nrf_step_contrast_spectra},
    {.name    = TRANSIENTS,
     .variant = "patch",
     .title   = "Onset and offset transients, central patch",
     .purpose = "How do states follow the onset and the offset of stimuli of different contrasts?",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .run     = nrf_step_transients},
    {.name    = TRANSIENTS,
     .variant = "neuron",
     .title   = "Onset and offset transients, central neuron",
     .purpose = "How do states follow the onset and the offset of stimuli of different contrasts?",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .run     = nrf_step_transients},
    {.name    = TRANSIENTS,
     .variant = "patch_matched",
     .title   = "Onset and offset transients, central patch, matched and active neurons",
     .purpose = "The same of active neurons whose channel prefers the stimulus",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .needs   = PREFERENCES,
     .run     = nrf_step_matched_transients},
    {.name    = TRANSIENTS,
     .variant = "neuron_matched",
     .title   = "Onset and offset transients, central neuron, matched and active neurons",
     .purpose = "The same of active neurons whose channel prefers the stimulus",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .needs   = PREFERENCES,
     .run     = nrf_step_matched_transients},
    {.name    = STATE_TRACES,
     .variant = "patch",
     .title   = "Traces at the onset of preferred stimuli, central patch",
     .purpose = "How do the states of a channel follow the onset of the stimulus that it prefers?",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .needs   = PREFERENCES,
     .run     = nrf_step_state_traces},
    {.name    = STATE_TRACES,
     .variant = "neuron",
     .title   = "Traces at the onset of preferred stimuli, central neuron",
     .purpose = "How do the states of a channel follow the onset of the stimulus that it prefers?",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .needs   = PREFERENCES,
     .run     = nrf_step_state_traces},
    {.name    = "plot_state_and_mom_trace",
     .title   = "State and momentum of central neurons",
     .purpose = "What do excitation and inhibition look like side by side, and how are they correlated?",
     .reads   = NRF_READS(NRF_KIND_PRIM),
     .run     = nrf_step_state_and_momentum},
    {.name    = "calculate_EI_lag",
     .title   = "Lag of excitation behind inhibition",
     .purpose = "By how much does the state of central neurons come after their momentum?",
     .reads   = NRF_READS(NRF_KIND_LONG),
     .run     = nrf_step_ei_lag},
    {.name  = SYNCHRONY1,
     .title = "Synchrony 1: correlations between channels at one place",
     .purpose =
         "How are the central neurons of all pairs of channels correlated, during a stimulus and before it?",
     .reads = NRF_READS(NRF_KIND_FEW),
     .run   = nrf_step_synchrony1_xcorrs},
    {.name    = SYNCHRONY1 "_fit_Gabors",
     .title   = "Synchrony 1: damped cosines fitted to the correlations",
     .purpose = "At which frequency and phase, and how strongly, do pairs of channels oscillate together?",
     .reads   = NRF_READS(NRF_KIND_FEW),
     .run     = nrf_step_synchrony1_fits},
    {.name    = SYNCHRONY1 "_Plot_acorrs_CI_neighbours",
     .title   = "Synchrony 1: mean correlation by the channels' distance",
     .purpose = "Are channels that the sampler couples more strongly correlated than others?",
     .reads   = NRF_READS(NRF_KIND_FEW),
     .run     = nrf_step_synchrony1_neighbours},
    {.name    = SYNCHRONY1 "_Analyze_fitted_Gabors",
     .title   = "Synchrony 1: fits to equal stimuli taken together",
     .purpose = "Does a stimulus change how strongly pairs of channels oscillate together, and have they a "
                "common phase?",
     .reads   = NRF_READS(NRF_KIND_FEW),
     .needs   = SYNCHRONY1 "_fit_Gabors",
     .run     = nrf_step_synchrony1_groups},
    {.name    = SYNCHRONY1 "_OriPref_vs_OscAmp",
     .title   = "Synchrony 1: amplitude by the difference of preferences",
     .purpose = "Do channels with similar preferences oscillate together more strongly, when the stimulus "
                "suits both "
                "and when not?",
     .reads   = NRF_READS(NRF_KIND_FEW),
     .needs   = PREFERENCES " " SYNCHRONY1 "_Analyze_fitted_Gabors",
     .run     = nrf_step_synchrony1_amplitudes},
    {.name    = SYNCHRONY2 "_xcorrs",
     .title   = "Synchrony 2: correlations between the places of two patches",
     .purpose = "How are neurons at the places of two patches correlated, during the stimulus and before it?",
     .reads   = NRF_READS(NRF_KIND_DBL),
     .run     = nrf_step_synchrony2_xcorrs},
    {.name  = SYNCHRONY2 "_fit_Gabors",
     .title = "Synchrony 2: damped cosines fitted to the correlations",
     .purpose =
         "At which frequency and phase, and how strongly, do neurons at two patches oscillate together?",
     .reads = NRF_READS(NRF_KIND_DBL),
     .run   = nrf_step_synchrony2_fits},
    {.name    = SYNCHRONY2 "_Analyze_fitted_Gabors",
     .title   = "Synchrony 2: fits to equal stimuli taken together",
     .purpose = "Does a stimulus change how strongly neurons at two patches oscillate together, and have "
                "they a common phase?",
     .reads   = NRF_READS(NRF_KIND_DBL),
     .needs   = SYNCHRONY2 "_fit_Gabors",
     .run     = nrf_step_synchrony2_groups},
    {.name    = SYNCHRONY2 "_OriPref_OR_Distance_vs_OscAmp_OR_vs_Phase",
     .title   = "Synchrony 2: amplitude by the distance of the patches",
     .purpose = "Do neurons at two patches oscillate together less the farther apart the patches are, in "
                "line and not?",
     .reads   = NRF_READS(NRF_KIND_DBL),
     .needs   = PREFERENCES " " SYNCHRONY2 "_Analyze_fitted_Gabors",
     .run     = nrf_step_synchrony2_amplitudes},
    {.name  = SYNCHRONY3 "_xcorrs",
     .title = "Synchrony 3: correlations along a bar",
     .purpose =
         "How are neurons along a bar correlated with the central one, during the stimulus and before it?",
     .reads = NRF_READS(NRF_KIND_LONG),
     .run   = nrf_step_synchrony3_xcorrs},
    {.name    = SYNCHRONY3 "_fit_Gabors",
     .title   = "Synchrony 3: damped cosines fitted to the correlations",
     .purpose = "At which frequency and phase, and how strongly, do neurons along a bar oscillate together?",
     .reads   = NRF_READS(NRF_KIND_LONG),
     .run     = nrf_step_synchrony3_fits},
    {.name    = SYNCHRONY3 "_Analyze_fitted_Gabors",
     .title   = "Synchrony 3: fits to equal stimuli taken together",
     .purpose = "Does a stimulus change how strongly neurons along a bar oscillate together, and have they a "
                "common phase?",
     .reads   = NRF_READS(NRF_KIND_LONG),
     .needs   = SYNCHRONY3 "_fit_Gabors",
     .run     = nrf_step_synchrony3_groups},
    {.name    = SYNCHRONY3 "_Distance_vs_OscAmp",
     .title   = "Synchrony 3: amplitude by the distance along the bar",
     .purpose = "Do neurons along a bar oscillate together less the farther apart they are?",
     .reads   = NRF_READS(NRF_KIND_LONG),
     .needs   = PREFERENCES " " SYNCHRONY3 "_Analyze_fitted_Gabors",
     .run     = nrf_step_synchrony3_amplitudes},
    {.name    = SYNCHRONY1 "_Plot_acorrs_individually",
     .title   = "Synchrony 1: correlations of single images",
     .purpose = "What do the correlations of channels look like in single images?",
     .reads   = NRF_READS(NRF_KIND_FEW),
     .run     = nrf_step_synchrony1_individually},
    {.name = NULL},
};

nrf_analyses nrf_analyses_all(void)
{
  return (nrf_analyses){table, (int)(sizeof table / sizeof *table) - 1};
}
