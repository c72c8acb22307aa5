/* The instruction sets: the only list of them. Names, tables and the choice at run time are made from it. */
#ifndef PYLSTM_KERNELS_INSTRUCTION_SETS_H
#define PYLSTM_KERNELS_INSTRUCTION_SETS_H

#include "platform/cpu.h"

/* Which of them a build contains. */
#define PYLSTM_BUILDS_AVX2 PYLSTM_X86_64
#define PYLSTM_BUILDS_NEON PYLSTM_AARCH64
#ifdef PYLSTM_NO_AVX512
#define PYLSTM_BUILDS_AVX512 0
#else
#define PYLSTM_BUILDS_AVX512 PYLSTM_X86_64
#endif

/* SET(name, vector, needs, built) for each, best first.
 *
 * name    what PYLSTM_ISA and users call it; isa_<name>.c compiles its kernels
 * vector  the vocabulary that they are written in, vector_<vector>.h: kernels that need no more than that are compiled once for
 *         all sets which share it
 * needs   the level of processor that it runs on
 * built   whether this build contains it */
#define PYLSTM_INSTRUCTION_SETS(SET)                                                                                           \
    SET(avx512bf16, avx512, PYLSTM_CPU_AVX512BF16, PYLSTM_BUILDS_AVX512)                                                       \
    SET(avx512vnni, avx512, PYLSTM_CPU_AVX512VNNI, PYLSTM_BUILDS_AVX512)                                                       \
    SET(avx512, avx512, PYLSTM_CPU_AVX512, PYLSTM_BUILDS_AVX512)                                                               \
    SET(avx2, avx2, PYLSTM_CPU_AVX2, PYLSTM_BUILDS_AVX2)                                                                       \
    SET(neon, neon, PYLSTM_CPU_BASELINE, PYLSTM_BUILDS_NEON)                                                                   \
    SET(scalar, scalar, PYLSTM_CPU_BASELINE, 1)

/* The tables, those of sets that are not in this build excepted. */
#define PYLSTM_DECLARE_TABLES(name, vector, needs, built)                                                                      \
    extern const struct pylstm_kernels pylstm_kernels_##name;                                                                  \
    extern const struct pylstm_feature_kernels pylstm_feature_kernels_##vector;
PYLSTM_INSTRUCTION_SETS(PYLSTM_DECLARE_TABLES)
#undef PYLSTM_DECLARE_TABLES

#endif
