/* The kernels of convolutions. kernels.h says what holds for all kernels. */
#ifndef PYLSTM_KERNELS_CONV_KERNELS_H
#define PYLSTM_KERNELS_CONV_KERNELS_H

#include "kernels/kernels.h"

/* A convolution over n_taps rows and the positions of each. A row is positions * channels floats, position by position.
 *
 * A window is cut into runs of values that follow each other in a row: one of kernel * channels values for each tap where the
 * kernel has neither groups nor dilation, else one of channels / groups values for each tap and each of its positions. Packed
 * weights of a block are those of the runs in order, each filled up to whole words.
 *
 * A block is 16 output channels of one group: 0 to 15, 16 to 31 and so on, but the last one the last 16, so that all of a block
 * is written at once; where a group has fewer than 16, it has one block. */
typedef struct pylstm_conv_weights {
    int precision, relu;
    int positions, channels; /* of a row that goes in */
    int output_positions, output_channels;
    int n_taps;
    int kernel, stride, dilation; /* over positions */
    int low, high;                /* positions of zeros below the first and above the last */
    int groups;
    int depthwise; /* as many groups as channels, and one output channel for each */
    int n_runs, run_length;
    const float *weights; /* of each block; depthwise: of each block a row of 16 floats for each tap and position of the kernel */
    const float *bias;    /* 16 of each block */
    /* int8 only. scale: as the bias, the value of one step of a weight. offset: for each block and tap 16 times -128 times the
     * sum of the weights; NULL where depthwise. */
    const float *scale;
    const int32_t *offset;
    const float *zeros; /* as many as channels, padded, and 16 more */
} pylstm_conv_weights;

/* Floats of a row once it is rounded to the precision of the weights, with zeros around it and behind it. */
static inline size_t pylstm_conv_rounded(const pylstm_conv_weights *layer) {
    return ((size_t)(layer->low + layer->positions + layer->high) * (size_t)layer->channels + 32) / 16 * 16;
}
/* Bytes of room that a call needs with such weights: for each tap a pointer, a scale and a row. */
static inline size_t pylstm_conv_room(const pylstm_conv_weights *layer) {
    const size_t n_taps = (size_t)layer->n_taps;
    return n_taps * (sizeof(float *) + (1 + pylstm_conv_rounded(layer)) * sizeof(float));
}

/* Blocks of a group that has this many output channels, and the first channel of one. */
static inline int pylstm_conv_blocks(int group_outputs) {
    return (group_outputs + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
}
static inline int pylstm_conv_block_first(int block, int group_outputs) {
    const int last = group_outputs > PYLSTM_UNITS ? group_outputs - PYLSTM_UNITS : 0;
    return block * PYLSTM_UNITS < last ? block * PYLSTM_UNITS : last;
}

typedef struct pylstm_conv_kernels {
    /* Rows y[k] from the rows x[k * n_taps] (the oldest) to x[k * n_taps + n_taps - 1], for any n_rows, after the bias and, where
     * relu is set, after a ReLU; bounded by the largest float. y[k]: output_positions * output_channels rounded up to 16; what
     * lies past the outputs becomes 0. room: with bfloat16 and int8 weights pylstm_conv_room bytes; else NULL. */
    void (*forward)(const pylstm_conv_weights *layer, const float *const *x, int n_rows, float *const *y, unsigned char *room);
} pylstm_conv_kernels;

#endif
