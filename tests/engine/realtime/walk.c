#include "walk_parts.h"

#include "platform/hash.h"

#include <stdio.h>
#include <stdlib.h>

void walk_require(int condition, const char *file, int line, const char *text) {
    if (!condition) {
        fprintf(stderr, "%s, line %d: not so: %s\n", file, line, text);
        abort();
    }
}

static void *room(size_t size) {
    void *memory = calloc(1, size + 1);
    REQUIRE(memory);
    return memory;
}

static void *aligned_room(size_t size) {
    char *memory = room(size + PYLSTM_ALIGNMENT);
    return memory + (PYLSTM_ALIGNMENT - (uintptr_t)memory % PYLSTM_ALIGNMENT);
}

void walk_fill(float *values, size_t n, float level) {
    uint64_t x = 88172645463325252u;
    for (; n > 0; n--) { /* xorshift64 */
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        *values++ = level * ((float)(x % 65536) / 32768.0f - 1.0f);
    }
}

walk *walk_create(const pylstm_model *model, const pylstm_model *stranger) {
    walk *w = room(sizeof *w);
    const size_t size = pylstm_stream_size(model);
    int k;
    w->model = model;
    w->audio = pylstm_model_sample_rate(model) != 0;
    w->n_features = (size_t)pylstm_model_n_features(model);
    w->n_outputs = (size_t)pylstm_model_n_outputs(model);
    w->state_width = (size_t)pylstm_model_state_width(model);
    w->trace_width = (size_t)pylstm_model_trace_width(model);
    w->snapshot_size = pylstm_snapshot_size(model);
    for (k = 0; k < 3; k++)
        w->memory[k] = aligned_room(size);
    REQUIRE(pylstm_stream_create(stranger, &w->foreign) == PYLSTM_OK);
    REQUIRE(pylstm_batch_create(model, 1, &w->batch) == PYLSTM_OK);
    w->snapshot = room(w->snapshot_size);
    w->spoilt = room(w->snapshot_size);
    w->other_snapshot = room(pylstm_snapshot_size(stranger));
    REQUIRE(pylstm_stream_snapshot(w->foreign, w->other_snapshot, pylstm_snapshot_size(stranger)) == PYLSTM_OK);
    w->pcm = room(SECOND * sizeof(float));
    w->tiny = room(SECOND * sizeof(float));
    w->silence = room(SECOND * sizeof(float));
    w->frames = room((FRAMES * w->n_features + 2) * sizeof(float));
    w->out = room(3 * ROWS * w->n_outputs * sizeof(float));
    w->trace = room((FRAMES * w->trace_width + 1) * sizeof(float));
    w->state = room(w->state_width * sizeof(float));
    w->pcm16 = room(SECOND * sizeof(int16_t));
    walk_fill(w->pcm, SECOND, 0.5f);
    walk_fill(w->tiny, SECOND, 1e-40f); /* subnormal, every one */
    walk_fill(w->frames, FRAMES * w->n_features + 2, 3.0f);
    for (k = 0; k < SECOND; k++)
        w->pcm16[k] = (int16_t)(20000.0f * w->pcm[k]);
    walk_grow_ears(w);
    return w;
}

void walk_keep(walk *w, const void *bytes, size_t size) {
    w->hash = (w->hash ^ pylstm_hash(bytes, size)) * UINT64_C(0x9e3779b97f4a7c15);
}

void walk_keep_rows(walk *w, size_t rows) {
    walk_keep(w, w->out, rows * w->n_outputs * sizeof(float));
}

void walk_keep_state(walk *w, pylstm_stream *stream) {
    RT(PYLSTM_OK, pylstm_stream_snapshot(stream, w->snapshot, w->snapshot_size));
    walk_keep(w, w->snapshot, w->snapshot_size);
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

static void ask(walk *w) {
    const pylstm_model *m = w->model;
    const char *isa = pylstm_model_isa(m), *label = pylstm_model_label(m, 0);
    pylstm_layer_part part;
    int status;
    for (status = -1; status < 18; status++)
        RT(1, pylstm_strerror((pylstm_status)status) != NULL);
    RT(1, pylstm_version() != NULL);
    RT(1, pylstm_isa_built(isa));
    RT(1, pylstm_isa_supported(isa));
    RT(0, pylstm_isa_supported("none"));
    RT(1, pylstm_isa_name(0) != NULL);
    RT(w->n_features, pylstm_model_n_features(m));
    RT(w->n_outputs, pylstm_model_n_outputs(m));
    RT(w->audio, pylstm_model_sample_rate(m) != 0);
    RT(1, pylstm_model_latency(m) >= 0);
    RT(1, pylstm_model_isa(m) == isa);
    RT(1, pylstm_model_label(m, 0) == label);
    RT(w->state_width, pylstm_model_state_width(m));
    RT(w->trace_width, pylstm_model_trace_width(m));
    RT(1, pylstm_model_n_state_parts(m) > 0);
    RT(1, pylstm_model_n_trace_parts(m) > 0);
    RT(PYLSTM_OK, pylstm_model_state_part(m, pylstm_model_n_state_parts(m) - 1, &part));
    REQUIRE(part.offset + part.size == w->state_width);
    RT(PYLSTM_OK, pylstm_model_trace_part(m, pylstm_model_n_trace_parts(m) - 1, &part));
    REQUIRE(part.offset + part.size == w->trace_width);
    RT(PYLSTM_BAD_ARGUMENT, pylstm_model_state_part(m, pylstm_model_n_state_parts(m), &part));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_model_trace_part(m, -1, &part));
    RT(w->snapshot_size, pylstm_snapshot_size(m));
}

uint64_t walk_run(walk *w, const guard *around, long *calls) {
    const size_t size = pylstm_stream_size(w->model);
    pylstm_stream *main_one;
    w->around = around;
    w->calls = 0;
    w->hash = 0;
    REQUIRE(pylstm_stream_init(w->memory[0], size, w->model, &w->a) == PYLSTM_OK);
    REQUIRE(pylstm_stream_init(w->memory[1], size, w->model, &w->b) == PYLSTM_OK);
    REQUIRE(pylstm_stream_init(w->memory[2], size, w->model, &w->c) == PYLSTM_OK);
    main_one = w->audio ? w->a : w->c;
    ask(w);
    if (w->audio) {
        walk_push_audio(w);
        walk_refuse_audio(w);
        walk_flush_audio(w);
    }
    walk_push_frames(w);
    walk_snapshots(w, main_one);
    walk_layers_state(w, main_one);
    walk_snapshots(w, main_one);
    walk_busy(w, main_one);
    walk_batch(w);
    walk_for_batch(w);
    walk_listeners(w);
    RT(PYLSTM_OK, pylstm_stream_reset(main_one));
    walk_silence(w, main_one, 60);
    walk_layers_state(w, main_one);
    walk_silence(w, main_one, 10);
    *calls += w->calls;
    return w->hash;
}
