/* Every shipped architecture loads and is what the published implementation builds; whatever is wrong with a
 * file is said in terms of its layers and fields. */
#include "nrflv/architecture.h"

#include "nrflv/memory.h"
#include "support/scratch.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *shipped_dir(void)
{
  static char path[1024];
  const char *source = getenv("NRFLV_SOURCE_DIR");
  (void)snprintf(path, sizeof path, "%s/data/architectures", source == NULL ? "." : source);
  return path;
}

static void assert_ok(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- shipped files ------------------------------------------------------------------------------------ */

static char *read_all(const char *path)
{
  FILE *f    = fopen(path, "rb");
  char *text = calloc(1, 1 << 16);
  assert_non_null(f);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
  fclose(f);
  return text;
}

static void every_shipped_file_loads_by_name_and_is_laid_out_as_the_writer_would(void **state)
{
  (void)state;
  int    n;
  char **names;
  assert_ok(nrf_architecture_list(shipped_dir(), &n, &names));
  assert_int_equal(n, 39); /* 37 of the 38 published ones can be built, and two for demonstrations */
  for (int i = 0; i < n; i++) {
    nrf_architecture a;
    char             path[2048], *written;
    assert_ok(nrf_architecture_load(names[i], shipped_dir(), &a));
    assert_string_equal(a.name, names[i]);
    assert_true(strlen(a.description) > 20);
    if (i > 0) assert_true(strcmp(names[i - 1], names[i]) < 0);

    (void)snprintf(path, sizeof path, "%s/%s.json", shipped_dir(), names[i]);
    char *file = read_all(path);
    a.name[0]  = '\0'; /* a file does not repeat its name */
    assert_ok(nrf_architecture_to_json(&a, &written));
    assert_string_equal(written, file);
    nrf_free(written);
    free(file);
  }
  nrf_free(names);
}

static void the_thesis_architecture_reads_as_its_table_says(void **state)
{
  (void)state;
  nrf_architecture a;
  assert_ok(nrf_architecture_load("NRFLV_CIFAR_4SL_small_densebackw_wideSL1base", shipped_dir(), &a));
  assert_int_equal(a.n_layers, 4);
  assert_int_equal(nrf_layer_units(a.size[2]), 32 * 8 * 8);
  assert_int_equal(a.base_channels, 32);
  assert_int_equal(a.initialiser_channels, 32);
  assert_false(a.spectral_norm);

  const nrf_layer_network *wide = &a.network[1];
  assert_int_equal(wide->n_inputs, 3);
  assert_int_equal(wide->input[1].from, 1);
  assert_int_equal(wide->input[1].status, NRF_CONV);
  assert_int_equal(wide->input[1].kernel, 11);
  assert_int_equal(wide->input[1].padding, 5);
  assert_int_equal(wide->main_kernel, 7);
  assert_int_equal(wide->main_padding, 3);

  const nrf_layer_network *top = &a.network[3];
  assert_int_equal(nrf_architecture_n_fc_inputs(top), 2);
  assert_int_equal(nrf_architecture_n_conv_inputs(top), 0);
  assert_int_equal(top->main_kernel, 0);
}

/* ---- the published implementation --------------------------------------------------------------------- */

static json_t *reference_architectures(void)
{
  char        path[1024];
  const char *shared = getenv("NRFLV_SHARED_DIR");
  (void)snprintf(path, sizeof path, "%s/reference/architectures.json", shared == NULL ? "." : shared);
  if (access(path, R_OK) != 0) {
    print_message("%s is not here\n", path);
    skip();
  }
  json_t *root = json_load_file(path, 0, NULL);
  assert_non_null(root);
  return root;
}

static int status_of_kind(const char *kind)
{
  static const char *const kinds[] = {"conv_and_conv_transpose", "conv", "conv_transpose", "fully_connected"};
  for (int i = 0; i < 4; i++)
    if (strcmp(kind, kinds[i]) == 0) return i;
  fail_msg("unknown kind %s", kind);
  return -1;
}

static int int_at(const json_t *object, const char *key)
{
  return (int)json_integer_value(json_object_get(object, key)); /* 0 where there is none */
}

static void check_network(const nrf_layer_network *network, const json_t *effective)
{
  const json_t *inputs = json_object_get(effective, "inputs"), *top = json_object_get(effective, "conv_top");
  assert_int_equal(network->n_inputs, json_array_size(inputs));
  for (int j = 0; j < network->n_inputs; j++) {
    const json_t *input = json_array_get(inputs, (size_t)j);
    assert_int_equal(network->input[j].from, int_at(input, "from_state_layer"));
    assert_int_equal(network->input[j].status,
                     status_of_kind(json_string_value(json_object_get(input, "kind"))));
    assert_int_equal(network->input[j].kernel, int_at(input, "kernel"));
    assert_int_equal(network->input[j].padding, int_at(input, "padding"));
  }
  assert_int_equal(network->main_kernel, int_at(top, "kernel"));
  assert_int_equal(network->main_padding, int_at(top, "padding"));
  if (json_object_get(top, "num_layers") == NULL) return;
  assert_int_equal(network->n_dense_stages, int_at(top, "num_layers"));
  assert_int_equal(nrf_architecture_dense_status(network),
                   status_of_kind(json_string_value(json_object_get(top, "kind"))));
}

static nrf_status parse_reference(const char *name, const json_t *entry, nrf_architecture *a)
{
  char *dictionary = json_dumps(entry, 0), *sizes = json_dumps(json_object_get(entry, "state_sizes"), 0);
  const nrf_status st = nrf_architecture_parse_original(dictionary, sizes, name, "architectures.json", a);
  free(dictionary);
  free(sizes);
  return st;
}

static void published_dictionaries_give_the_networks_that_were_really_built(void **state)
{
  (void)state;
  json_t     *root = reference_architectures(), *entry;
  const char *name;
  int         built = 0, refused = 0;
  json_object_foreach(json_object_get(root, "architectures"), name, entry)
  {
    const json_t    *effective = json_object_get(entry, "effective_networks");
    nrf_architecture a, ours;
    if (json_is_string(json_object_get(entry, "spec_norm_reg"))) /* "absent" */
      assert_int_equal(json_object_del(entry, "spec_norm_reg"), 0);
    if (effective == NULL) { /* 3 statuses for 2 connections: it stopped the published implementation too */
      assert_int_equal(parse_reference(name, entry, &a), NRF_EFORMAT);
      assert_string_equal(nrf_error_message(),
                          "architectures.json: layer 3, mod_cct_status_dict: 3 statuses for 2 connections");
      refused++;
      continue;
    }
    assert_ok(parse_reference(name, entry, &a));
    assert_string_equal(a.name, name);
    assert_int_equal(a.n_layers, json_object_size(effective));
    for (int i = 0; i < a.n_layers; i++) {
      char number[16];
      (void)snprintf(number, sizeof number, "%d", i);
      check_network(&a.network[i], json_object_get(effective, number));
    }
    char difference[256] = "";
    assert_ok(nrf_architecture_load(name, shipped_dir(), &ours));
    if (!nrf_architecture_equal(&a, &ours, difference, sizeof difference))
      fail_msg("%s: %s", name, difference);
    built++;
  }
  assert_int_equal(built, 37);
  assert_int_equal(refused, 1);
  json_decref(root);
}

/* ---- a file and what can be wrong with it --------------------------------------------------------------- */

static const char good[] =
    "{\"description\": \"for this test\",\n"
    " \"state_sizes\": [[3, 16, 16], [8, 16, 16], [5, 4, 4]],\n"
    " \"mod_connect_dict\":    {\"0\": [1, 2], \"1\": [0, 1], \"2\": [2, 1]},\n"
    " \"mod_cct_status_dict\": {\"0\": [2, 3], \"1\": [1, 0], \"2\": [3, 3]},\n"
    " \"base_kern_pad_dict\":  {\"0\": [[5, 0], []], \"1\": [[7, 3], [3, 1]], \"2\": [[], []]},\n"
    " \"main_kern_dict\":      {\"0\": 7, \"1\": 3, \"2\": 0},\n"
    " \"mod_num_lyr_dict\":    {\"0\": 0, \"1\": 2, \"2\": 1},\n"
    " \"num_ch_base\": 8, \"growth_rate\": 4, \"num_ch_initter\": 6, \"spec_norm_reg\": true, \"num_sl\": "
    "2}\n";

/* `good` with the first `find` replaced. */
static const char *changed(const char *find, const char *replacement)
{
  static char text[4096];
  const char *at = strstr(good, find);
  assert_non_null(at);
  (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, replacement, at + strlen(find));
  return text;
}

static const struct {
  const char *find, *replacement, *message;
} bad_files[] = {
    {"{\"description\"", "{description",
     "my.json: line 1, column 12: string or '}' expected near 'description'"},
    {"\"num_sl\": 2}", "\"num_sl\": 2", "my.json: line 9, column 0: '}' expected near end of file"},
    {"\"num_sl\": 2", "\"num_sl\": 3", "my.json: num_sl: 3 layers above the image, but state_sizes has 2"},
    {"\"growth_rate\": 4", "\"num_ch_base\": 4",
     "my.json: line 8, column 32: duplicate object key near '\"num_ch_base\"'"},
    {"mod_connect_dict", "mod_conect_dict",
     "my.json: unknown key 'mod_conect_dict'; did you mean 'mod_connect_dict'?"},
    {"\"num_sl\"", "\"colour\"", "my.json: unknown key 'colour'"},
    {"\"growth_rate\": 4, ", "", "my.json: growth_rate: missing"},
    {"\"growth_rate\": 4", "\"growth_rate\": 0", "my.json: growth_rate: 0 is not between 1 and 4096"},
    {"\"growth_rate\": 4", "\"growth_rate\": 4.5",
     "my.json: growth_rate: a fraction where an integer belongs"},
    {"true", "1", "my.json: spec_norm_reg: an integer where true or false belongs"},
    {"\"for this test\"", "7", "my.json: description: an integer where a string belongs"},

    {"[[3, 16, 16], [8, 16, 16], [5, 4, 4]]", "3", "my.json: state_sizes: an integer where a list belongs"},
    {"[[3, 16, 16], [8, 16, 16], [5, 4, 4]]", "[]", "my.json: state_sizes: 0 layers; 1 to 16 are possible"},
    {"[5, 4, 4]", "[5, 4]",
     "my.json: layer 2, state_sizes: another list where [channels, height, width] belongs"},
    {"[5, 4, 4]", "[5, -4, 4]", "my.json: layer 2, state_sizes: -4 is not between 1 and 4096"},
    {"[5, 4, 4]", "[4000, 4000, 4000]",
     "my.json: layer 2, state_sizes: 64000000000 units; at most 67108864 are possible"},
    {"[3, 16, 16]", "[2, 16, 16]", "my.json: layer 0, state_sizes: an image has 1 or 3 channels, not 2"},
    {"[5, 4, 4]", "[7, 4, 4]",
     "my.json: layer 2, state_sizes: 7 channels: the initialiser network halves them, so that an odd number "
     "must not "
     "exceed num_ch_initter (6)"},
    {"\"num_ch_initter\": 6", "\"num_ch_initter\": 5",
     "my.json: num_ch_initter: 5: an even number is needed, the initialiser network halves it"},

    {"{\"0\": [1, 2], \"1\": [0, 1], \"2\": [2, 1]}", "[[1, 2], [0, 1], [2, 1]]",
     "my.json: mod_connect_dict: a list where {\"0\": ..., \"1\": ...} belongs"},
    {"\"2\": [2, 1]", "\"3\": [2, 1]",
     "my.json: mod_connect_dict: an entry for layer '3', but the layers are 0 to 2"},
    {", \"2\": [2, 1]", "", "my.json: layer 2, mod_connect_dict: missing"},
    {"[2, 1]", "2", "my.json: layer 2, mod_connect_dict: an integer where a list belongs"},
    {"[2, 1]", "[2, \"1\"]", "my.json: layer 2, mod_connect_dict: a string where an integer belongs"},
    {"[2, 1]", "[2, 3]", "my.json: layer 2, mod_connect_dict: layer 3 is read, but the layers are 0 to 2"},
    {"[2, 1]", "[2, 2]", "my.json: layer 2, mod_connect_dict: layer 2 is read twice"},
    {"[2, 1]", "[2]", "my.json: layer 2, mod_cct_status_dict: 2 statuses for 1 connections"},
    {"[2, 1]", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]",
     "my.json: layer 2, mod_connect_dict: 17 entries; at most 16 are possible"},
    {"\"2\": [3, 3]", "\"2\": [3, 3, 3]",
     "my.json: layer 2, mod_cct_status_dict: 3 statuses for 2 connections"},
    {"\"2\": [3, 3]", "\"2\": [3, 4]", "my.json: layer 2, mod_cct_status_dict: 4 is not between 0 and 3"},

    {"[[], []]", "[[]]", "my.json: layer 2, base_kern_pad_dict: 1 kernels for 2 connections"},
    {"[[], []]", "[[], [7]]",
     "my.json: layer 2, base_kern_pad_dict: [kernel, padding] is needed, or [] for a fully connected input"},
    {"[[], []]", "[[], [7, 3]]",
     "my.json: layer 2, base_kern_pad_dict: layer 1 is fully connected (status 3) and has no kernel: write "
     "[]"},
    {"[7, 3]", "[]",
     "my.json: layer 1, base_kern_pad_dict: layer 0 is read by a convolution (status 1) and needs [kernel, "
     "padding]"},
    {"[7, 3]", "[0, 0]", "my.json: layer 1, base_kern_pad_dict: 0 is not between 1 and 255"},
    {"[7, 3]", "[7, 7]", "my.json: layer 1, base_kern_pad_dict: padding 7 is not smaller than kernel 7"},
    {"[7, 3]", "[7, 2]", "my.json: layer 1, base_kern_pad_dict: kernel 7 goes with padding 0 or 3, not 2"},
    {"[7, 3]", "[17, 0]",
     "my.json: layer 1, base_kern_pad_dict: kernel 17 with padding 0 leaves nothing of layer 0, which is "
     "3x16x16"},
    {"[5, 0]", "[12, 11]", NULL}, /* 16 - 22 + 11 = 5 pixels are left of a transposed convolution */
    {"[3, 1]", "[3, 0]",
     "my.json: layer 1, base_kern_pad_dict: kernel 3 with padding 0 for layer 1: status 0 needs padding = "
     "(kernel - 1) / 2, "
     "so that convolution and transposed convolution have one size"},

    {"\"1\": 3", "\"1\": 4",
     "my.json: layer 1, main_kern_dict: 4: an odd kernel is needed, which can keep the layer's size"},
    {"\"1\": 3", "\"1\": 0",
     "my.json: layer 1, main_kern_dict: 0: an odd kernel is needed, which can keep the layer's size"},
    {", \"1\": 3", "", "my.json: layer 1, main_kern_dict: missing"},
    {"\"2\": 0}", "\"2\": 3}",
     "my.json: layer 2, main_kern_dict: 3, but no input is read by a convolution: write 0"},
    {", \"2\": 1}", "}", "my.json: layer 2, mod_num_lyr_dict: missing"},
    {"\"2\": 1}", "\"2\": 65}", "my.json: layer 2, mod_num_lyr_dict: 65 is not between 0 and 64"},
    {"\"num_ch_base\": 8", "\"num_ch_base\": 9",
     "my.json: layer 1, mod_cct_status_dict: status 0 halves num_ch_base, which is odd (9)"},
    {"\"growth_rate\": 4", "\"growth_rate\": 5",
     "my.json: layer 1, mod_num_lyr_dict: the dense block has status 0 and halves growth_rate, which is odd "
     "(5)"},
};

