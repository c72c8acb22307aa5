/* The kernels of the features for any processor. */
#include "kernels/feature_kernels.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#define FEATURE_KERNELS pylstm_feature_kernels_scalar
#include "kernels/doubles_scalar.h"
#include "kernels/feature_kernels.inc.h"
