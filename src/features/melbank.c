/* The bank of librosa.filters.mel (0.11). Band edges f[0] ... f[n_mels + 1] are equally spaced in mel between fmin and fmax
 * (librosa.mel_frequencies); band i is the triangle over f[i], f[i + 1], f[i + 2]:
 *
 *     w[i][k] = max(0, min((v - f[i]) / (f[i + 1] - f[i]), (f[i + 2] - v) / (f[i + 2] - f[i + 1]))),   v = k sr / n_fft
 *
 * computed in double and stored as float32; the area norm "slaney" then multiplies by 2 / (f[i + 2] - f[i]) in double and
 * rounds a second time. Kaldi's triangles are straight over mel instead: v and f are then mel in the formula of w. Mel scales:
 * HTK 2595 log10(1 + f / 700); Slaney linear with 200 / 3 Hz per mel below 1 kHz, above it 27 mel per factor of 6.4.
 *
 * A band is stored as its first bin and the weights from its first to its last bin, padded with zeros to a multiple of
 * PYLSTM_FEATURE_LANES.
 */
#include "features/melbank.h"

#include <float.h>
#include <math.h>

struct pylstm_melbank {
    const pylstm_feature_kernels *kernels;
    int n_mels;
    const pylstm_mel_band *bands;
};

static double hz_to_mel(double hz, int htk) {
    const double f_sp = 200.0 / 3, log_step = log(6.4) / 27.0;
    if (htk)
        return 2595.0 * log10(1.0 + hz / 700.0);
    return hz >= 1000.0 ? 1000.0 / f_sp + log(hz / 1000.0) / log_step : hz / f_sp;
}

static double mel_to_hz(double mel, int htk) {
    const double f_sp = 200.0 / 3, log_step = log(6.4) / 27.0, log_mel = 1000.0 / f_sp;
    if (htk)
        return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
    return mel >= log_mel ? 1000.0 * exp(log_step * (mel - log_mel)) : f_sp * mel;
}

/* The edges, with numpy.linspace's order of operations: a bin that falls on an edge must get the zero that librosa gives it. */
static void band_edges(const pylstm_features_config *config, double *f) {
    const int n = config->n_mels + 2;
    double low = hz_to_mel(config->fmin, config->htk), high = hz_to_mel(config->fmax, config->htk);
    double step = (high - low) / (n - 1);
    for (int i = 0; i < n; i++)
        f[i] = mel_to_hz(i < n - 1 ? i * step + low : high, config->htk);
}

/* The triangle at bin k, before it is rounded; negative outside. */
static double triangle(const pylstm_features_config *config, const double *f, int k) {
    double v = k * (1.0 / (config->n_fft * (1.0 / config->sr))); /* as numpy.fft.rfftfreq(n_fft, 1 / sr) */
    double from = f[0], middle = f[1], to = f[2], lower, upper;
    if (config->triangles == PYLSTM_TRIANGLES_MEL) {
        v = hz_to_mel(v, config->htk);
        from = hz_to_mel(from, config->htk);
        middle = hz_to_mel(middle, config->htk);
        to = hz_to_mel(to, config->htk);
    }
    lower = (v - from) / (middle - from);
    upper = (to - v) / (to - middle);
    return lower < upper ? lower : upper;
}

static float weight(const pylstm_features_config *config, const double *f, int k) {
    const int is_nyquist = 2 * k == config->n_fft;
    double least = triangle(config, f, k), scaled;
    float w = least > 0.0 ? (float)least : 0.0f;
    if (config->triangles == PYLSTM_TRIANGLES_MEL && is_nyquist)
        return 0.0f; /* Kaldi drops this bin; rounding could leave it a trace */
    if (config->norm == PYLSTM_MEL_NORM_NONE || w == 0.0f)
        return w;
    scaled = w * (2.0 / (f[2] - f[0]));
    return scaled < FLT_MAX ? (float)scaled : FLT_MAX; /* bands without width: only where fmin and fmax nearly coincide */
}

/* First bin of a band and number of bins up to the last that has weight. */
static void band_extent(const pylstm_features_config *config, const double *f, int *first, int *count) {
    int n_bins = config->n_fft / 2 + 1, last = -1;
    double bins_per_hz = (double)config->n_fft / config->sr;
    double from = floor(f[0] * bins_per_hz) - 1, to = ceil(f[2] * bins_per_hz) + 1;
    *first = 0;
    for (int k = from > 0 ? (int)from : 0; k < n_bins && k <= to; k++)
        if (weight(config, f, k) > 0.0f) {
            if (last < 0)
                *first = k;
            last = k;
        }
    *count = last < 0 ? 0 : last - *first + 1;
}

pylstm_melbank *pylstm_melbank_init(pylstm_arena *arena, const pylstm_features_config *config,
                                    const pylstm_feature_kernels *kernels) {
    double f[PYLSTM_MAX_N_MELS + 2];
    pylstm_melbank *bank = pylstm_arena_take(arena, 1, sizeof *bank);
    pylstm_mel_band *bands = pylstm_arena_take(arena, (size_t)config->n_mels, sizeof *bands);
    band_edges(config, f);
    for (int i = 0; i < config->n_mels; i++) {
        int first, count, padded;
        float *weights;
        band_extent(config, f + i, &first, &count);
        padded = (count + PYLSTM_FEATURE_LANES - 1) / PYLSTM_FEATURE_LANES * PYLSTM_FEATURE_LANES;
        weights = pylstm_arena_take(arena, (size_t)padded, sizeof(float));
        if (!bank)
            continue;
        for (int j = 0; j < padded; j++)
            weights[j] = j < count ? weight(config, f + i, first + j) : 0.0f;
        bands[i] = (pylstm_mel_band){.first = first, .count = padded, .weights = weights};
    }
    if (bank)
        *bank = (pylstm_melbank){.kernels = kernels, .n_mels = config->n_mels, .bands = bands};
    return bank;
}

void pylstm_melbank_run(const pylstm_melbank *bank, const float *power, float *energy) {
    bank->kernels->mel_bands(bank->bands, bank->n_mels, power, energy);
}
