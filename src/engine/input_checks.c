/* What is refused at the door, before anything of the stream has changed: NaN and infinity, samples on another scale where the
 * caller watches for them, too little room for the rows, audio and frames mixed, a stream that was flushed. */
#include "engine/input_checks.h"

#include "platform/finite.h"

#include <string.h>

pylstm_status pylstm_input_check(const pylstm_stream *stream, int input, size_t n) {
    const pylstm_stream_counters *c = pylstm_counters(stream);
    if (input == PYLSTM_INPUT_AUDIO && !stream->model->features)
        return PYLSTM_WRONG_INPUT;
    if (c->flushed)
        return PYLSTM_FLUSHED;
    if (n && c->input != PYLSTM_INPUT_UNDECIDED && c->input != input)
        return PYLSTM_WRONG_INPUT;
    return n > PYLSTM_MAX_POSITION - (uint64_t)c->position ? PYLSTM_BAD_ARGUMENT : PYLSTM_OK;
}

/* Rows of the features, or frames, that a stream has had, and those that come with so many samples or frames more. */
static pylstm_status count_frames(const pylstm_stream *stream, int input, size_t n, int flush, int64_t *frames) {
    const pylstm_model *model = stream->model;
    int64_t more;
    if (input == PYLSTM_INPUT_FRAMES) {
        *frames = pylstm_counters(stream)->position + (int64_t)n;
        return PYLSTM_OK;
    }
    more = pylstm_features_rows(model->features, pylstm_stream_features(stream), n, flush);
    if (more < 0)
        return PYLSTM_TOO_SHORT;
    *frames = (int64_t)pylstm_features_progress_of(pylstm_stream_features(stream)).rows + more;
    return PYLSTM_OK;
}

pylstm_status pylstm_count_rows(const pylstm_stream *stream, int input, size_t n, int flush, int64_t *rows) {
    int64_t frames;
    *rows = 0;
    if (!n)
        input = (int)pylstm_counters(stream)->input;
    if (input == PYLSTM_INPUT_UNDECIDED)
        return PYLSTM_OK;
    PYLSTM_TRY(count_frames(stream, input, n, flush, &frames));
    *rows = pylstm_graph_rows(&stream->model->graph, frames, flush) - pylstm_counters(stream)->frames;
    return PYLSTM_OK;
}

/* Looks through float samples once. Magnitudes are compared as bits: no floating-point operation meets a NaN. */
static pylstm_status check_samples(const pylstm_push *part) {
    const float limit = (float)PYLSTM_LARGEST_SAMPLE;
    const uint32_t largest = pylstm_largest_magnitude(part->data, part->n, part->stride);
    uint32_t limit_bits;
    memcpy(&limit_bits, &limit, sizeof limit_bits);
    if (largest >= PYLSTM_INFINITE_BITS)
        return PYLSTM_NOT_FINITE;
    return largest > limit_bits && part->stream->watches_scale ? PYLSTM_OFF_SCALE : PYLSTM_OK;
}

/* Whether so many rows find no room. */
static int lack_room(const pylstm_push *part, uint64_t rows, int is_taken) {
    return rows > part->out_rows && (part->out || !is_taken);
}

static pylstm_status check_audio(pylstm_push *part, int is_taken) {
    int64_t rows;
    PYLSTM_TRY(pylstm_input_check(part->stream, PYLSTM_INPUT_AUDIO, part->n));
    PYLSTM_TRY(pylstm_count_rows(part->stream, PYLSTM_INPUT_AUDIO, part->n, 0, &rows));
    if (lack_room(part, (uint64_t)rows, is_taken))
        return PYLSTM_OUT_TOO_SMALL;
    if (part->type == PYLSTM_FLOAT32)
        PYLSTM_TRY(check_samples(part));
    part->rows = (size_t)rows;
    return PYLSTM_OK;
}

static pylstm_status check_frames(pylstm_push *part, int is_taken) {
    const size_t width = (size_t)part->stream->model->n_features;
    int64_t rows;
    PYLSTM_TRY(pylstm_input_check(part->stream, PYLSTM_INPUT_FRAMES, part->n));
    PYLSTM_TRY(pylstm_count_rows(part->stream, PYLSTM_INPUT_FRAMES, part->n, 0, &rows));
    if (lack_room(part, (uint64_t)rows, is_taken))
        return PYLSTM_OUT_TOO_SMALL;
    for (size_t k = 0; k < part->n; k++) {
        if (!pylstm_all_finite((const char *)part->data + (ptrdiff_t)k * part->stride, width, sizeof(float)))
            return PYLSTM_NOT_FINITE;
    }
    part->rows = (size_t)rows;
    return PYLSTM_OK;
}

pylstm_status pylstm_push_check(pylstm_push *part, int is_taken) {
    if ((!part->data && part->n) || (!part->out && part->out_rows))
        return PYLSTM_BAD_ARGUMENT;
    switch (part->type) {
    case PYLSTM_FLOAT32:
    case PYLSTM_INT16:
        return check_audio(part, is_taken);
    case PYLSTM_FRAMES:
        return check_frames(part, is_taken);
    }
    return PYLSTM_BAD_ARGUMENT;
}

/* Counts the rows of a push of n samples or frames into a stream that nobody has acquired. */
static pylstm_status rows_due(pylstm_stream *stream, int input, size_t n, int flush, int64_t *rows) {
    pylstm_status status;
    if (!stream || !rows)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_stream_acquire(stream));
    status = pylstm_input_check(stream, n ? input : PYLSTM_INPUT_UNDECIDED, n);
    if (!status)
        status = pylstm_count_rows(stream, input, n, flush, rows);
    pylstm_stream_release(stream);
    return status;
}

pylstm_status pylstm_stream_rows_due(pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows) {
    return rows_due(stream, PYLSTM_INPUT_AUDIO, n_samples, flush, rows);
}

pylstm_status pylstm_stream_frame_rows_due(pylstm_stream *stream, size_t n_frames, int flush, int64_t *rows) {
    return rows_due(stream, PYLSTM_INPUT_FRAMES, n_frames, flush, rows);
}
