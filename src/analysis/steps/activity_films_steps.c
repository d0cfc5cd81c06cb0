/* activity_films_steps.c - films of all channels (analysis.md 3.4). */
#include "activity_film.h"
#include "activity_steps.h"

#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

/* ---- the range of greys ------------------------------------------------------------------------------------ */

enum { IMAGE, ANGLE, CHANNEL, LOW, HIGH, COLUMNS };

static const nrf_column_spec columns[COLUMNS] = {
    [IMAGE]   = {"batch_idx", NRF_COLUMN_INT, "", "image, its number in the batch"},
    [ANGLE]   = {"angle", NRF_COLUMN_DOUBLE, "rad", "of its stimulus"},
    [CHANNEL] = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [LOW]     = {"low", NRF_COLUMN_DOUBLE, "", "least state of all places and times: black"},
    [HIGH]    = {"high", NRF_COLUMN_DOUBLE, "", "largest state of all places and times: white"},
};

static nrf_status make_table(const nrf_extract *x, nrf_table **out)
{
  nrf_status st = NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_table_create("film_greys", "The states that black and white stand for in the films",
                                       NRF_COLUMNS(columns), out));
  for (int i = 0; i < x->n_films * x->channels && st == NRF_OK; i++) {
    const nrf_film *film = &x->film[i / x->channels];
    const int       c    = i % x->channels;
    st = nrf_table_append(*out, (nrf_cell[COLUMNS]){[IMAGE].i   = x->info->image[film->image].index,
                                                    [ANGLE].d   = x->info->image[film->image].angle,
                                                    [CHANNEL].i = x->layer->channel[c],
                                                    [LOW].d     = film->low[c],
                                                    [HIGH].d    = film->high[c]});
  }
  return st;
}

/* ---- films ------------------------------------------------------------------------------------------------- */

enum { NAME_BYTES = 96, CAPTION_BYTES = 768 };

typedef struct film_job {
  nrf_film_view view;
  char          path[NRF_ANALYSIS_PATH];
} film_job;

typedef struct film_jobs {
  int       n;
  film_job *job;
} film_jobs;

static nrf_status run_job(void *context, int64_t item, int worker)
{
  const film_jobs *jobs = context;
  (void)worker;
  return nrf_film_write(&jobs->job[item].view, jobs->job[item].path);
}

static nrf_status add_job(film_jobs *jobs, nrf_film_view view, nrf_results *results)
{
  char                       name[NAME_BYTES], caption[CAPTION_BYTES], channels[NAME_BYTES] = "All channels";
  const nrf_recording_image *image = &view.x->info->image[view.film->image];
  const double               every = (double)view.step * view.x->ms_per_row;
  film_job                  *job   = &jobs->job[jobs->n++];
  (void)snprintf(name, sizeof name, "image_%03d_all_channels.gif", image->index);
  if (view.n_channels == 1 && view.x->channels > 1) {
    const int number = view.x->layer->channel[view.first_channel];
    (void)snprintf(name, sizeof name, "image_%03d_channel_%03d.gif", image->index, number);
    (void)snprintf(channels, sizeof channels, "Channel %d", number);
  }
  (void)snprintf(
      caption, sizeof caption,
      "%s, image %d, stimulus of %.4g°: states, black and white being each channel's least and largest. "
      "A frame every %.3g ms, so that what oscillates faster than %.3g Hz seems slower. The time is from "
      "the beginning of the stimulus.",
      channels, image->index, image->angle * 180.0 / M_PI, every, 500.0 / every);
  job->view = view;
  return nrf_results_file(results, name, caption, job->path, sizeof job->path);
}

static nrf_status make_films(const nrf_analysis_context *context, const nrf_extract *x, nrf_results *results)
{
  nrf_status st     = NRF_OK;
  film_jobs  jobs   = {0};
  const bool single = context->settings->single_maps && x->channels > 1;
  NRF_TRY(nrf_alloc((size_t)x->n_films * (size_t)(1 + x->channels) * sizeof *jobs.job, "films",
                    (void **)&jobs.job));
  for (int f = 0; f < x->n_films; f++) NRF_TRY(add_job(&jobs, nrf_film_of_all(x, &x->film[f]), results));
  for (int i = 0; single && i < x->n_films * x->channels; i++)
    NRF_TRY(add_job(&jobs, nrf_film_of_one(x, &x->film[i / x->channels], i % x->channels), results));
  const nrf_work_items items = {jobs.n, "films", "films", run_job, &jobs};
  NRF_TRY(nrf_work_items_run(&items, context->threads, context->progress));
done:
  nrf_free(jobs.job);
  return st;
}

nrf_status nrf_step_activity_films(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st    = NRF_OK;
  nrf_table         *table = NULL;
  const nrf_extract *x     = nrf_only_extract(context);
  if (x->n_films == 0)
    return nrf_results_skip(results, "no image with one of the angles that are filmed was recorded");
  NRF_TRY(make_table(x, &table));
  NRF_TRY(nrf_results_table(results, table));
  NRF_TRY(make_films(context, x, results));
done:
  nrf_table_free(table);
  return st;
}
