/* From the bytes of a model file to a model: read and check all of it, measure, then build. */
#include "engine/model.h"

#include "platform/aligned_memory.h"
#include "kernels/choice.h"
#include "platform/floating_point_mode.h"
#include "platform/hash.h"
#include "engine/stream_counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABEL 256

/* What stands in the file, checked against its rules; small enough for the stack. */
typedef struct description {
    pylstm_modelfile file;
    pylstm_features_config features;
    int has_features, n_labels, n_layers;
    pylstm_layer layers[PYLSTM_MAX_LAYERS];
    int n_features, n_outputs;
} description;

static pylstm_status read_label(description *d, int index, char label[MAX_LABEL], pylstm_error *why) {
    char key[32];
    snprintf(key, sizeof key, "labels.%d", index);
    return pylstm_modelfile_text(&d->file, key, label, MAX_LABEL, why);
}

static pylstm_status describe(description *d, const void *bytes, size_t size, pylstm_error *why) {
    static const char *const kinds[] = {"none", "mfcc", "logmel", NULL};
    pylstm_status status;
    char label[MAX_LABEL];
    int kind, k;
    if ((status = pylstm_modelfile_open(&d->file, bytes, size, why)))
        return status;
    if ((status = pylstm_modelfile_choice(&d->file, "features.kind", kinds, &kind, why)))
        return status;
    d->has_features = kind != 0;
    d->n_features = 0;
    if (d->has_features) {
        if ((status = pylstm_features_config_read(&d->file, &d->features, why)))
            return status;
        d->n_features = pylstm_features_width(&d->features);
    }
    if ((status = pylstm_modelfile_integer(&d->file, "layers.count", d->has_features ? 0 : 1, PYLSTM_MAX_LAYERS, &d->n_layers,
                                           why))) {
        return status;
    }
    d->n_outputs = d->n_features;
    for (k = 0; k < d->n_layers; k++) {
        if ((status = pylstm_layer_read(&d->file, k, d->n_outputs, &d->layers[k], why)))
            return status;
        if (k == 0)
            d->n_features = d->layers[0].input_size;
        d->n_outputs = d->layers[k].output_size;
    }
    if ((status = pylstm_modelfile_integer(&d->file, "labels.count", 0, PYLSTM_MAX_METADATA, &d->n_labels, why)))
        return status;
    if (d->n_labels && d->n_labels != d->n_outputs) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[labels] there are %d labels for %d outputs", d->n_labels, d->n_outputs);
    }
    for (k = 0; k < d->n_labels; k++) {
        if ((status = read_label(d, k, label, why)))
            return status;
    }
    return pylstm_modelfile_finish(&d->file, why);
}

/* What a stream needs, from the layers and features that are already there. */
static void measure_stream(pylstm_model *model) {
    size_t size = sizeof(pylstm_stream_counters);
    int k;
    model->features_state = size;
    if (model->features)
        size += pylstm_round_up(pylstm_features_state_size(model->features));
    model->layers_state = size;
    model->widest_row = pylstm_padded(model->n_features);
    for (k = 0; k < model->n_layers; k++) {
        const pylstm_layer *layer = &model->layers[k];
        size += layer->kind->state_size(layer) * sizeof(float);
        if (layer->kind->scratch_size(layer, PYLSTM_BLOCK_FRAMES) > model->layer_scratch)
            model->layer_scratch = layer->kind->scratch_size(layer, PYLSTM_BLOCK_FRAMES);
        if (layer->kind->scratch_size(layer, PYLSTM_GROUP_ROWS) > model->group_scratch)
            model->group_scratch = layer->kind->scratch_size(layer, PYLSTM_GROUP_ROWS);
        if (pylstm_padded(layer->output_size) > model->widest_row)
            model->widest_row = pylstm_padded(layer->output_size);
    }
    model->state_size = size;
}

static pylstm_model *lay_out(description *d, pylstm_arena *arena, const pylstm_kernels *kernels) {
    pylstm_model *model = pylstm_arena_take(arena, 1, sizeof *model);
    const pylstm_features *features = d->has_features ? pylstm_features_init(arena, &d->features, kernels) : NULL;
    pylstm_layer *layers = pylstm_arena_take(arena, (size_t)d->n_layers, sizeof *layers);
    char **labels = pylstm_arena_take(arena, (size_t)d->n_labels, sizeof *labels);
    char *label_text = pylstm_arena_take(arena, (size_t)d->n_labels, MAX_LABEL);
    int k, n_info;
    pylstm_info *info = pylstm_info_lay_out(&d->file, arena, &n_info);
    for (k = 0; k < d->n_layers; k++) {
        d->layers[k].kernels = kernels;
        d->layers[k].kind->pack(&d->file, &d->layers[k], arena);
    }
    if (!arena->base)
        return NULL;
    memset(model, 0, sizeof *model);
    if (d->n_layers)
        memcpy(layers, d->layers, (size_t)d->n_layers * sizeof *layers);
    for (k = 0; k < d->n_labels; k++) {
        labels[k] = label_text + (size_t)k * MAX_LABEL;
        read_label(d, k, labels[k], NULL);
    }
    model->kernels = kernels;
    model->features = features;
    model->layers = layers;
    model->n_layers = d->n_layers;
    model->n_features = d->n_features;
    model->n_outputs = d->n_outputs;
    model->labels = d->n_labels ? labels : NULL;
    model->info = info;
    model->n_info = n_info;
    model->fingerprint = pylstm_hash(d->file.bytes, d->file.size);
    measure_stream(model);
    return model;
}

