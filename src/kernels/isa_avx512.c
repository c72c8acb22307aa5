/* The kernels for AVX-512 (F, the part that every AVX-512 processor has). */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_AVX512
#include "kernels/vector_avx512.h"
#include "kernels/kernels.inc.h"
#include "kernels/feature.inc.h"
#include "kernels/target_end.inc.h"
#endif
