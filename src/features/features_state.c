/* The state of features: its size, its reset, its counters, and the check of a block that claims to be one.
 *
 * Without deltas a static frame is a row. With deltas the last 9 static frames wait in a ring; rows 0 to 4 come out with frame
 * 8, row t > 4 with frame t + 4, the last four at the end (delta.c says why).
 */
#include "features/features_state.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* No logarithm is below -370 dB: before the first frame the running maximum is this. */
#define NO_MAXIMUM (-1000.0f)

/* A bound that no static feature after a logarithm comes near: 390 dB at most, times n_mels, times the lifter. */
#define LOGARITHM_LIMIT 1e13f

size_t pylstm_features_state_size(const pylstm_features *features) {
    size_t statics = features->config.deltas ? (size_t)PYLSTM_DELTA_WIDTH * features->n_static : 0;
    return sizeof(pylstm_features_state) + ((size_t)features->framing.capacity + statics) * sizeof(float);
}

void pylstm_features_reset(const pylstm_features *features, void *block) {
    memset(block, 0, pylstm_features_state_size(features));
    ((pylstm_features_state *)block)->maximum = NO_MAXIMUM;
}

void pylstm_features_rewind(const pylstm_features *features, void *block) {
    const float maximum = ((pylstm_features_state *)block)->maximum;
    pylstm_features_reset(features, block);
    ((pylstm_features_state *)block)->maximum = maximum;
}

void pylstm_features_finish(const pylstm_features *features, void *block) {
    (void)features;
    ((pylstm_features_state *)block)->finished = 1;
}

uint64_t pylstm_features_rows_of(const pylstm_features *features, uint64_t frames, int all) {
    if (!features->config.deltas)
        return frames;
    if (frames < PYLSTM_DELTA_WIDTH)
        return 0;
    return all ? frames : frames - PYLSTM_DELTA_WIDTH / 2;
}

int64_t pylstm_features_rows(const pylstm_features *features, const void *block, uint64_t n_samples, int flush) {
    const pylstm_features_state *at = block;
    const int all = flush || at->finished;
    uint64_t n = at->samples, frames;
    if (!at->finished)
        n = n_samples < PYLSTM_MAX_SAMPLES - n ? n + n_samples : PYLSTM_MAX_SAMPLES;
    frames = all ? pylstm_framing_total(&features->framing, n) : pylstm_framing_complete(&features->framing, n);
    if (all && features->config.deltas && frames > 0 && frames < PYLSTM_DELTA_WIDTH)
        return -1;
    return (int64_t)(pylstm_features_rows_of(features, frames, all) - at->rows);
}

pylstm_features_progress pylstm_features_progress_of(const void *block) {
    pylstm_features_state at;
    memcpy(&at, block, sizeof at);
    return (pylstm_features_progress){.samples = at.samples, .rows = at.rows, .finished = (int)at.finished};
}

int pylstm_features_state_valid(const pylstm_features *features, const void *block) {
    const char *from = (const char *)block + sizeof(pylstm_features_state);
    const size_t n_samples = (size_t)features->framing.capacity;
    const size_t n = (pylstm_features_state_size(features) - sizeof(pylstm_features_state)) / sizeof(float);
    const float quietest = 10.0f * log10f((float)features->config.log_floor);
    const float static_limit = features->config.log == PYLSTM_LOG_NONE ? FLT_MAX : LOGARITHM_LIMIT;
    pylstm_features_state at;
    uint64_t frames;
    memcpy(&at, block, sizeof at);
    if (at.samples > PYLSTM_MAX_SAMPLES / 2 || at.finished > 1)
        return 0;
    frames = at.finished ? pylstm_framing_total(&features->framing, at.samples)
                         : pylstm_framing_complete(&features->framing, at.samples);
    if (at.finished && features->config.deltas && frames > 0 && frames < PYLSTM_DELTA_WIDTH)
        return 0; /* too short: never finished */
    if (at.frames != frames || at.rows != pylstm_features_rows_of(features, frames, (int)at.finished))
        return 0;
    if (!(at.maximum == NO_MAXIMUM || (features->config.has_top_db && at.maximum > quietest - 1.0f && at.maximum < 400.0f)))
        return 0;
    for (size_t i = 0; i < n; i++) {
        const float limit = i < n_samples ? FLT_MAX : static_limit;
        float value;
        memcpy(&value, from + i * sizeof value, sizeof value);
        if (!(value >= -limit && value <= limit))
            return 0;
    }
    return 1;
}
