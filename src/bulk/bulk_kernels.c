/* Which kernels run a bulk pass, and how their matrices are packed. */
#include "bulk/bulk_kernels.h"

#include <string.h>

const pylstm_bulk_kernels *pylstm_bulk_kernels_for(const char *isa) {
#if defined(__x86_64__) || defined(_M_X64)
    if (strncmp(isa, "avx512", 6) == 0) /* with what else the streaming kernels may use of it */
        return &pylstm_bulk_kernels_avx512;
    if (strcmp(isa, "avx2") == 0)
        return &pylstm_bulk_kernels_avx2;
#elif defined(__aarch64__) || defined(_M_ARM64)
    if (strcmp(isa, "neon") == 0)
        return &pylstm_bulk_kernels_neon;
#endif
    (void)isa;
    return &pylstm_bulk_kernels_scalar;
}

void pylstm_bulk_pack(const float *matrix, size_t input_stride, size_t output_stride, int inputs, int outputs, float *packed) {
    int first, k, u;
    for (first = 0; first < outputs; first += PYLSTM_PANEL) {
        const int width = outputs - first < PYLSTM_PANEL ? outputs - first : PYLSTM_PANEL;
        const float *panel = matrix + (size_t)first * output_stride;
        if (output_stride == 1) {
            for (k = 0; k < inputs; k++)
                memcpy(packed + (size_t)k * (size_t)width, panel + (size_t)k * input_stride, (size_t)width * sizeof *packed);
        } else {
            /* Eight inputs at a time: a line of the matrix that has been fetched is used whole. */
            for (k = 0; k < inputs; k += 8) {
                const int block = inputs - k < 8 ? inputs - k : 8;
                for (u = 0; u < width; u++) {
                    const float *source = panel + (size_t)u * output_stride + (size_t)k * input_stride;
                    float *target = packed + (size_t)k * (size_t)width + u;
                    int j;
                    for (j = 0; j < block; j++)
                        target[(size_t)j * (size_t)width] = source[(size_t)j * input_stride];
                }
            }
        }
        packed += (size_t)inputs * (size_t)width;
    }
}
