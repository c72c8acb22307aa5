/* scipy.fft.dct of types 1, 2 and 3 as a matrix, of which only the first n_mfcc rows are needed. With N = n_mels:
 *
 *     type 1   y[k] = x[0] + (-1)^k x[N-1] + 2 sum over 0 < n < N-1 of x[n] cos(pi k n / (N-1))
 *     type 2   y[k] = 2 sum over n of x[n] cos(pi k (2 n + 1) / (2 N))
 *     type 3   y[k] = x[0] + 2 sum over n > 0 of x[n] cos(pi (2 k + 1) n / (2 N))
 *
 * norm "ortho" makes the matrix orthogonal: all times sqrt(1 / (2 N)), in type 1 sqrt(1 / (2 (N-1))); y[0] of types 1 and 2 and
 * y[N-1] of type 1 divided by sqrt(2); x[0] of types 1 and 3 and x[N-1] of type 1 times sqrt(2).
 *
 * scipy transforms float32 in float32. Sums here are accumulated in double and rounded once, which is closer to the true value
 * than scipy comes: the two differ by a unit or two in the last place of the largest coefficient.
 *
 * Then librosa.feature.mfcc's lifter L multiplies, in float32, by 1 + (L / 2) sin(pi (k + 1) / L), itself a float32; Kaldi's
 * (feature-functions.cc) by 1 + (L / 2) sin(pi k / L), which leaves coefficient 0 alone.
 */
#include "features/dct.h"
#include "features/complex_fft.h"

#include <math.h>

#define BLOCK PYLSTM_FEATURE_LANES /* coefficients whose sums are kept in registers side by side */

struct pylstm_dct {
    const pylstm_feature_kernels *kernels;
    int n_mels, n_mfcc;
    const double *matrix; /* for each block of coefficients: for each mel: BLOCK entries */
    const float *lifter;  /* n_mfcc values, NULL for none */
};

static double entry(const pylstm_features_config *config, int k, int n) {
    const double sqrt2 = 1.41421356237309504880;
    int type = config->dct_type, last = config->n_mels - 1, ortho = config->dct_norm == PYLSTM_DCT_NORM_ORTHO;
    int size = type == 1 ? last : config->n_mels; /* half the period of the cosines */
    int edge = (type != 2 && n == 0) || (type == 1 && n == last);
    uint64_t turn = type == 1 ? (uint64_t)k * n : type == 2 ? (uint64_t)k * (2 * n + 1) : (uint64_t)(2 * k + 1) * n;
    double cosine, unused;
    pylstm_root_of_unity(turn, (uint64_t)(type == 1 ? 2 : 4) * size, &cosine, &unused);
    if (!ortho)
        return edge ? cosine : 2.0 * cosine;
    cosine *= (edge ? sqrt2 : 2.0) * sqrt(0.5 / size);
    return (type != 3 && k == 0) || (type == 1 && k == last) ? cosine / sqrt2 : cosine;
}

pylstm_dct *pylstm_dct_init(pylstm_arena *arena, const pylstm_features_config *config, const pylstm_feature_kernels *kernels) {
    const float pi = 3.14159265358979323846f;
    int n_mels = config->n_mels, n_mfcc = config->n_mfcc, blocks = (n_mfcc + BLOCK - 1) / BLOCK;
    pylstm_dct *dct = pylstm_arena_take(arena, 1, sizeof *dct);
    double *matrix = pylstm_arena_take(arena, (size_t)blocks * n_mels * BLOCK, sizeof(double));
    const int first = config->lifter_formula == PYLSTM_LIFTER_KALDI ? 0 : 1;
    float *lifter = config->lifter > 0.0 ? pylstm_arena_take(arena, (size_t)n_mfcc, sizeof(float)) : NULL;
    if (!dct)
        return NULL;
    *dct = (pylstm_dct){.kernels = kernels, .n_mels = n_mels, .n_mfcc = n_mfcc, .matrix = matrix, .lifter = lifter};
    for (int b = 0; b < blocks; b++)
        for (int n = 0; n < n_mels; n++)
            for (int j = 0; j < BLOCK; j++) {
                const int k = b * BLOCK + j;
                *matrix++ = k < n_mfcc ? entry(config, k, n) : 0.0;
            }
    for (int k = 0; lifter && k < n_mfcc; k++) {
        float angle = pi * (float)(k + first) / (float)config->lifter;
        lifter[k] = 1.0f + (float)(config->lifter / 2) * (float)sin(angle);
    }
    return dct;
}

void pylstm_dct_run(const pylstm_dct *dct, const float *x, float *y) {
    dct->kernels->product(dct->matrix, dct->n_mels, (dct->n_mfcc + BLOCK - 1) / BLOCK, x, y);
    for (int k = 0; dct->lifter && k < dct->n_mfcc; k++)
        y[k] *= dct->lifter[k];
}
