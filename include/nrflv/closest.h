/* closest.h - "did you mean ...?" */
#ifndef NRFLV_CLOSEST_H
#define NRFLV_CLOSEST_H

/* Index of the name that was most likely meant, or -1 if none comes near: the one with the fewest edits (a letter
 * added, dropped or replaced, or two neighbours swapped; capitals count as small letters) if they are at most a
 * third of what was typed (two are always allowed), or else the shortest that contains it. Of several equally
 * close ones it is the first. */
int nrf_closest(const char *typed, int n, const char *const names[]);

#endif