/* Reads the file and tells how much memory the model takes. */
static pylstm_status plan(description *d, const void *bytes, size_t size, const pylstm_kernels **kernels, size_t *needed,
                          pylstm_error *why) {
    pylstm_arena arena = {NULL, 0};
    pylstm_status status;
    if (why)
        why->status = PYLSTM_OK, why->message[0] = 0;
    if (!bytes)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "bytes is NULL");
    *kernels = pylstm_kernels_choose(why);
    if (!*kernels)
        return PYLSTM_BAD_ISA;
    if ((status = describe(d, bytes, size, why)))
        return status;
    lay_out(d, &arena, *kernels);
    *needed = arena.used;
    return arena.used == SIZE_MAX ? pylstm_fail(why, PYLSTM_NO_MEMORY, "the model is too large for this machine") : PYLSTM_OK;
}

static pylstm_status size_of(const void *bytes, size_t size, size_t *needed, pylstm_error *why) {
    description d;
    const pylstm_kernels *kernels;
    if (!needed)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "needed is NULL");
    return plan(&d, bytes, size, &kernels, needed, why);
}

static pylstm_status init(void *memory, size_t memory_size, const void *bytes, size_t size, pylstm_model **model,
                          pylstm_error *why) {
    description d;
    const pylstm_kernels *kernels = NULL;
    pylstm_arena arena;
    pylstm_status status;
    size_t needed;
    if (!memory || !model)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "memory or model is NULL");
    if ((status = plan(&d, bytes, size, &kernels, &needed, why)))
        return status;
    if ((uintptr_t)memory % PYLSTM_ALIGNMENT)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "memory begins %d bytes after a multiple of %d; expected a multiple of it",
                           (int)((uintptr_t)memory % PYLSTM_ALIGNMENT), PYLSTM_ALIGNMENT);
    if (memory_size < needed)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "the model needs %zu bytes; %zu came", needed, memory_size);
    arena.base = memory;
    arena.used = 0;
    *model = lay_out(&d, &arena, kernels);
    return PYLSTM_OK;
}

static pylstm_status create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why) {
    description d;
    const pylstm_kernels *kernels = NULL;
    pylstm_arena arena = {NULL, 0};
    pylstm_status status;
    size_t needed;
    if (!model)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "model is NULL");
    *model = NULL;
    if ((status = plan(&d, bytes, size, &kernels, &needed, why)))
        return status;
    arena.base = pylstm_block_create(needed);
    if (!arena.base)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "the model needs %zu bytes, which are not to be had", needed);
    *model = lay_out(&d, &arena, kernels);
    return PYLSTM_OK;
}

/* The same tables and the same refusals whatever the caller's floating-point mode is, which is as it was afterwards. */

pylstm_status pylstm_model_size(const void *bytes, size_t size, size_t *needed, pylstm_error *why) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    const pylstm_status status = size_of(bytes, size, needed, why);
    pylstm_fpmode_leave_exact(&caller);
    return status;
}

pylstm_status pylstm_model_init(void *memory, size_t memory_size, const void *bytes, size_t size, pylstm_model **model,
                                pylstm_error *why) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    const pylstm_status status = init(memory, memory_size, bytes, size, model, why);
    pylstm_fpmode_leave_exact(&caller);
    return status;
}

pylstm_status pylstm_model_create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    const pylstm_status status = create(bytes, size, model, why);
    pylstm_fpmode_leave_exact(&caller);
    return status;
}

pylstm_status pylstm_model_from_memory(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why) {
    return pylstm_model_create(bytes, size, model, why);
}

void pylstm_model_destroy(pylstm_model *model) {
    pylstm_block_destroy(model);
}

int64_t pylstm_model_trace_width(const pylstm_model *model) {
    int64_t width = 0;
    int k;
    for (k = 0; model && k < model->n_layers; k++)
        width += (int64_t)model->layers[k].kind->trace_size(&model->layers[k]);
    return width;
}

float *pylstm_model_layer_state(const pylstm_model *model, char *state, int layer) {
    float *floats = (float *)(state + model->layers_state);
    int k;
    for (k = 0; k < layer; k++)
        floats += model->layers[k].kind->state_size(&model->layers[k]);
    return floats;
}

int pylstm_model_cells(const pylstm_model *model) {
    int cells = 0, k;
    for (k = 0; model && k < model->n_layers; k++)
        cells += pylstm_layer_cells(&model->layers[k]);
    return cells;
}

const pylstm_layer *pylstm_model_layer_of_cell(const pylstm_model *model, int *cell) {
    int k;
    for (k = 0; model && *cell >= 0 && k < model->n_layers; k++) {
        if (*cell < pylstm_layer_cells(&model->layers[k]))
            return &model->layers[k];
        *cell -= pylstm_layer_cells(&model->layers[k]);
    }
    return NULL;
}

int pylstm_model_hidden_size(const pylstm_model *model, int cell) {
    const pylstm_layer *layer = pylstm_model_layer_of_cell(model, &cell);
    return layer ? layer->output_size : 0;
}
