/* The kernels of bulk passes for AVX2 with FMA. */
#include "bulk/bulk_kernels.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <float.h>
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define PYLSTM_BULK_KERNELS pylstm_bulk_kernels_avx2
#include "kernels/simd_avx2.h"
#include "bulk/bulk_kernels.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

#else

typedef int pylstm_not_here; /* C has no empty files */

#endif
