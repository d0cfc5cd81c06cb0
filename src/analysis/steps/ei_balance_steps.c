/* ei_balance_steps.c - what is shown of the balance of excitation and inhibition (analysis.md, appendix C). */
#include "ei_balance.h"
#include "momentum_steps.h"
#include "show.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

enum { NAME_BYTES = 128 };

static const struct period {
  const char *name, *title, *words, *colour;
} periods[NRF_BALANCE_PERIODS] = {
    [NRF_BALANCE_DURING] = {"during", "During the stimulus", "during the stimulus", NRF_RED},
    [NRF_BALANCE_BEFORE] = {"before", "Before the stimulus", "before the stimulus", NRF_GREY},
};

enum { CHANNEL, BATCH_IDX, GROUP, PERIOD, MOMENTUM, STATE };

static const nrf_column_spec columns[] = {
    [CHANNEL]   = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [BATCH_IDX] = {"batch_idx", NRF_COLUMN_INT, "", "image, its number in the batch"},
    [GROUP]     = {"batch_group", NRF_COLUMN_INT, "", "images that show the same share it"},
    [PERIOD]    = {"period", NRF_COLUMN_TEXT, "", "during the stimulus or before it"},
    [MOMENTUM]  = {"mean_abs_momentum", NRF_COLUMN_DOUBLE, "a.u.", "mean size of the momentum"},
    [STATE]     = {"mean_state", NRF_COLUMN_DOUBLE, "a.u.", "mean state"},
};

static nrf_status save_table(const nrf_extract *x, const nrf_balances *all, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_table_create("EI_balance",
                           "Size of the central neurons' momentum and their state, by channel and image",
                           NRF_COLUMNS(columns), &table));
  for (int64_t i = 0; i < all->n; i++) {
    const nrf_balance *b = &all->balance[i];
    NRF_TRY(nrf_table_append(table, (nrf_cell[]){[CHANNEL]   = {.i = x->layer->channel[b->channel]},
                                                 [BATCH_IDX] = {.i = x->info->image[b->image].index},
                                                 [GROUP]     = {.i = b->group},
                                                 [PERIOD]    = {.s = periods[b->period].name},
                                                 [MOMENTUM]  = {.d = b->momentum},
                                                 [STATE]     = {.d = b->state}}));
  }
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

/* ---- figure ------------------------------------------------------------------------------------------------ */

static bool of_same_channel(const nrf_balance *a, const nrf_balance *b)
{
  return a->channel == b->channel && a->period == b->period;
}

/* Whether an image of the same channel that shows the same comes earlier. */
static bool is_repeat(const nrf_balances *all, int64_t i)
{
  const nrf_balance *b = &all->balance[i];
  for (int64_t k = i - 1; k >= 0 && of_same_channel(b, &all->balance[k]); k--)
    if (all->balance[k].group == b->group) return true;
  return false;
}

/* Means over the images of a channel that show the same. Returns how many there are. */
static int64_t average(const nrf_balances *all, int period, double *state, double *momentum)
{
  int64_t points = 0;
  for (int64_t i = 0; i < all->n; i++) {
    const nrf_balance *first = &all->balance[i];
    nrf_moments        s = nrf_moments_none(), p = nrf_moments_none();
    if (first->period != period || is_repeat(all, i)) continue;
    for (int64_t k = i; k < all->n && of_same_channel(first, &all->balance[k]); k++) {
      if (all->balance[k].group != first->group) continue;
      nrf_moments_add(&s, all->balance[k].state);
      nrf_moments_add(&p, all->balance[k].momentum);
    }
    state[points]      = s.mean;
    momentum[points++] = p.mean;
  }
  return points;
}

static nrf_status show_figure(const nrf_balances *all, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *memory = NULL;
  const nrf_figure_spec spec   = {
        .name = "EI_balance",
        .caption =
            "Mean size of the momentum of central neurons (before the inverse mass matrix) against their mean "
              "state. A dot for each channel and stimulus: means over the images that show the same. Channels "
              "differ in "
              "both for many reasons; what a stimulus does shows as a difference between the panels.",
        .width   = 9,
        .height  = 4.6,
        .columns = NRF_BALANCE_PERIODS,
        .share_x = true,
        .share_y = true};
  NRF_TRY(nrf_alloc((size_t)all->n * 2 * sizeof(double), "balances", &memory));
  double *state = memory, *momentum = state + all->n;
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int p = 0; p < NRF_BALANCE_PERIODS; p++) {
    nrf_panel    *panel = nrf_figure_panel(figure, 0, p);
    const int64_t n     = average(all, p, state, momentum);
    nrf_panel_title(panel, "%s, n = %lld", periods[p].title, (long long)n);
    nrf_plot_points(panel, n, state, momentum,
                    &(nrf_plot_style){.colour = periods[p].colour, .size = 4.0, .opacity = 0.6});
    nrf_panel_x(panel, &(nrf_axis){.label = "Mean state [a.u.]"});
    nrf_panel_y(panel, &(nrf_axis){.label = "Mean |momentum| [a.u.]"});
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(memory);
  return st;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

static void show_numbers(const nrf_balances *all, nrf_results *results)
{
  for (int p = 0; p < NRF_BALANCE_PERIODS; p++) {
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "Correlation of mean |momentum| and mean state over images, %s",
                   periods[p].words);
    nrf_show_mean(results, name, "", nrf_balance_correlation(all, p),
                  "Pearson's, of each channel; mean, n and interval over channels");
  }
  nrf_results_note(results,
                   "energies and gradients, which the published program's comments also compare, are not in "
                   "extracts");
}

nrf_status nrf_step_ei_balance(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st  = NRF_OK;
  const nrf_extract *x   = context->extract[NRF_KIND_LONG];
  nrf_balances       all = {0};
  if (!x->has_momentum) return nrf_results_skip(results, "the momentum was not recorded");
  NRF_TRY(nrf_balances_find(x, &all));
  if (all.n == 0) {
    st = nrf_results_skip(results, "the central neurons were not recorded");
    goto done;
  }
  show_numbers(&all, results);
  NRF_TRY(save_table(x, &all, results));
  NRF_TRY(show_figure(&all, results));
done:
  nrf_balances_free(&all);
  return st;
}
