/* What kinds of layers read from a model file: keys and tensors below layers.<index>. */
#ifndef PYLSTM_LAYERS_LAYER_READING_H
#define PYLSTM_LAYERS_LAYER_READING_H

#include "layers/layers.h"
#include "layers/packing.h"

#define PYLSTM_MAX_SIZE 65536

/* "layers.3.weight_ih_l0"; cell < 0: without "_l0". Returns name. */
const char *pylstm_layer_key(char name[PYLSTM_MAX_NAME + 1], const pylstm_layer *layer, const char *what, int cell);

/* A whole number from 1 to high. */
pylstm_status pylstm_layer_size(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int64_t high, int *value,
                                pylstm_error *why);

/* layers.<index>.precision, for kinds with weights: it is there unless these are float32. */
pylstm_status pylstm_layer_precision(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why);

/* layers.<index>.bias: whether there are biases. */
pylstm_status pylstm_layer_bias(pylstm_model_file *file, const pylstm_layer *layer, int *bias, pylstm_error *why);

/* A limit of values, or a slope: a number that a float holds and that is none of its subnormal ones; `without` where the file
 * has none. */
pylstm_status pylstm_layer_limit(pylstm_model_file *file, const pylstm_layer *layer, const char *what, float without,
                                 float *limit, pylstm_error *why);

/* layers.<index>.positions: what a row is cut into, as every row that goes in and comes out; it divides the width. */
pylstm_status pylstm_layer_positions(pylstm_model_file *file, pylstm_layer *layer, int width, int *positions,
                                     pylstm_error *why);

/* A vector (columns 0) or matrix of floats (PYLSTM_DTYPE_ANY_FLOAT: any float dtype) or of one dtype. */
pylstm_status pylstm_layer_tensor(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell,
                                  pylstm_dtype dtype, int64_t rows, int64_t columns, pylstm_tensor *tensor, pylstm_error *why);

/* A weight matrix in the layer's precision, with its scales where that is int8. */
pylstm_status pylstm_layer_matrix(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                  int64_t columns, pylstm_tensor *matrix, pylstm_tensor *scales, pylstm_error *why);

/* The same for weights of more than two dimensions; a row is everything of one output. */
pylstm_status pylstm_layer_kernel(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int rank,
                                  const int64_t *shape, pylstm_tensor *kernel, pylstm_tensor *scales, pylstm_error *why);

/* A vector that the read pass has found. */
pylstm_tensor pylstm_layer_vector(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows);

#endif
