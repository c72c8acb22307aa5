/* The kernels of the features for AVX2. */
#include "kernels/feature_kernels.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <float.h>
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define FEATURE_KERNELS pylstm_feature_kernels_avx2
#include "kernels/doubles_avx2.h"
#include "kernels/feature_kernels.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

#else

typedef int pylstm_not_here; /* C has no empty files */

#endif
