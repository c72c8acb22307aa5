/* The butterflies without vectors, and the one for any radix. */
#define PYLSTM_ONE_LANE
#include "kernels/vector_scalar.h"
#include "kernels/butterfly.inc.h"

/* Computes one output j at a time; its sum over k is built up in y itself. */
static void pass_any(const pylstm_butterfly *stage, const double *restrict xr, const double *restrict xi, double *restrict yr,
                     double *restrict yi) {
    const size_t r = stage->radix, m = stage->m, s = stage->s;
    const double *roots = stage->roots;
    for (size_t p = 0; p < m; p++)
        for (size_t j = 0; j < r; j++) {
            double *zr = yr + s * (r * p + j), *zi = yi + s * (r * p + j);
            for (size_t q = 0; q < s; q++)
                zr[q] = xr[q + s * p], zi[q] = xi[q + s * p];
            for (size_t k = 1; k < r; k++) {
                const double wr = roots[j * k % r], wi = roots[r + j * k % r];
                const double *ar = xr + s * (p + m * k), *ai = xi + s * (p + m * k);
                for (size_t q = 0; q < s; q++)
                    zr[q] += ar[q] * wr - ai[q] * wi, zi[q] += ar[q] * wi + ai[q] * wr;
            }
            if (stage->twiddle && j > 0) {
                const vc w = twiddle_of(stage, p, j);
                for (size_t q = 0; q < s; q++)
                    vc_store(zr, zi, q, vc_mul(vc_load(zr, zi, q), w));
            }
        }
}

void pylstm_butterfly_run(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    switch (stage->radix) {
    case 4:
        pass4(stage, xr, xi, yr, yi);
        break;
    case 2:
        pass2(stage, xr, xi, yr, yi);
        break;
    case 3:
        pass3(stage, xr, xi, yr, yi);
        break;
    case 5:
        pass5(stage, xr, xi, yr, yi);
        break;
    default:
        pass_any(stage, xr, xi, yr, yi);
    }
}

void pylstm_butterfly_windowed(const pylstm_butterfly *stage, const float *x, const double *window, double *yr, double *yi) {
    first4_windowed(stage, x, window, yr, yi);
}

void pylstm_untangle(size_t m, const double *twiddle, const double *zr, const double *zi, float *re, float *im) {
    untangle(m, twiddle, zr, zi, re, im);
}
