/* The average of the last posteriors, exactly: each is rounded to a multiple of 2^-32, and sums of those are whole numbers. So
 * one subtraction and one addition a row give the bits that adding all of them anew would give.
 */
#ifndef PYLSTM_DECISIONS_SMOOTHING_H
#define PYLSTM_DECISIONS_SMOOTHING_H

#include <stdint.h>
#include <string.h>

#define PYLSTM_SMOOTHING_UNIT 4294967296.0

/* Posteriors beyond it count as it: they are none, and sums of PYLSTM_MOST_SMOOTHED still fit into 64 bits. */
#define PYLSTM_LARGEST_POSTERIOR 256.0

#define PYLSTM_MOST_SMOOTHED 1000000

/* A posterior in units of 2^-32, rounded to the nearest; NaN is 0. */
static inline int64_t pylstm_smoothing_units(double posterior) {
    if (posterior >= PYLSTM_LARGEST_POSTERIOR)
        posterior = PYLSTM_LARGEST_POSTERIOR;
    else if (posterior <= -PYLSTM_LARGEST_POSTERIOR)
        posterior = -PYLSTM_LARGEST_POSTERIOR;
    else if (posterior != posterior)
        posterior = 0.0;
    posterior *= PYLSTM_SMOOTHING_UNIT;
    return (int64_t)(posterior + (posterior < 0.0 ? -0.5 : 0.5));
}

/* A threshold in the same units: what is above 0 stays so. */
static inline int64_t pylstm_smoothing_threshold(double threshold) {
    const int64_t units = pylstm_smoothing_units(threshold);
    return units ? units : 1;
}

/* Puts the units of a row into its place in a ring and adds what has changed to the sum. */
static inline void pylstm_smoothing_take(int64_t *sum, int64_t *place, int64_t units) {
    *sum += units - *place;
    *place = units;
}

static inline double pylstm_smoothing_average(int64_t sum, int64_t length) {
    return (double)sum / (PYLSTM_SMOOTHING_UNIT * (double)length);
}

/* A value of a ring of a snapshot, which may stand at any address. */
static inline int64_t pylstm_smoothing_units_at(const void *ring, int64_t place) {
    int64_t units;
    memcpy(&units, (const char *)ring + (size_t)place * sizeof units, sizeof units);
    return units;
}

/* Whether a ring of `length` values of a snapshot, `stride` apart, can be that of n rows, and adds up to sum. */
int pylstm_smoothing_valid(int64_t sum, const void *ring, int64_t length, int64_t stride, int64_t n);

#endif