static void a_bad_file_is_refused_with_file_layer_and_field(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
    nrf_architecture a = {.n_layers = -1};
    const nrf_status st =
        nrf_architecture_parse(changed(bad_files[i].find, bad_files[i].replacement), "my.json", &a);
    if (bad_files[i].message == NULL) {
      assert_ok(st);
      continue;
    }
    if (st == NRF_OK) fail_msg("accepted: '%s' -> '%s'", bad_files[i].find, bad_files[i].replacement);
    assert_string_equal(nrf_error_message(), bad_files[i].message);
    assert_int_equal(st, NRF_EFORMAT);
    assert_int_equal(a.n_layers, -1); /* a failure leaves the result alone */
  }
}

static void a_text_that_is_no_object_is_refused(void **state)
{
  (void)state;
  nrf_architecture a;
  assert_int_equal(nrf_architecture_parse("[1, 2]", "my.json", &a), NRF_EFORMAT);
  assert_string_equal(nrf_error_message(), "my.json: a list where {...} belongs");
  assert_int_equal(nrf_architecture_parse("", "my.json", &a), NRF_EFORMAT);
}

/* ---- the lenient reading -------------------------------------------------------------------------------- */

static void lists_of_published_dictionaries_are_cut_to_the_shortest(void **state)
{
  (void)state;
  const char dictionary[] =
      "{\"mod_connect_dict\": {\"0\": [1, 0, 1], \"1\": [0, 1], \"7\": 5},"
      " \"mod_cct_status_dict\": {\"0\": [1, 1], \"1\": [3, 3]},"
      " \"base_kern_pad_dict\": {\"0\": [[3, 5]]}, \"main_kern_dict\": {\"0\": 3},"
      " \"mod_num_lyr_dict\": {\"0\": 0, \"1\": 0}, \"about\": \"unknown keys are fine\","
      " \"num_ch_base\": 4, \"growth_rate\": 4, \"num_ch_initter\": 4}";
  nrf_architecture a;
  assert_ok(nrf_architecture_parse_original(dictionary, "[[1, 9, 9], [2, 3, 3]]", "cut", "test", &a));
  assert_int_equal(a.network[0].n_inputs, 1); /* one kernel for two statuses for three connections */
  assert_int_equal(a.network[0].input[0].from, 1);
  assert_int_equal(a.network[0].input[0].padding, 1); /* kernel 3 goes with padding 1, whatever is given */
  assert_int_equal(a.network[1].n_inputs, 2);         /* fully connected inputs need no kernel */
  assert_false(a.spectral_norm);
}

