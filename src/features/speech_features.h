/* Features: audio samples to frames, as librosa computes them, one frame as soon as its last sample is in.
 *
 *     samples -> framing -> window -> real FFT -> |.|^power -> mel bands -> dB -> top_db -> DCT -> lifter -> deltas -> mean/std
 *
 * Tables are immutable and shared (pylstm_features); what one stream remembers is a flat block without pointers (the state);
 * working memory that need not survive a call is the scratch. Both start at multiples of PYLSTM_ALIGNMENT.
 *
 * The file is not called features.h because the C library has a <features.h> of its own, which a -I of this folder would hide.
 */
#ifndef PYLSTM_SPEECH_FEATURES_H
#define PYLSTM_SPEECH_FEATURES_H

#include "platform/arena.h"
#include "platform/errors.h"
#include "kernels/feature_kernels.h"
#include "kernels/kernels.h"
#include "modelfile/modelfile.h"

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
    int normalize;           /* whether mean and std are there: n_features values each, read only by check and init, */
    const float *mean, *std; /* from here, or where these are NULL */
    pylstm_tensor mean_tensor, std_tensor; /* from a model file */
} pylstm_features_config;

typedef struct pylstm_features pylstm_features;

/* Audio as it comes from the caller: n samples, stride bytes apart, of a pylstm_sample_type. Consumed from the front. */
typedef struct pylstm_samples {
    pylstm_sample_type type;
    const char *next;
    size_t n;
    ptrdiff_t stride;
} pylstm_samples;

#define PYLSTM_MAX_N_MELS 1024
#define PYLSTM_MAX_WIDTH  (3 * PYLSTM_MAX_N_MELS)

/* Whether every value is in its range and they fit together; the message names the first that does not. The status is
 * PYLSTM_BAD_ARGUMENT. */
pylstm_status pylstm_features_check(const pylstm_features_config *config, pylstm_error *why);

/* Reads and checks the keys "features.*" of a model file whose features.kind is mfcc or logmel, and takes the tensors
 * features.mean and features.std where they are asked for. config keeps views of the file's bytes. */
pylstm_status pylstm_features_config_read(pylstm_modelfile *file, pylstm_features_config *config, pylstm_error *why);

/* Width of one row: n_mfcc or n_mels, times 1 + deltas. */
int pylstm_features_width(const pylstm_features_config *config);

/* Lays the tables out in the arena (measures only while arena->base is NULL, and then returns NULL). The config has been
 * checked. */
pylstm_features *pylstm_features_init(pylstm_arena *arena, const pylstm_features_config *config, const pylstm_kernels *kernels);

int pylstm_features_sr(const pylstm_features *features);
int pylstm_features_hop_length(const pylstm_features *features);

/* The row of frame t comes out as soon as t * hop_length + latency samples are in (with deltas, and with reflection, the very
 * first rows wait a little longer). */
int64_t pylstm_features_latency(const pylstm_features *features);

/* State: a block without pointers; all bytes of it are defined after reset, so that equal states are equal bytes. */
size_t pylstm_features_state_size(const pylstm_features *features);
size_t pylstm_features_scratch_size(const pylstm_features *features);
void pylstm_features_reset(const pylstm_features *features, void *state);

/* As reset, but the running maximum of top_db stays: a second pass over the same audio then clamps against the maximum of the
 * whole, as librosa does. */
void pylstm_features_rewind(const pylstm_features *features, void *state);

/* Whether a state could have come from these features, at a moment when no complete row was waiting: every counter in its range
 * and consistent with the others, every value finite. For restore; state may have any alignment. */
int pylstm_features_state_valid(const pylstm_features *features, const void *state);

/* Samples taken and rows written since reset, and whether the end has been reached; state may have any alignment. */
typedef struct pylstm_features_progress {
    uint64_t samples, rows;
    int finished;
} pylstm_features_progress;
pylstm_features_progress pylstm_features_progress_of(const void *state);

/* Rows that come out if n_samples more samples are pushed, and the stream is then flushed (flush != 0) or not. -1: the flush
 * would be too short for deltas. */
int64_t pylstm_features_rows(const pylstm_features *features, const void *state, uint64_t n_samples, int flush);

/* Consumes samples and writes rows until samples are used up and no complete row waits, or capacity rows are written; returns
 * rows written. Call it again while it returns capacity. All samples are finite (checked at the door). */
size_t pylstm_features_push(const pylstm_features *features, void *state, void *scratch, pylstm_samples *samples, float *rows,
                            size_t capacity);

/* After the last sample: pads the end. Where pylstm_features_rows(..., 0, 1) is -1 the caller refuses instead. Then
 * pylstm_features_push with n = 0 gives the rows that remain. */
void pylstm_features_finish(const pylstm_features *features, void *state);

#endif
