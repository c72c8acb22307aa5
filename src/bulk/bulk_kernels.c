/* Which kernels run a bulk pass, and how their matrices are packed. */
#include "bulk/bulk_kernels.h"

#include <string.h>

static const struct {
    const char *isa;
    const pylstm_bulk_kernels *kernels;
} tables[] = {
#define SET(name, vector, needs, built) {#name, (built) ? &pylstm_bulk_kernels_##vector : NULL},
    PYLSTM_INSTRUCTION_SETS(SET)
#undef SET
};

const pylstm_bulk_kernels *pylstm_bulk_kernels_for(const char *isa) {
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        if (strcmp(tables[k].isa, isa) == 0)
            return tables[k].kernels;
    }
    return NULL;
}

void pylstm_bulk_pack(const float *matrix, size_t input_stride, size_t output_stride, int inputs, int outputs, float *packed) {
    for (int first = 0; first < outputs; first += PYLSTM_PANEL) {
        const int width = outputs - first < PYLSTM_PANEL ? outputs - first : PYLSTM_PANEL;
        const float *panel = matrix + (size_t)first * output_stride;
        if (output_stride == 1) {
            for (int k = 0; k < inputs; k++)
                memcpy(packed + (size_t)k * (size_t)width, panel + (size_t)k * input_stride, (size_t)width * sizeof *packed);
        } else {
            /* Takes eight inputs at a time, so that a cache line of the matrix is used whole once it has been fetched. */
            for (int k = 0; k < inputs; k += 8) {
                const int block = inputs - k < 8 ? inputs - k : 8;
                for (int u = 0; u < width; u++) {
                    const float *source = panel + (size_t)u * output_stride + (size_t)k * input_stride;
                    float *target = packed + (size_t)k * (size_t)width + u;
                    for (int j = 0; j < block; j++)
                        target[(size_t)j * (size_t)width] = source[(size_t)j * input_stride];
                }
            }
        }
        packed += (size_t)inputs * (size_t)width;
    }
}
