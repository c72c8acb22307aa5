/* The kernels of bulk passes for NEON (AArch64, where it is always there). */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_NEON
#include "kernels/vector_neon.h"
#include "bulk/bulk_kernels.inc.h"
#endif
