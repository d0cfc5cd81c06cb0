/* source.h - reading what reference files hold, and comparing it with what was computed.
 *
 * Reading an input that the computation needs fails with a status. Comparing does not fail because of what the file
 * holds: a result that is missing, misshapen or damaged becomes a row of the report that says so; the status of a
 * compare_* function tells of other trouble (memory). */
#ifndef CHECK_REFERENCE_SOURCE_H
#define CHECK_REFERENCE_SOURCE_H

#include "report.h"

#include "nrflv/activation.h"
#include "nrflv/architecture.h"
#include "nrflv/compute.h"
#include "nrflv/h5_file.h"
#include "nrflv/parameters.h"
#include "nrflv/states.h"

/* An open file, how to compute, and where the findings go. */
typedef struct source {
  const nrf_h5_file *file;
  report            *report;
  nrf_compute        compute;
} source;

/* Text made on the spot: text_of("%s/layer_%d", group, i).s, valid to the end of the expression. */
typedef struct text {
  char s[1024];
} text;

text text_of(const char *fmt, ...) NRF_PRINTF(1, 2);

/* ---- inputs ---------------------------------------------------------------------------------------------- */

bool has_group(const nrf_h5_file *file, const char *name);

/* From the attributes architecture_dictionary_json, state_sizes_json and architecture of an object. */
NRF_MUST_CHECK nrf_status read_architecture(const nrf_h5_file *file, const char *object,
                                            nrf_architecture *out);
NRF_MUST_CHECK nrf_status read_activation(const nrf_h5_file *file, const char *object, const char *attribute,
                                          nrf_activation *out);
NRF_MUST_CHECK nrf_status read_flag(const nrf_h5_file *file, const char *object, const char *attribute,
                                    bool *out);
/* The batch size of GROUP/layer_N, N being the lowest layer given. */
NRF_MUST_CHECK nrf_status read_batch(const nrf_h5_file *file, const char *group, int layer, int *out);

/* GROUP/layer_i [batch, C, H, W] for all layers from `first` on. */
NRF_MUST_CHECK nrf_status read_states(const nrf_h5_file *file, const char *group, int first, nrf_states *out);
/* The same for row `index` of data sets [rows, batch, C, H, W]. */
NRF_MUST_CHECK nrf_status read_states_row(const nrf_h5_file *file, const char *group, int first, int64_t rows,
                                          int64_t index, nrf_states *out);
/* A whole data set into new memory (nrf_free). */
NRF_MUST_CHECK nrf_status read_floats(const nrf_h5_file *file, const char *name, nrf_h5_shape shape,
                                      float **out);

/* All parameters by name, several names for one tensor included. Errors list the names that are missing or unknown. */
NRF_MUST_CHECK nrf_status read_parameters(const nrf_h5_file *file, const char *group, nrf_parameters *p);

/* The index of the parameter that a name in a file means, its other names included, or -1. */
int          find_parameter(const nrf_parameters *p, const char *name);
nrf_h5_shape parameter_shape(const nrf_parameter *item);

/* Calls check() with the path of every member of a group as a case of that name. What goes wrong in a case becomes a row, and
 * the others are still checked. */
typedef nrf_status        case_fn(const source *s, const char *path);
NRF_MUST_CHECK nrf_status for_each_case(const source *s, const char *group, case_fn *check);
NRF_MUST_CHECK nrf_status check_one_case(const source *s, const char *name, const char *path, case_fn *check);

/* ---- results --------------------------------------------------------------------------------------------- */

/* A name that is not known becomes a row. prefix: "", or what stands before the name with a "/". */
NRF_MUST_CHECK nrf_status report_unknown(const source *s, const char *prefix, const char *name);
/* Members of a group that are not among `known` become rows: what nobody compares must not look checked. */
NRF_MUST_CHECK nrf_status compare_members(const source *s, const char *group, const char *quantity, int n,
                                          const char *const known[]);

NRF_MUST_CHECK nrf_status compare_scalar(const source *s, const char *name, const char *quantity,
                                         rule_id rule, double ours);
/* slack: of the shape, or NULL. */
NRF_MUST_CHECK nrf_status compare_array(const source *s, const char *name, const char *quantity, rule_id rule,
                                        nrf_h5_shape shape, const float *ours, const float *slack);
/* One tensor of a group of many, which the table shows as one row. */
NRF_MUST_CHECK nrf_status compare_tensor(const source *s, const char *name, const char *quantity,
                                         const char *member, rule_id rule, nrf_h5_shape shape,
                                         const float *ours);

/* How the layers of a group are stored and what they are. */
typedef struct layers_form {
  int          first; /* lowest layer there */
  bool         flat;  /* [batch, units] instead of [batch, C, H, W] */
  float        sign;  /* of ours relative to the file's */
  const float *slack; /* of all layers from layer 0 on, one after the other, each [batch, C, H, W]; or NULL */
} layers_form;

NRF_MUST_CHECK nrf_status compare_layers(const source *s, const char *group, const char *quantity,
                                         rule_id rule, const nrf_states *ours, layers_form form);

/* What is compared of each parameter, and what that needs (report.h): [parameters->count], NULL but for ours. */
typedef struct parameter_arrays {
  const float *ours, *before, *slack, *terms;
} parameter_arrays;

/* One tensor for each trainable parameter. Norms of whole tensors, where the file has them, are rows of their own. */
NRF_MUST_CHECK nrf_status compare_parameters(const source *s, const char *group, const char *quantity,
                                             rule_id rule, const nrf_parameters *p, parameter_arrays arrays);

/* The attribute trainable_parameter_names_in_order_json of an object, if it has it. */
NRF_MUST_CHECK nrf_status compare_parameter_order(const source *s, const char *object,
                                                  const nrf_parameters *p);

#endif
