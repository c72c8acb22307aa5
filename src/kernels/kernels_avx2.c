/* The kernels for AVX2 with FMA. */
#include "kernels/kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#include "kernels/simd_avx2.h"
#include "kernels/kernels.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

const pylstm_kernels *pylstm_kernels_avx2(void) {
    return &kernels;
}

#else

const pylstm_kernels *pylstm_kernels_avx2(void) {
    return NULL;
}

#endif
