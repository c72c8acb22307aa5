/* The layers' kernels for AVX-512 with VNNI: products of bytes have an instruction of their own. */
#include "kernels/instruction_sets.h"

#if PYLSTM_BUILDS_AVX512
#define PYLSTM_VNNI
#include "kernels/vector_avx512.h"
#include "kernels/kernels.inc.h"
#include "kernels/target_end.inc.h"
#endif
