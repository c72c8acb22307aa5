/* Floats as the integers that their bits are. */
#ifndef PYLSTM_KERNELS_FLOAT_BITS_H
#define PYLSTM_KERNELS_FLOAT_BITS_H

#define PYLSTM_ONE       0x3f800000u
#define PYLSTM_SQRT_HALF 0x3f3504f3u

#endif
