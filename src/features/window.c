/* w[t] = a0 - a1 cos(2 pi t / p) + a2 cos(4 pi t / p), the cosine windows of scipy.signal.windows.general_cosine. The period p
 * of a periodic window is its length n, because a window for spectra is one period of an endless one; that of a symmetric
 * window, whose last value is its first, is n - 1. Kaldi's povey window is a Hann window to the power of 0.85; the root of a
 * Hann window stands before and after what resynthesises a signal. */
#include "features/window.h"
#include "features/complex_fft.h"

#include <math.h>

double pylstm_window(const pylstm_features_config *config, int t) {
    static const double cosines[][3] = {
        [PYLSTM_WINDOW_HANN] = {0.5, 0.5, 0.0},       [PYLSTM_WINDOW_HAMMING] = {0.54, 0.46, 0.0},
        [PYLSTM_WINDOW_BLACKMAN] = {0.42, 0.5, 0.08}, [PYLSTM_WINDOW_BOXCAR] = {1.0, 0.0, 0.0},
        [PYLSTM_WINDOW_POVEY] = {0.5, 0.5, 0.0},      [PYLSTM_WINDOW_SQRT_HANN] = {0.5, 0.5, 0.0},
    };
    const double *a = cosines[config->window];
    const int n = config->win_length, period = config->periodic ? n : n - 1;
    double one, two, value, unused;
    if (n == 1)
        return 1.0; /* as scipy has it */
    pylstm_root_of_unity((uint64_t)t, (uint64_t)period, &one, &unused);
    pylstm_root_of_unity(2 * (uint64_t)t, (uint64_t)period, &two, &unused);
    value = a[0] - a[1] * one + a[2] * two;
    if (config->window == PYLSTM_WINDOW_POVEY)
        return pow(value, 0.85);
    return config->window == PYLSTM_WINDOW_SQRT_HANN ? sqrt(value) : value;
}
