/* The kernels for AVX-512 (F, the part that every AVX-512 processor has). */
#include "kernels/kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#if (defined(__x86_64__) || defined(_M_X64)) && !defined(PYLSTM_NO_AVX512)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma")
#endif

#include "kernels/simd_avx512.h"
#include "kernels/kernels.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

const pylstm_kernels *pylstm_kernels_avx512(void) {
    return &kernels;
}

#else

const pylstm_kernels *pylstm_kernels_avx512(void) {
    return NULL;
}

#endif
