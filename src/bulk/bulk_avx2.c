/* The kernels of bulk passes for AVX2 with FMA. */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_AVX2
#include "kernels/vector_avx2.h"
#include "bulk/bulk_kernels.inc.h"
#include "kernels/target_end.inc.h"
#endif
