/* The parts of the layers' state and trace: described one by one; the state is read and set as a whole. */
#include "engine/stream.h"

#include "platform/finite.h"

#include <string.h>

typedef enum parts_of { STATE, TRACE } parts_of;

static int count_entries(const pylstm_cell_part *table) {
    int n = 0;
    while (table && table[n].name)
        n++;
    return n;
}

/* Goes through the parts, side by side, to the one of this index. Where there is none, to the end: part->name is then NULL, and
 * part->offset the width of all. Returns how many parts it has passed. */
static int find_part(const pylstm_model *model, parts_of which, int index, pylstm_layer_part *part) {
    int n = 0;
    *part = (pylstm_layer_part){.name = NULL};
    for (int k = 0; model && k < model->graph.n_nodes; k++) {
        const pylstm_layer *layer = &model->graph.layers[k];
        const pylstm_cell_part *table = which == STATE ? layer->kind->state : layer->kind->trace;
        const int n_entries = count_entries(table);
        for (int entry = 0; entry < n_entries * layer->n_cells; entry++, n++) {
            part->size = (size_t)table[entry % n_entries].size(layer);
            if (n == index) {
                part->kind = layer->kind->name;
                part->name = table[entry % n_entries].name;
                part->layer = k;
                part->cell = entry / n_entries;
                return n;
            }
            part->offset += part->size;
        }
    }
    return n;
}

static pylstm_status describe(const pylstm_model *model, parts_of which, int index, pylstm_layer_part *part) {
    pylstm_layer_part found;
    find_part(model, which, index, &found);
    if (!part || !found.name)
        return PYLSTM_BAD_ARGUMENT;
    *part = found;
    return PYLSTM_OK;
}

int pylstm_model_n_state_parts(const pylstm_model *model) {
    pylstm_layer_part end;
    return find_part(model, STATE, -1, &end);
}

pylstm_status pylstm_model_state_part(const pylstm_model *model, int index, pylstm_layer_part *part) {
    return describe(model, STATE, index, part);
}

int64_t pylstm_model_state_width(const pylstm_model *model) {
    pylstm_layer_part end;
    find_part(model, STATE, -1, &end);
    return (int64_t)end.offset;
}

int pylstm_model_n_trace_parts(const pylstm_model *model) {
    pylstm_layer_part end;
    return find_part(model, TRACE, -1, &end);
}

pylstm_status pylstm_model_trace_part(const pylstm_model *model, int index, pylstm_layer_part *part) {
    return describe(model, TRACE, index, part);
}

int64_t pylstm_model_trace_width(const pylstm_model *model) {
    pylstm_layer_part end;
    find_part(model, TRACE, -1, &end);
    return (int64_t)end.offset;
}

/* --- reading and setting a state -------------------------------------------------------------------------------------- */

/* Copies every part in order, side by side: the state to `to` or, where that is NULL, `from` to the state. */
static void copy_state(const pylstm_stream *stream, float *to, const float *from) {
    const pylstm_graph *graph = &stream->model->graph;
    for (int k = 0; k < graph->n_nodes; k++) {
        const pylstm_layer *layer = &graph->layers[k];
        float *place = (float *)(stream->state + stream->model->layers_state) + graph->nodes[k].state;
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
