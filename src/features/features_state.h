/* What one stream remembers of its audio, and the tables that say how much that is: for the files of this room. */
#ifndef PYLSTM_FEATURES_FEATURES_STATE_H
#define PYLSTM_FEATURES_FEATURES_STATE_H

#include "features/delta.h"
#include "features/features.h"
#include "features/frame.h"

struct pylstm_features {
    pylstm_features_config config; /* without the pointers */
    pylstm_framing framing;
    pylstm_frame frame;
    int n_static, width; /* values of a frame without its deltas, with them */
    const float *mean, *std;
};

/* Then follow: the last samples (framing.capacity), with deltas the last PYLSTM_DELTA_WIDTH static frames. */
typedef struct pylstm_features_state {
    uint64_t samples; /* taken so far */
    uint64_t frames;  /* static frames computed */
    uint64_t rows;    /* rows written */
    uint32_t finished;
    float maximum; /* of all mel bands in dB so far, for top_db */
} pylstm_features_state;

static inline float *pylstm_features_samples(pylstm_features_state *state) {
    return (float *)(state + 1);
}

static inline float *pylstm_features_statics(const pylstm_features *features, pylstm_features_state *state) {
    return pylstm_features_samples(state) + features->framing.capacity;
}

/* Rows that exist once this number of static frames does; all: no more frames will come. */
uint64_t pylstm_features_rows_of(const pylstm_features *features, uint64_t frames, int all);

#endif
