/* extract_plan.c - windows, sites, films: analysis.md 1.3, 1.7, 1.11, 3.4. Whatever is decided here has to be decided again when
 * an extract is opened: another rule is another format (extract_file.c). */
#include "extract_plan.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- layer and windows ----------------------------------------------------------------------------------- */

static nrf_status choose_layer(const nrf_recording_info *info, nrf_extract_plan *plan)
{
  int i = 0;
  while (i < info->n_layers && info->layer[i].layer < 1) i++;
  if (!info->variable[NRF_RECORD_STATE] || i == info->n_layers)
    return nrf_error(NRF_EUNSUPPORTED,
                     "%s: the states of a latent layer were not recorded: nothing to analyse",
                     info->experiment);
  plan->layer_index = i;
  plan->layer       = &info->layer[i];
  plan->channels    = plan->layer->n_channels;
  plan->height      = plan->layer->rows;
  plan->width       = plan->layer->columns;
  plan->images      = info->n_images;
  plan->rows        = nrf_recording_n_rows(info);
  return NRF_OK;
}

/* Recorded steps are the multiples of the stride. */
static nrf_window rows_of(const nrf_recording_info *info, const nrf_recording_phase *phase)
{
  const int64_t first = (phase->first_step + info->stride - 1) / info->stride;
  const int64_t end   = (phase->first_step + phase->n_steps + info->stride - 1) / info->stride;
  return (nrf_window){first, end - first};
}

static bool phase_shows(const nrf_recording_info *info, int phase, nrf_recording_shows shows)
{
  return phase >= 0 && phase < info->n_phases && info->phase[phase].shows == shows;
}

/* PRE and POST are the blank phases next to the stimulus. */
static nrf_status choose_windows(const nrf_recording_info *info, nrf_extract_plan *plan)
{
  int stimulus = 0;
  while (stimulus < info->n_phases && !phase_shows(info, stimulus, NRF_SHOWS_STIMULUS)) stimulus++;
  if (stimulus < info->n_phases) plan->window[NRF_WINDOW_DUR] = rows_of(info, &info->phase[stimulus]);
  if (plan->window[NRF_WINDOW_DUR].count == 0)
    return nrf_error(NRF_EUNSUPPORTED, "%s: no stimulus was recorded: nothing to analyse", info->experiment);
  if (phase_shows(info, stimulus - 1, NRF_SHOWS_BLANK))
    plan->window[NRF_WINDOW_PRE] = rows_of(info, &info->phase[stimulus - 1]);
  if (phase_shows(info, stimulus + 1, NRF_SHOWS_BLANK))
    plan->window[NRF_WINDOW_POST] = rows_of(info, &info->phase[stimulus + 1]);
  if (plan->window[NRF_WINDOW_PRE].count + plan->window[NRF_WINDOW_POST].count == 0)
    return nrf_error(NRF_EUNSUPPORTED,
                     "%s: nothing was recorded just before or after the stimulus to compare it with",
                     info->experiment);
  for (int i = 0; i < stimulus; i++)
    if (phase_shows(info, i, NRF_SHOWS_BURN_IN))
      plan->window[NRF_WINDOW_BURN] = rows_of(info, &info->phase[i]);
  return NRF_OK;
}

/* ---- sites: candidates in the layer's map, as distances from its centre ---------------------------------- */

/* The sites of one image. Places outside the recorded region are passed over. */
typedef struct site_list {
  const nrf_recorded_layer *layer;
  int                       count;
  nrf_site                 *site;
} site_list;

static void add_site(site_list *list, int down, int right)
{
  const nrf_recorded_layer *l = list->layer;
  const int                 h = l->height / 2 + down - l->top, w = l->width / 2 + right - l->left;
  if (h >= 0 && h < l->rows && w >= 0 && w < l->columns) list->site[list->count++] = (nrf_site){h, w};
}

/* Whether a distance from the centre of a map of this size is one of those at which long bars are looked at: up to 7 all of them,
 * farther away the odd numbers of rows or columns; never the first row or column, which the bars do not reach. */
static bool is_on_long_bar(int distance, int size)
{
  const int place = size / 2 + distance;
  return place >= 1 && place < size && (abs(distance) <= 7 || place % 2 == 1);
}

static bool is_near(double angle, double other)
{
  return fabs(angle - other) < 1e-6;
}

