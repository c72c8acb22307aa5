/* From samples to rows: the tables that features share, and the push that takes samples and writes rows. */
#include "features/features.h"
#include "features/features_state.h"

#include <float.h>
#include <string.h>

/* A table of mean or std in the arena. */
static const float *read_values(pylstm_arena *arena, const pylstm_features_config *config, const pylstm_tensor *tensor) {
    const size_t n = (size_t)pylstm_features_width(config);
    float *values = config->normalize ? pylstm_arena_take(arena, n, sizeof(float)) : NULL;
    if (values)
        pylstm_tensor_read(tensor, values);
    return values;
}

pylstm_features *pylstm_features_init(pylstm_arena *arena, const pylstm_features_config *config,
                                      const pylstm_kernels *kernels) {
    pylstm_features *features = pylstm_arena_take(arena, 1, sizeof *features);
    const pylstm_frame frame = pylstm_frame_init(arena, config, kernels->feature);
    const float *mean = read_values(arena, config, &config->mean);
    const float *std = read_values(arena, config, &config->std);
    if (!features)
        return NULL;
    memset(features, 0, sizeof *features);
    features->config = *config;
    memset(&features->config.mean, 0, sizeof features->config.mean);
    memset(&features->config.std, 0, sizeof features->config.std);
    features->framing = pylstm_framing_of(config);
    features->frame = frame;
    features->width = pylstm_features_width(config);
    features->n_static = features->width / (1 + config->deltas);
    features->mean = mean;
    features->std = std;
    return features;
}

int pylstm_features_sr(const pylstm_features *features) {
    return features->config.sr;
}

int pylstm_features_hop_length(const pylstm_features *features) {
    return features->config.hop_length;
}

int64_t pylstm_features_latency(const pylstm_features *features) {
    uint64_t ahead = features->config.deltas ? PYLSTM_DELTA_WIDTH / 2 : 0;
    return (int64_t)(features->framing.need + ahead * features->framing.hop);
}

size_t pylstm_features_scratch_size(const pylstm_features *features) {
    pylstm_arena measure = {NULL, 0};
    pylstm_frame_scratch_init(&measure, &features->frame);
    return measure.used;
}

/* --- push ------------------------------------------------------------------------------------------------------------- */

/* Working memory of one push; many pushes take a few samples and complete no frame. */
typedef struct workplace {
    pylstm_frame_scratch scratch;
    int is_clear;
} workplace;

/* The next static frame. */
static void compute(const pylstm_features *features, pylstm_features_state *at, workplace *work, float *out) {
    const pylstm_frame_scratch *scratch = &work->scratch;
    const pylstm_frame *frame = &features->frame;
    if (!work->is_clear)
        pylstm_frame_scratch_clear(scratch, frame);
    work->is_clear = 1;
    pylstm_framing_read(&features->framing, pylstm_features_samples(at), at->samples, at->frames,
                        pylstm_frame_samples(frame, scratch, out));
    pylstm_frame_run(frame, scratch, &at->maximum, out);
    at->frames++;
}

/* Writes the next row: row holds the static part already unless there are deltas, which are appended. */
static void write_row(const pylstm_features *features, pylstm_features_state *at, const float *statics, float *row) {
    const int n = features->n_static;
    if (features->config.deltas) {
        memcpy(row, statics + at->rows % PYLSTM_DELTA_WIDTH * (uint64_t)n, (size_t)n * sizeof(float));
        for (int order = 1; order <= features->config.deltas; order++)
            pylstm_delta(statics, at->frames, n, order, row + order * n);
    }
    for (int k = 0; features->mean && k < features->width; k++) {
        float value = (row[k] - features->mean[k]) / features->std[k];
        value = value < FLT_MAX ? value : FLT_MAX;
        row[k] = value > -FLT_MAX ? value : -FLT_MAX;
    }
    at->rows++;
}

/* One step at a time: write a row that is there, or compute a frame that is complete, or take samples up to the next one. A
 * frame is computed only when no row is waiting, so that the ring of statics is always the window of the deltas of the next
 * row. */
size_t pylstm_features_push(const pylstm_features *features, void *state, void *scratch_memory, pylstm_samples *samples,
                            float *rows, size_t capacity) {
    const pylstm_framing *framing = &features->framing;
    const size_t n = (size_t)features->n_static;
    pylstm_features_state *at = state;
    float *statics = pylstm_features_statics(features, at);
    pylstm_arena arena = {scratch_memory, 0};
    workplace work = {.scratch = pylstm_frame_scratch_init(&arena, &features->frame)};
    const uint64_t total = at->finished ? pylstm_framing_total(framing, at->samples) : 0;
    size_t written = 0;
    while (1) {
        uint64_t due;
        if (features->config.deltas &&
            at->rows < pylstm_features_rows_of(features, at->frames, at->finished && at->frames == total)) {
            if (written == capacity)
                break;
            write_row(features, at, statics, rows + written++ * (size_t)features->width);
            continue;
        }
        if (at->finished && at->frames >= total)
            break;
        due = pylstm_framing_due(framing, at->frames);
        if (!at->finished && at->samples < due) {
            size_t count = samples->n < due - at->samples ? samples->n : (size_t)(due - at->samples);
            if (count == 0)
                break;
            pylstm_framing_write(framing, pylstm_features_samples(at), at->samples, samples, count);
            at->samples += count;
            continue;
        }
        if (features->config.deltas) {
            compute(features, at, &work, statics + at->frames % PYLSTM_DELTA_WIDTH * n);
        } else {
            float *row = rows + written * n;
            if (written == capacity)
                break;
            compute(features, at, &work, row);
            write_row(features, at, statics, row);
            written++;
        }
    }
    return written;
}
