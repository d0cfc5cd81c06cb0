/* main.c - nrflv: reads the command line, runs the stages it asks for, and says how that ended. */
#include "cli/display.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/paths.h"
#include "cli/process.h"
#include "cli/stages.h"
#include "nrflv/settings.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- options that print something and end ---- */

static bool is_informational(const nrf_settings *s)
{
  return s->help || s->version || s->completion[0] != '\0';
}

static nrf_status inform(const nrf_settings *s)
{
  if (s->help)
    nrf_print_help(stdout, nrf_terminal_columns());
  else if (s->version)
    nrf_print_version(stdout);
  else
    nrf_print_bash_completion(stdout, nrf_settings_options(), nrf_put_option_names);
  return nrf_flush_output();
}

/* ---- what the options leave to the program to find out ---- */

static nrf_status ask_for_description(nrf_settings *s)
{
  if (!isatty(STDIN_FILENO))
    return nrf_error(NRF_EINVAL,
                     "--require_special_name: give --special_name TEXT where nobody can be asked");

  char line[NRF_SETTING_STRING_MAX];
  fprintf(stderr, "Describe this run in a few words: ");
  if (!fgets(line, sizeof line, stdin)) line[0] = '\0';
  line[strcspn(line, "\n")] = '\0';
  if (line[0] == '\0') return nrf_error(NRF_EINVAL, "--require_special_name: no description was given");
  return nrf_settings_set_text(s, nrf_setting_find("special_name"), line);
}

/* Everything that can be refused without asking or computing anything. */
static nrf_status check_request(nrf_settings *s, const nrf_stages *stages)
{
  if (s->use_cuda && !nrf_build_has_cuda())
    return nrf_error(NRF_EUNSUPPORTED,
                     "--use_cuda: this build has no CUDA backend (this version is for the CPU)");
  NRF_RETURN_IF_ERROR(nrf_settings_randomize(s));
  return nrf_stages_check(stages);
}

static nrf_status complete(nrf_settings *s, const nrf_stages *stages)
{
  if (s->architectures_dir[0] == '\0') {
    char program[NRF_SETTING_STRING_MAX];
    nrf_program_path(program, sizeof program);
    (void)nrf_find_architectures_dir(program, s->architectures_dir, sizeof s->architectures_dir);
  }
  if (stages->wanted[NRF_STAGE_TRAIN] && s->require_special_name && s->special_name[0] == '\0')
    return ask_for_description(s);
  return NRF_OK;
}

static nrf_status run(int argc, char *argv[])
{
  nrf_settings settings;
  NRF_RETURN_IF_ERROR(nrf_settings_parse(argc, argv, &settings));
  if (is_informational(&settings)) return inform(&settings);

  const nrf_stages stages = nrf_settings_stages(&settings);
  NRF_RETURN_IF_ERROR(check_request(&settings, &stages));
  NRF_RETURN_IF_ERROR(complete(&settings, &stages));
  if (settings.threads > 0) omp_set_num_threads(settings.threads);

  nrf_display display;
  nrf_display_init(&display, "nrflv", settings.quiet);
  const nrf_progress progress = nrf_display_progress(&display);
  NRF_RETURN_IF_ERROR(nrf_interrupt_install());
  NRF_RETURN_IF_ERROR(nrf_stages_run(&stages, &settings, &progress));
  return nrf_flush_output();
}

int main(int argc, char *argv[])
{
  nrf_wait_passively(argv);
  return nrf_program_end("nrflv", run(argc, argv));
}
