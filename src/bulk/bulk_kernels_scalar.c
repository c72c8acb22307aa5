/* The kernels of bulk passes for any processor. */
#include "bulk/bulk_kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#define PYLSTM_BULK_KERNELS pylstm_bulk_kernels_scalar
#include "kernels/simd_scalar.h"
#include "bulk/bulk_kernels.inc.h"