static void published_dictionaries_that_nothing_can_be_built_from_are_refused(void **state)
{
  (void)state;
  const char nothing[] =
      "{\"mod_connect_dict\": {\"0\": [0]}, \"mod_cct_status_dict\": {\"0\": [1]},"
      " \"base_kern_pad_dict\": {}, \"main_kern_dict\": {\"0\": 3}, \"mod_num_lyr_dict\": {\"0\": 0},"
      " \"num_ch_base\": 4, \"growth_rate\": 4, \"num_ch_initter\": 4}";
  nrf_architecture a;
  assert_int_equal(nrf_architecture_parse_original(nothing, "[[1, 9, 9]]", "n", "a.h5", &a), NRF_EFORMAT);
  assert_string_equal(nrf_error_message(), "a.h5: layer 0, mod_connect_dict: the layer reads nothing");
  assert_int_equal(nrf_architecture_parse_original("[]", "[[1, 9, 9]]", "n", "a.h5", &a), NRF_EFORMAT);
  assert_int_equal(nrf_architecture_parse_original(nothing, "7", "n", "a.h5", &a), NRF_EFORMAT);
}

/* ---- writing and comparing ------------------------------------------------------------------------------ */

static void what_is_written_reads_back_equal(void **state)
{
  (void)state;
  nrf_architecture a, b;
  char            *text;
  assert_ok(nrf_architecture_parse(good, "my.json", &a));
  (void)snprintf(a.name, sizeof a.name, "a \"quoted\" name");
  assert_ok(nrf_architecture_to_json(&a, &text));
  assert_ok(nrf_architecture_parse(text, "written", &b));
  assert_true(nrf_architecture_equal(&a, &b, NULL, 0));
  assert_memory_equal(&a, &b, sizeof a); /* name and description too */
  nrf_free(text);
}

