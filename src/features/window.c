/* w[t] = a0 - a1 cos(2 pi t / n) + a2 cos(4 pi t / n), the cosine windows of scipy.signal.windows.general_cosine, whose period
 * is n and not n - 1 because a window for spectra is one period of an endless one. */
#include "features/window.h"
#include "features/complex_fft.h"
#include "features/features_config.h"

double pylstm_window(int window, int n, int t) {
    static const double cosines[][3] = {
        [PYLSTM_WINDOW_HANN] = {0.5, 0.5, 0.0},
        [PYLSTM_WINDOW_HAMMING] = {0.54, 0.46, 0.0},
        [PYLSTM_WINDOW_BLACKMAN] = {0.42, 0.5, 0.08},
        [PYLSTM_WINDOW_BOXCAR] = {1.0, 0.0, 0.0},
    };
    const double *a = cosines[window];
    double one, two, unused;
    if (n == 1)
        return 1.0; /* as scipy has it */
    pylstm_root_of_unity((uint64_t)t, (uint64_t)n, &one, &unused);
    pylstm_root_of_unity(2 * (uint64_t)t, (uint64_t)n, &two, &unused);
    return a[0] - a[1] * one + a[2] * two;
}
