/* Whether numbers are finite, and how large, at any address. */
#ifndef PYLSTM_PLATFORM_FINITE_H
#define PYLSTM_PLATFORM_FINITE_H

#include <stddef.h>
#include <stdint.h>

/* The bit pattern of infinity; those of NaN are above it, those of finite magnitudes below and in their order. */
#define PYLSTM_INFINITE_BITS 0x7f800000u

/* The bit pattern of the largest magnitude among n floats, stride bytes apart; 0 where n is 0. */
uint32_t pylstm_largest_magnitude(const void *values, size_t n, ptrdiff_t stride);

/* n floats, stride bytes apart. */
int pylstm_all_finite(const void *values, size_t n, ptrdiff_t stride);

/* n doubles side by side. */
int pylstm_all_finite_doubles(const void *values, size_t n);

/* Makes what is not finite 0, in a copy of values that were finite when they were checked: another thread may have written into
 * the original since, and what enters a state must be finite. */
void pylstm_keep_finite(float *values, size_t n);

#endif