static const struct {
  const char *find, *replacement, *difference;
} changes[] = {
    {"[[3, 16, 16], [8, 16, 16]", "[[3, 16, 16], [8, 16, 15]", "layer 1, state_sizes: 8x16x16 and 8x16x15"},
    {"[2, 1]", "[1, 2]", "layer 2, mod_connect_dict: reads layer 2 and layer 1"},
    {"[2, 3]", "[1, 3]", "layer 0, mod_cct_status_dict: 2 and 1 for layer 1"},
    {"[5, 0]", "[5, 2]", "layer 0, base_kern_pad_dict: [5, 0] and [5, 2] for layer 1"},
    {"\"1\": 3", "\"1\": 5", "layer 1, main_kern_dict: 3 and 5"},
    {"\"1\": 2,", "\"1\": 4,", "layer 1, mod_num_lyr_dict: 2 and 4"},
    {"\"growth_rate\": 4", "\"growth_rate\": 6", "growth_rate: 4 and 6"},
    {"true", "false", "spec_norm_reg: true and false"},
    {"for this test", "other words", NULL},
};

static void every_change_of_a_network_is_a_difference(void **state)
{
  (void)state;
  nrf_architecture a, b;
  assert_ok(nrf_architecture_parse(good, "my.json", &a));
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    char difference[128] = "";
    assert_ok(nrf_architecture_parse(changed(changes[i].find, changes[i].replacement), "my.json", &b));
    assert_int_equal(nrf_architecture_equal(&a, &b, difference, sizeof difference),
                     changes[i].difference == NULL);
    assert_string_equal(difference, changes[i].difference == NULL ? "" : changes[i].difference);
    assert_int_equal(nrf_architecture_equal(&a, &b, NULL, 0), changes[i].difference == NULL);
  }
}

