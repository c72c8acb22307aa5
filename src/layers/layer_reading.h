/* What every kind of layer reads from a model file: keys and tensors below layers.<index>. */
#ifndef PYLSTM_LAYER_READING_H
#define PYLSTM_LAYER_READING_H

#include "layers/layers.h"
#include "layers/packing.h"

#define PYLSTM_MAX_SIZE 65536

/* "layers.3.weight_ih_l0"; cell < 0: without "_l0". Returns name. */
const char *pylstm_layer_key(char name[PYLSTM_MAX_NAME + 1], const pylstm_layer *layer, const char *what, int cell);

/* Whole numbers from 1, and the keys that several kinds have. */
pylstm_status pylstm_layer_size(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int64_t high, int *value,
                                pylstm_error *why);
pylstm_status pylstm_layer_precision(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why);
pylstm_status pylstm_layer_bias(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why);

/* A vector (columns 0) or matrix of floats (dtype NULL: any float dtype) or of one dtype. */
pylstm_status pylstm_layer_tensor(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell,
                                  const char *dtype, int64_t rows, int64_t columns, pylstm_tensor *tensor, pylstm_error *why);

/* A weight matrix in the layer's precision, with its scales where that is int8. */
pylstm_status pylstm_layer_matrix(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                  int64_t columns, pylstm_tensor *matrix, pylstm_tensor *scales, pylstm_error *why);

/* A vector that has been found before. */
pylstm_tensor pylstm_layer_vector(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows);

/* Room for the packed weights of n_blocks blocks; measures only while the arena has no memory. */
void pylstm_take_packed(pylstm_arena *arena, pylstm_packing *to, size_t n_blocks, int n_matrices, float *row_values);

#endif