/* Along the bar: angle 0 is a horizontal one, a quarter turn later it leans to the right, and so on round. */
static void add_long_bar(site_list *list, double angle)
{
  static const struct {
    int down, right;
  } directions[4]     = {{0, 1}, {-1, 1}, {1, 0}, {1, 1}};
  const int    height = list->layer->height, width = list->layer->width;
  const double eighth = angle / (M_PI / 4);
  if (!isfinite(angle) || !is_near(eighth, nearbyint(eighth))) {
    add_site(list, 0, 0);
    return;
  }
  const int turn = (int)((int64_t)nearbyint(fmod(eighth, 4.0)) & 3);
  const int down = directions[turn].down, right = directions[turn].right;
  for (int d = -(height > width ? height : width); d <= (height > width ? height : width); d++)
    if ((down == 0 || is_on_long_bar(down * d, height)) && (right == 0 || is_on_long_bar(right * d, width)))
      add_site(list, down * d, right * d);
}

static void add_patch(site_list *list)
{
  for (int down = -1; down <= 1; down++)
    for (int right = -1; right <= 1; right++) add_site(list, down, right);
}

/* A distance in the image as one in a map of it, which may be smaller or larger. */
static int in_map(int distance, int map_size, int image_size)
{
  return image_size > 0 ? (int)lround((double)distance * map_size / image_size) : distance;
}

static void add_mobile_patch(const nrf_recording_info *info, const nrf_recording_image *image,
                             site_list *list)
{
  const int down  = in_map(image->offset_row, list->layer->height, info->pictures.height),
            right = in_map(image->offset_column, list->layer->width, info->pictures.width);
  if (down != 0 || right != 0) add_site(list, down, right);
}

static void add_state_sites(nrf_experiment_kind kind, const nrf_recording_info *info, int b, site_list *list)
{
  const nrf_recording_image *image = &info->image[b];
  switch (kind) {
  case NRF_KIND_PRIM:
    add_patch(list);
    return;
  case NRF_KIND_LONG:
    add_long_bar(list, image->angle);
    return;
  case NRF_KIND_DBL:
    add_mobile_patch(info, image, list);
    break;
  default:
    break;
  }
  add_site(list, 0, 0);
}

/* The image of largest angle, and of those the one of largest contrast. */
static int last_image(const nrf_recording_info *info)
{
  int last = 0;
  for (int b = 1; b < info->n_images; b++) {
    const nrf_recording_image *a = &info->image[last], *z = &info->image[b];
    if (z->angle > a->angle || (z->angle == a->angle && z->contrast >= a->contrast)) last = b;
  }
  return last;
}

static void add_momentum_sites(nrf_experiment_kind kind, const nrf_recording_info *info, int b,
                               site_list *list)
{
  if (!info->variable[NRF_RECORD_MOMENTUM] || !nrf_experiment_kind_info(kind)->uses_momentum) return;
  if (kind != NRF_KIND_PRIM || b == last_image(info)) add_site(list, 0, 0);
}

static int compare_sites(const void *a, const void *b)
{
  const nrf_site *s = a, *t = b;
  return s->h != t->h ? (s->h > t->h) - (s->h < t->h) : (s->w > t->w) - (s->w < t->w);
}

/* Room for the sites of any image. */
static nrf_status make_room(const nrf_recorded_layer *layer, site_list *out)
{
  const size_t side = (size_t)(layer->height > layer->width ? layer->height : layer->width);
  void        *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((2 * side + 9) * sizeof(nrf_site), "sites of neurons", &memory));
  *out = (site_list){layer, 0, memory};
  return NRF_OK;
}

static void list_sites(const nrf_recording_info *info, nrf_experiment_kind kind, int kept, int b,
                       site_list *list)
{
  list->count = 0;
  if (kept == NRF_KEPT_STATE)
    add_state_sites(kind, info, b, list);
  else
    add_momentum_sites(kind, info, b, list);
  qsort(list->site, (size_t)list->count, sizeof *list->site, compare_sites);
}

