/* The layer kinds. A new kind is one file and one entry here. */
#include "layers/layers.h"
#include "layers/layer_reading.h"

#include <string.h>

static const pylstm_layer_kind *const kinds[] = {&pylstm_layer_lstm, &pylstm_layer_dense};

pylstm_status pylstm_layer_read(pylstm_modelfile *file, int index, int input_size, pylstm_layer *layer, pylstm_error *why) {
    enum { N_KINDS = sizeof kinds / sizeof *kinds };
    const char *names[N_KINDS + 1];
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_status status;
    int k;
    memset(layer, 0, sizeof *layer);
    layer->index = index;
    for (k = 0; k < N_KINDS; k++)
        names[k] = kinds[k]->name;
    names[N_KINDS] = NULL;
    if ((status = pylstm_modelfile_choice(file, pylstm_layer_key(key, layer, "kind", -1), names, &k, why)))
        return status;
    layer->kind = kinds[k];
    if ((status = pylstm_layer_size(file, layer, "input_size", PYLSTM_MAX_SIZE, &layer->input_size, why)))
        return status;
    if ((status = pylstm_layer_precision(file, layer, why)))
        return status;
    if (input_size && layer->input_size != input_size) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[layer-width] layers.%d takes %d values but what comes before it gives %d",
                           index, layer->input_size, input_size);
    }
    return layer->kind->read(file, layer, why);
}

int pylstm_layer_cells(const pylstm_layer *layer) {
    return layer->num_layers;
}

float *pylstm_layer_h(const pylstm_layer *layer, float *state, int cell) {
    return state + 2 * (size_t)cell * pylstm_padded(layer->output_size);
}

float *pylstm_layer_c(const pylstm_layer *layer, float *state, int cell) {
    return pylstm_layer_h(layer, state, cell) + pylstm_padded(layer->output_size);
}
