/* The kernels of one instruction set, compiled by an isa_*.c file after a vector vocabulary: the bodies of the families of
 * layers, one file each, and the table. The features' are in feature.inc.h, which sets that share a vocabulary share. */
#ifndef PYLSTM_ISA
#error "kernels.inc.h is included after a vector vocabulary (vector.h)"
#endif

#include "kernels/instruction_sets.h"
#include "kernels/kernels.h"

#include "kernels/gate_functions.inc.h"
#include "kernels/normalisation.inc.h"
#include "kernels/products.inc.h"
#include "kernels/recurrent.inc.h"

#include "kernels/activation.inc.h"
#include "kernels/conv.inc.h"
#include "kernels/dense.inc.h"
#include "kernels/elementwise.inc.h"
#include "kernels/lstm.inc.h"
#include "kernels/lstm_options.inc.h"
#include "kernels/norm.inc.h"
#include "kernels/gru.inc.h"
#include "kernels/rnn.inc.h"

const pylstm_kernels PYLSTM_JOIN(pylstm_kernels_, PYLSTM_ISA) = {
    .isa = PYLSTM_TEXT(PYLSTM_ISA),
    .lstm = &lstm_kernels,
    .lstm_options = &lstm_options_kernels,
    .gru = &gru_kernels,
    .rnn = &rnn_kernels,
    .dense = &dense_kernels,
    .conv = &conv_kernels,
    .activation = &activation_kernels,
    .elementwise = &elementwise_kernels,
    .norm = &norm_kernels,
    .feature = &PYLSTM_JOIN(pylstm_feature_kernels_, PYLSTM_VECTOR),
};
