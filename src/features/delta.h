/* Deltas: how the static features change from frame to frame. */
#ifndef PYLSTM_FEATURES_DELTA_H
#define PYLSTM_FEATURES_DELTA_H

#include <stdint.h>

#define PYLSTM_DELTA_WIDTH 9

/* y[k] = the derivative of that order (1 or 2) of feature k at the middle of the last 9 frames. ring: 9 rows of n values; frame
 * i stands in row i % 9; frames >= 9 have been written. */
void pylstm_delta(const float *ring, uint64_t frames, int n, int order, float *y);

#endif
