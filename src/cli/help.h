/* help.h - what the option table says, for people (--help), shells (--completion) and reports (--version). */
#ifndef NRFLV_CLI_HELP_H
#define NRFLV_CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* All options by group, with defaults and ranges, wrapped to `width` columns (kept within 60..100). */
void nrf_print_help(FILE *out, int width);

/* A bash completion script: options, choices, option names where those are asked for, folders. */
void nrf_print_bash_completion(FILE *out);

/* The version and what is built in. */
void nrf_print_version(FILE *out);

/* Whether --use_cuda can work. */
bool nrf_build_has_cuda(void);

#endif
