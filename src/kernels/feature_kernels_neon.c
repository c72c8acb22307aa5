/* The kernels of the features for NEON. */
#include "kernels/feature_kernels.h"

#if defined(__aarch64__) || defined(_M_ARM64)

#include <arm_neon.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

#define FEATURE_KERNELS pylstm_feature_kernels_neon
#include "kernels/doubles_neon.h"
#include "kernels/feature_kernels.inc.h"

#else

typedef int pylstm_not_here; /* C has no empty files */

#endif
