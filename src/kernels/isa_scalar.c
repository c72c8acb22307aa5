/* The kernels for any processor. */
#include "kernels/vector_scalar.h"
#include "kernels/kernels.inc.h"
#include "kernels/feature.inc.h"
