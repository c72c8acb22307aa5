/* The kernels of bulk passes for AVX-512. */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_AVX512
#include "kernels/vector_avx512.h"
#include "bulk/bulk_kernels.inc.h"
#include "kernels/target_end.inc.h"
#endif
