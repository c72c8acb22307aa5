/* Reading memory and nothing else, as wide as an instruction set can: the floor under anything that reads its weights once. */
#ifndef PYLSTM_BENCHMARKS_CORE_READING_H
#define PYLSTM_BENCHMARKS_CORE_READING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Eight running maxima or ORs: enough that only the loads are waited for. Sizes are whole multiples of 512 bytes. */
#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(const char *p, size_t n) {
    __m512i any[8];
    size_t k;
    int lane;
    for (lane = 0; lane < 8; lane++)
        any[lane] = _mm512_setzero_si512();
    for (k = 0; k < n; k += 512) {
#pragma GCC unroll 8
        for (lane = 0; lane < 8; lane++)
            any[lane] = _mm512_or_si512(any[lane], _mm512_load_si512(p + k + 64 * lane));
    }
    for (lane = 1; lane < 8; lane++)
        any[0] = _mm512_or_si512(any[0], any[lane]);
    return (uint64_t)_mm512_reduce_or_epi64(any[0]);
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const char *p, size_t n) {
    __m256i any[8];
    size_t k;
    int lane;
    for (lane = 0; lane < 8; lane++)
        any[lane] = _mm256_setzero_si256();
    for (k = 0; k < n; k += 256) {
#pragma GCC unroll 8
        for (lane = 0; lane < 8; lane++)
            any[lane] = _mm256_or_si256(any[lane], _mm256_load_si256((const __m256i *)(p + k + 32 * lane)));
    }
    for (lane = 1; lane < 8; lane++)
        any[0] = _mm256_or_si256(any[0], any[lane]);
    return (uint64_t)_mm256_extract_epi64(any[0], 0);
}
#elif defined(__aarch64__)
static uint64_t read_neon(const char *p, size_t n) {
    uint64x2_t any[8];
    size_t k;
    int lane;
    for (lane = 0; lane < 8; lane++)
        any[lane] = vdupq_n_u64(0);
    for (k = 0; k < n; k += 128) {
#pragma GCC unroll 8
        for (lane = 0; lane < 8; lane++)
            any[lane] = vorrq_u64(any[lane], vld1q_u64((const uint64_t *)(p + k + 16 * lane)));
    }
    for (lane = 1; lane < 8; lane++)
        any[0] = vorrq_u64(any[0], any[lane]);
    return vgetq_lane_u64(any[0], 0);
}
#endif

static uint64_t read_plain(const char *p, size_t n) {
    uint64_t any = 0, word;
    size_t k;
    for (k = 0; k < n; k += 8) {
        memcpy(&word, p + k, 8);
        any |= word;
    }
    return any;
}

static uint64_t (*reader(const char *isa))(const char *, size_t) {
#if defined(__x86_64__)
    if (!strncmp(isa, "avx512", 6))
        return read_avx512;
    if (!strcmp(isa, "avx2"))
        return read_avx2;
#elif defined(__aarch64__)
    if (!strcmp(isa, "neon"))
        return read_neon;
#endif
    (void)isa;
    return read_plain;
}

#endif
