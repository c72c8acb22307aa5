/* Which kernels of the features go with which of the layers. */
#include "kernels/feature_kernels.h"

#include <string.h>

const pylstm_feature_kernels *pylstm_feature_kernels_for(const char *isa) {
#if defined(__x86_64__) || defined(_M_X64)
#if !defined(PYLSTM_NO_AVX512)
    if (strncmp(isa, "avx512", 6) == 0) /* with what else the layers may use of it */
        return &pylstm_feature_kernels_avx512;
#endif
    if (strcmp(isa, "avx2") == 0)
        return &pylstm_feature_kernels_avx2;
#elif defined(__aarch64__) || defined(_M_ARM64)
    if (strcmp(isa, "neon") == 0)
        return &pylstm_feature_kernels_neon;
#endif
    (void)isa;
    return &pylstm_feature_kernels_scalar;
}
