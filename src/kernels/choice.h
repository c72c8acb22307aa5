/* Which kernels are to be used: the best that this machine runs, or those that PYLSTM_ISA names. */
#ifndef PYLSTM_KERNELS_CHOICE_H
#define PYLSTM_KERNELS_CHOICE_H

#include "kernels/kernels.h"
#include "platform/errors.h"

/* The table that a model made now uses: PYLSTM_ISA if set, else the best one. NULL, with why filled, if PYLSTM_ISA names one
 * that cannot run here. */
const pylstm_kernels *pylstm_kernels_choose(pylstm_error *why);

#endif
