/* What models do and what the rule of cost says that they do, to be run under valgrind --tool=callgrind.
 *
 *     frame_cost budget model...
 *
 * For each model: audio goes in, in pushes of a hop and of 160 samples at least, until about so many operations are done; a
 * flush follows where the budget allows it. Callgrind counts the instructions of it and writes a file of its own; this program
 * prints a line:
 *
 *     operations of the rule for these samples and rows, samples, rows, the rule's operations per second of audio
 */
#include "engine/model_cost.h"
#include "features/framing.h"
#include "fuzzing.h"

#include <string.h>
#include <valgrind/callgrind.h>

/* The rule's numbers of a file, and which rows of the features the rows of its last layer stand for. */
static pylstm_model_cost cost_of(const void *bytes, size_t size, pylstm_features_config *config, pylstm_node *last) {
    static pylstm_model_file file;
    static pylstm_graph_plan plan;
    int kind;
    static const char *const kinds[] = {"mfcc", "logmel", "spectrum", "waveform", NULL};
    REQUIRE(pylstm_model_file_open(&file, bytes, size, NULL) == PYLSTM_OK);
    REQUIRE(pylstm_config_choice(&file, "features.kind", kinds, &kind, NULL) == PYLSTM_OK);
    REQUIRE(pylstm_features_config_read(&file, config, NULL) == PYLSTM_OK);
    REQUIRE(pylstm_graph_read(&file, pylstm_features_width(config), &plan, NULL) == PYLSTM_OK);
    *last = plan.graph.n_nodes ? plan.nodes[plan.graph.n_nodes - 1] : (pylstm_node){.period = 1};
    return pylstm_model_cost_of(&file, config, &plan);
}

static float *noise(size_t n) {
    float *samples = malloc((n + 1) * sizeof *samples);
    uint32_t state = 1;
    REQUIRE(samples);
    for (size_t k = 0; k < n; k++) {
        state = state * 1664525u + 1013904223u;
        samples[k] = (float)(int32_t)state / 4294967296.0f;
    }
    return samples;
}

int main(int argc, char **argv) {
    const double budget = argc > 2 ? atof(argv[1]) : 0;
    REQUIRE(argc > 2);
    for (int index = 2; index < argc; index++) {
        size_t size, n, hop, step, rows = 0, written, capacity;
        pylstm_features_config config;
        void *bytes = read_whole(argv[index], &size);
        pylstm_node last;
        const pylstm_model_cost cost = cost_of(bytes, size, &config, &last);
        const double row = (double)(cost.features.row + cost.layers),
                     all = row + (double)(cost.features.transform + cost.features.bands),
                     frame = all * (double)last.period; /* those behind a row that comes out */
        const pylstm_framing framing = pylstm_framing_of(&config);
        pylstm_model *model;
        pylstm_stream *stream;
        uint64_t frames; /* with deltas more than rows */
        double seen;     /* rows of the features */
        int64_t due;
        float *audio, *out;
        REQUIRE(pylstm_model_create(bytes, size, &model, NULL) == PYLSTM_OK);
        REQUIRE(pylstm_stream_create(model, &stream) == PYLSTM_OK);
        hop = (size_t)config.hop_length;
        n = 2 * (size_t)pylstm_model_latency(model) + 2 * hop; /* with reflection the first rows wait longer */
        REQUIRE(pylstm_stream_rows_due(stream, n, 0, &due) == PYLSTM_OK);
        while (due > 2 && (double)due * frame > budget) { /* many frames at once: a short hop, a long transform */
            n -= n / 16 + 1;
            REQUIRE(pylstm_stream_rows_due(stream, n, 0, &due) == PYLSTM_OK);
        }
        while (due < 64 && (double)due * frame < budget && n < 4000000) {
            n += hop;
            REQUIRE(pylstm_stream_rows_due(stream, n, 0, &due) == PYLSTM_OK);
        }
        audio = noise(n);
        REQUIRE(pylstm_stream_rows_due(stream, n, 1, &due) == PYLSTM_OK);
        capacity = due > 0 && (double)due * frame <= 2 * budget ? (size_t)due : 0;
        if (!capacity)
            REQUIRE(pylstm_stream_rows_due(stream, n, 0, &due) == PYLSTM_OK);
        out = malloc(((size_t)(due > 0 ? due : 0) + 1) * (size_t)pylstm_model_n_outputs(model) * sizeof *out);
        REQUIRE(out);
        step = hop < 160 ? 160 : hop;
        CALLGRIND_START_INSTRUMENTATION;
        CALLGRIND_ZERO_STATS;
        for (size_t at = 0; at < n; at += step) {
            const size_t count = n - at < step ? n - at : step;
            REQUIRE(pylstm_stream_push(stream, PYLSTM_FLOAT32, audio + at, count, sizeof(float),
                                       out + rows * (size_t)pylstm_model_n_outputs(model), (size_t)due - rows,
                                       &written) == PYLSTM_OK);
            rows += written;
        }
        if (capacity) {
            REQUIRE(pylstm_stream_flush(stream, out + rows * (size_t)pylstm_model_n_outputs(model), (size_t)due - rows,
                                        &written) == PYLSTM_OK);
            rows += written;
        }
        CALLGRIND_DUMP_STATS;
        CALLGRIND_STOP_INSTRUMENTATION;
        frames = capacity ? pylstm_framing_total(&framing, n) : pylstm_framing_complete(&framing, n);
        seen = (double)rows * (double)last.period; /* but for those before the first window was full */
        printf("%.0f %zu %zu %.0f\n", (double)n * (double)cost.features.sample + (double)frames * (all - row) + seen * row, n,
               rows, (double)cost.per_second);
        pylstm_stream_destroy(stream);
        pylstm_model_destroy(model);
        free(audio);
        free(out);
        free(bytes);
    }
    return 0;
}
