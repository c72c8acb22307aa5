/* The caller's floating-point mode: each call in one that nobody expects, which must be the same afterwards. */
#include "driver.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__x86_64__)

#include <xmmintrin.h>

typedef struct fp_mode {
    unsigned mxcsr;
    unsigned short x87;
} fp_mode;

/* Control in the upper bits, what has happened so far in the lower six; and the old unit's control word. */
static const fp_mode modes[] = {
    {0x1f80, 0x37f},
    {0x1f80 | 0x2000 | 0x003f, 0x37f}, /* downwards; everything has happened */
    {0x1f80 | 0x4000 | 0x0001, 0xb7f}, /* upwards */
    {0x1f80 | 0x6000, 0xf7f},          /* towards zero */
    {0x1f80 | 0x8040, 0x27f},          /* subnormals are zero */
    {0x1000, 0x37f},                   /* invalid, subnormal, division by zero, overflow, underflow trap */
    {0x0000, 0x340},                   /* everything traps, in the old unit too */
};

static fp_mode get_mode(void) {
    fp_mode mode;
    mode.mxcsr = _mm_getcsr();
    __asm__ volatile("fnstcw %0" : "=m"(mode.x87));
    return mode;
}

static void set_mode(fp_mode mode) {
    _mm_setcsr(mode.mxcsr);
    __asm__ volatile("fldcw %0" : : "m"(mode.x87));
}

static int same_mode(fp_mode a, fp_mode b) {
    return a.mxcsr == b.mxcsr && a.x87 == b.x87;
}

#elif defined(__aarch64__)

typedef struct fp_mode {
    uint64_t fpcr, fpsr;
} fp_mode;

static const fp_mode modes[] = {
    {0, 0},
    {0x00800000, 0x9f}, /* downwards; everything has happened */
    {0x00400000, 0x01}, /* upwards */
    {0x00c00000, 0x10}, /* towards zero */
    {0x01000000, 0},    /* subnormals are zero */
    {0x02009f00, 0},    /* one NaN for all; everything traps, where a processor can */
};

static fp_mode get_mode(void) {
    fp_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode.fpcr));
    __asm__ volatile("mrs %0, fpsr" : "=r"(mode.fpsr));
    return mode;
}

static void set_mode(fp_mode mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode.fpcr) : "memory");
    __asm__ volatile("msr fpsr, %0" : : "r"(mode.fpsr) : "memory");
}

static int same_mode(fp_mode a, fp_mode b) {
    return a.fpcr == b.fpcr && a.fpsr == b.fpsr;
}

#else

typedef int fp_mode;
static const fp_mode modes[] = {0};
static fp_mode get_mode(void) {
    return 0;
}
static void set_mode(fp_mode mode) {
    (void)mode;
}
static int same_mode(fp_mode a, fp_mode b) {
    return a == b;
}

#endif

static fp_mode usual, odd, found;
static long changed;

static void enter_mode(void) {
    set_mode(odd);
    odd = get_mode(); /* a processor need not have every bit */
}

static void leave_mode(const char *call) {
    found = get_mode();
    set_mode(usual);
    if (!same_mode(found, odd) && changed++ < 20)
        printf("the mode is another after %s\n", call);
}

static void trapped(int number) {
    (void)number;
    if (write(1, "a floating-point trap\n", 22))
        _exit(1);
    _exit(1);
}

int try_modes(char **paths, int n) {
    const guard around = {enter_mode, leave_mode};
    const size_t n_modes = sizeof modes / sizeof *modes;
    walk **walks = walks_of(paths, n);
    long calls = 0, differ = 0;
    uint64_t hash = 0;
    size_t m;
    int k;
    signal(SIGFPE, trapped);
    setvbuf(stdout, NULL, _IONBF, 0);
    usual = get_mode();
    for (k = 0; k < n; k++) {
        for (m = 0; m < n_modes; m++) {
            uint64_t now;
            odd = modes[m];
            now = walk_run(walks[k], &around, &calls);
            hash = m ? hash : now;
            differ += now != hash;
        }
    }
    printf("%ld calls in %zu modes, %ld changed the mode, %ld walks gave other bits\n", calls, n_modes, changed, differ);
    return 0;
}
