/* pylstm: recurrent speech models in real time.
 *
 * The public C API, and the only header that an application includes. Audio goes in, in chunks of any size; librosa-exact
 * feature frames are computed inside; the layers step once per frame; posteriors come out. A whole program:
 *
 *     pylstm_model  *model;
 *     pylstm_stream *stream;
 *     pylstm_error   why;
 *     float  rows[16 * 12];                                  room for 16 rows of a model with 12 outputs
 *     size_t n, written, t;
 *     int16_t pcm[160];
 *
 *     if (pylstm_model_create(bytes, size, &model, &why))    bytes: what is in the file, or in the program
 *         return fprintf(stderr, "%s\n", why.message), 1;
 *     if (pylstm_stream_create(model, &stream))              one for each source of audio
 *         return 1;
 *     while ((n = read_audio(pcm, 160)) > 0) {               mono, at pylstm_model_sample_rate(model) Hz
 *         if (pylstm_stream_push(stream, PYLSTM_INT16, pcm, n, sizeof *pcm, rows, 16, &written))
 *             return 1;
 *         for (t = 0; t < written; t++)
 *             use(rows + t * pylstm_model_n_outputs(model)); a posterior for each label
 *     }
 *     pylstm_stream_destroy(stream);
 *     pylstm_model_destroy(model);
 *
 * Ownership   Who calls *_create calls *_destroy. *_init places the same object in memory that the caller owns, of at least
 *             *_size bytes, at a multiple of PYLSTM_ALIGNMENT; such an object has no destroy: give the memory back when it is
 *             no longer used. A model keeps no pointer into the bytes it was made from. Streams and batches point to their
 *             model, which must outlive them. Pointers that calls give out (labels, info) live as long as the model.
 *             Buffers handed to a call are the caller's, and are not looked at after it has returned.
 * Threads     A model is immutable: any number of threads may use it at the same time. A stream has one user at a time: a call
 *             that meets another one in progress returns PYLSTM_BUSY at once and changes nothing; a batch likewise. Any number
 *             of streams run in parallel. Nothing may be in progress on what is being created or destroyed. There is no
 *             global state but the environment variable PYLSTM_ISA, read when a model is made.
 * Real time   Calls marked [rt] allocate nothing, take no lock, make no system call, and their cost per frame has a bound
 *             that does not grow with the length of the stream, also when they return an error. They need at most 32 KiB of
 *             stack; those that make a model need 64 KiB.
 * Errors      A call that returns anything but PYLSTM_OK has changed nothing, and what it was to write is as it was (but
 *             *_create sets its result to NULL). Calls that return a number or a pointer instead of a status answer 0 or NULL
 *             where they are given NULL. Strings are UTF-8.
 * Versions    Within a major version (within 0.x: a minor one) calls, statuses and structs are added, never changed. The
 *             library that is linked says pylstm_version(), the header that was compiled against PYLSTM_VERSION_*.
 */
#ifndef PYLSTM_H
#define PYLSTM_H

#include <stddef.h>
#include <stdint.h>

#define PYLSTM_VERSION_MAJOR 0
#define PYLSTM_VERSION_MINOR 1
#define PYLSTM_VERSION_PATCH 1

/* The three in one number that can be compared: 100 for 0.1.0. */
#define PYLSTM_VERSION_NUMBER (PYLSTM_VERSION_MAJOR * 10000 + PYLSTM_VERSION_MINOR * 100 + PYLSTM_VERSION_PATCH)

/* Every object placed by *_init starts at a multiple of this many bytes. */
#define PYLSTM_ALIGNMENT 64

/* Nothing to do for a static library. PYLSTM_BUILD_SHARED is defined while a shared one is made; on Windows programs that use
 * such a one define PYLSTM_USE_SHARED. */
