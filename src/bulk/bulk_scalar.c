/* The kernels of bulk passes for any processor. */
#include "kernels/vector_scalar.h"
#include "bulk/bulk_kernels.inc.h"
