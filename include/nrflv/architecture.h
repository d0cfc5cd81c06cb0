/* architecture.h - the shape of a field: its layers, and which network of which inputs serves each of them.
 *
 * Architectures are data: files NAME.json with the keys of the published implementation's dictionaries
 * (spec/system.md 1.3, 1.4). What is read here is checked, so that whoever builds networks from an
 * nrf_architecture may rely on every promise of the fields below. */
#ifndef NRFLV_ARCHITECTURE_H
#define NRFLV_ARCHITECTURE_H

#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
  NRF_ARCHITECTURE_NAME_BYTES        = 128,
  NRF_ARCHITECTURE_DESCRIPTION_BYTES = 512,
  NRF_MAX_INPUTS                     = 16, /* of one layer */
  NRF_FC_HIDDEN                      = 64, /* width of every hidden layer of fully connected parts */
};

/* How a layer reads an input; the numbers are those of mod_cct_status_dict. */
typedef enum nrf_connection_status {
  NRF_CCT  = 0, /* convolution and transposed convolution side by side, half of the channels each */
  NRF_CONV = 1, /* convolution */
  NRF_CONV_TRANSPOSED = 2, /* transposed convolution */
  NRF_FULLY_CONNECTED = 3, /* read by the fully connected part */
} nrf_connection_status;

typedef struct nrf_connection {
  int                   from; /* layer that is read, may be the reading layer itself */
  nrf_connection_status status;
  int                   kernel;  /* side of the base kernel, 0 if fully connected */
  int                   padding; /* as used, not as written; 2 padding + 1 = kernel where status is NRF_CCT */
} nrf_connection;

typedef struct nrf_layer_network {
  int            n_inputs; /* 1 .. NRF_MAX_INPUTS */
  nrf_connection input[NRF_MAX_INPUTS];
  int n_dense_stages; /* mod_num_lyr_dict: stages of the dense block of the convolutional part (0: 1x1 and
                                    main convolution instead), hidden layers beyond the first of the other */
  int main_kernel;    /* odd; 0 if the layer has no convolutional part */
  int main_padding;   /* (main_kernel - 1) / 2: the main convolution keeps the size */
} nrf_layer_network;

typedef struct nrf_architecture {
  char              name[NRF_ARCHITECTURE_NAME_BYTES];
  char              description[NRF_ARCHITECTURE_DESCRIPTION_BYTES]; /* one sentence, may be empty */
  int               n_layers;             /* 1 .. NRF_MAX_LAYERS; layer 0 is the image */
  nrf_layer_size    size[NRF_MAX_LAYERS]; /* state_sizes */
  nrf_layer_network network[NRF_MAX_LAYERS];
  int               base_channels;        /* num_ch_base: channels of every base layer */
  int               growth_rate;          /* channels of a dense block's stage */
  int               initialiser_channels; /* num_ch_initter */
  bool              spectral_norm;        /* spec_norm_reg */
} nrf_architecture;

/* Reads an architecture. A name is looked up as DIR/NAME.json; something that contains '/' or ends in
 * ".json" is a path. Unknown name: NRF_ENOTFOUND, with the closest name there is. Unreadable file: NRF_EIO.
 * Anything inconsistent in it: NRF_EFORMAT, the message names file, layer and field. */
NRF_MUST_CHECK nrf_status nrf_architecture_load(const char *name_or_path, const char *dir,
                                                nrf_architecture *out);

/* The same from the text of a file. `where` begins every error message ("my.json"). The name is the
 * text's "name" if it has one, otherwise "". */
NRF_MUST_CHECK nrf_status nrf_architecture_parse(const char *json, const char *where, nrf_architecture *out);

/* An architecture as files of the published implementation hold it: its dictionary and, apart from it, the
 * state sizes (attributes architecture_dictionary_json and state_sizes_json of reference files). Read as
 * that implementation read it: lists of unequal length are cut to the shortest, entries for layers that
 * do not exist and unknown keys are ignored, a missing spec_norm_reg is false. What cannot be built is an
 * NRF_EFORMAT here too. */
NRF_MUST_CHECK nrf_status nrf_architecture_parse_original(const char *dictionary_json,
                                                          const char *state_sizes_json, const char *name,
                                                          const char *where, nrf_architecture *out);

/* The text of a file that nrf_architecture_parse reads back as an equal architecture, name included; laid out
 * like the files in data/architectures/. Freed with nrf_free. */
NRF_MUST_CHECK nrf_status nrf_architecture_to_json(const nrf_architecture *a, char **out);

/* Whether two architectures describe the same networks; names and descriptions do not count. If they differ
 * and `difference` is not NULL, it gets the first difference: "layer 1, main_kern_dict: 7 and 3". */
bool nrf_architecture_equal(const nrf_architecture *a, const nrf_architecture *b, char *difference,
                            size_t bytes);

/* Names of the architectures (*.json) in a directory, sorted. *names is one block, freed with nrf_free. */
NRF_MUST_CHECK nrf_status nrf_architecture_list(const char *dir, int *n, char ***names);

/* Status of the dense block's layers: that of the convolutional inputs if they agree on NRF_CONV or
 * NRF_CONV_TRANSPOSED, otherwise NRF_CCT (spec/system.md 1.3). */
nrf_connection_status nrf_architecture_dense_status(const nrf_layer_network *network);

/* Inputs of the convolutional part (status 0 to 2) and of the fully connected part (3); 0: there is no such part. */
int nrf_architecture_n_conv_inputs(const nrf_layer_network *network);
int nrf_architecture_n_fc_inputs(const nrf_layer_network *network);

#endif
