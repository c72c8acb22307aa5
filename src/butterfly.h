/* One stage of Stockham's FFT: what cfft.c strings together. */
#ifndef PYLSTM_BUTTERFLY_H
#define PYLSTM_BUTTERFLY_H

#include <stddef.h>

/* The largest prime factor that has a butterfly; lengths with larger ones take another way. */
#define PYLSTM_MAX_RADIX 31

typedef struct pylstm_butterfly {
    size_t radix, m, s;    /* the current length is radix * m; s is the product of the radices already done */
    const double *twiddle; /* for j = 1 ... radix - 1: m real, then m imaginary parts of w_l^(p j); NULL where m is 1 */
    const double *roots;   /* radix > 5: exp(-2 pi i k / radix), all real parts, then all imaginary parts */
} pylstm_butterfly;

/* x and y: length numbers each, apart from one another. */
void pylstm_butterfly_run(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi);

#endif
