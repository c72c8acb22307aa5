/* The part of a stream's state that belongs to the stream itself, at the front of its state block. */
#ifndef PYLSTM_ENGINE_STREAM_COUNTERS_H
#define PYLSTM_ENGINE_STREAM_COUNTERS_H

#include "pylstm.h"

/* The largest value of a counter, far below what 64 bits hold: 2^61 samples are four million years at 16 kHz. */
#define PYLSTM_MAX_POSITION ((uint64_t)1 << 61)

enum { PYLSTM_INPUT_UNDECIDED, PYLSTM_INPUT_AUDIO, PYLSTM_INPUT_FRAMES };

/* 64 bytes, all of them defined, so that equal states are equal bytes. */
typedef struct pylstm_stream_counters {
    int64_t position; /* samples, or frames of a stream fed with frames */
    int64_t frames;   /* rows written */
    int64_t input;    /* PYLSTM_INPUT_* */
    int64_t flushed;
    int64_t reserved[4];
} pylstm_stream_counters;

static inline size_t pylstm_round_up(size_t size) {
    return (size + PYLSTM_ALIGNMENT - 1) / PYLSTM_ALIGNMENT * PYLSTM_ALIGNMENT;
}

#endif
