/* Whether floats are finite, at any address. */
#ifndef PYLSTM_PLATFORM_FINITE_H
#define PYLSTM_PLATFORM_FINITE_H

#include <stddef.h>

/* n floats, stride bytes apart. */
int pylstm_all_finite(const void *values, size_t n, ptrdiff_t stride);

/* Makes what is not finite 0, in a copy of values that were finite when they were checked: another thread may have written into
 * the original since, and what enters a state must be finite. */
void pylstm_keep_finite(float *values, size_t n);

#endif
