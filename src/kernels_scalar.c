/* The kernels for any processor. */
#include "kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "simd_scalar.h"
#include "kernels.inc.h"

const pylstm_kernels *pylstm_kernels_scalar(void) {
    return &kernels;
}
