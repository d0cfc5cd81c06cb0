/* index_list.h - lists of indices as users type them: "3 5 8-11". */
#ifndef NRFLV_INDEX_LIST_H
#define NRFLV_INDEX_LIST_H

#include "nrflv/settings.h"
#include "nrflv/status.h"

/* One word of a list: "7" gives 7, 7; "8-11" gives 8, 11. NRF_EINVAL, naming the option, for anything else. */
NRF_MUST_CHECK nrf_status nrf_index_range_parse(const char *word, const char *option, int *first, int *last);

/* The indices that a list names, each once, ascending: index [count] gets *n of them. An empty list names all, 0 ..
 * count - 1. NRF_EINVAL for one that is not below `count`; `what` says in the message of what: "channels of layer 1". */
NRF_MUST_CHECK nrf_status nrf_index_list_expand(const nrf_name_list *list, const char *option,
                                                const char *what, int count, int index[], int *n);

#endif
