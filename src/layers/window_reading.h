/* Windows of a layer in time and over the positions of rows, as model files have them. */
#ifndef PYLSTM_LAYERS_WINDOW_READING_H
#define PYLSTM_LAYERS_WINDOW_READING_H

#include "layers/layers.h"

/* Which positions of a row an output sees: output q sees those q * stride - low + m * dilation, m below kernel. What lies below
 * the first position and above the last is no part of the row. */
typedef struct pylstm_position_window {
    int positions, channels; /* of the rows that go in */
    int kernel, stride, dilation;
    int low, high;
    int outputs; /* positions of the rows that come out */
} pylstm_position_window;

/* layers.<index>.kernel_size, .stride, .padding and, where is_dilated, .dilation into layer->window. */
pylstm_status pylstm_read_time_window(pylstm_model_file *file, pylstm_layer *layer, int is_dilated, pylstm_error *why);

/* layers.<index>.positions, .kernel_positions, .stride_positions, .padding_positions and, where is_dilated,
 * .dilation_positions. Sets the layer's positions. */
pylstm_status pylstm_read_position_window(pylstm_model_file *file, pylstm_layer *layer, int is_dilated,
                                          pylstm_position_window *window, pylstm_error *why);

/* layer->output_size for rows of so many channels, which the key `what` asks for. */
pylstm_status pylstm_set_output_size(pylstm_layer *layer, const char *what, int channels, pylstm_error *why);

#endif