#if defined(_WIN32) && defined(PYLSTM_BUILD_SHARED)
#define PYLSTM_API __declspec(dllexport)
#elif defined(_WIN32) && defined(PYLSTM_USE_SHARED)
#define PYLSTM_API __declspec(dllimport)
#elif defined(__GNUC__) && defined(PYLSTM_BUILD_SHARED)
#define PYLSTM_API __attribute__((visibility("default")))
#else
#define PYLSTM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pylstm_status {
    PYLSTM_OK = 0,
    PYLSTM_BAD_ARGUMENT = 1,      /* a NULL, a size or a value that the call does not take */
    PYLSTM_NO_MEMORY = 2,         /* allocation failed, or the memory given is too small or misaligned */
    PYLSTM_BAD_MODEL = 3,         /* a model file breaks a rule: pylstm_error says which */
    PYLSTM_BAD_ISA = 4,           /* PYLSTM_ISA names an instruction set that this build or processor does not have */
    PYLSTM_NOT_FINITE = 5,        /* NaN or infinity in audio or frames: refused before any state was touched */
    PYLSTM_OUT_TOO_SMALL = 6,     /* out has fewer rows than pylstm_stream_rows() tells, or a snapshot fewer bytes than
                                     pylstm_snapshot_size() */
    PYLSTM_BUSY = 7,              /* another thread is inside a call on this stream or batch */
    PYLSTM_FLUSHED = 8,           /* the stream has been flushed: reset it to begin anew */
    PYLSTM_WRONG_INPUT = 9,       /* audio for a model without features, or audio and frames mixed in one stream */
    PYLSTM_TOO_SHORT = 10,        /* flush with 1 to 8 frames and deltas on: a delta needs 9 frames */
    PYLSTM_SNAPSHOT_FOREIGN = 11, /* the snapshot was taken from a stream of another model or another version */
    PYLSTM_SNAPSHOT_DAMAGED = 12, /* the snapshot is cut, altered or impossible */
    PYLSTM_NOT_BUILT = 13         /* the model needs what this build leaves out (PYLSTM_FLOAT_ONLY) */
} pylstm_status;

/* What went wrong, for people: filled by the calls that take one, always terminated. The caller's; NULL where it is not
 * wanted. */
typedef struct pylstm_error {
    pylstm_status status;
    char message[400];
} pylstm_error;

typedef enum pylstm_sample_type {
    PYLSTM_FLOAT32 = 0, /* nominal range -1 to 1, used as it is */
    PYLSTM_INT16 = 1,   /* divided by 32768 */
    PYLSTM_FRAMES = 2   /* in pylstm_batch_push only: rows of n_features floats instead of samples */
} pylstm_sample_type;

typedef struct pylstm_model pylstm_model;
typedef struct pylstm_stream pylstm_stream;
typedef struct pylstm_batch pylstm_batch;

/* One sentence in English for a status. Never NULL. [rt] */
PYLSTM_API const char *pylstm_strerror(pylstm_status status);

/* The version of the library that is linked, as "0.1.0". [rt] */
PYLSTM_API const char *pylstm_version(void);

/* The instruction set whose kernels a model created now would use ("scalar", "avx2" ...; pylstm_isa_name): the best one that
 * this build contains and that both processor and operating system support, or the one that the environment variable PYLSTM_ISA
 * names. NULL when PYLSTM_ISA names one that cannot run; why (may be NULL) then says so. */
PYLSTM_API const char *pylstm_isa(pylstm_error *why);

/* Whether kernels for an instruction set are in this build, and whether this machine runs them. [rt] */
PYLSTM_API int pylstm_isa_built(const char *isa);
PYLSTM_API int pylstm_isa_supported(const char *isa);

/* The instruction sets that pylstm knows, best first: the name at an index, NULL past the last one. [rt] */
PYLSTM_API const char *pylstm_isa_name(int index);

/* --- model ------------------------------------------------------------------------------------------------------------ */

/* Makes a model from the bytes of a model file (safetensors with the configuration in its metadata; docs/model-file.md), of
 * float32, bfloat16 or int8 weights. Everything is validated before anything is allocated, so the bytes may come from anyone.
 * They may be read-only, at any address, and freed afterwards. One allocation. why may be NULL.
 *
 * *model is for all threads at once; pylstm_model_destroy (NULL allowed) ends it, after its last stream. */
PYLSTM_API pylstm_status pylstm_model_create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why);
PYLSTM_API void pylstm_model_destroy(pylstm_model *model);

/* pylstm_model_create under another name: there is only one way in, from memory. */
PYLSTM_API pylstm_status pylstm_model_from_memory(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why);

