/* What kinds of layers that join rows check. */
#ifndef PYLSTM_LAYERS_JOINING_H
#define PYLSTM_LAYERS_JOINING_H

#include "layers/layers.h"

/* Whether all inputs are as wide as the first. */
pylstm_status pylstm_join_same_widths(const pylstm_layer *layer, pylstm_error *why);

#endif
