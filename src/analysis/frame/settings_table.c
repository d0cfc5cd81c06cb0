/* settings_table.c - the options of nrflv-analyze. The row order is that of the struct. */
#include "nrflv/analysis/settings.h"

enum { GROUP_ACTION, GROUP_HOW, GROUP_FOLDERS, GROUP_MACHINE, GROUP_COUNT };

#define FIELD(field, in_group, default_text) \
  NRF_SETTING_FIELD(nrf_analysis_settings, field, GROUP_##in_group, default_text)
#define ONE_SHOT (NRF_SETTING_ACTION | NRF_SETTING_ONE_SHOT)

static const nrf_setting table[] = {
    /* ---- what to do ---- */
    {FIELD(root_path, ACTION, ""), .metavar = "DIR",
     .help = "the recordings: the folder of a session, or one that holds such folders (the newest is taken)"},
    {FIELD(steps, ACTION, ""), .metavar = "NAME",
     .help = "only these analyses and those they need; without .VARIANT, all variants (default: everything)"},
    {FIELD(force, ACTION, "off"), .flags = NRF_SETTING_ACTION,
     .help = "repeat finished analyses though neither recordings nor settings have changed"},
    {FIELD(list, ACTION, "off"), .flags = ONE_SHOT,
     .help = "list the analyses in order, with what they need"},
    {FIELD(completion, ACTION, ""), .metavar = "SHELL", .choices = NRF_SETTING_CHOICES("bash"),
     .flags = ONE_SHOT,
     .help  = "print a completion script for the shell: source <(nrflv-analyze --completion bash)"},
    {FIELD(version, ACTION, "off"), .flags = ONE_SHOT | NRF_SETTING_ENDS_READING,
     .help = "print the version"},
    {FIELD(help, ACTION, "off"), .flags = ONE_SHOT | NRF_SETTING_ENDS_READING,
     .help = "print this text; also -h"},

    /* ---- how ---- */
    {FIELD(original_quirks, HOW, "off"),
     .help = "compute as the published program did, mistakes included, to compare with its numbers"},
    {FIELD(seed, HOW, "0"), .metavar = "N",
     .help = "random numbers of the bootstrap and of samples of figures"},
    {FIELD(single_maps, HOW, "off"),
     .help = "also each map in a file of its own, thousands of them; contact sheets are always made"},

    /* ---- folders ---- */
    {FIELD(results_dir, FOLDERS, "analysis_results"), .metavar = "DIR",
     .help = "where results go, in a folder named after the session"},
    {FIELD(ehd_results_storage, FOLDERS, "off"),
     .help = "put the results beside the recordings instead, in their folder's analysis_results"},

    /* ---- machine ---- */
    {FIELD(threads, MACHINE, "0"), .metavar = "N", .range = "[0,4096]",
     .help = "processor threads, also processes that draw; 0: all, or what OMP_NUM_THREADS says"},
    {FIELD(memory, MACHINE, "1.5"), .metavar = "GIB", .range = "[0.01,1e4]",
     .help = "memory for reading recordings; the results do not depend on it"},
    {FIELD(quiet, MACHINE, "off"), .help = "print warnings and errors only"},
};

enum { ROWS = sizeof table / sizeof *table };

const nrf_option_table *nrf_analysis_options(void)
{
  static const char *const titles[GROUP_COUNT] = {
      [GROUP_ACTION]  = "What to do",
      [GROUP_HOW]     = "How",
      [GROUP_FOLDERS] = "Results",
      [GROUP_MACHINE] = "Machine",
  };
  static const nrf_option_table options = {
      .program      = "nrflv-analyze",
      .rows         = table,
      .n_rows       = ROWS,
      .group_titles = titles,
      .n_groups     = GROUP_COUNT,
      .values_size  = sizeof(nrf_analysis_settings),
      .given_offset = offsetof(nrf_analysis_settings, given),
  };
  return &options;
}

static bool is_given(const nrf_analysis_settings *settings, const char *option)
{
  return settings->given[nrf_option_find(nrf_analysis_options(), option) - table];
}

nrf_status nrf_analysis_settings_parse(int argc, char *const argv[], nrf_analysis_settings *settings)
{
  bool ended;
  NRF_RETURN_IF_ERROR(nrf_option_parse(nrf_analysis_options(), argc, argv, settings, &ended));
  if (ended || settings->list || settings->completion[0] != '\0') return NRF_OK;
  if (settings->root_path[0] == '\0')
    return nrf_error(NRF_EINVAL, "--root_path: needed: where are the recordings? (--help lists all options)");
  if (settings->ehd_results_storage && is_given(settings, "results_dir"))
    return nrf_error(NRF_EINVAL,
                     "--results_dir and --ehd_results_storage (beside the recordings) exclude each other");
  return NRF_OK;
}
