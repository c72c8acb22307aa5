/* The kernels for any processor. */
#include "kernels/kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "kernels/simd_scalar.h"
#include "kernels/kernels.inc.h"

const pylstm_kernels *pylstm_kernels_scalar(void) {
    return &kernels;
}
