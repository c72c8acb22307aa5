/* The floating-point mode of a push: round to nearest, subnormals flushed to zero, no traps.
 *
 * Recurrent state decays into subnormals in silence, where some processors take many times as long per operation. The caller's
 * mode, sticky flags included, is as it was once pylstm_fpmode_leave has run.
 */
#ifndef PYLSTM_PLATFORM_FLOATING_POINT_MODE_H
#define PYLSTM_PLATFORM_FLOATING_POINT_MODE_H

#include <fenv.h>
#include <stdint.h>

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "the compiler may change what floating-point expressions mean; expected no -ffast-math, -Ofast or part of them"
#endif

#if defined(__x86_64__) || defined(_M_X64)

#include <xmmintrin.h>

typedef unsigned pylstm_fpmode;

static inline pylstm_fpmode pylstm_fpmode_enter(void) {
    const pylstm_fpmode caller = _mm_getcsr();
    _mm_setcsr(0x1f80 | 0x8000 | 0x0040); /* all exceptions masked; flush results to zero; read subnormals as zero */
    return caller;
}
static inline void pylstm_fpmode_leave(pylstm_fpmode caller) {
    _mm_setcsr(caller);
}

#elif defined(__aarch64__) && defined(__GNUC__)

typedef struct pylstm_fpmode {
    uint64_t control, status; /* FPCR, and the sticky flags in FPSR */
} pylstm_fpmode;

static inline pylstm_fpmode pylstm_fpmode_enter(void) {
    pylstm_fpmode caller;
    const uint64_t flush_to_zero = (uint64_t)1 << 24;
    __asm__ volatile("mrs %0, fpcr" : "=r"(caller.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(caller.status));
    __asm__ volatile("msr fpcr, %0" : : "r"(flush_to_zero) : "memory");
    return caller;
}
static inline void pylstm_fpmode_leave(pylstm_fpmode caller) {
    __asm__ volatile("msr fpcr, %0" : : "r"(caller.control) : "memory");
    __asm__ volatile("msr fpsr, %0" : : "r"(caller.status) : "memory");
}

#elif defined(__arm__) && defined(__ARM_FP) && defined(__GNUC__)

typedef uint32_t pylstm_fpmode; /* FPSCR: the mode and the sticky flags */

static inline pylstm_fpmode pylstm_fpmode_enter(void) {
    pylstm_fpmode caller;
    const uint32_t flush_to_zero = (uint32_t)1 << 24;
    __asm__ volatile("vmrs %0, fpscr" : "=r"(caller));
    __asm__ volatile("vmsr fpscr, %0" : : "r"(flush_to_zero) : "memory");
    return caller;
}
static inline void pylstm_fpmode_leave(pylstm_fpmode caller) {
    __asm__ volatile("vmsr fpscr, %0" : : "r"(caller) : "memory");
}

#else /* no mode to set: results are the same wherever no subnormal occurs */

typedef int pylstm_fpmode;

static inline pylstm_fpmode pylstm_fpmode_enter(void) {
    return 0;
}
static inline void pylstm_fpmode_leave(pylstm_fpmode caller) {
    (void)caller;
}

#endif
/* The mode that C starts with (round to nearest, subnormal numbers kept, no traps), for what is computed once: tables get the
 * same bits whatever the caller's mode is. It includes the rounding of the x87 unit, which strtod may consult. Calls the C
 * library: not for [rt] calls. */
typedef struct pylstm_whole_fpmode {
    pylstm_fpmode mode;
    fenv_t environment;
} pylstm_whole_fpmode;

static inline pylstm_whole_fpmode pylstm_fpmode_enter_exact(void) {
    pylstm_whole_fpmode caller;
    caller.mode = pylstm_fpmode_enter();
    fegetenv(&caller.environment);
    fesetenv(FE_DFL_ENV);
#if defined(__x86_64__) || defined(_M_X64)
    _mm_setcsr(0x1f80); /* not every C library's default environment keeps subnormal numbers */
#endif
    return caller;
}
static inline void pylstm_fpmode_leave_exact(const pylstm_whole_fpmode *caller) {
    fesetenv(&caller->environment);
    pylstm_fpmode_leave(caller->mode);
}

#endif
