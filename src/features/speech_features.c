/* The feature pipeline of librosa.feature.melspectrogram, power_to_db, mfcc and delta (0.11), frame by frame.
 *
 * Precision follows librosa: window (float64) times samples (float32), FFT in float64, rounded to complex64; power, mel
 * energies and decibels are float32. Two places are more exact than librosa: power 2 is re^2 + im^2 without the detour over a
 * rounded root (a difference of at most 2 units in the last place, 1e-6 dB), and the DCT is summed in float64.
 *
 * Everything stays finite for every finite input: energies that overflow float32 are clamped to its largest number.
 *
 * Without deltas a static frame is a row. With deltas the last 9 static frames wait in a ring; rows 0 to 4 come out with frame
 * 8, row t > 4 with frame t + 4, the last four at the end (delta.c says why).
 */
#include "features/speech_features.h"
#include "features/dct.h"
#include "features/delta.h"
#include "features/real_fft.h"
#include "features/framing.h"
#include "features/melbank.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* No mel energy is below -100 dB: before the first frame the running maximum is this. */
#define NO_MAXIMUM (-1000.0f)

/* Static features are far below this: 390 dB at most, times n_mels, times the lifter. */
#define STATIC_LIMIT 1e13f

struct pylstm_features {
    pylstm_features_config config; /* without the pointers */
    pylstm_framing framing;
    const pylstm_feature_kernels *kernels;
    int n_static, width;
    const pylstm_fft *fft;
    const pylstm_melbank *melbank;
    const pylstm_dct *dct; /* NULL for log-mel */
    const float *mean, *std;
};

/* What a stream remembers. Then follow: the last samples (framing.capacity), with deltas the last 9 static frames. */
typedef struct state {
    uint64_t samples; /* taken so far */
    uint64_t frames;  /* static frames computed */
    uint64_t rows;    /* rows written */
    uint32_t finished;
    float maximum; /* of all mel bands in dB so far, for top_db */
} state;

/* Working memory of one push; every part starts at a multiple of PYLSTM_ALIGNMENT and has room for the lanes of the kernels. */
typedef struct scratch {
    float *x;       /* n_fft samples, those outside of the window 0 */
    float *re, *im; /* n_fft / 2 + 1 bins */
    double *work;
    float *power; /* n_fft / 2 + 1 bins and PYLSTM_FEATURE_LANES zeros */
    float *mel;   /* n_mels */
    float *cepstrum;
} scratch;

static scratch scratch_of(const pylstm_features *features, pylstm_arena *arena) {
    size_t n_fft = (size_t)features->config.n_fft, bins = n_fft / 2 + 1;
    scratch at;
    at.x = (float *)pylstm_arena_take(arena, n_fft, sizeof(float));
    at.re = (float *)pylstm_arena_take(arena, bins + PYLSTM_FEATURE_LANES, sizeof(float));
    at.im = (float *)pylstm_arena_take(arena, bins + PYLSTM_FEATURE_LANES, sizeof(float));
    at.work = (double *)pylstm_arena_take(arena, pylstm_fft_work_size(features->fft), sizeof(double));
    at.power = (float *)pylstm_arena_take(arena, bins + PYLSTM_FEATURE_LANES, sizeof(float));
    at.mel = (float *)pylstm_arena_take(arena, (size_t)features->config.n_mels + PYLSTM_FEATURE_LANES, sizeof(float));
    at.cepstrum = (float *)pylstm_arena_take(arena, (size_t)features->n_static + PYLSTM_FEATURE_LANES, sizeof(float));
    return at;
}

