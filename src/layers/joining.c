/* What kinds of layers that join rows check. */
#include "layers/joining.h"

pylstm_status pylstm_join_same_widths(const pylstm_layer *layer, pylstm_error *why) {
    for (int i = 1; i < layer->n_inputs; i++) {
        if (layer->input_widths[i] != layer->input_widths[0]) {
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[layer-width] input %d of layers.%d is %d wide; expected %d, as input 0 is, for the kind %s", i,
                               layer->index, layer->input_widths[i], layer->input_widths[0], layer->kind->name);
        }
    }
    return PYLSTM_OK;
}
