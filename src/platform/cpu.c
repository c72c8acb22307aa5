/* The processor's features from CPUID, and the registers that the operating system saves from XGETBV. */
#include "platform/cpu.h"

#if PYLSTM_X86_64

#include <string.h>
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

typedef struct cpuid_registers {
    unsigned a, b, c, d;
} cpuid_registers;

static cpuid_registers cpuid(unsigned leaf, unsigned part) {
    cpuid_registers result;
#if defined(_MSC_VER)
    int values[4];
    __cpuidex(values, (int)leaf, (int)part);
    memcpy(&result, values, sizeof result);
#else
    __cpuid_count(leaf, part, result.a, result.b, result.c, result.d);
#endif
    return result;
}

/* XCR0: bit 1 SSE, 2 AVX, 5 to 7 the three parts of the AVX-512 state. */
static unsigned saved_registers(void) {
#if defined(_MSC_VER)
    return (unsigned)_xgetbv(0);
#else
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}

static int has(unsigned bits, unsigned wanted) {
    return (bits & wanted) == wanted;
}

pylstm_cpu_level pylstm_cpu(void) {
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;                                /* leaf 1, ECX */
    const unsigned avx2 = 1u << 5, avx512f = 1u << 16, avx512_vnni = 1u << 11, avx512_bf16 = 1u << 5; /* leaf 7 */
    if (cpuid(0, 0).a < 7 || !has(cpuid(1, 0).c, fma | osxsave | avx))
        return PYLSTM_CPU_BASELINE;
    const unsigned saved = saved_registers();
    const cpuid_registers leaf = cpuid(7, 0);
    if (!has(saved, 0x06) || !has(leaf.b, avx2))
        return PYLSTM_CPU_BASELINE;
    if (!has(saved, 0xe6) || !has(leaf.b, avx512f))
        return PYLSTM_CPU_AVX2;
    if (!has(leaf.c, avx512_vnni))
        return PYLSTM_CPU_AVX512;
    /* Part 1 of the leaf reads as zeros where there is none. */
    return has(cpuid(7, 1).a, avx512_bf16) ? PYLSTM_CPU_AVX512BF16 : PYLSTM_CPU_AVX512VNNI;
}

#else

pylstm_cpu_level pylstm_cpu(void) {
    return PYLSTM_CPU_BASELINE;
}

#endif
