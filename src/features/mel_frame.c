/* librosa.feature.melspectrogram, power_to_db and mfcc (0.11) of one frame.
 *
 * Precision follows librosa: window (float64) times samples (float32), FFT in float64, rounded to complex64; power, mel
 * energies and decibels are float32. Two places are more exact than librosa: power 2 is re^2 + im^2 without the detour over a
 * rounded root (a difference of at most 2 units in the last place, 1e-6 dB), and the DCT is summed in float64.
 *
 * Everything stays finite for every finite input: energies that overflow float32 are clamped to its largest number.
 */
#include "features/mel_frame.h"

#include <float.h>
#include <math.h>
#include <string.h>

pylstm_mel_frame pylstm_mel_frame_init(pylstm_arena *arena, const pylstm_features_config *config,
                                       const pylstm_feature_kernels *kernels) {
    const int is_mfcc = config->kind == PYLSTM_FEATURES_MFCC;
    pylstm_mel_frame frame = {
        .kernels = kernels,
        .n_fft = config->n_fft,
        .n_mels = config->n_mels,
        .n_out = is_mfcc ? config->n_mfcc : config->n_mels,
        .power = config->power,
        .has_top_db = config->has_top_db,
        .top_db = (float)config->top_db,
    };
    frame.fft = pylstm_fft_init(arena, config, kernels);
    frame.melbank = pylstm_melbank_init(arena, config, kernels);
    frame.dct = is_mfcc ? pylstm_dct_init(arena, config, kernels) : NULL;
    return frame;
}

pylstm_mel_scratch pylstm_mel_scratch_init(pylstm_arena *arena, const pylstm_mel_frame *frame) {
    const size_t n_fft = (size_t)frame->n_fft, bins = n_fft / 2 + 1, n_mels = (size_t)frame->n_mels;
    pylstm_mel_scratch scratch;
    scratch.x = pylstm_arena_take(arena, n_fft, sizeof(float));
    scratch.re = pylstm_arena_take(arena, bins + PYLSTM_FEATURE_LANES, sizeof(float));
    scratch.im = pylstm_arena_take(arena, bins + PYLSTM_FEATURE_LANES, sizeof(float));
    scratch.work = pylstm_arena_take(arena, pylstm_fft_work_size(frame->fft), sizeof(double));
    scratch.power = pylstm_arena_take(arena, bins + PYLSTM_FEATURE_LANES, sizeof(float));
    scratch.mel = pylstm_arena_take(arena, n_mels + PYLSTM_FEATURE_LANES, sizeof(float));
    scratch.cepstrum = pylstm_arena_take(arena, (size_t)frame->n_out + PYLSTM_FEATURE_LANES, sizeof(float));
    return scratch;
}

void pylstm_mel_scratch_clear(const pylstm_mel_scratch *scratch, const pylstm_mel_frame *frame) {
    const size_t n_fft = (size_t)frame->n_fft, bins = n_fft / 2 + 1, n_mels = (size_t)frame->n_mels;
    memset(scratch->x, 0, n_fft * sizeof(float));
    memset(scratch->re + bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(scratch->im + bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(scratch->power + bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(scratch->mel + n_mels, 0, PYLSTM_FEATURE_LANES * sizeof(float));
}

/* |D|^power in float32, from the bins as complex64; power is not 2. */
static void power_spectrum(const float *restrict re, const float *restrict im, double power, size_t bins, float *restrict out) {
    for (size_t k = 0; k < bins; k++) {
        double r = re[k], i = im[k];
        float s = (float)sqrt(r * r + i * i);
        s = power == 1.0 ? s : powf(s, (float)power);
        out[k] = s < FLT_MAX ? s : FLT_MAX;
    }
}

/* Nothing may be more than top_db below the running maximum. */
static void clamp(float *mel, int n_mels, float top_db, float *maximum) {
    float lowest;
    for (int k = 0; k < n_mels; k++)
        *maximum = mel[k] > *maximum ? mel[k] : *maximum;
    lowest = *maximum - top_db;
    for (int k = 0; k < n_mels; k++)
        mel[k] = mel[k] > lowest ? mel[k] : lowest;
}

void pylstm_mel_frame_run(const pylstm_mel_frame *frame, const pylstm_mel_scratch *scratch, float *maximum, float *out) {
    const size_t bins = (size_t)frame->n_fft / 2 + 1;
    pylstm_fft_run(frame->fft, scratch->x, scratch->re, scratch->im, scratch->work);
    if (frame->power == 2.0)
        frame->kernels->square(scratch->re, scratch->im, bins, scratch->power);
    else
        power_spectrum(scratch->re, scratch->im, frame->power, bins, scratch->power);
    pylstm_melbank_run(frame->melbank, scratch->power, scratch->mel);
    frame->kernels->decibel(scratch->mel, frame->n_mels);
    if (frame->has_top_db)
        clamp(scratch->mel, frame->n_mels, frame->top_db, maximum);
    if (frame->dct)
        pylstm_dct_run(frame->dct, scratch->mel, scratch->cepstrum);
    memcpy(out, frame->dct ? scratch->cepstrum : scratch->mel, (size_t)frame->n_out * sizeof(float));
}
