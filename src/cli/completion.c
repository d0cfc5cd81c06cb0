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

static void put_names(FILE *out, const char *prefix, row_filter wanted)
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++)
    if (wanted(&rows[i])) fprintf(out, " %s%s", prefix, rows[i].name);
}

static void put_word_lists(FILE *out)
{
  fprintf(out, "  local options=\"");
  put_names(out, "--", every_row);
  put_names(out, "--no_", nrf_setting_is_negatable);
  fprintf(out, "\"\n  local saved=\"");
  put_names(out, "", nrf_setting_is_saved);
  fprintf(out, "\"\n  local drawable=\"");
  put_names(out, "", nrf_setting_is_drawable);
  fprintf(out, "\"\n");
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

static void put_names_case(FILE *out, const nrf_setting *row)
{
  if (row->choices)
    put_choices_case(out, row, "*");
  else if (row->range)
    put_words_case(out, row, "*", ""); /* indices */
  else
    put_words_case(out, row, "*", strcmp(row->name, "randomize_args") == 0 ? "$drawable" : "$saved");
}

static void put_value_case(FILE *out, const nrf_setting *row)
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
    put_names_case(out, row);
    break;
  default:
    put_words_case(out, row, "1", "");
    break; /* a number: nothing to propose */
  }
}

void nrf_print_bash_completion(FILE *out)
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);

  fprintf(out, "_nrflv()\n{\n");
  fputs(where_is_the_cursor, out);
  put_word_lists(out);
  fprintf(out, "  if [[ $cur != -* ]]; then\n    case $option/$distance in\n");
  for (int i = 0; i < count; i++) put_value_case(out, &rows[i]);
  fprintf(out, "    esac\n  fi\n");
  fputs(otherwise_an_option, out);
  fprintf(out, "}\ncomplete -F _nrflv nrflv\n");
}
