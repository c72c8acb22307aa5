/* The kernels for NEON (AArch64, where it is always there). */
#include "kernels/kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#if defined(__aarch64__) || defined(_M_ARM64)

#include <arm_neon.h>

#include "kernels/simd_neon.h"
#include "kernels/kernels.inc.h"

const pylstm_kernels *pylstm_kernels_neon(void) {
    return &kernels;
}

#else

const pylstm_kernels *pylstm_kernels_neon(void) {
    return NULL;
}

#endif
