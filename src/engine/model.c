/* From the bytes of a model file to a model: read and check all of it, measure, then build. */
#include "engine/model.h"
#include "engine/model_cost.h"

#include "platform/aligned_memory.h"
#include "kernels/choice.h"
#include "platform/floating_point_mode.h"
#include "platform/hash.h"
#include "engine/stream_counters.h"
#include "platform/formatted_text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LABEL 256

/* What stands in the file, checked against its rules; small enough for the stack. */
typedef struct description {
    pylstm_model_file file;
    pylstm_features_config features;
    int has_features, n_labels;
    pylstm_graph_plan plan;
    int n_outputs;
} description;

static pylstm_status read_label(description *d, int index, char label[MAX_LABEL], pylstm_error *why) {
    char key[32];
    pylstm_format(key, sizeof key, "labels.%d", index);
    return pylstm_config_text(&d->file, key, label, MAX_LABEL, why);
}

static pylstm_status describe_features(description *d, pylstm_error *why) {
    static const char *const kinds[] = {"none", "mfcc", "logmel", "spectrum", "waveform", NULL};
    int kind;
    PYLSTM_TRY(pylstm_config_choice(&d->file, "features.kind", kinds, &kind, why));
    d->has_features = kind != 0;
    return d->has_features ? pylstm_features_config_read(&d->file, &d->features, why) : PYLSTM_OK;
}

static pylstm_status describe_layers(description *d, pylstm_error *why) {
    const int n_features = d->has_features ? pylstm_features_width(&d->features) : 0;
    PYLSTM_TRY(pylstm_graph_read(&d->file, n_features, &d->plan, why));
    d->n_outputs = d->plan.graph.n_nodes ? d->plan.layers[d->plan.graph.n_nodes - 1].output_size : n_features;
    return PYLSTM_OK;
}

static pylstm_status describe_labels(description *d, pylstm_error *why) {
    char label[MAX_LABEL];
    PYLSTM_TRY(pylstm_config_integer(&d->file, "labels.count", 0, PYLSTM_MAX_METADATA, &d->n_labels, why));
    if (d->n_labels && d->n_labels != d->n_outputs) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[labels] labels.count is %d; expected 0 or %d, one for each output",
                           d->n_labels, d->n_outputs);
    }
    for (int k = 0; k < d->n_labels; k++)
        PYLSTM_TRY(read_label(d, k, label, why));
    return PYLSTM_OK;
}

static pylstm_status describe(description *d, const void *bytes, size_t size, pylstm_error *why) {
    PYLSTM_TRY(pylstm_model_file_open(&d->file, bytes, size, why));
    PYLSTM_TRY(describe_features(d, why));
    PYLSTM_TRY(describe_layers(d, why));
    PYLSTM_TRY(describe_labels(d, why));
    pylstm_model_file_use_below(&d->file, PYLSTM_DECISION); /* check_decision reads them, with the labels */
    PYLSTM_TRY(pylstm_model_file_finish(&d->file, why));    /* from here on each tensor is one of a layer that is there */
    return pylstm_model_cost_check(&d->file, d->has_features ? &d->features : NULL, &d->plan, why);
}

/* What a stream needs, from the graph and features that are already there. */
static void measure_stream(pylstm_model *model) {
    model->features_state = sizeof(pylstm_stream_counters);
    model->layers_state = model->features_state;
    if (model->features)
        model->layers_state += pylstm_round_up(pylstm_features_state_size(model->features));
    model->state_size = model->layers_state + model->graph.state_size * sizeof(float);
}

static pylstm_model *lay_out(description *d, pylstm_arena *arena, const pylstm_kernels *kernels) {
    pylstm_model *model = pylstm_arena_take(arena, 1, sizeof *model);
    const pylstm_features *features = d->has_features ? pylstm_features_init(arena, &d->features, kernels) : NULL;
    char **labels = pylstm_arena_take(arena, (size_t)d->n_labels, sizeof *labels);
    char *label_text = pylstm_arena_take(arena, (size_t)d->n_labels, MAX_LABEL);
    int n_info, n_decision;
    pylstm_setting *info = pylstm_entries_lay_out(&d->file, PYLSTM_INFO, arena, &n_info);
    pylstm_setting *decision = pylstm_entries_lay_out(&d->file, PYLSTM_DECISION, arena, &n_decision);
    const pylstm_graph graph = pylstm_graph_lay_out(&d->plan, &d->file, kernels, arena);
    if (!arena->base)
        return NULL;
    for (int k = 0; k < d->n_labels; k++) {
        labels[k] = label_text + (size_t)k * MAX_LABEL;
        read_label(d, k, labels[k], NULL);
    }
    *model = (pylstm_model){
        .kernels = kernels,
        .features = features,
        .graph = graph,
        .n_features = graph.n_features,
        .n_outputs = d->n_outputs,
        .labels = d->n_labels ? labels : NULL,
        .independent = graph.n_nodes && graph.layers[graph.n_nodes - 1].independent_outputs,
        .info = info,
        .n_info = n_info,
        .decision = decision,
        .n_decision = n_decision,
        .fingerprint = pylstm_hash(d->file.container.bytes, d->file.container.size),
    };
    measure_stream(model);
    return model;
}

