/* What this processor can do. A wide register counts as there only if the operating system saves it on a task switch (XGETBV):
 * the processor's own word is not enough. */
#include "kernels/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#define PYLSTM_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#ifdef PYLSTM_X86

static void cpuid(unsigned leaf, unsigned part, unsigned registers[4]) {
#if defined(_MSC_VER)
    int values[4];
    __cpuidex(values, (int)leaf, (int)part);
    memcpy(registers, values, sizeof values);
#else
    __cpuid_count(leaf, part, registers[0], registers[1], registers[2], registers[3]);
#endif
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

enum { AVX2, AVX512, AVX512_VNNI, AVX512_BF16 };

static int x86_has(int level) {
    unsigned r[4], xcr0;
    int fma, osxsave, avx;
    cpuid(0, 0, r);
    if (r[0] < 7)
        return 0;
    cpuid(1, 0, r);
    fma = (r[2] >> 12) & 1, osxsave = (r[2] >> 27) & 1, avx = (r[2] >> 28) & 1;
    if (!fma || !osxsave || !avx)
        return 0;
    xcr0 = saved_registers();
    if ((xcr0 & 0x6) != 0x6)
        return 0;
    cpuid(7, 0, r);
    if (!((r[1] >> 5) & 1))
        return 0; /* AVX2 */
    if (level == AVX2)
        return 1;
    if (!((r[1] >> 16) & 1) || (xcr0 & 0xe6) != 0xe6) /* AVX512F */
        return 0;
    if (level == AVX512)
        return 1;
    if (!((r[2] >> 11) & 1)) /* AVX512_VNNI */
        return 0;
    if (level == AVX512_VNNI)
        return 1;
    cpuid(7, 1, r);
    return (r[0] >> 5) & 1; /* AVX512_BF16; leaf 7.1 reads as zeros where there is none */
}

static int has_avx2(void) {
    return x86_has(AVX2);
}
static int has_avx512(void) {
    return x86_has(AVX512);
}
static int has_avx512vnni(void) {
    return x86_has(AVX512_VNNI);
}
static int has_avx512bf16(void) {
    return x86_has(AVX512_BF16);
}

#else

static int has_avx2(void) {
    return 0;
}
static int has_avx512(void) {
    return 0;
}
static int has_avx512vnni(void) {
    return 0;
}
static int has_avx512bf16(void) {
    return 0;
}

#endif

static int has_always(void) {
    return 1;
}

static const struct isa {
    const char *name;
    const pylstm_kernels *(*kernels)(void); /* NULL from it: not in this build */
    int (*supported)(void);
} isas[] = {
    /* best first */
    {"avx512bf16", pylstm_kernels_avx512bf16, has_avx512bf16},
    {"avx512vnni", pylstm_kernels_avx512vnni, has_avx512vnni},
    {"avx512", pylstm_kernels_avx512, has_avx512},
    {"avx2", pylstm_kernels_avx2, has_avx2},
    {"neon", pylstm_kernels_neon, has_always},
    {"scalar", pylstm_kernels_scalar, has_always},
};

enum { N_ISAS = sizeof isas / sizeof *isas };

static const struct isa *find(const char *name) {
    int k;
    for (k = 0; name && k < N_ISAS; k++) {
        if (strcmp(isas[k].name, name) == 0)
            return &isas[k];
    }
    return NULL;
}

int pylstm_isa_built(const char *name) {
    const struct isa *isa = find(name);
    return isa && isa->kernels() != NULL;
}

int pylstm_isa_supported(const char *name) {
    return pylstm_isa_built(name) && find(name)->supported();
}

const pylstm_kernels *pylstm_kernels_choose(pylstm_error *why) {
    const char *wanted = getenv("PYLSTM_ISA");
    char runs[80];
    int k, used = 0;
    if (wanted && *wanted) {
        if (pylstm_isa_supported(wanted))
            return find(wanted)->kernels();
        for (k = 0; k < N_ISAS; k++) {
            if (pylstm_isa_supported(isas[k].name))
                used += snprintf(runs + used, sizeof runs - (size_t)used, " %s", isas[k].name);
        }
        pylstm_fail(why, PYLSTM_BAD_ISA, "PYLSTM_ISA is '%.40s', %s; this machine runs:%s", wanted,
                    !find(wanted)              ? "which is not an instruction set that pylstm knows"
                    : pylstm_isa_built(wanted) ? "which this processor or its operating system does not support"
                                               : "which is not in this build",
                    runs);
        return NULL;
    }
    for (k = 0; k < N_ISAS; k++) {
        if (pylstm_isa_supported(isas[k].name))
            return isas[k].kernels();
    }
    return NULL; /* not reached: scalar is always there */
}

const char *pylstm_isa(pylstm_error *why) {
    const pylstm_kernels *kernels = pylstm_kernels_choose(why);
    return kernels ? kernels->isa : NULL;
}