/* The same on the caller's memory: *needed bytes, from a full validation of the file. It depends on the file, the version and
 * the width of pointers, not on the instruction set. */
PYLSTM_API pylstm_status pylstm_model_size(const void *bytes, size_t size, size_t *needed, pylstm_error *why);
PYLSTM_API pylstm_status pylstm_model_init(void *memory, size_t memory_size, const void *bytes, size_t size,
                                           pylstm_model **model, pylstm_error *why);

/* What a model is. [rt] */
PYLSTM_API int pylstm_model_sample_rate(const pylstm_model *model); /* Hz; 0 for a model without features */
PYLSTM_API int pylstm_model_hop_length(const pylstm_model *model);  /* samples from frame to frame; 0 without features */
PYLSTM_API int pylstm_model_n_features(const pylstm_model *model);  /* width of the frames that the first layer takes */
PYLSTM_API int pylstm_model_n_outputs(const pylstm_model *model);   /* width of one row of output */
PYLSTM_API int64_t pylstm_model_latency(const pylstm_model *model); /* the row of frame t comes out once t * hop_length +
                                                                       latency samples are in */
PYLSTM_API const char *pylstm_model_isa(const pylstm_model *model); /* the kernels it was packed for */
PYLSTM_API const char *pylstm_model_label(const pylstm_model *model, int output); /* NULL where the model has no labels */

/* Notes that the file carries for people and programs ("license", "detector.threshold"): the text of a key, NULL where there is
 * none; how many there are, and the key at an index, in the order of the file. [rt] */
PYLSTM_API const char *pylstm_model_info(const pylstm_model *model, const char *key);
PYLSTM_API int pylstm_model_n_info(const pylstm_model *model);
PYLSTM_API const char *pylstm_model_info_key(const pylstm_model *model, int index);

/* How posteriors of this model are turned into events (examples/embed_c/detector.h does it; pylstm.Detector in Python), from
 * the notes "detector.*", whatever the locale is: an event where the average over smoothing_frames rows reaches threshold, and
 * then none for refractory_frames. PYLSTM_BAD_MODEL, and why, if a number is missing or malformed, or the model has no features
 * or labels. */
PYLSTM_API pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames,
                                               int *refractory_frames, pylstm_error *why);

/* Whether an output stands for a label that is never reported ("silence"), by the note "detector.background". [rt] */
PYLSTM_API int pylstm_model_is_background(const pylstm_model *model, int output);

/* --- stream ----------------------------------------------------------------------------------------------------------- */

/* One source of audio at its beginning. One allocation; pylstm_stream_destroy (NULL allowed) ends it. */
PYLSTM_API pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream);
PYLSTM_API void pylstm_stream_destroy(pylstm_stream *stream);

/* The same on the caller's memory. [rt] */
PYLSTM_API size_t pylstm_stream_size(const pylstm_model *model);
PYLSTM_API pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model,
                                            pylstm_stream **stream);

/* How many rows a push of n_samples more samples would write; flush != 0: how many a push of them and then a flush. [rt] */
PYLSTM_API pylstm_status pylstm_stream_rows(pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows);

/* Takes n_samples of one channel, stride bytes apart (sizeof the type for plain mono, twice that for one side of interleaved
 * stereo, negative and 0 allowed), and writes one row of n_outputs floats for every frame that they complete. out has room for
 * out_rows rows; *rows is what was written. However audio is cut into pushes, the rows have the same bits. [rt] */
PYLSTM_API pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                            ptrdiff_t stride, float *out, size_t out_rows, size_t *rows);

/* The same for frames computed elsewhere: n_frames rows of n_features floats, row_stride bytes from row to row, values of a
 * row side by side. Writes n_frames rows. [rt] */
PYLSTM_API pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames,
                                                   ptrdiff_t row_stride, float *out, size_t out_rows, size_t *rows);

/* As push_frames, and every gate as the kernels used it: for each frame, for each LSTM cell of the model from the first up, i,
 * f, g, o, c, h with hidden_size floats each. trace has room for n_frames times pylstm_model_trace_width floats; NULL: no
 * trace, as push_frames. [rt] */
