/* Features: audio samples to frames, as librosa computes them, one frame as soon as its last sample is in.
 *
 *     samples -> framing -> window -> real FFT -> |.|^power -> mel bands -> dB -> top_db -> DCT -> lifter -> deltas -> mean/std
 *
 * Tables are immutable and shared (pylstm_features); what one stream remembers is a flat block without pointers (the state);
 * working memory that need not survive a call is the scratch.
 */
#ifndef PYLSTM_FEATURES_H
#define PYLSTM_FEATURES_H

#include "arena.h"
#include "error.h"
#include "kernels.h"

enum { PYLSTM_FEATURES_MFCC, PYLSTM_FEATURES_LOGMEL };
enum { PYLSTM_WINDOW_HANN, PYLSTM_WINDOW_HAMMING, PYLSTM_WINDOW_BLACKMAN, PYLSTM_WINDOW_BOXCAR };
enum { PYLSTM_PAD_CONSTANT, PYLSTM_PAD_REFLECT };
enum { PYLSTM_MEL_NORM_NONE, PYLSTM_MEL_NORM_SLANEY };
enum { PYLSTM_DCT_NORM_NONE, PYLSTM_DCT_NORM_ORTHO };

/* What features are; the names and meanings are librosa's. */
typedef struct pylstm_features_config {
    int kind;
    int sr, n_fft, win_length, hop_length, n_mels;
    double fmin, fmax; /* Hz, fmax resolved (sr / 2 where the user gave none) */
    int htk, norm, window, center, pad_mode;
    double power;
    int n_mfcc, dct_type, dct_norm; /* MFCC only */
    double lifter;                  /* MFCC only; 0: none */
    int has_top_db;
    double top_db;
    int deltas;              /* 0, 1 or 2: highest order appended to the static features */
    int normalize;           /* whether mean and std are there */
    const float *mean, *std; /* n_features values each, only read during pylstm_features_init */
} pylstm_features_config;

typedef struct pylstm_features pylstm_features;

/* Audio as it comes from the caller: n samples, stride bytes apart, of a pylstm_sample_type. Consumed from the front. */
typedef struct pylstm_samples {
    pylstm_sample_type type;
    const char *next;
    size_t n;
    ptrdiff_t stride;
} pylstm_samples;

/* Whether every value is in its range and they fit together; the message names the first that does not. */
pylstm_status pylstm_features_check(const pylstm_features_config *config, pylstm_error *why);

/* Width of one row: n_mfcc or n_mels, times 1 + deltas. */
int pylstm_features_width(const pylstm_features_config *config);

/* Lays the tables out in the arena (measures only while arena->base is NULL, and then returns NULL). The config has been
 * checked. */
pylstm_features *pylstm_features_init(pylstm_arena *arena, const pylstm_features_config *config, const pylstm_kernels *kernels);

int pylstm_features_n(const pylstm_features *features);
int pylstm_features_sr(const pylstm_features *features);
int64_t pylstm_features_latency(const pylstm_features *features);

/* State: a block without pointers; all bytes of it are defined after reset, so that equal states are equal bytes. */
size_t pylstm_features_state_size(const pylstm_features *features);
size_t pylstm_features_scratch_size(const pylstm_features *features);
void pylstm_features_reset(const pylstm_features *features, void *state);

/* As reset, but the running maximum of top_db stays: a second pass over the same audio then clamps against the maximum of the
 * whole, as librosa does. */
void pylstm_features_rewind(const pylstm_features *features, void *state);

/* Whether a state could have come from these features: every counter in its range, every value finite. For restore. */
int pylstm_features_state_valid(const pylstm_features *features, const void *state);

/* Rows that come out if n_samples more samples are pushed, and the stream is then flushed (flush != 0) or not. -1: the flush
 * would be too short for deltas. */
int64_t pylstm_features_rows(const pylstm_features *features, const void *state, uint64_t n_samples, int flush);

/* Consumes samples and writes rows until samples are used up and no complete row waits, or capacity rows are written; returns
 * rows written. Call it again while it returns capacity. All samples are finite (checked at the door). */
size_t pylstm_features_push(const pylstm_features *features, void *state, void *scratch, pylstm_samples *samples, float *rows,
                            size_t capacity);

/* After the last sample: pads the end. Then pylstm_features_push with n = 0 gives the rows that remain. */
void pylstm_features_finish(const pylstm_features *features, void *state);

#endif
