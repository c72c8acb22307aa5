/* The kinds of features. Samples of mel bands go straight to the transform; those of spectra to a chunk that may have room for
 * several windows; those of a waveform are the row itself. */
#include "features/frame.h"

pylstm_frame pylstm_frame_init(pylstm_arena *arena, const pylstm_features_config *config,
                               const pylstm_feature_kernels *kernels) {
    pylstm_frame frame = {
        .kind = config->kind,
        .span = (size_t)pylstm_features_span(config),
        .pad_right = (size_t)config->pad_right,
    };
    frame.conditioning = pylstm_conditioning_init(arena, config, kernels);
    if (frame.kind == PYLSTM_FEATURES_WAVEFORM)
        return frame;
    frame.spectrum = pylstm_spectrum_init(arena, config, kernels);
    if (frame.kind == PYLSTM_FEATURES_SPECTRUM)
        frame.spectrum_frame = pylstm_spectrum_frame_of(config, kernels);
    else
        frame.mel_frame = pylstm_mel_frame_init(arena, config, kernels);
    return frame;
}

pylstm_frame_scratch pylstm_frame_scratch_init(pylstm_arena *arena, const pylstm_frame *frame) {
    pylstm_frame_scratch scratch = {.chunk = NULL};
    if (frame->kind == PYLSTM_FEATURES_WAVEFORM)
        return scratch;
    scratch.spectrum = pylstm_spectrum_scratch_init(arena, &frame->spectrum);
    scratch.work = frame->conditioning.measures ? pylstm_arena_take(arena, frame->span, sizeof *scratch.work) : NULL;
    if (frame->kind == PYLSTM_FEATURES_SPECTRUM)
        scratch.chunk = pylstm_arena_take(arena, frame->span + frame->pad_right, sizeof *scratch.chunk);
    else
        scratch.mel = pylstm_mel_scratch_init(arena, &frame->mel_frame);
    return scratch;
}

void pylstm_frame_scratch_clear(const pylstm_frame_scratch *scratch, const pylstm_frame *frame) {
    if (frame->kind == PYLSTM_FEATURES_WAVEFORM)
        return;
    pylstm_spectrum_scratch_clear(&scratch->spectrum, &frame->spectrum);
    if (frame->kind != PYLSTM_FEATURES_SPECTRUM)
        pylstm_mel_scratch_clear(&scratch->mel, &frame->mel_frame);
}

float *pylstm_frame_samples(const pylstm_frame *frame, const pylstm_frame_scratch *scratch, float *out) {
    if (frame->kind == PYLSTM_FEATURES_WAVEFORM)
        return out;
    return frame->kind == PYLSTM_FEATURES_SPECTRUM ? scratch->chunk : scratch->spectrum.x + frame->spectrum.offset;
}

/* The samples before the last one once more, backwards, after it. */
static void pad_right(const pylstm_frame *frame, float *samples) {
    for (size_t i = 0; i < frame->pad_right; i++)
        samples[frame->span + i] = samples[frame->span - 2 - i];
}

void pylstm_frame_run(const pylstm_frame *frame, const pylstm_frame_scratch *scratch, float *maximum, float *out) {
    float *samples = pylstm_frame_samples(frame, scratch, out);
    const float energy = pylstm_conditioning_run(&frame->conditioning, samples, scratch->work);
    pad_right(frame, samples);
    if (frame->kind == PYLSTM_FEATURES_WAVEFORM)
        return;
    if (frame->kind == PYLSTM_FEATURES_SPECTRUM) {
        pylstm_spectrum_frame_run(&frame->spectrum_frame, &frame->spectrum, &scratch->spectrum, samples, out);
        return;
    }
    pylstm_spectrum_run(&frame->spectrum, &scratch->spectrum);
    pylstm_mel_frame_run(&frame->mel_frame, &scratch->mel, scratch->spectrum.power, energy, maximum, out);
}
