/* Which kernels this processor and operating system can run, and which of them are to be used. */
#ifndef PYLSTM_KERNELS_CHOICE_H
#define PYLSTM_KERNELS_CHOICE_H

#include "platform/errors.h"
#include "kernels/kernels.h"

/* The table that a model made now uses: PYLSTM_ISA if set, else the best one. NULL, with why filled, if PYLSTM_ISA names one
 * that cannot run here. */
const pylstm_kernels *pylstm_kernels_choose(pylstm_error *why);

#endif
