/* The parts of the layers' state and trace: described one by one; the state is read and set as a whole. */
#include "engine/stream.h"

#include "platform/finite.h"

#include <string.h>

/* Which of a kind's tables: that of the state or that of the trace. */
typedef const pylstm_cell_part *choose_table(const pylstm_layer_kind *kind);

static const pylstm_cell_part *state_table(const pylstm_layer_kind *kind) {
    return kind->state;
}

static const pylstm_cell_part *trace_table(const pylstm_layer_kind *kind) {
    return kind->trace;
}

static int count_entries(const pylstm_cell_part *table) {
    int n = 0;
    while (table && table[n].name)
        n++;
    return n;
}

/* Floats of the first n parts of a cell, side by side. */
static size_t size_of_entries(const pylstm_layer *layer, const pylstm_cell_part *table, int n) {
    size_t size = 0;
    for (int k = 0; k < n; k++)
        size += (size_t)table[k].size(layer);
    return size;
}

static int count_parts(const pylstm_model *model, choose_table *table_of) {
    int n = 0;
    for (int k = 0; model && k < model->n_layers; k++)
        n += model->layers[k].n_cells * count_entries(table_of(model->layers[k].kind));
    return n;
}

static size_t size_of_parts(const pylstm_layer *layer, choose_table *table_of) {
    const pylstm_cell_part *table = table_of(layer->kind);
    return (size_t)layer->n_cells * size_of_entries(layer, table, count_entries(table));
}

static int64_t width_of(const pylstm_model *model, choose_table *table_of) {
    size_t size = 0;
    for (int k = 0; model && k < model->n_layers; k++)
        size += size_of_parts(&model->layers[k], table_of);
    return (int64_t)size;
}

static pylstm_status describe(const pylstm_model *model, choose_table *table_of, int index, pylstm_layer_part *part) {
    size_t offset = 0;
    if (!model || !part || index < 0)
        return PYLSTM_BAD_ARGUMENT;
    for (int k = 0; k < model->n_layers; k++) {
        const pylstm_layer *layer = &model->layers[k];
        const pylstm_cell_part *table = table_of(layer->kind);
        const int n = count_entries(table);
        if (index < n * layer->n_cells) {
            const int cell = index / n, entry = index % n;
            *part = (pylstm_layer_part){
                .kind = layer->kind->name,
                .name = table[entry].name,
                .layer = k,
                .cell = cell,
                .offset = offset + (size_t)cell * size_of_entries(layer, table, n) + size_of_entries(layer, table, entry),
                .size = (size_t)table[entry].size(layer),
            };
            return PYLSTM_OK;
        }
        index -= n * layer->n_cells;
        offset += size_of_parts(layer, table_of);
    }
    return PYLSTM_BAD_ARGUMENT;
}

int pylstm_model_n_state_parts(const pylstm_model *model) {
    return count_parts(model, state_table);
}

pylstm_status pylstm_model_state_part(const pylstm_model *model, int index, pylstm_layer_part *part) {
    return describe(model, state_table, index, part);
}

int64_t pylstm_model_state_width(const pylstm_model *model) {
    return width_of(model, state_table);
}

int pylstm_model_n_trace_parts(const pylstm_model *model) {
    return count_parts(model, trace_table);
}

pylstm_status pylstm_model_trace_part(const pylstm_model *model, int index, pylstm_layer_part *part) {
    return describe(model, trace_table, index, part);
}

int64_t pylstm_model_trace_width(const pylstm_model *model) {
    return width_of(model, trace_table);
}

/* --- reading and setting a state -------------------------------------------------------------------------------------- */

/* Copies every part in order, side by side: the state to `to` or, where that is NULL, `from` to the state. */
static void copy_state(const pylstm_stream *stream, float *to, const float *from) {
    float *place = (float *)(stream->state + stream->model->layers_state);
    for (int k = 0; k < stream->model->n_layers; k++) {
        const pylstm_layer *layer = &stream->model->layers[k];
        const int n = count_entries(layer->kind->state);
        for (int part = 0; part < n * layer->n_cells; part++) {
            const int size = layer->kind->state[part % n].size(layer);
            const size_t bytes = (size_t)size * sizeof *place;
            if (to) {
                memcpy(to, place, bytes);
                to += size;
            } else {
                memcpy(place, from, bytes);
                from += size;
            }
            place += pylstm_padded(size);
        }
    }
}

pylstm_status pylstm_stream_get_state(pylstm_stream *stream, float *values, size_t n_values) {
    if (!stream || !values)
        return PYLSTM_BAD_ARGUMENT;
    if (n_values < (size_t)pylstm_model_state_width(stream->model))
        return PYLSTM_OUT_TOO_SMALL;
    PYLSTM_TRY(pylstm_stream_acquire(stream));
    copy_state(stream, values, NULL);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_set_state(pylstm_stream *stream, const float *values, size_t n_values) {
    if (!stream || !values || n_values != (size_t)pylstm_model_state_width(stream->model))
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_all_finite(values, n_values, sizeof *values))
        return PYLSTM_NOT_FINITE;
    PYLSTM_TRY(pylstm_stream_acquire(stream));
    copy_state(stream, NULL, values);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}
