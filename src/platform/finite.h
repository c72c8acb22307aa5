/* Whether floats are finite, at any address. */
#ifndef PYLSTM_PLATFORM_FINITE_H
#define PYLSTM_PLATFORM_FINITE_H

#include <stddef.h>

/* n floats, stride bytes apart. */
int pylstm_all_finite(const void *values, size_t n, ptrdiff_t stride);

#endif
