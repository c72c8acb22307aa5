/* From rows of a matrix, as PyTorch stores them, to words side by side. */
#include "layers/packing.h"

#include <string.h>

size_t pylstm_packed_rows(size_t inputs, int precision) {
    const size_t inputs_a_word = precision == PYLSTM_WEIGHTS_FLOAT32 ? 1 : precision == PYLSTM_WEIGHTS_BFLOAT16 ? 2 : 4;
    return (inputs + inputs_a_word - 1) / inputs_a_word;
}

void pylstm_packing_take(pylstm_packing *to, pylstm_arena *arena, size_t n_blocks, int n_matrices, float *row_values) {
    const size_t lanes = n_blocks * (size_t)to->n_vectors * PYLSTM_UNITS, n_weights = to->block_rows * lanes;
    const size_t n_scales = to->precision == PYLSTM_WEIGHTS_INT8 ? lanes * (size_t)n_matrices : 0;
    to->weights = pylstm_arena_take(arena, n_weights, sizeof *to->weights);
    to->scale = pylstm_arena_take(arena, n_scales, sizeof *to->scale);
    to->offset = pylstm_arena_take(arena, n_scales, sizeof *to->offset);
    to->row_values = row_values;
    if (!to->weights)
        return;
    memset(to->weights, 0, n_weights * sizeof *to->weights);
    memset(to->scale, 0, n_scales * sizeof *to->scale);
    memset(to->offset, 0, n_scales * sizeof *to->offset);
}

void pylstm_put_bfloat16(float *word, int k, float value) {
    uint32_t bits, word_bits;
    memcpy(&bits, &value, 4);
    memcpy(&word_bits, word, 4);
    word_bits |= k % 2 ? bits >> 16 : bits & 0xffff0000u;
    memcpy(word, &word_bits, 4);
}

void pylstm_put_byte(float *word, int k, float value) {
    const signed char byte = (signed char)value;
    memcpy((char *)word + k, &byte, 1);
}

void pylstm_pack(const pylstm_packing *to, const pylstm_tensor *matrix, const pylstm_tensor *scales, size_t first, int units,
                 int columns, int vector) {
    const size_t row_words = (size_t)to->n_vectors * PYLSTM_UNITS;
    for (int unit = 0; unit < units; unit++) {
        const size_t lane = (size_t)vector * PYLSTM_UNITS + (size_t)(unit % PYLSTM_UNITS);
        const size_t block = (size_t)(unit / PYLSTM_UNITS);
        float *words = to->weights + (block * to->block_rows + to->first_row) * row_words + lane;
        pylstm_tensor_read_range(matrix, (first + (size_t)unit) * (size_t)columns, (size_t)columns, to->row_values);
        if (to->precision == PYLSTM_WEIGHTS_INT8)
            pylstm_tensor_read_range(scales, first + (size_t)unit, 1, to->scale + block * row_words + lane);
        for (int k = 0; k < columns; k++) {
            const float value = to->row_values[k];
            if (to->precision == PYLSTM_WEIGHTS_FLOAT32) {
                words[(size_t)k * row_words] = value;
            } else if (to->precision == PYLSTM_WEIGHTS_BFLOAT16) {
                pylstm_put_bfloat16(words + (size_t)(k / 2) * row_words, k, value);
            } else {
                pylstm_put_byte(words + (size_t)(k / 4) * row_words, k % 4, value);
                to->offset[block * row_words + lane] -= 128 * (int32_t)value;
            }
        }
    }
}
