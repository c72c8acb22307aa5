/* What the processor and the operating system support. */
#ifndef PYLSTM_PLATFORM_CPU_H
#define PYLSTM_PLATFORM_CPU_H

/* The kind of processor that the compiler builds for. */
#define PYLSTM_X86_64  0
#define PYLSTM_AARCH64 0
#if defined(__x86_64__) || defined(_M_X64)
#undef PYLSTM_X86_64
#define PYLSTM_X86_64 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#undef PYLSTM_AARCH64
#define PYLSTM_AARCH64 1
#endif

/* What a processor can do beyond the least of its kind. Each level includes those before it. */
typedef enum pylstm_cpu_level {
    PYLSTM_CPU_BASELINE, /* whatever the compiler builds for; on AArch64 that includes NEON */
    PYLSTM_CPU_AVX2,     /* and FMA */
    PYLSTM_CPU_AVX512,   /* F, the part that every AVX-512 processor has */
    PYLSTM_CPU_AVX512VNNI,
    PYLSTM_CPU_AVX512BF16
} pylstm_cpu_level;

/* The highest level of this machine. A wide register counts only if the operating system saves it on a task switch: what the
 * processor reports is not enough. */
pylstm_cpu_level pylstm_cpu(void);

#endif