/* How many sites there are, and where the traces of each image begin. */
static nrf_status count_sites(const nrf_recording_info *info, nrf_extract_plan *plan, site_list *list,
                              size_t *total)
{
  const size_t n      = (size_t)plan->images;
  void        *memory = NULL;
  for (int k = 0; k < NRF_KEPT; k++) {
    nrf_kept_traces *kept = &plan->kept[k];
    kept->variable        = k == NRF_KEPT_STATE ? NRF_RECORD_STATE : NRF_RECORD_MOMENTUM;
    NRF_RETURN_IF_ERROR(nrf_alloc(n * sizeof *kept->sites, "sites of neurons", &memory));
    kept->sites = memory;
    NRF_RETURN_IF_ERROR(nrf_alloc((n + 1) * sizeof *kept->first, "sites of neurons", &memory));
    kept->first = memory;
    for (int b = 0; b < plan->images; b++) {
      list_sites(info, plan->kind, k, b, list);
      kept->sites[b].count = list->count;
      kept->first[b + 1]   = kept->first[b] + (int64_t)list->count * plan->channels;
      *total += (size_t)list->count;
    }
  }
  return NRF_OK;
}

static nrf_status choose_kept(const nrf_recording_info *info, nrf_extract_plan *plan)
{
  nrf_status st     = NRF_OK;
  size_t     total  = 0;
  void      *memory = NULL;
  site_list  list;
  NRF_RETURN_IF_ERROR(make_room(plan->layer, &list));
  NRF_TRY(count_sites(info, plan, &list, &total));
  NRF_TRY(nrf_alloc(total * sizeof *plan->all_sites, "sites of neurons", &memory));
  plan->all_sites = memory;
  nrf_site *next  = memory;
  for (int k = 0; k < NRF_KEPT; k++)
    for (int b = 0; b < plan->images; b++) {
      list_sites(info, plan->kind, k, b, &list);
      memcpy(next, list.site, (size_t)list.count * sizeof *next);
      plan->kept[k].sites[b].site = next;
      next += list.count;
    }
done:
  nrf_free(list.site);
  return st;
}

static void find_centre(nrf_extract_plan *plan)
{
  nrf_site  site = {-1, -1};
  site_list list = {plan->layer, 0, &site};
  add_site(&list, 0, 0);
  plan->centre = site;
}

/* ---- films ----------------------------------------------------------------------------------------------- */

/* Which images are shown: the nearest angle, and of repeats the one with this number, or else the first. The published
 * films of LONG are of b = 0 and 65. */
static const struct {
  nrf_experiment_kind kind;
  double              angle;
  int                 repeat;
} films[] = {
    {NRF_KIND_ANG, 0.0, 0},
    {NRF_KIND_ANG, M_PI / 2, 0},
    {NRF_KIND_LONG, 0.0, 0},
    {NRF_KIND_LONG, M_PI, 1},
};

/* -1 if no image has an angle. */
static int find_film_image(const nrf_recording_info *info, double angle, int repeat)
{
  int    best  = -1;
  double least = INFINITY;
  for (int b = 0; b < info->n_images; b++) {
    const double distance = fabs(info->image[b].angle - angle);
    const bool   wanted   = info->image[b].repeat == repeat;
    if (isnan(distance) || distance > least + 1e-6) continue;
    if (distance < least - 1e-6 || (wanted && info->image[best].repeat != repeat)) {
      best  = b;
      least = distance;
    }
  }
  return best;
}

static void choose_films(const nrf_recording_info *info, nrf_extract_plan *plan)
{
  for (size_t i = 0; i < sizeof films / sizeof films[0]; i++) {
    if (films[i].kind != plan->kind) continue;
    const int b = find_film_image(info, films[i].angle, films[i].repeat);
    if (b >= 0 && (plan->n_films == 0 || plan->film_image[0] != b)) plan->film_image[plan->n_films++] = b;
  }
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

nrf_status nrf_extract_plan_make(const nrf_recording_info *info, nrf_extract_plan *out)
{
  memset(out, 0, sizeof *out);
  out->kind = nrf_experiment_kind_of(info);
  NRF_RETURN_IF_ERROR(choose_layer(info, out));
  NRF_RETURN_IF_ERROR(choose_windows(info, out));
  find_centre(out);
  NRF_RETURN_IF_ERROR(choose_kept(info, out));
  choose_films(info, out);
  return NRF_OK;
}

void nrf_extract_plan_free(nrf_extract_plan *plan)
{
  for (int k = 0; k < NRF_KEPT; k++) {
    nrf_free(plan->kept[k].sites);
    nrf_free(plan->kept[k].first);
  }
  nrf_free(plan->all_sites);
  memset(plan, 0, sizeof *plan);
}