PYLSTM_API int64_t pylstm_model_trace_width(const pylstm_model *model);
PYLSTM_API pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames,
                                                    ptrdiff_t row_stride, float *out, size_t out_rows, size_t *rows,
                                                    float *trace);

/* The LSTM cells of a model, first layer first, and reading or setting what one of them remembers: hidden_size floats of h
 * (short-term memory) and of c (long-term memory). set refuses values that are not finite. [rt] */
PYLSTM_API int pylstm_model_cells(const pylstm_model *model);
PYLSTM_API int pylstm_model_hidden_size(const pylstm_model *model, int cell);
PYLSTM_API pylstm_status pylstm_stream_get_cell(pylstm_stream *stream, int cell, float *h, float *c);
PYLSTM_API pylstm_status pylstm_stream_set_cell(pylstm_stream *stream, int cell, const float *h, const float *c);

/* The end of the audio: pads as the features say and writes the frames that were still waiting. Only reset, restore and
 * the questions are answered afterwards. [rt] */
PYLSTM_API pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows);

/* Back to the state after create. [rt] */
PYLSTM_API pylstm_status pylstm_stream_reset(pylstm_stream *stream);

/* Samples (or, for a stream fed with frames, frames) taken, and rows written, since the last reset: as of the last call that
 * returned, so any thread may ask. [rt] */
PYLSTM_API int64_t pylstm_stream_position(const pylstm_stream *stream);
PYLSTM_API int64_t pylstm_stream_frames(const pylstm_stream *stream);

/* Everything that a stream remembers as one value of pylstm_snapshot_size bytes, independent of addresses: keep it, send it,
 * copy it. Restored into a stream of the same model it continues bit for bit on the same kernels. Restore checks every byte: a
 * snapshot may come from anyone. [rt] */
PYLSTM_API size_t pylstm_snapshot_size(const pylstm_model *model);
PYLSTM_API pylstm_status pylstm_stream_snapshot(pylstm_stream *stream, void *snapshot, size_t size);
PYLSTM_API pylstm_status pylstm_stream_restore(pylstm_stream *stream, const void *snapshot, size_t size);

/* Copies the state of one stream into another of the same model. [rt] */
PYLSTM_API pylstm_status pylstm_stream_copy(pylstm_stream *to, pylstm_stream *from);

/* --- batch: many streams through one pass over the weights --------------------------------------------------------------- */

/* One stream's part of a push. */
typedef struct pylstm_push {
    pylstm_stream *stream;   /* of the batch's model; each stream once */
    pylstm_sample_type type; /* PYLSTM_FRAMES: n frames, stride bytes from row to row */
    const void *data;
    size_t n; /* samples or frames; 0 is allowed */
    ptrdiff_t stride;
    float *out;
    size_t out_rows;
    size_t rows;          /* written by the push: rows in out */
    pylstm_status status; /* written by the push: what this part was refused for, PYLSTM_OK if it was not */
} pylstm_push;

/* Working memory for pushes into any streams of one model, which must outlive it. threads: how many work on a push, the calling
 * one included, at most 256; 1 is real-time safe, more means waiting for each other on locks. One push at a time per batch.
 * pylstm_batch_destroy (NULL allowed) ends it, and its threads. */
PYLSTM_API pylstm_status pylstm_batch_create(const pylstm_model *model, int threads, pylstm_batch **batch);
PYLSTM_API void pylstm_batch_destroy(pylstm_batch *batch);

/* The same on the caller's memory, with the calling thread alone. [rt] */
PYLSTM_API size_t pylstm_batch_size(const pylstm_model *model);
PYLSTM_API pylstm_status pylstm_batch_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_batch **batch);

/* What pylstm_stream_push or pylstm_stream_push_frames would do for each part, bit for bit, with the weights read once for all
 * streams that have a frame ready. All or nothing: if one part is refused, the first such status is returned, every part's
 * status says which it was, and no stream has changed. [rt with one thread] */
PYLSTM_API pylstm_status pylstm_batch_push(pylstm_batch *batch, pylstm_push *parts, size_t n_parts);

#ifdef __cplusplus
}
#endif
#endif
