/* Columns of convolutions: the positions of output rows, what each of them sees, and where its outputs go. */
#include "kernels/conv_kernels.h"

/* Columns side by side, and what each of them sees. */
typedef struct conv_tile {
    const float *const *taps[PYLSTM_CONV_COLUMNS]; /* the rows of each */
    int first[PYLSTM_CONV_COLUMNS];                /* the position at which its window begins; may be outside */
    float *y[PYLSTM_CONV_COLUMNS];                 /* where its outputs go */
    int whole;                                     /* whether no window goes beyond an edge */
} conv_tile;

/* Rows as the kernels read them: in place, or rounded. */
typedef struct conv_rows {
    int positions;
    const float *scales; /* int8: what a step of each tap's row is worth; else NULL */
} conv_rows;

/* The column that comes next. */
typedef struct conv_place {
    int row, position;
} conv_place;

/* Takes it into the tile as number t, and goes on to the one behind it. */
PYLSTM_INLINE void take_column(const pylstm_conv_weights *layer, const float *const *x, float *const *y, conv_tile *tile, int t,
                               conv_place *next) {
    tile->taps[t] = x + (size_t)next->row * (size_t)layer->n_taps;
    tile->first[t] = next->position * layer->stride - layer->low;
    tile->y[t] = y[next->row] + (size_t)next->position * (size_t)layer->output_channels;
    if (++next->position == layer->output_positions) {
        next->position = 0;
        next->row++;
    }
}

/* Whether the window of the column goes beyond no edge. */
PYLSTM_INLINE int is_whole(const pylstm_conv_weights *layer, int position) {
    const int first = position * layer->stride - layer->low;
    return first >= 0 && first < layer->positions - (layer->kernel - 1) * layer->dilation;
}

/* --- outputs ---------------------------------------------------------------------------------------------------------- */

/* The first n of 16 floats, n below 16. */
PYLSTM_INLINE void store_first(float *y, v16 value, int n) {
    float lanes[PYLSTM_UNITS];
    const float *from = lanes;
    v16_store(lanes, value);
    for (int size = 8; size; size /= 2) {
        if (n & size) {
            memcpy(y, from, (size_t)size * sizeof *y);
            y += size;
            from += size;
        }
    }
}

/* A sum that is -0 becomes 0: it may be either, depending on whether products with zeros were added to it. */
PYLSTM_INLINE void conv_store(const pylstm_conv_weights *layer, float *y, v16 sum, int n) {
    const v16 zero = v16_set(0.0f), value = v16_add(v16_bounded(sum), zero);
    const v16 output = layer->relu ? v16_max(value, zero) : value;
    if (n < PYLSTM_UNITS) {
        store_first(y, output, n);
    } else {
        v16_store(y, output);
    }
}
