/* completion.c - a bash completion script, from the option table. */
#include "cli/help.h"

#include "nrflv/settings.h"

#include <string.h>

/* `option` is the last option before the cursor, `distance` how many words back it stands. With
 * --option=value bash passes the "=" as a word of its own. */
static const char where_is_the_cursor[] =
    "  local cur=${COMP_WORDS[COMP_CWORD]} option= distance=0 i\n"
    "  for ((i = COMP_CWORD - 1; i > 0; i--)); do\n"
    "    if [[ ${COMP_WORDS[i]} == --* ]]; then\n"
    "      option=${COMP_WORDS[i]}\n"
    "      distance=$((COMP_CWORD - i))\n"
    "      break\n"
    "    fi\n"
    "  done\n"
    "  if [[ $distance -gt 1 && ${COMP_WORDS[i + 1]} == = ]]; then distance=$((distance - 1)); fi\n"
    "  if [[ $cur == = ]]; then cur=; fi\n"
    "  COMPREPLY=()\n";

static const char otherwise_an_option[] = "  COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n";

/* ---- word lists ---- */

typedef bool (*row_filter)(const nrf_setting *row);

static bool every_row(const nrf_setting *row)
{
  (void)row;
  return true;
}

static void put_names(FILE *out, const nrf_option_table *table, const char *prefix, row_filter wanted)
{
  for (int i = 0; i < table->n_rows; i++)
    if (wanted(&table->rows[i])) fprintf(out, " %s%s", prefix, table->rows[i].name);
}

void nrf_put_option_names(FILE *out, const nrf_setting *row)
{
  const bool drawn = strcmp(row->name, "randomize_args") == 0;
  put_names(out, nrf_settings_options(), "", drawn ? nrf_setting_is_drawable : nrf_setting_is_saved);
}

/* ---- the value behind an option ---- */

static void put_words_case(FILE *out, const nrf_setting *row, const char *distance, const char *words)
{
  fprintf(out, "    --%s/%s) COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return ;;\n", row->name, distance,
          words);
}

static void put_files_case(FILE *out, const nrf_setting *row, const char *kind)
{
  fprintf(out,
          "    --%s/1) compopt -o filenames; mapfile -t COMPREPLY < <(compgen %s -- \"$cur\"); return ;;\n",
          row->name, kind);
}

static void put_choices_case(FILE *out, const nrf_setting *row, const char *distance)
{
  fprintf(out, "    --%s/%s) COMPREPLY=($(compgen -W \"", row->name, distance);
  for (int i = 0; row->choices[i]; i++) fprintf(out, " %s", row->choices[i]);
  fprintf(out, "\" -- \"$cur\")); return ;;\n");
}

static void put_known_names_case(FILE *out, const nrf_setting *row, nrf_put_names known)
{
  fprintf(out, "    --%s/*) COMPREPLY=($(compgen -W \"", row->name);
  known(out, row);
  fprintf(out, "\" -- \"$cur\")); return ;;\n");
}

static void put_names_case(FILE *out, const nrf_setting *row, nrf_put_names known)
{
  if (row->choices)
    put_choices_case(out, row, "*");
  else if (row->range)
    put_words_case(out, row, "*", ""); /* indices */
  else
    put_known_names_case(out, row, known);
}

static void put_value_case(FILE *out, const nrf_setting *row, nrf_put_names known)
{
  switch (row->type) {
  case NRF_SETTING_FLAG:
    break;
  case NRF_SETTING_CHOICE:
    put_choices_case(out, row, "1");
    break;
  case NRF_SETTING_STRING:
    put_files_case(out, row, strcmp(row->metavar, "DIR") == 0 ? "-d" : "-f");
    break;
  case NRF_SETTING_NAMES:
    put_names_case(out, row, known);
    break;
  default:
    put_words_case(out, row, "1", "");
    break; /* a number: nothing to propose */
  }
}

/* A shell function's name: letters, digits, underscores. */
static void function_name(const char *program, char *name, size_t bytes)
{
  (void)snprintf(name, bytes, "_%s", program);
  for (char *c = name; *c; c++)
    if (*c == '-') *c = '_';
}

void nrf_print_bash_completion(FILE *out, const nrf_option_table *table, nrf_put_names known)
{
  char function[64];
  function_name(table->program, function, sizeof function);

  fprintf(out, "%s()\n{\n", function);
  fputs(where_is_the_cursor, out);
  fprintf(out, "  local options=\"");
  put_names(out, table, "--", every_row);
  put_names(out, table, "--no_", nrf_setting_is_negatable);
  fprintf(out, "\"\n  if [[ $cur != -* ]]; then\n    case $option/$distance in\n");
  for (int i = 0; i < table->n_rows; i++) put_value_case(out, &table->rows[i], known);
  fprintf(out, "    esac\n  fi\n");
  fputs(otherwise_an_option, out);
  fprintf(out, "}\ncomplete -F %s %s\n", function, table->program);
}
