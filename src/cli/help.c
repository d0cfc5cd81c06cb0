/* help.c - --help, from the option table; what nrflv says of itself. */
#include "cli/help.h"

#include "nrflv/settings.h"

#include <string.h>

enum { MIN_WIDTH = 60, MAX_WIDTH = 100, OPTION_COLUMN = 2, TEXT_COLUMN = 34 };

static const char usage[] =
    "Usage: nrflv [--train | --viz | --experiment | ...] [options]\n"
    "\n"
    "Trains a Neural Random Field with Latent Variables on images, lets it generate, and records its\n"
    "responses to stimuli as if it were visual cortex. Without options: trains the thesis model.\n"
    "\n"
    "  --name VALUE or --name=VALUE    a value\n"
    "  --name VALUE...                 several values, up to the next option; numbers of the sampler: one\n"
    "                                  for all layers, or one per layer from the image upwards\n"
    "  --[no_]name                     --name switches on, --no_name off; --name=on and --name=off work too\n"
    "  [0,1], (0,1]                    the values allowed; a round bracket leaves the end out\n";

/* ---- wrapped text ---- */

typedef struct column {
  FILE *out;
  int   at;    /* where the cursor is        */
  int   left;  /* where lines begin          */
  int   width; /* where they have to end     */
} column;

static void move_to(column *c, int at)
{
  if (c->at > at - 1) {
    fputc('\n', c->out);
    c->at = 0;
  }
  fprintf(c->out, "%*s", at - c->at, "");
  c->at = at;
}

/* Prints the words of `text`, breaking lines at spaces. */
static void put_words(column *c, const char *text)
{
  while (*text) {
    const int length = (int)strcspn(text, " ");
    if (c->at > c->left && c->at + 1 + length > c->width) {
      fprintf(c->out, "\n%*s", c->left, "");
      c->at = c->left;
    } else if (c->at > c->left) {
      fputc(' ', c->out);
      c->at++;
    }
    fprintf(c->out, "%.*s", length, text);
    c->at += length;
    text += length;
    text += strspn(text, " ");
  }
}

/* ---- one option ---- */

static bool is_list(const nrf_setting *row)
{
  return row->type == NRF_SETTING_FLOATS || row->type == NRF_SETTING_NAMES;
}

static void signature(const nrf_setting *row, char *text, size_t bytes)
{
  if (row->type == NRF_SETTING_FLAG)
    (void)snprintf(text, bytes, "--%s%s", nrf_setting_is_negatable(row) ? "[no_]" : "", row->name);
  else
    (void)snprintf(text, bytes, "--%s %s%s", row->name, row->metavar, is_list(row) ? "..." : "");
}

/* "(one of relu, swish; default: swish)", or "" if there is nothing to say. */
static void details(const nrf_setting *row, char *text, size_t bytes)
{
  char   inner[512] = "";
  size_t used       = 0;
  if (row->choices) {
    used += (size_t)snprintf(inner + used, sizeof inner - used, is_list(row) ? "of " : "one of ");
    for (int i = 0; row->choices[i]; i++)
      used += (size_t)snprintf(inner + used, sizeof inner - used, "%s%s", i > 0 ? ", " : "", row->choices[i]);
  }
  if (row->range && row->type != NRF_SETTING_NAMES)
    used += (size_t)snprintf(inner + used, sizeof inner - used, "in %s", row->range);
  if (row->initial[0] != '\0' && !(row->flags & NRF_SETTING_ACTION)) {
    used +=
        (size_t)snprintf(inner + used, sizeof inner - used, "%sdefault: %s", used ? "; " : "", row->initial);
  }
  (void)snprintf(text, bytes, used ? "(%s)" : "%s", inner);
}

static void print_option(FILE *out, const nrf_setting *row, int width)
{
  char left[128], right[600];
  signature(row, left, sizeof left);
  details(row, right, sizeof right);

  column c = {.out = out, .left = TEXT_COLUMN, .width = width};
  c.at     = fprintf(out, "%*s%s", OPTION_COLUMN, "", left);
  move_to(&c, TEXT_COLUMN);
  put_words(&c, row->help);
  put_words(&c, right);
  fputc('\n', out);
}

void nrf_print_options(FILE *out, const nrf_option_table *table, int width)
{
  width = width < MIN_WIDTH ? MIN_WIDTH : width > MAX_WIDTH ? MAX_WIDTH : width;
  for (int group = 0; group < table->n_groups; group++) {
    fprintf(out, "\n%s:\n", table->group_titles[group]);
    for (int i = 0; i < table->n_rows; i++)
      if (table->rows[i].group == group) print_option(out, &table->rows[i], width);
  }
}

void nrf_print_help(FILE *out, int width)
{
  fputs(usage, out);
  nrf_print_options(out, nrf_settings_options(), width);
}

void nrf_print_version(FILE *out)
{
  fprintf(out, "nrflv %s\nCUDA: %s\n", NRFLV_VERSION, nrf_build_has_cuda() ? "yes" : "not in this build");
}

bool nrf_build_has_cuda(void)
{
#ifdef NRFLV_HAVE_CUDA
  return true;
#else
  return false;
#endif
}
