/* option_table.h - the options of a program: a table of rows, one for each field of a struct of values.
 *
 * nrflv's table is settings.h's, nrflv-analyze's is analysis/settings.h's; what reads command lines, writes values as
 * text, prints help and completes is the same for both and stands here and in src/cli/. The structs own no memory. */
#ifndef NRFLV_OPTION_TABLE_H
#define NRFLV_OPTION_TABLE_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  NRF_SETTINGS_MAX       = 128,  /* rows the table may have                                     */
  NRF_SETTING_LIST_MAX   = 16,   /* values of a list option                                     */
  NRF_SETTING_STRING_MAX = 1024, /* bytes of a string option, its NUL included                  */
  NRF_SETTING_NAME_MAX   = 96,   /* bytes of one name in a name list, its NUL included          */
  NRF_SETTING_TEXT_MAX   = NRF_SETTINGS_MAX * NRF_SETTING_NAME_MAX, /* enough for any value's text */
};

/* One value for all layers, or one per layer from the image upwards (nrf_settings_expand_per_layer). */
typedef struct nrf_float_list {
  int    count;
  double value[NRF_SETTING_LIST_MAX];
} nrf_float_list;

typedef struct nrf_name_list {
  int  count;
  char name[NRF_SETTINGS_MAX][NRF_SETTING_NAME_MAX];
} nrf_name_list;

typedef enum nrf_setting_type {
  NRF_SETTING_FLAG,   /* bool           */
  NRF_SETTING_INT,    /* int            */
  NRF_SETTING_UINT64, /* uint64_t       */
  NRF_SETTING_FLOAT,  /* double         */
  NRF_SETTING_STRING, /* char[]         */
  NRF_SETTING_CHOICE, /* const char *   */
  NRF_SETTING_FLOATS, /* nrf_float_list */
  NRF_SETTING_NAMES, /* nrf_name_list: of the row's choices; with a range, indices (index_list.h); else names of things
                       * that the program knows                                                              */
} nrf_setting_type;

enum {
  /* Belongs to the session, not to the model: neither saved in a checkpoint nor taken from one. All
   * other rows travel with the model. */
  NRF_SETTING_SESSION = 1 << 0,
  /* Says what to do. A flag of this kind is given or left out; it has no --no_ form and takes no value. */
  NRF_SETTING_ACTION = 1 << 1,
  /* Ends the program instead of describing a run: not a column of the CSV row. */
  NRF_SETTING_ONE_SHOT = 1 << 2,
  /* --randomize_args may draw it from all its choices. */
  NRF_SETTING_DRAW_CHOICE = 1 << 3,
  /* A string that becomes part of file names: no slash, no leading dot. */
  NRF_SETTING_FILE_NAME = 1 << 4,
  /* Once it is switched on, the rest of the command line is not read: --help, --version. */
  NRF_SETTING_ENDS_READING = 1 << 5,
};

typedef struct nrf_setting {
  const char        *name;    /* "lr": the option --lr, the column and the attribute lr               */
  nrf_setting_type   type;    /* follows from the field's C type                                      */
  size_t             offset;  /* of the field in the program's struct                                 */
  size_t             size;    /* of the field                                                         */
  int                group;   /* of --help                                                            */
  const char        *initial; /* the default, as one would type it; "" if not given                   */
  const char        *metavar; /* "STEPS": stands for the value in --help; DIR and PATH are completed  */
  const char        *range;   /* numbers: "[0,1]", "(0,1e3]"; a round bracket leaves the end out    */
  const char *const *choices; /* what a choice, or a name of a list, can be: NULL-terminated          */
  const char        *draw;    /* range for --randomize_args, "[a,b]": integers uniform, floats 10^u  */
  unsigned           flags;   /* NRF_SETTING_SESSION ...                                              */
  const char        *help;    /* what it does; begins in lower case, no full stop, no default         */
} nrf_setting;

/* Fills name, type, offset, size, group and default of a row from the field itself, so that they cannot disagree with
 * it. The C type decides how an option is parsed:
 *   bool flag, int, uint64_t, double, char[] free text, const char * one of the row's choices (static storage),
 *   nrf_float_list, nrf_name_list. An optional string or choice that was not given is "". */