/* The same tables and the same refusals whatever the caller's floating-point mode is, which is as it was afterwards. */

static pylstm_status describe_exactly(description *d, const void *bytes, size_t size, pylstm_error *why) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    const pylstm_status status = describe(d, bytes, size, why);
    pylstm_fpmode_leave_exact(&caller);
    return status;
}

static pylstm_model *lay_out_exactly(description *d, pylstm_arena *arena, const pylstm_kernels *kernels) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    pylstm_model *model = lay_out(d, arena, kernels);
    pylstm_fpmode_leave_exact(&caller);
    return model;
}

/* Reads the file and tells how much memory the model takes. */
static pylstm_status plan(description *d, const void *bytes, size_t size, const pylstm_kernels **kernels, size_t *needed,
                          pylstm_error *why) {
    pylstm_arena arena = {.base = NULL};
    if (why)
        *why = (pylstm_error){.status = PYLSTM_OK};
    if (!bytes)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "bytes is NULL; expected the bytes of a model file");
    *kernels = pylstm_kernels_choose(why);
    if (!*kernels)
        return PYLSTM_BAD_ISA;
    PYLSTM_TRY(describe_exactly(d, bytes, size, why));
    lay_out_exactly(d, &arena, *kernels);
    *needed = arena.used;
    if (arena.used == SIZE_MAX)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "the model needs more bytes than this machine can address");
    return PYLSTM_OK;
}

pylstm_status pylstm_model_size(const void *bytes, size_t size, size_t *needed, pylstm_error *why) {
    description d;
    const pylstm_kernels *kernels = NULL;
    if (!needed)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "needed is NULL; expected the address of a size_t");
    return plan(&d, bytes, size, &kernels, needed, why);
}

pylstm_status pylstm_model_init(void *memory, size_t memory_size, const void *bytes, size_t size, pylstm_model **model,
                                pylstm_error *why) {
    const int beyond = (int)((uintptr_t)memory % PYLSTM_ALIGNMENT);
    pylstm_arena arena = {.base = memory};
    description d;
    const pylstm_kernels *kernels = NULL;
    pylstm_model *placed;
    size_t needed;
    if (!memory || !model)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is NULL; expected an address", memory ? "model" : "memory");
    PYLSTM_TRY(plan(&d, bytes, size, &kernels, &needed, why));
    if (beyond) {
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "memory begins %d bytes after a multiple of %d; expected a multiple of it",
                           beyond, PYLSTM_ALIGNMENT);
    }
    if (memory_size < needed)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "memory_size is %zu; expected at least %zu bytes", memory_size, needed);
    placed = lay_out_exactly(&d, &arena, kernels);
    PYLSTM_TRY(pylstm_model_decision_check(placed, why));
    *model = placed;
    return PYLSTM_OK;
}

pylstm_status pylstm_model_create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why) {
    description d;
    const pylstm_kernels *kernels = NULL;
    pylstm_arena arena = {.base = NULL};
    pylstm_model *placed;
    pylstm_status status;
    size_t needed = 0;
    if (!model)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "model is NULL; expected an address");
    *model = NULL;
    PYLSTM_TRY(plan(&d, bytes, size, &kernels, &needed, why));
    arena.base = pylstm_block_create(needed);
    if (!arena.base)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "cannot allocate %zu bytes for the model", needed);
    placed = lay_out_exactly(&d, &arena, kernels);
    status = pylstm_model_decision_check(placed, why);
    if (status)
        pylstm_model_destroy(placed);
    else
        *model = placed;
    return status;
}

void pylstm_model_destroy(pylstm_model *model) {
    pylstm_block_destroy(model);
}
