/* Features: audio samples to frames, as librosa computes them, one frame as soon as its last sample is in.
 *
 *     samples -> framing -> mel frame (window, FFT, mel bands, dB, top_db, DCT, lifter) -> deltas -> mean/std
 *
 * Tables are immutable and shared (pylstm_features); what one stream remembers is a flat block without pointers (the state);
 * working memory that need not survive a call is the scratch. Both start at multiples of PYLSTM_ALIGNMENT.
 *
 * This is what other rooms call. A kind of features that is no mel spectrum has its frame in a file beside mel_frame.c.
 */
#ifndef PYLSTM_FEATURES_FEATURES_H
#define PYLSTM_FEATURES_FEATURES_H

#include "features/features_config.h"
#include "features/framing.h"
#include "kernels/kernels.h"
#include "platform/arena.h"

typedef struct pylstm_features pylstm_features;

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
