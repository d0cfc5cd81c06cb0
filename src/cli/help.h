/* help.h - what the option table says, for people (--help), shells (--completion) and reports (--version). */
#ifndef NRFLV_CLI_HELP_H
#define NRFLV_CLI_HELP_H

#include "nrflv/option_table.h"

#include <stdbool.h>
#include <stdio.h>

/* All options of a program by group, with defaults and ranges, wrapped to `width` columns (kept within 60..100). */
void nrf_print_options(FILE *out, const nrf_option_table *table, int width);

/* Prints, each with a blank before it, the words that a list of names can hold (nrf_setting with neither choices nor
 * range). */
typedef void (*nrf_put_names)(FILE *out, const nrf_setting *row);

/* A bash completion script for a program: options, choices, names, folders. */
void nrf_print_bash_completion(FILE *out, const nrf_option_table *table, nrf_put_names known);

/* nrflv's usage and options; its names, which are those of options: the drawable ones for --randomize_args, those that
 * belong to a model otherwise. */
void nrf_print_help(FILE *out, int width);
void nrf_put_option_names(FILE *out, const nrf_setting *row);

/* nrflv's version and what is built in. */
void nrf_print_version(FILE *out);

/* Whether --use_cuda can work. */
bool nrf_build_has_cuda(void);

#endif
