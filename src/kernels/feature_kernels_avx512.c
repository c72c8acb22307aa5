/* The kernels of the features for AVX-512 (F, the part that every AVX-512 processor has). */
#include "kernels/feature_kernels.h"

#if (defined(__x86_64__) || defined(_M_X64)) && !defined(PYLSTM_NO_AVX512)

#include <float.h>
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx2"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx2")
#endif

#define FEATURE_KERNELS pylstm_feature_kernels_avx512
#include "kernels/doubles_avx512.h"
#include "kernels/feature_kernels.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

#else

typedef int pylstm_not_here; /* C has no empty files */

#endif
