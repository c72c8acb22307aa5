/* The kernels for AVX2 with FMA. */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_AVX2
#include "kernels/vector_avx2.h"
#include "kernels/kernels.inc.h"
#include "kernels/feature.inc.h"
#include "kernels/target_end.inc.h"
#endif
