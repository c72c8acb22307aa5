/* The kernels for NEON (AArch64, where it is always there). */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_NEON
#include "kernels/vector_neon.h"
#include "kernels/kernels.inc.h"
#include "kernels/feature.inc.h"
#endif
