/* The kernels of bulk passes for NEON (AArch64, where it is always there). */
#include "bulk/bulk_kernels.h"

#if defined(__aarch64__) || defined(_M_ARM64)

#include <arm_neon.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

#define PYLSTM_BULK_KERNELS pylstm_bulk_kernels_neon
#include "kernels/simd_neon.h"
#include "bulk/bulk_kernels.inc.h"

#else

typedef int pylstm_not_here; /* C has no empty files */

#endif
