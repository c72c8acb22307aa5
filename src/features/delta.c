/* librosa.feature.delta (0.11) with its defaults, width 9 and mode "interp": scipy.signal.savgol_filter with polyorder = deriv
 * = order. A polynomial of that degree is fitted to 9 frames x[-4] ... x[4] by least squares and derived at the middle one:
 *
 *     order 1    sum over i of i x[i] / 60
 *     order 2    sum over i of (3 i^2 - 20) x[i] / 462        (a constant: so is every derivative of degree = order)
 *
 * Since the highest derivative of a fit is constant, the first four and the last four frames ("interp": the fit of the 9 frames
 * at the edge, derived there) have the value of the nearest frame in the middle. Sums in double, rounded once, as scipy does.
 */
#include "features/delta.h"

void pylstm_delta(const float *ring, uint64_t frames, int n, int order, float *y) {
    const float *x[PYLSTM_DELTA_WIDTH];
    for (int i = 0; i < PYLSTM_DELTA_WIDTH; i++)
        x[i] = ring + (frames + (uint64_t)i) % PYLSTM_DELTA_WIDTH * (uint64_t)n; /* the oldest first */
    if (order == 1)
        for (int k = 0; k < n; k++) {
            double sum = 4.0 * ((double)x[8][k] - x[0][k]) + 3.0 * ((double)x[7][k] - x[1][k]);
            sum += 2.0 * ((double)x[6][k] - x[2][k]) + ((double)x[5][k] - x[3][k]);
            y[k] = (float)(sum / 60.0);
        }
    else
        for (int k = 0; k < n; k++) {
            double sum = 28.0 * ((double)x[8][k] + x[0][k]) + 7.0 * ((double)x[7][k] + x[1][k]);
            sum -= 8.0 * ((double)x[6][k] + x[2][k]) + 17.0 * ((double)x[5][k] + x[3][k]) + 20.0 * x[4][k];
            y[k] = (float)(sum / 462.0);
        }
}
