/* The layers' kernels for AVX-512 with VNNI and BF16: products of bytes and of bfloat16 have instructions of their own. */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_AVX512
#define PYLSTM_VNNI
#define PYLSTM_BF16
#include "kernels/vector_avx512.h"
#include "kernels/kernels.inc.h"
#include "kernels/target_end.inc.h"
#endif
