/* Which kinds of layers are built: 1 for those that are, 0 for others. All, unless PYLSTM_CHOSEN_KINDS is defined: then those
 * whose PYLSTM_KIND_<name> is 1. A model with another one is refused. */
#ifndef PYLSTM_KERNELS_CHOSEN_KINDS_H
#define PYLSTM_KERNELS_CHOSEN_KINDS_H

#ifdef PYLSTM_CHOSEN_KINDS
#define PYLSTM_KIND_UNLESS_SAID 0
#else
#define PYLSTM_KIND_UNLESS_SAID 1
#endif

#ifndef PYLSTM_KIND_lstm
#define PYLSTM_KIND_lstm PYLSTM_KIND_UNLESS_SAID
#endif
/* Peepholes, coupled gates, limits, hard gates and layer normalisation of an LSTM; a projection is part of lstm. */
#ifndef PYLSTM_KIND_lstm_options
#define PYLSTM_KIND_lstm_options PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_gru
#define PYLSTM_KIND_gru PYLSTM_KIND_UNLESS_SAID
#endif
/* Hard gates of a GRU. */
#ifndef PYLSTM_KIND_gru_options
#define PYLSTM_KIND_gru_options PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_rnn
#define PYLSTM_KIND_rnn PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_dense
#define PYLSTM_KIND_dense PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_norm
#define PYLSTM_KIND_norm PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_affine
#define PYLSTM_KIND_affine PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_activation
#define PYLSTM_KIND_activation PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_add
#define PYLSTM_KIND_add PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_mul
#define PYLSTM_KIND_mul PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_concat
#define PYLSTM_KIND_concat PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_select
#define PYLSTM_KIND_select PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_conv
#define PYLSTM_KIND_conv PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_pool
#define PYLSTM_KIND_pool PYLSTM_KIND_UNLESS_SAID
#endif
#ifndef PYLSTM_KIND_stack
#define PYLSTM_KIND_stack PYLSTM_KIND_UNLESS_SAID
#endif

/* Whether there is a kind that takes several inputs: without one, compilers leave out what brings rows together. */
#define PYLSTM_HAS_JOINS (PYLSTM_KIND_add || PYLSTM_KIND_mul || PYLSTM_KIND_concat)

#endif
