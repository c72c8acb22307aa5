/* The kernels for AVX-512 with VNNI and BF16: products of bytes and of bfloat16 have instructions of their own. */
#include "kernels/kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#if (defined(__x86_64__) || defined(_M_X64)) && !defined(PYLSTM_NO_AVX512)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vnni,avx512bf16,avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vnni,avx512bf16,avx2,fma")
#endif

#define PYLSTM_VNNI
#define PYLSTM_BF16
#include "kernels/simd_avx512.h"
#include "kernels/kernels.inc.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif

const pylstm_kernels *pylstm_kernels_avx512bf16(void) {
    return &kernels;
}

#else

const pylstm_kernels *pylstm_kernels_avx512bf16(void) {
    return NULL;
}

#endif