/* clang-format off */
#define NRF_SETTING_TYPE_OF(values, field) \
  _Generic(((values *)0)->field,           \
      bool: NRF_SETTING_FLAG,              \
      int: NRF_SETTING_INT,                \
      uint64_t: NRF_SETTING_UINT64,        \
      double: NRF_SETTING_FLOAT,           \
      char *: NRF_SETTING_STRING,          \
      const char *: NRF_SETTING_CHOICE,    \
      nrf_float_list: NRF_SETTING_FLOATS,  \
      nrf_name_list: NRF_SETTING_NAMES)
/* NOLINTBEGIN(bugprone-macro-parentheses): types and members cannot stand in parentheses */
#define NRF_SETTING_FIELD(values, field, in_group, default_text)                                         \
  .name = #field, .type = NRF_SETTING_TYPE_OF(values, field), .offset = offsetof(values, field),         \
  .size = sizeof(((values *)0)->field), .group = in_group, .initial = default_text
/* NOLINTEND(bugprone-macro-parentheses) */
#define NRF_SETTING_CHOICES(...) (const char *const[]) {__VA_ARGS__, NULL}
/* clang-format on */

/* The options of one program. Rows follow the order of the struct's fields. */
typedef struct nrf_option_table {
  const char        *program; /* "nrflv": what completion completes                                   */
  const nrf_setting *rows;
  int                n_rows;
  const char *const *group_titles; /* "Sampler", in the order of --help                             */
  int                n_groups;
  size_t             values_size;  /* of the struct                                                 */
  size_t             given_offset; /* in the struct, of bool given[NRF_SETTINGS_MAX]: which rows the
                                    * command line named                                            */
} nrf_option_table;

/* The row of that exact name (without dashes), or NULL. */
const nrf_setting *nrf_option_find(const nrf_option_table *table, const char *name);

/* The option (without dashes, --no_ forms included) that was most likely meant, by the rules of nrf_closest;
 * dashes inside a word count as underscores. `closest` is "" if nothing comes near. */
void nrf_option_closest(const nrf_option_table *table, const char *typed, char closest[NRF_SETTING_NAME_MAX]);

/* Every row at its default, nothing given. */
void nrf_option_defaults(const nrf_option_table *table, void *values);

/* Writes the value as text, NUL-terminated; numbers in the fewest digits that read back to the same
 * bits, flags as true or false, lists separated by spaces. Returns `text`. */
const char *nrf_option_get_text(const void *values, const nrf_setting *row, char text[NRF_SETTING_TEXT_MAX]);

/* Reads what nrf_option_get_text wrote or a user typed (flags also on/off, yes/no, 1/0; choices in any
 * case; lists separated by spaces or commas). NRF_EINVAL, leaving the value as it was, if the text is
 * malformed or the value outside the row's range; the message begins with the option's name. */
nrf_status nrf_option_set_text(void *values, const nrf_setting *row, const char *text) NRF_MUST_CHECK;

/* Reads argv[1..] on top of the defaults. `--opt value...`, `--opt=value`, `--flag`, `--flag=on`, `--no_flag`,
 * `-h`; the values of a list end at the next option; the last mention of an option wins. `ended`: a row of
 * NRF_SETTING_ENDS_READING was met. NRF_EINVAL with one line that names the option and, for an unknown one, the
 * closest valid name. */
nrf_status nrf_option_parse(const nrf_option_table *table, int argc, char *const argv[], void *values,
                            bool *ended) NRF_MUST_CHECK;

/* Whether the value belongs to the model: saved in its checkpoint and taken from there. */
bool nrf_setting_is_saved(const nrf_setting *row);

/* Whether the value is a column of the CSV row of a run. */
bool nrf_setting_is_reported(const nrf_setting *row);

/* Whether --no_NAME exists. */
bool nrf_setting_is_negatable(const nrf_setting *row);

/* Whether --randomize_args may name the row: it has a draw range or drawable choices, or is a model's flag. */
bool nrf_setting_is_drawable(const nrf_setting *row);

#ifdef __cplusplus
}
#endif
#endif