/* The parts that are read before anything is written to them. */
static void scratch_clear(const pylstm_features *features, const scratch *use) {
    size_t n_fft = (size_t)features->config.n_fft, bins = n_fft / 2 + 1;
    memset(use->x, 0, n_fft * sizeof(float));
    memset(use->re + bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(use->im + bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(use->power + bins, 0, PYLSTM_FEATURE_LANES * sizeof(float));
    memset(use->mel + features->config.n_mels, 0, PYLSTM_FEATURE_LANES * sizeof(float));
}

static float *samples_of(void *block) {
    return (float *)((char *)block + sizeof(state));
}

static float *statics_of(const pylstm_features *features, void *block) {
    return samples_of(block) + features->framing.capacity;
}

/* A table of mean or std in the arena, from wherever the configuration has it. */
static const float *copy_values(pylstm_arena *arena, const pylstm_features_config *config, const float *values,
                                const pylstm_tensor *tensor) {
    size_t n = (size_t)pylstm_features_width(config);
    float *copy = config->normalize ? (float *)pylstm_arena_take(arena, n, sizeof(float)) : NULL;
    if (copy && values)
        memcpy(copy, values, n * sizeof(float));
    else if (copy)
        pylstm_tensor_read(tensor, copy);
    return copy;
}

pylstm_features *pylstm_features_init(pylstm_arena *arena, const pylstm_features_config *config,
                                      const pylstm_kernels *kernels) {
    pylstm_features *features = (pylstm_features *)pylstm_arena_take(arena, 1, sizeof *features);
    const pylstm_feature_kernels *feature_kernels = kernels->feature;
    const pylstm_fft *fft = pylstm_fft_init(arena, config, feature_kernels);
    const pylstm_melbank *melbank = pylstm_melbank_init(arena, config, feature_kernels);
    const pylstm_dct *dct = config->kind == PYLSTM_FEATURES_MFCC ? pylstm_dct_init(arena, config, feature_kernels) : NULL;
    const float *mean = copy_values(arena, config, config->mean, &config->mean_tensor);
    const float *std = copy_values(arena, config, config->std, &config->std_tensor);
    if (!features)
        return NULL;
    memset(features, 0, sizeof *features);
    features->config = *config;
    features->config.mean = features->config.std = NULL;
    memset(&features->config.mean_tensor, 0, sizeof features->config.mean_tensor);
    memset(&features->config.std_tensor, 0, sizeof features->config.std_tensor);
    features->framing = pylstm_framing_of(config);
    features->width = pylstm_features_width(config);
    features->n_static = features->width / (1 + config->deltas);
    features->kernels = feature_kernels;
    features->fft = fft;
    features->melbank = melbank;
    features->dct = dct;
    features->mean = mean;
    features->std = std;
    return features;
}

int pylstm_features_sr(const pylstm_features *features) {
    return features->config.sr;
}

int pylstm_features_hop_length(const pylstm_features *features) {
    return features->config.hop_length;
}

int64_t pylstm_features_latency(const pylstm_features *features) {
    uint64_t ahead = features->config.deltas ? PYLSTM_DELTA_WIDTH / 2 : 0;
    return (int64_t)(features->framing.need + ahead * features->framing.hop);
}

size_t pylstm_features_state_size(const pylstm_features *features) {
    size_t statics = features->config.deltas ? (size_t)PYLSTM_DELTA_WIDTH * features->n_static : 0;
    return sizeof(state) + ((size_t)features->framing.capacity + statics) * sizeof(float);
}

size_t pylstm_features_scratch_size(const pylstm_features *features) {
    pylstm_arena measure = {NULL, 0};
    scratch_of(features, &measure);
    return measure.used;
}

void pylstm_features_reset(const pylstm_features *features, void *block) {
    memset(block, 0, pylstm_features_state_size(features));
    ((state *)block)->maximum = NO_MAXIMUM;
}

void pylstm_features_rewind(const pylstm_features *features, void *block) {
    float maximum = ((state *)block)->maximum;
    pylstm_features_reset(features, block);
    ((state *)block)->maximum = maximum;
}

/* Rows that exist once so many static frames do. */
static uint64_t rows_of(const pylstm_features *features, uint64_t frames, int all) {
    if (!features->config.deltas)
        return frames;
    if (frames < PYLSTM_DELTA_WIDTH)
        return 0;
    return all ? frames : frames - PYLSTM_DELTA_WIDTH / 2;
}

int64_t pylstm_features_rows(const pylstm_features *features, const void *block, uint64_t n_samples, int flush) {
    const state *at = (const state *)block;
    uint64_t n = at->samples, frames, rows;
    int all = flush || at->finished;
    if (!at->finished)
        n = n_samples < PYLSTM_MAX_SAMPLES - n ? n + n_samples : PYLSTM_MAX_SAMPLES;
    frames = all ? pylstm_framing_total(&features->framing, n) : pylstm_framing_complete(&features->framing, n);
    if (all && features->config.deltas && frames > 0 && frames < PYLSTM_DELTA_WIDTH)
        return -1;
    rows = rows_of(features, frames, all);
    return (int64_t)(rows - at->rows);
}

pylstm_features_progress pylstm_features_progress_of(const void *block) {
    pylstm_features_progress progress;
    state at;
    memcpy(&at, block, sizeof at);
    progress.samples = at.samples;
    progress.rows = at.rows;
    progress.finished = (int)at.finished;
    return progress;
}

int pylstm_features_state_valid(const pylstm_features *features, const void *block) {
    const char *from = (const char *)block + sizeof(state);
    size_t n_samples = (size_t)features->framing.capacity, i;
    size_t n = (pylstm_features_state_size(features) - sizeof(state)) / sizeof(float);
    uint64_t frames;
    state at;
    float value;
    memcpy(&at, block, sizeof at);
    if (at.samples > PYLSTM_MAX_SAMPLES / 2 || at.finished > 1)
        return 0;
    frames = at.finished ? pylstm_framing_total(&features->framing, at.samples)
                         : pylstm_framing_complete(&features->framing, at.samples);
    if (at.finished && features->config.deltas && frames > 0 && frames < PYLSTM_DELTA_WIDTH)
        return 0; /* too short: never finished */
    if (at.frames != frames || at.rows != rows_of(features, frames, (int)at.finished))
        return 0;
    if (!(at.maximum == NO_MAXIMUM || (features->config.has_top_db && at.maximum > -101.0f && at.maximum < 400.0f)))
        return 0;
    for (i = 0; i < n; i++) {
        float limit = i < n_samples ? FLT_MAX : STATIC_LIMIT;
        memcpy(&value, from + i * sizeof value, sizeof value);
        if (!(value >= -limit && value <= limit))
            return 0;
    }
    return 1;
}

/* |D|^power in float32, from the bins as complex64; power is not 2. */
static void power_spectrum(const float *restrict re, const float *restrict im, double power, size_t bins, float *restrict out) {
    size_t k;
    for (k = 0; k < bins; k++) {
        double r = re[k], i = im[k];
        float s = (float)sqrt(r * r + i * i);
        s = power == 1.0 ? s : powf(s, (float)power);
        out[k] = s < FLT_MAX ? s : FLT_MAX;
    }
}

/* Static frame t. */
static void compute(const pylstm_features *features, state *at, const float *ring, uint64_t t, const scratch *use, float *out) {
    const pylstm_features_config *config = &features->config;
    const pylstm_feature_kernels *kernels = features->kernels;
    const size_t bins = (size_t)config->n_fft / 2 + 1;
    float *mel = use->mel;
    int k;
    pylstm_framing_read(&features->framing, ring, at->samples, t, use->x + features->framing.offset);
    pylstm_fft_run(features->fft, use->x, use->re, use->im, use->work);
    if (config->power == 2.0)
        kernels->square(use->re, use->im, bins, use->power);
    else
        power_spectrum(use->re, use->im, config->power, bins, use->power);
    pylstm_melbank_run(features->melbank, use->power, mel);
    kernels->decibel(mel, config->n_mels);
    if (config->has_top_db) {
        float lowest;
        for (k = 0; k < config->n_mels; k++)
            at->maximum = mel[k] > at->maximum ? mel[k] : at->maximum;
        lowest = at->maximum - (float)config->top_db;
        for (k = 0; k < config->n_mels; k++)
            mel[k] = mel[k] > lowest ? mel[k] : lowest;
    }
    if (features->dct)
        pylstm_dct_run(features->dct, mel, use->cepstrum);
    memcpy(out, features->dct ? use->cepstrum : mel, (size_t)features->n_static * sizeof(float));
}

/* Completes a row: row holds the static part already unless there are deltas, which are appended. */
static void finish_row(const pylstm_features *features, const state *at, const float *statics, float *row) {
    int n = features->n_static, k;
    if (features->config.deltas) {
        memcpy(row, statics + at->rows % PYLSTM_DELTA_WIDTH * (uint64_t)n, (size_t)n * sizeof(float));
        for (k = 1; k <= features->config.deltas; k++)
            pylstm_delta(statics, at->frames, n, k, row + k * n);
    }
    if (features->mean)
        for (k = 0; k < features->width; k++) {
            float value = (row[k] - features->mean[k]) / features->std[k];
            value = value < FLT_MAX ? value : FLT_MAX;
            row[k] = value > -FLT_MAX ? value : -FLT_MAX;
        }
}

/* One step at a time: write a row that is there, or compute a frame that is complete, or take samples up to the next one. A
 * frame is computed only when no row is waiting, so that the ring of statics is always the window of the deltas of the next
 * row. */
size_t pylstm_features_push(const pylstm_features *features, void *block, void *scratch_memory, pylstm_samples *samples,
                            float *rows, size_t capacity) {
    const pylstm_framing *framing = &features->framing;
    state *at = (state *)block;
    float *ring = samples_of(block), *statics = statics_of(features, block);
    pylstm_arena arena = {(char *)scratch_memory, 0};
    scratch use = scratch_of(features, &arena);
    uint64_t total = at->finished ? pylstm_framing_total(framing, at->samples) : 0, due;
    size_t written = 0, n = (size_t)features->n_static;
    scratch_clear(features, &use);
    while (1) {
        if (features->config.deltas && at->rows < rows_of(features, at->frames, at->finished && at->frames == total)) {
            if (written == capacity)
                break;
            finish_row(features, at, statics, rows + written++ * (size_t)features->width);
            at->rows++;
            continue;
        }
        if (at->finished && at->frames >= total)
            break;
        due = pylstm_framing_due(framing, at->frames);
        if (!at->finished && at->samples < due) {
            size_t count = samples->n < due - at->samples ? samples->n : (size_t)(due - at->samples);
            if (count == 0)
                break;
            pylstm_framing_write(framing, ring, at->samples, samples, count);
            at->samples += count;
            continue;
        }
        if (features->config.deltas) {
            compute(features, at, ring, at->frames, &use, statics + at->frames % PYLSTM_DELTA_WIDTH * n);
            at->frames++;
        } else {
            float *row = rows + written * n;
            if (written == capacity)
                break;
            compute(features, at, ring, at->frames, &use, row);
            finish_row(features, at, statics, row);
            written++;
            at->frames++;
            at->rows++;
        }
    }
    return written;
}

void pylstm_features_finish(const pylstm_features *features, void *block) {
    (void)features;
    ((state *)block)->finished = 1;
}
