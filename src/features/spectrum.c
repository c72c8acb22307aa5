/* The spectrum of librosa.stft (0.11): window (float64) times samples (float32), FFT in float64, rounded to complex64; powers
 * of the magnitude are float32. Power 2 is re^2 + im^2 without the detour over a rounded root: a difference of at most 2 units
 * in the last place, 1e-6 dB. What overflows float32 is clamped to its largest number.
 */
#include "features/spectrum.h"

#include <float.h>
#include <math.h>
#include <string.h>

pylstm_spectrum pylstm_spectrum_init(pylstm_arena *arena, const pylstm_features_config *config,
                                     const pylstm_feature_kernels *kernels) {
    return (pylstm_spectrum){
        .kernels = kernels,
        .n_fft = (size_t)config->n_fft,
        .bins = (size_t)config->n_fft / 2 + 1,
        .offset = (size_t)(config->n_fft - config->win_length) / 2,
        .power = config->power,
        .fft = pylstm_fft_init(arena, config, kernels),
    };
}

pylstm_spectrum_scratch pylstm_spectrum_scratch_init(pylstm_arena *arena, const pylstm_spectrum *spectrum) {
    const size_t room = spectrum->bins + PYLSTM_FEATURE_LANES;
    pylstm_spectrum_scratch scratch;
    scratch.x = pylstm_arena_take(arena, spectrum->n_fft, sizeof(float));
    scratch.re = pylstm_arena_take(arena, room, sizeof(float));
    scratch.im = pylstm_arena_take(arena, room, sizeof(float));
    scratch.work = pylstm_arena_take(arena, pylstm_fft_work_size(spectrum->fft), sizeof(double));
    scratch.power = pylstm_arena_take(arena, room, sizeof(float));
    return scratch;
}

void pylstm_spectrum_scratch_clear(const pylstm_spectrum_scratch *scratch, const pylstm_spectrum *spectrum) {
    memset(scratch->x, 0, spectrum->n_fft * sizeof(float));
    memset(scratch->re + spectrum->bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(scratch->im + spectrum->bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(scratch->power + spectrum->bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
}

void pylstm_spectrum_run(const pylstm_spectrum *spectrum, const pylstm_spectrum_scratch *scratch) {
    pylstm_fft_run(spectrum->fft, scratch->x, scratch->re, scratch->im, scratch->work);
    if (spectrum->power == 2.0) {
        spectrum->kernels->square(scratch->re, scratch->im, spectrum->bins, scratch->power);
        return;
    }
    spectrum->kernels->magnitude(scratch->re, scratch->im, spectrum->bins, scratch->power);
    for (size_t k = 0; spectrum->power != 1.0 && k < spectrum->bins; k++) {
        const float value = powf(scratch->power[k], (float)spectrum->power);
        scratch->power[k] = value < FLT_MAX ? value : FLT_MAX;
    }
}
