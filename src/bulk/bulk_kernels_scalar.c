/* The kernels of bulk passes for any processor. */
#include "bulk_kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#define PYLSTM_BULK_KERNELS pylstm_bulk_kernels_scalar
#include "simd_scalar.h"
#include "bulk_kernels.inc.h"
