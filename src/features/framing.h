/* Framing: which samples a frame is made of, and when it is complete. */
#ifndef PYLSTM_FEATURES_FRAMING_H
#define PYLSTM_FEATURES_FRAMING_H

#include "features/features_config.h"

/* The upper limit of sums of samples, which no stream lives long enough to reach. A stream has taken at most half of it. */
#define PYLSTM_MAX_SAMPLES ((uint64_t)1 << 62)

/* Audio as it comes from the caller: n samples, stride bytes apart, of a pylstm_sample_type. Consumed from the front. */
typedef struct pylstm_samples {
    pylstm_sample_type type;
    const char *next;
    size_t n;
    ptrdiff_t stride;
} pylstm_samples;

typedef struct pylstm_framing {
    uint64_t span, hop;    /* samples of a frame that count; samples from frame to frame */
    int64_t start;         /* of frame 0, in samples of the signal; negative: before its first */
    uint64_t need;         /* frame t is complete with t * hop + need samples, */
    uint64_t least;        /* but not with fewer than these */
    uint64_t extra, whole; /* n samples are all of 1 + (n + extra - whole) / hop frames */
    uint64_t capacity;     /* samples that must be remembered */
    int pad_mode;          /* what stands before the first sample and after the last */
    double preemphasis;    /* over the signal; 0: none */
} pylstm_framing;

pylstm_framing pylstm_framing_of(const pylstm_features_config *config);

/* How many samples complete frame t; how many frames are complete with n samples; how many there are if n is all there is. */
uint64_t pylstm_framing_due(const pylstm_framing *framing, uint64_t t);
uint64_t pylstm_framing_complete(const pylstm_framing *framing, uint64_t n);
uint64_t pylstm_framing_total(const pylstm_framing *framing, uint64_t n);

/* The last capacity samples stand in ring, sample i at i % capacity. Writes the next count samples; n came before. */
void pylstm_framing_write(const pylstm_framing *framing, float *ring, uint64_t n, pylstm_samples *samples, size_t count);

/* The span samples of frame t, of n samples so far, padded where there are none. */
void pylstm_framing_read(const pylstm_framing *framing, const float *ring, uint64_t n, uint64_t t, float *x);

#endif
