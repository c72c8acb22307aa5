/* The kernels of LSTM cells with options: peepholes, coupled gates, limits, hard gates, layer normalisation. They begin where
 * the sums are there (lstm_kernels.h); kernels.h says what holds for all kernels. */
#ifndef PYLSTM_KERNELS_LSTM_OPTIONS_KERNELS_H
#define PYLSTM_KERNELS_LSTM_OPTIONS_KERNELS_H

#include "kernels/kernels.h"

/* Sums, and whatever meets them, are laid out alike: for each 16 units 16 values of i, f, g, o or, with coupled gates, of i, g,
 * o. Values of units past the last one are 0. */
typedef struct pylstm_lstm_options {
    int hidden_size;
    int n_gates;                /* 4, or 3 with coupled gates: f = 1 - i */
    float gate_clip, cell_clip; /* limits of the sums and of c; FLT_MAX: none */
    float gate_slope;           /* i, f, o: min(max(gate_slope z + 1/2, 0), 1); 0: sigmoid(z) */
    const float *peepholes;     /* for each 16 units: of i, of f unless it is coupled, of o; NULL: there are none */
    /* Layer normalisation: gains of W_ih x and W_hh h, and the bias; NULL: there is none. Those of c: hidden_size, padded. */
    const float *gain_ih, *gain_hh, *bias, *gain_c, *bias_c;
} pylstm_lstm_options;

typedef struct pylstm_lstm_options_kernels {
    /* y = start + gain * (sums with mean 0 and variance 1). y may be sums or start. */
    void (*normalise)(const pylstm_lstm_options *options, const float *sums, const float *gain, const float *start, float *y);

    /* From the sums of a step to the new c, in place, and h before any projection: H floats each (H: hidden_size rounded up to
     * 16). gates: NULL, or 4 * H floats that receive the activated i, f, g, o, each H long. */
    void (*update)(const pylstm_lstm_options *options, const float *sums, float *c, float *h_next, float *gates);
} pylstm_lstm_options_kernels;

#endif