static void dense_blocks_are_pure_only_if_all_convolutional_inputs_agree(void **state)
{
  (void)state;
  static const struct {
    int                   n;
    nrf_connection_status status[3];
    nrf_connection_status dense;
  } cases[] = {
      {1, {NRF_CONV}, NRF_CONV},
      {2, {NRF_CONV, NRF_CONV}, NRF_CONV},
      {3, {NRF_CONV, NRF_FULLY_CONNECTED, NRF_CONV}, NRF_CONV}, /* the fully connected one has no say */
      {2, {NRF_CONV_TRANSPOSED, NRF_CONV_TRANSPOSED}, NRF_CONV_TRANSPOSED},
      {2, {NRF_CONV, NRF_CONV_TRANSPOSED}, NRF_CCT},
      {2, {NRF_CCT, NRF_CCT}, NRF_CCT},
      {2, {NRF_CCT, NRF_CONV}, NRF_CCT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nrf_layer_network network = {.n_inputs = cases[i].n};
    for (int j = 0; j < cases[i].n; j++) network.input[j].status = cases[i].status[j];
    assert_int_equal(nrf_architecture_dense_status(&network), cases[i].dense);
  }
}

/* ---- names and paths ------------------------------------------------------------------------------------ */

static void an_unknown_name_is_answered_with_the_closest_one(void **state)
{
  (void)state;
  nrf_architecture a;
  char             expected[2048];
  assert_int_equal(nrf_architecture_load("demo_color_3sl", shipped_dir(), &a), NRF_ENOTFOUND);
  (void)snprintf(
      expected, sizeof expected,
      "architecture 'demo_color_3sl': there is none of this name in %s; did you mean 'demo_colour_3SL'? "
      "(--list_architectures shows all)",
      shipped_dir());
  assert_string_equal(nrf_error_message(), expected);

  assert_int_equal(nrf_architecture_load("resnet", shipped_dir(), &a), NRF_ENOTFOUND);
  assert_null(strstr(nrf_error_message(), "did you mean"));

  assert_int_equal(nrf_architecture_load("demo_colour_3SL", "/nowhere", &a), NRF_EIO);
  assert_string_equal(nrf_error_message(),
                      "/nowhere: cannot list the architectures: No such file or directory");
}

static void a_path_is_read_wherever_it_lies_and_names_the_architecture(void **state)
{
  (void)state;
  char             directory[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_architecture a;
  scratch_create(directory);
  scratch_path(path, directory, "mine.json");
  assert_int_equal(nrf_architecture_load(path, "/nowhere", &a), NRF_ENOTFOUND);

  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(good, f);
  fclose(f);
  assert_ok(nrf_architecture_load(path, "/nowhere", &a));
  assert_string_equal(a.name, "mine");
  assert_ok(nrf_architecture_load("mine", directory, &a));

  f = fopen(path, "w");
  assert_non_null(f);
  for (int i = 0; i < 1 << 20; i++) fputs("  ", f);
  fclose(f);
  assert_int_equal(nrf_architecture_load(path, "/nowhere", &a), NRF_EFORMAT);
  assert_non_null(strstr(nrf_error_message(), "mine.json: too large for an architecture"));
  assert_int_not_equal(nrf_architecture_load(directory, "/nowhere", &a), NRF_OK); /* a directory is no file */
  scratch_remove(directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_shipped_file_loads_by_name_and_is_laid_out_as_the_writer_would),
      cmocka_unit_test(the_thesis_architecture_reads_as_its_table_says),
      cmocka_unit_test(published_dictionaries_give_the_networks_that_were_really_built),
      cmocka_unit_test(a_bad_file_is_refused_with_file_layer_and_field),
      cmocka_unit_test(a_text_that_is_no_object_is_refused),
      cmocka_unit_test(lists_of_published_dictionaries_are_cut_to_the_shortest),
      cmocka_unit_test(published_dictionaries_that_nothing_can_be_built_from_are_refused),
      cmocka_unit_test(what_is_written_reads_back_equal),
      cmocka_unit_test(every_change_of_a_network_is_a_difference),
      cmocka_unit_test(dense_blocks_are_pure_only_if_all_convolutional_inputs_agree),
      cmocka_unit_test(an_unknown_name_is_answered_with_the_closest_one),
      cmocka_unit_test(a_path_is_read_wherever_it_lies_and_names_the_architecture),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
