/* Weights in the order in which the kernels read them (kernels.h says which). */
#ifndef PYLSTM_LAYERS_PACKING_H
#define PYLSTM_LAYERS_PACKING_H

#include "kernels/kernels.h"
#include "modelfile/configuration.h"
#include "platform/arena.h"

/* How many rows of words this number of inputs takes. */
size_t pylstm_packed_rows(size_t inputs, int precision);

/* Puts the value of a bfloat16 (a float whose lower half is zero), or of a byte, into the k-th part of a word that was 0. */
void pylstm_put_bfloat16(float *word, int k, float value);
void pylstm_put_byte(float *word, int k, float value);

/* Where the rows of a matrix go. */
typedef struct pylstm_packing {
    int precision;
    int n_vectors;     /* vectors of 16 words in a row: the gates, or 1 */
    size_t block_rows; /* rows of words of a block */
    size_t first_row;  /* where this matrix begins in a block */
    float *weights;    /* zero before the first call */
    float *scale;      /* int8: n_vectors * 16 for each block */
    int32_t *offset;   /* int8: likewise, zero before */
    float *row_values; /* room for a row of the matrix */
} pylstm_packing;

/* Room for the packed weights of n_blocks blocks, and for the scales of n_matrices matrices; measures only while the arena has
 * no memory. precision, n_vectors and block_rows are set before. */
void pylstm_packing_take(pylstm_packing *to, pylstm_arena *arena, size_t n_blocks, int n_matrices, float *row_values);

/* Packs rows `first` to `first + units - 1` of a matrix with this number of columns as vector `vector`. scales (int8 only): one
 * value for each row of the matrix. */
void pylstm_pack(const pylstm_packing *to, const pylstm_tensor *matrix, const pylstm_tensor *scales, size_t first, int units,
                 int columns, int vector);

#endif
