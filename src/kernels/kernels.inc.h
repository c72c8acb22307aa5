/* The kernels of one instruction set, compiled by an isa_*.c file after a vector vocabulary: the bodies of the families of
 * layers, one file each, and the table. The features' are in feature.inc.h, which sets that share a vocabulary share. */
#ifndef PYLSTM_ISA
#error "kernels.inc.h is included after a vector vocabulary (vector.h)"
#endif

#include "kernels/chosen_kinds.h"
#include "kernels/instruction_sets.h"
#include "kernels/kernels.h"

#include "kernels/gate_functions.inc.h"
#include "kernels/products.inc.h"

#include "kernels/activation.inc.h"
#if PYLSTM_KIND_dense || PYLSTM_KIND_lstm
#include "kernels/dense.inc.h"
#endif
#if PYLSTM_KIND_lstm
#include "kernels/lstm.inc.h"
#if PYLSTM_KIND_lstm_options
#include "kernels/normalisation.inc.h"
#include "kernels/lstm_options.inc.h"
#endif
#endif
#if PYLSTM_KIND_gru || PYLSTM_KIND_rnn
#include "kernels/recurrent.inc.h"
#endif
#if PYLSTM_KIND_gru
#include "kernels/gru.inc.h"
#endif
#if PYLSTM_KIND_rnn
#include "kernels/rnn.inc.h"
#endif
#if PYLSTM_KIND_conv
#include "kernels/conv_columns.inc.h"
#include "kernels/conv_depthwise.inc.h"
#include "kernels/conv.inc.h"
#endif
#if PYLSTM_KIND_norm
#include "kernels/norm.inc.h"
#endif
#if PYLSTM_KIND_add || PYLSTM_KIND_mul || PYLSTM_KIND_affine
#include "kernels/elementwise.inc.h"
#endif

/* NULL: what no kind of layer in this build needs. */
const pylstm_kernels PYLSTM_JOIN(pylstm_kernels_, PYLSTM_ISA) = {
    .isa = PYLSTM_TEXT(PYLSTM_ISA),
    .activation = &activation_kernels,
    .feature = &PYLSTM_JOIN(pylstm_feature_kernels_, PYLSTM_VECTOR),
#if PYLSTM_KIND_dense || PYLSTM_KIND_lstm
    .dense = &dense_kernels,
#endif
#if PYLSTM_KIND_lstm
    .lstm = &lstm_kernels,
#if PYLSTM_KIND_lstm_options
    .lstm_options = &lstm_options_kernels,
#endif
#endif
#if PYLSTM_KIND_gru
    .gru = &gru_kernels,
#endif
#if PYLSTM_KIND_rnn
    .rnn = &rnn_kernels,
#endif
#if PYLSTM_KIND_conv
    .conv = &conv_kernels,
#endif
#if PYLSTM_KIND_norm
    .norm = &norm_kernels,
#endif
#if PYLSTM_KIND_add || PYLSTM_KIND_mul || PYLSTM_KIND_affine
    .elementwise = &elementwise_kernels,
#endif
};
