/* librosa.feature.melspectrogram, power_to_db and mfcc (0.11) of one frame, or Kaldi's feature-fbank.cc and feature-mfcc.cc.
 *
 * Precision follows librosa: mel energies and decibels are float32. The DCT is more exact than librosa's: it is summed in
 * float64.
 *
 * Everything stays finite for every finite input: energies that overflow float32 are clamped to its largest number.
 */
#include "features/mel_frame.h"

#include <string.h>

pylstm_mel_frame pylstm_mel_frame_init(pylstm_arena *arena, const pylstm_features_config *config,
                                       const pylstm_feature_kernels *kernels) {
    const int is_mfcc = config->kind == PYLSTM_FEATURES_MFCC;
    pylstm_mel_frame frame = {
        .n_mels = config->n_mels,
        .n_out = is_mfcc ? config->n_mfcc : config->n_mels,
        .has_top_db = config->has_top_db,
        .top_db = (float)config->top_db,
        .has_energy = config->energy != PYLSTM_ENERGY_NONE,
        .logarithm = pylstm_energy_logarithm_of(config, kernels),
    };
    frame.melbank = pylstm_melbank_init(arena, config, kernels);
    frame.dct = is_mfcc ? pylstm_dct_init(arena, config, kernels) : NULL;
    return frame;
}

pylstm_mel_scratch pylstm_mel_scratch_init(pylstm_arena *arena, const pylstm_mel_frame *frame) {
    pylstm_mel_scratch scratch;
    scratch.mel = pylstm_arena_take(arena, (size_t)frame->n_mels + PYLSTM_FEATURE_LANES, sizeof(float));
    scratch.cepstrum = pylstm_arena_take(arena, (size_t)frame->n_out + PYLSTM_FEATURE_LANES, sizeof(float));
    return scratch;
}

void pylstm_mel_scratch_clear(const pylstm_mel_scratch *scratch, const pylstm_mel_frame *frame) {
    memset(scratch->mel + frame->n_mels, 0, PYLSTM_FEATURE_LANES * sizeof(float));
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

void pylstm_mel_frame_run(const pylstm_mel_frame *frame, const pylstm_mel_scratch *scratch, const float *power, float energy,
                          float *maximum, float *out) {
    pylstm_melbank_run(frame->melbank, power, scratch->mel);
    pylstm_energy_logarithm_run(&frame->logarithm, scratch->mel, frame->n_mels);
    if (frame->has_top_db)
        clamp(scratch->mel, frame->n_mels, frame->top_db, maximum);
    if (frame->dct) {
        pylstm_dct_run(frame->dct, scratch->mel, scratch->cepstrum);
        if (frame->has_energy)
            scratch->cepstrum[0] = energy;
        memcpy(out, scratch->cepstrum, (size_t)frame->n_out * sizeof(float));
        return;
    }
    if (frame->has_energy)
        *out++ = energy;
    memcpy(out, scratch->mel, (size_t)frame->n_out * sizeof(float));
}
