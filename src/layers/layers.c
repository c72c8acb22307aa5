/* The kinds of layers, reading a layer of any kind, and what kinds may leave out. */
#include "layers/layers.h"
#include "layers/layer_reading.h"

#include <string.h>

/* The registry: the tables of all kinds, in the order in which messages list them; NULL for what this build leaves out. */
#define PYLSTM_LAYER_KINDS(KIND)                                                                                               \
    KIND(lstm, PYLSTM_KIND_lstm)                                                                                               \
    KIND(gru, PYLSTM_KIND_gru)                                                                                                 \
    KIND(rnn, PYLSTM_KIND_rnn)                                                                                                 \
    KIND(dense, PYLSTM_KIND_dense)                                                                                             \
    KIND(norm, PYLSTM_KIND_norm)                                                                                               \
    KIND(affine, PYLSTM_KIND_affine)                                                                                           \
    KIND(activation, PYLSTM_KIND_activation)                                                                                   \
    KIND(add, PYLSTM_KIND_add)                                                                                                 \
    KIND(mul, PYLSTM_KIND_mul)                                                                                                 \
    KIND(concat, PYLSTM_KIND_concat)                                                                                           \
    KIND(select, PYLSTM_KIND_select)                                                                                           \
    KIND(conv, PYLSTM_KIND_conv)                                                                                               \
    KIND(pool, PYLSTM_KIND_pool)                                                                                               \
    KIND(stack, PYLSTM_KIND_stack)

#define DECLARE_KIND(name, is_built) extern const pylstm_layer_kind pylstm_layer_##name;
PYLSTM_LAYER_KINDS(DECLARE_KIND)

#define ADDRESS_1(name)               &pylstm_layer_##name
#define ADDRESS_0(name)               NULL
#define ADDRESS_AS(is_built, name)    ADDRESS_##is_built(name)
#define ADDRESS_IF(is_built, name)    ADDRESS_AS(is_built, name)
#define KIND_AND_NAME(name, is_built) {#name, ADDRESS_IF(is_built, name)},
static const struct {
    const char *name;
    const pylstm_layer_kind *kind;
} kinds[] = {PYLSTM_LAYER_KINDS(KIND_AND_NAME)};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static pylstm_status read_kind(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    const char *names[N_KINDS + 1] = {NULL};
    char key[PYLSTM_MAX_NAME + 1];
    int chosen;
    for (int k = 0; k < N_KINDS; k++)
        names[k] = kinds[k].name;
    PYLSTM_TRY(pylstm_config_choice(file, pylstm_layer_key(key, layer, "kind", -1), names, &chosen, why));
    layer->kind = kinds[chosen].kind;
    if (!layer->kind)
        return pylstm_fail(
            why, PYLSTM_NOT_BUILT,
            "layers.%d.kind is %s; expected a kind that this build of pylstm has, or a build with it among KINDS", layer->index,
            names[chosen]);
    if (layer->kind->format > file->format)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[format] layers.%d.kind is %s, which pylstm.format %d has not; expected pylstm.format %d",
                           layer->index, names[chosen], file->format, layer->kind->format);
    return PYLSTM_OK;
}

/* The width of what a layer with one input takes. */
static pylstm_status read_input_size(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    const int width = layer->input_widths[0];
    if (layer->n_inputs != 1) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[inputs] layers.%d.inputs has %d names; expected 1 for the kind %s",
                           layer->index, layer->n_inputs, layer->kind->name);
    }
    PYLSTM_TRY(pylstm_layer_size(file, layer, "input_size", PYLSTM_MAX_SIZE, &layer->input_size, why));
    if (width && layer->input_size != width) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[layer-width] layers.%d.input_size is %d; expected %d, the width of what comes before it",
                           layer->index, layer->input_size, width);
    }
    layer->input_widths[0] = layer->input_size;
    return PYLSTM_OK;
}

static pylstm_status read_joined(pylstm_layer *layer, pylstm_error *why) {
    if (layer->n_inputs < 2) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[inputs] layers.%d has one input; expected 2 to %d for the kind %s",
                           layer->index, PYLSTM_MAX_INPUTS, layer->kind->name);
    }
    layer->input_size = layer->input_widths[0];
    return PYLSTM_OK;
}

pylstm_status pylstm_layer_read(pylstm_model_file *file, int index, const int *widths, int n_inputs, pylstm_layer *layer,
                                pylstm_error *why) {
    memset(layer, 0, sizeof *layer);
    layer->index = index;
    layer->n_cells = layer->input_positions = layer->output_positions = 1;
    layer->window = (pylstm_time_window){.n_taps = 1, .step = 1, .stride = 1};
    layer->n_inputs = n_inputs;
    memcpy(layer->input_widths, widths, (size_t)n_inputs * sizeof *widths);
    PYLSTM_TRY(read_kind(file, layer, why));
    PYLSTM_TRY(pylstm_is_join(layer) ? read_joined(layer, why) : read_input_size(file, layer, why));
    PYLSTM_TRY(layer->kind->read(file, layer, why));
    for (const pylstm_cell_part *part = layer->kind->state; part && part->name; part++)
        layer->state_size += (size_t)layer->n_cells * pylstm_padded(part->size(layer));
    for (const pylstm_cell_part *part = layer->kind->trace; part && part->name; part++)
        layer->trace_size += (size_t)layer->n_cells * (size_t)part->size(layer);
    return PYLSTM_OK;
}

void pylstm_layer_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    if (layer->kind->pack)
        layer->kind->pack(file, layer, arena);
}

size_t pylstm_layer_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    return layer->kind->scratch_size ? layer->kind->scratch_size(layer, n_rows) : 0;
}

void pylstm_layer_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames,
                          float *y, float *trace, size_t trace_stride) {
    float *rows[PYLSTM_BLOCK_FRAMES];
    if (!layer->kind->rows) {
        layer->kind->forward(layer, state, scratch, x, n_frames, y, trace, trace_stride);
        return;
    }
    for (int t = 0; t < n_frames; t++)
        rows[t] = y + (size_t)t * pylstm_padded(layer->output_size);
    layer->kind->rows(layer, scratch, x, n_frames, rows);
}

void pylstm_layer_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch) {
    if (layer->kind->rows) {
        layer->kind->rows(layer, scratch, group->x, group->n_rows, group->y);
    } else {
        layer->kind->forward_group(layer, group, scratch);
    }
}
