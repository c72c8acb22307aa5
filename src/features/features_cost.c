/* Operations of features. Each number below is that of one element in the loop that it names, read off the loop and held
 * against counted instructions by tests/engine/cost.
 */
#include "features/features_cost.h"
#include "features/complex_fft.h"
#include "kernels/feature_kernels.h"

/* framing.c and conditioning.c: of one sample under a row. */
static uint64_t sample_of_row(const pylstm_features_config *config) {
    const int energies = config->energy != PYLSTM_ENERGY_NONE;
    const int is_idle = config->scale == 1.0 && !config->remove_dc_offset && config->preemphasis == 0.0 && !energies;
    uint64_t sum = 3;
    if (config->preemphasis != 0.0)
        sum += 8;
    if (!is_idle)
        sum += 6 + (config->remove_dc_offset ? 8 : 0) + (energies ? 6 : 0);
    return sum;
}

/* real_fft.c, spectrum.c: one window. */
static uint64_t spectrum(const pylstm_features_config *config) {
    const uint64_t n_fft = (uint64_t)config->n_fft, bins = n_fft / 2 + 1, half = n_fft / 2;
    const uint64_t power = config->power == 2.0 ? 5 : config->power == 1.0 ? 30 : 120;
    const uint64_t fft = n_fft % 2 == 0 ? 4 * n_fft + pylstm_cfft_operations((size_t)half) + 15 * half
                                        : 6 * n_fft + pylstm_cfft_operations((size_t)n_fft);
    return fft + power * bins;
}

/* A sample or an energy that goes into a row as it is: spectrum_frame.c and the row of a waveform. */
#define COPY 3

static uint64_t transform(const pylstm_features_config *config) {
    const uint64_t n_fft = (uint64_t)config->n_fft, bins = n_fft / 2 + 1, columns = (uint64_t)config->columns;
    const uint64_t samples = sample_of_row(config) * (uint64_t)pylstm_features_span(config);
    const uint64_t padding = COPY * (uint64_t)config->pad_right;
    if (config->kind == PYLSTM_FEATURES_WAVEFORM)
        return samples + padding;
    if (config->kind == PYLSTM_FEATURES_SPECTRUM)
        return samples + padding + n_fft + columns * (spectrum(config) + COPY * ((uint64_t)config->win_length + bins));
    return samples + n_fft / 4 + spectrum(config);
}

/* The kernels of logarithms. */
static uint64_t logarithms(const pylstm_features_config *config, uint64_t n) {
    return config->log == PYLSTM_LOG_NONE ? 0 : 40 * (n + PYLSTM_FEATURE_LANES);
}

/* melbank.c, logarithm.c, clamp of mel_frame.c, dct.c. A bin lies in two bands at most, and a band is padded to whole vectors.
 */
static uint64_t bands(const pylstm_features_config *config) {
    const uint64_t n_mels = (uint64_t)config->n_mels, lanes = PYLSTM_FEATURE_LANES;
    const uint64_t bins = (uint64_t)((config->fmax - config->fmin) * config->n_fft / config->sr) + 1;
    const uint64_t weights = 2 * bins + lanes * n_mels;
    uint64_t sum = 4 * weights + 12 * n_mels + logarithms(config, n_mels);
    if (config->kind == PYLSTM_FEATURES_WAVEFORM)
        return 0;
    if (config->kind == PYLSTM_FEATURES_SPECTRUM)
        return (uint64_t)config->columns * logarithms(config, (uint64_t)config->n_fft / 2 + 1);
    if (config->energy != PYLSTM_ENERGY_NONE)
        sum += 40 * lanes;
    if (config->has_top_db)
        sum += 6 * n_mels;
    if (config->kind == PYLSTM_FEATURES_MFCC)
        sum += n_mels * (3 * ((uint64_t)config->n_mfcc + lanes) + 4) + 6 * (uint64_t)config->n_mfcc;
    return sum;
}

/* delta.c, write_row of features.c, and what a push costs that takes one hop. */
static uint64_t row(const pylstm_features_config *config) {
    const uint64_t width = (uint64_t)pylstm_features_width(config);
    return 1000 + (config->deltas ? 40 : 4) * width + (config->normalize ? 8 * width : 0);
}

pylstm_features_cost pylstm_features_cost_of(const pylstm_features_config *config) {
    return (pylstm_features_cost){
        .sample = 12,
        .transform = transform(config),
        .bands = bands(config),
        .row = row(config),
    };
}
