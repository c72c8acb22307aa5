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
 *             model, which must outlive them. Pointers that calls give out (labels, info, names of parts) live as long as the
 *             model. Buffers handed to a call are the caller's, and are not looked at after it has returned. While it runs
 *             nobody may write into them. Where another thread writes into audio or frames all the same, rows are those of what
 *             was read, and NaN or infinity that came after the check counts as 0, so that the stream stays sound.
 * Threads     A model is immutable: any number of threads may use it at the same time. A stream has one user at a time: a call
 *             that meets another one in progress returns PYLSTM_BUSY at once and changes nothing; a batch likewise. Any number
 *             of streams run in parallel. No call may be in progress on an object that is being created or destroyed. The only
 *             global state is the environment variable PYLSTM_ISA, read when a model is made, and how often the process was
 *             forked. The comment of a function ends with one of:
 *             [any thread]   any number of threads at a time, also while others push;
 *             [one user]     one call at a time on a stream or batch: another one gets PYLSTM_BUSY;
 *             [owner]        no other call may be in progress on the object.
 * Fork        The child of a fork() uses all that it inherited, independently of its parent, and nothing waits for threads
 *             that are not there: the first push of a batch with threads starts them anew. A stream that another thread was
 *             using at that moment is half written in the child: calls return PYLSTM_INTERRUPTED until it is reset, restored
 *             or copied to. Outside of this promise are memory of *_init that processes share, a fork() in a signal handler
 * that interrupted one of these calls, and children that are made without fork() (clone(), _Fork()). Real time   Calls marked
 * [rt] allocate nothing, take no lock, make no system call, and their cost per frame has a bound that does not grow with the
 * length of the stream, also when they return an error. They need at most 32 KiB of stack; those that make a model need 64 KiB.
 * Errors      A call that returns anything but PYLSTM_OK has changed nothing, and left its outputs as they were (but *_create
 *             sets its result to NULL). PYLSTM_BAD_ARGUMENT is for NULL where an address is needed and for numbers
 *             out of range; comments name it only where it means more. Calls that return a number or a pointer instead of a
 *             status answer 0 or NULL where they are given NULL. Strings are UTF-8.
 * Versions    Within a major version (within 0.x: a minor one) calls, statuses and structs are added, never changed.
 *             pylstm_version() tells the version of the library that is linked, PYLSTM_VERSION_* that of the header that the
 *             program was compiled against.
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

/* The largest magnitude of a float sample that pylstm_stream_watch_scale lets pass: 24 dB above full scale, which is 1. */
#define PYLSTM_LARGEST_SAMPLE 16

/* Every object placed by *_init starts at a multiple of this many bytes. */
#define PYLSTM_ALIGNMENT 64

/* A static library needs none of these. PYLSTM_BUILD_SHARED is defined while a shared library is built; on Windows, programs
 * that use it define PYLSTM_USE_SHARED. */
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
    PYLSTM_OUT_TOO_SMALL = 6,     /* out has fewer rows than pylstm_stream_rows_due() gives, or a snapshot fewer bytes than
                                     pylstm_snapshot_size() */
    PYLSTM_BUSY = 7,              /* another thread is inside a call on this stream or batch */
    PYLSTM_FLUSHED = 8,           /* the stream has been flushed: reset it to begin anew */
    PYLSTM_WRONG_INPUT = 9,       /* audio for a model without features, or audio and frames mixed in one stream */
    PYLSTM_TOO_SHORT = 10,        /* flush with 1 to 8 frames and deltas on: a delta needs 9 frames */
    PYLSTM_SNAPSHOT_FOREIGN = 11, /* the snapshot was taken from a stream of another model or another version */
    PYLSTM_SNAPSHOT_DAMAGED = 12, /* the snapshot is cut, altered or impossible */
    PYLSTM_NOT_BUILT = 13,        /* the model needs what this build leaves out (docs/embedding.md) */
    PYLSTM_OFF_SCALE = 14,        /* float samples beyond PYLSTM_LARGEST_SAMPLE in a stream that watches for them */
    PYLSTM_INTERRUPTED = 15,      /* fork() left the stream half written: reset it, or restore a snapshot */
    PYLSTM_NEEDS_BATCH = 16       /* the stream was made for a batch, which it is pushed and flushed through */
} pylstm_status;

/* What went wrong, for people: filled by the calls that take one, always terminated. The caller owns it, and passes NULL where
 * it is not wanted. */
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
typedef struct pylstm_decision pylstm_decision;
typedef struct pylstm_listener pylstm_listener;

typedef enum pylstm_event_kind {
    PYLSTM_WORD = 1,          /* words: one was heard */
    PYLSTM_SEGMENT_START = 2, /* segments: somebody began to speak */
    PYLSTM_SEGMENT_END = 3,   /* segments: somebody stopped */
    PYLSTM_SYMBOL = 4         /* symbols: a unit of a transcript */
} pylstm_event_kind;

/* The offset of what is not over. */
#define PYLSTM_NOT_YET (-1.0)

/* What a decision says. Times are seconds from the beginning of the stream. */
typedef struct pylstm_event {
    pylstm_event_kind kind;
    int label;     /* the output */
    double time;   /* of the row on which it was decided; at the end of the audio, that of the row that would be next */
    double onset;  /* where it begins */
    double offset; /* where it ends; PYLSTM_NOT_YET for a start */
    double score;  /* the (smoothed) posterior, as docs/model-file.md says for each kind of decision */
} pylstm_event;

/* A setting of a decision: a key of docs/model-file.md without "decision.", and its value as it would stand there. */
typedef struct pylstm_setting {
    const char *key;
    const char *value;
} pylstm_setting;

/* A part of what the layers of a model remember (their state) or show of a step (their trace): floats side by side. */
typedef struct pylstm_layer_part {
    const char *kind; /* of the layer, as in the model file: "lstm" */
    const char *name; /* in a state "h" (short-term memory), "c" (long-term memory); in a trace the gates, too: "i", "f" ... */
    int layer;        /* the layer's index in the model */
    int cell;         /* which cell of the layer: 0 for the first of a stack or the only one */
    size_t offset;    /* where it begins: floats from the start of the whole state, or of one frame's trace */
    size_t size;      /* floats */
} pylstm_layer_part;

/* A node of a model: a layer and when it has rows. Time is counted in rows of the features, or in frames. */
typedef struct pylstm_node_info {
    const char *name; /* in the model file, or its place: "0" */
    const char *kind; /* of the layer, as in the model file: "lstm" */
    int positions;    /* a row has positions * channels floats */
    int channels;
    int64_t first; /* row j stands for row first + j * period of the features */
    int64_t period;
    int64_t look;      /* and is there once so many more of them are */
    size_t state_size; /* floats that a stream remembers for it, rows that it waits for included */
} pylstm_node_info;

/* A part of a row of output. */
typedef struct pylstm_output_part {
    const char *name; /* of the node that gives it, or "features" */
    int start;        /* its first float in the row */
    int size;         /* floats */
} pylstm_output_part;

/* --- library ---------------------------------------------------------------------------------------------------------- */

/* Says a status in words.
 *
 * Returns: one sentence in English, never NULL. [any thread] [rt] */
PYLSTM_API const char *pylstm_strerror(pylstm_status status);

/* Says which library is linked.
 *
 * Returns: its version, as "0.1.0". [any thread] [rt] */
PYLSTM_API const char *pylstm_version(void);

/* Tells which instruction set a model created now would use: the best one that this build contains and that both processor and
 * operating system support, or the one that the environment variable PYLSTM_ISA names.
 *
 *     why    may be NULL; says why the answer is NULL
 *
 * Returns: a name as pylstm_isa_name gives it ("scalar", "avx2" ...); NULL when PYLSTM_ISA names one that cannot run.
 * [any thread] */
PYLSTM_API const char *pylstm_isa(pylstm_error *why);

/* Tells whether kernels for an instruction set are in this build.
 *
 * Returns: 1 or 0. [any thread] [rt] */
PYLSTM_API int pylstm_isa_built(const char *isa);

/* Tells whether kernels for an instruction set are in this build and this machine runs them.
 *
 * Returns: 1 or 0. [any thread] [rt] */
PYLSTM_API int pylstm_isa_supported(const char *isa);

/* Lists the instruction sets that pylstm knows, best first.
 *
 *     index    from 0
 *
 * Returns: the name at the index; NULL past the last one. [any thread] [rt] */
PYLSTM_API const char *pylstm_isa_name(int index);

/* --- model ------------------------------------------------------------------------------------------------------------ */

/* Makes a model. Everything is validated before anything is allocated, so the bytes may come from anyone. One allocation.
 *
 *     bytes    a model file: safetensors with the configuration in its metadata (docs/model-file.md), of float32, bfloat16 or
 *              int8 weights; may be read-only and at any address, and may be freed afterwards
 *     model    receives the model, which all threads may share; pylstm_model_destroy ends it
 *     why      may be NULL; says which rule the file breaks
 *
 * Returns: PYLSTM_OK, PYLSTM_BAD_MODEL, PYLSTM_NOT_BUILT, PYLSTM_BAD_ISA or PYLSTM_NO_MEMORY. [any thread] */
PYLSTM_API pylstm_status pylstm_model_create(const void *bytes, size_t size, pylstm_model **model, pylstm_error *why);

/* Ends a model made by pylstm_model_create, after its last stream and batch. NULL is allowed. [owner] */
PYLSTM_API void pylstm_model_destroy(pylstm_model *model);

/* Measures a model for pylstm_model_init, by a validation of the file; settings of its decision are checked when it is made.
 *
 *     needed    receives bytes; they depend on the file, the version and the width of pointers, not on the instruction set
 *
 * Returns: as pylstm_model_create. [any thread] */
PYLSTM_API pylstm_status pylstm_model_size(const void *bytes, size_t size, size_t *needed, pylstm_error *why);

/* Makes a model, as pylstm_model_create does, in memory of the caller. No allocation.
 *
 *     memory    of at least pylstm_model_size bytes, at a multiple of PYLSTM_ALIGNMENT
 *
 * Returns: as pylstm_model_create. [any thread] */
PYLSTM_API pylstm_status pylstm_model_init(void *memory, size_t memory_size, const void *bytes, size_t size,
                                           pylstm_model **model, pylstm_error *why);

/* Returns: Hz of the audio that the model takes; 0 without features. [any thread] [rt] */
PYLSTM_API int pylstm_model_sample_rate(const pylstm_model *model);

/* Returns: samples from one row of output to the next, those that layers skip included; 0 without features. [any thread]
 * [rt] */
PYLSTM_API int pylstm_model_hop_length(const pylstm_model *model);

/* Returns: samples; row k of the output stands for sample first_sample + k * hop_length of the audio, counted from 0. Above 0
 * where layers wait for their first rows; 0 without features. [any thread] [rt] */
PYLSTM_API int64_t pylstm_model_first_sample(const pylstm_model *model);

/* Returns: width of the frames that the first layer takes. [any thread] [rt] */
PYLSTM_API int pylstm_model_n_features(const pylstm_model *model);

/* Returns: width of one row of output. [any thread] [rt] */
PYLSTM_API int pylstm_model_n_outputs(const pylstm_model *model);

/* Returns: samples; row k of the output comes out once first_sample + k * hop_length + latency of them are in. But where
 * padding reflects and n_fft is even, row 0 of the features waits for one more; and with deltas, rows 0 to 3 come with row 4.
 * [any thread] [rt] */
PYLSTM_API int64_t pylstm_model_latency(const pylstm_model *model);

/* Returns: the instruction set whose kernels the model was packed for. [any thread] [rt] */
PYLSTM_API const char *pylstm_model_isa(const pylstm_model *model);

/* Returns: the label of an output; NULL where the model has no labels or the output is out of range. [any thread] [rt] */
PYLSTM_API const char *pylstm_model_label(const pylstm_model *model, int output);

/* Finds a note that the file carries for people and programs.
 *
 *     key    as "license", "detector.threshold"
 *
 * Returns: its text; NULL where there is none. [any thread] [rt] */
PYLSTM_API const char *pylstm_model_info(const pylstm_model *model, const char *key);

/* Returns: how many notes there are. [any thread] [rt] */
PYLSTM_API int pylstm_model_n_info(const pylstm_model *model);

/* Returns: the key of a note, in the order of the file; NULL where index is out of range. [any thread] [rt] */
PYLSTM_API const char *pylstm_model_info_key(const pylstm_model *model, int index);

/* Reads the numbers of a decision "words", from a model's settings "decision.*" or else its notes "detector.*", whatever the
 * locale is. pylstm_decision_create takes more: a threshold for each label, and other kinds of decisions.
 *
 *     threshold            receives a number above 0 and at most 1
 *     smoothing_frames     receives 1 or more
 *     refractory_frames    receives 0 or more
 *     why                  may be NULL; names the note that is missing or malformed
 *
 * Returns: PYLSTM_OK; PYLSTM_BAD_MODEL where a note is missing or malformed, two labels are alike, the model has no features or
 * labels, or another kind of decision and no such notes. [any thread] */
PYLSTM_API pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames,
                                               int *refractory_frames, pylstm_error *why);

/* Tells whether an output stands for a label that is never reported ("silence"), by "decision.background" or the note
 * "detector.background".
 *
 * Returns: 1 or 0. [any thread] [rt] */
PYLSTM_API int pylstm_model_is_background(const pylstm_model *model, int output);

/* --- the graph --------------------------------------------------------------------------------------------------------------
 */

/* Returns: how many layers a model has. [any thread] [rt] */
PYLSTM_API int pylstm_model_n_nodes(const pylstm_model *model);

/* Describes a layer; the last one gives the outputs.
 *
 *     index    from 0, below pylstm_model_n_nodes
 *
 * Returns: PYLSTM_OK; PYLSTM_BAD_ARGUMENT where index is out of range. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_model_node(const pylstm_model *model, int index, pylstm_node_info *node);

/* Returns: how many parts a row of output has: as many as the last node joins side by side, or 1. [any thread] [rt] */
PYLSTM_API int pylstm_model_n_output_parts(const pylstm_model *model);

/* Describes a part of a row of output: where a model has several heads, each is one.
 *
 *     index    from 0, below pylstm_model_n_output_parts
 *
 * Returns: PYLSTM_OK; PYLSTM_BAD_ARGUMENT where index is out of range. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_model_output_part(const pylstm_model *model, int index, pylstm_output_part *part);

/* --- what the layers remember and show ----------------------------------------------------------------------------------- */

/* Returns: how many parts the state of a stream has: h and c of every LSTM cell, for instance. [any thread] [rt] */
PYLSTM_API int pylstm_model_n_state_parts(const pylstm_model *model);

/* Describes a part of the state that pylstm_stream_get_state reads. Parts stand in the order of the layers, of their cells, and
 * of what a cell of this kind has.
 *
 *     index    from 0, below pylstm_model_n_state_parts
 *
 * Returns: PYLSTM_OK; PYLSTM_BAD_ARGUMENT where index is out of range. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_model_state_part(const pylstm_model *model, int index, pylstm_layer_part *part);

/* Returns: floats of a whole state, the sizes of its parts together. [any thread] [rt] */
PYLSTM_API int64_t pylstm_model_state_width(const pylstm_model *model);

/* Returns: how many parts the trace of a frame has: i, f, g, o, c and h of every LSTM cell, for instance. [any thread] [rt] */
PYLSTM_API int pylstm_model_n_trace_parts(const pylstm_model *model);

/* Describes a part of the trace that pylstm_stream_trace_frames writes, as pylstm_model_state_part does for the state.
 *
 * Returns: PYLSTM_OK; PYLSTM_BAD_ARGUMENT where index is out of range. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_model_trace_part(const pylstm_model *model, int index, pylstm_layer_part *part);

/* Returns: floats of one frame's trace, the sizes of its parts together. [any thread] [rt] */
PYLSTM_API int64_t pylstm_model_trace_width(const pylstm_model *model);

/* --- stream ----------------------------------------------------------------------------------------------------------- */

/* Makes a stream: one source of audio at its beginning, with working memory of its own. One allocation; pylstm_stream_destroy
 * ends it.
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] */
PYLSTM_API pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream);

/* Ends a stream made by pylstm_stream_create. NULL is allowed. [owner] */
PYLSTM_API void pylstm_stream_destroy(pylstm_stream *stream);

/* Returns: bytes of a stream of this model. [any thread] [rt] */
PYLSTM_API size_t pylstm_stream_size(const pylstm_model *model);

/* Makes a stream, as pylstm_stream_create does, in memory of the caller.
 *
 *     memory    of at least pylstm_stream_size bytes, at a multiple of PYLSTM_ALIGNMENT
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model,
                                            pylstm_stream **stream);

/* Makes a stream that holds its state and nothing else, as one of many does: pylstm_batch_push, pylstm_batch_flush and
 * pylstm_batch_trace_frames give it working memory for as long as they run, and the same bits. All other calls take it as any
 * stream, but pylstm_stream_push, pylstm_stream_push_frames, pylstm_stream_trace_frames and pylstm_stream_flush return
 * PYLSTM_NEEDS_BATCH. One allocation; pylstm_stream_destroy ends it.
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] */
PYLSTM_API pylstm_status pylstm_stream_create_for_batch(const pylstm_model *model, pylstm_stream **stream);

/* Returns: bytes of such a stream of this model: what each of many takes. [any thread] [rt] */
PYLSTM_API size_t pylstm_stream_size_for_batch(const pylstm_model *model);

/* Makes a stream, as pylstm_stream_create_for_batch does, in memory of the caller.
 *
 *     memory    of at least pylstm_stream_size_for_batch bytes, at a multiple of PYLSTM_ALIGNMENT
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_stream_init_for_batch(void *memory, size_t memory_size, const pylstm_model *model,
                                                      pylstm_stream **stream);

/* Counts the rows that a push would write now, to make room for them.
 *
 *     n_samples    samples of that push
 *     flush        not 0: the rows of a flush after it are counted too, as for a whole recording
 *     rows         receives the number
 *
 * Returns: PYLSTM_OK, or the status with which the push or the flush would be refused; room and sample values are not checked.
 * [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_rows_due(pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows);

/* The same for a push of n_frames frames. A model whose layers take every n-th frame, or look ahead, does not give a row for
 * each. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_frame_rows_due(pylstm_stream *stream, size_t n_frames, int flush, int64_t *rows);

/* Takes audio and writes one row of n_outputs floats for every frame that it completes. However audio is cut into pushes, the
 * rows have the same bits.
 *
 *     type        PYLSTM_FLOAT32 or PYLSTM_INT16
 *     pcm         n_samples of one channel, at any address
 *     stride      bytes from sample to sample: sizeof the type for plain mono, twice that for one side of interleaved stereo;
 *                 negative and 0 allowed
 *     out         room for out_rows rows
 *     rows        receives how many were written
 *
 * Returns: PYLSTM_OK, PYLSTM_NOT_FINITE, PYLSTM_OUT_TOO_SMALL, PYLSTM_FLUSHED, PYLSTM_WRONG_INPUT, or PYLSTM_OFF_SCALE after
 * pylstm_stream_watch_scale. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                            ptrdiff_t stride, float *out, size_t out_rows, size_t *rows);

/* Lets a stream watch for float samples that are not audio from -1 to 1, such as 16-bit values that were converted to float but
 * not divided by 32768: a model hears nothing in them. A push with a sample beyond PYLSTM_LARGEST_SAMPLE is then refused with
 * PYLSTM_OFF_SCALE, alone or in a batch. A new stream does not watch; reset, snapshot, restore and copy leave it as it is.
 * Silence on another scale stays below the limit and is not noticed.
 *
 *     watch    not 0: watch; 0: take every finite sample
 *
 * Returns: PYLSTM_OK. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_watch_scale(pylstm_stream *stream, int watch);

/* Takes frames that were computed elsewhere and writes the rows that they complete: one for each, where no layer has a window.
 *
 *     frames        n_frames rows of n_features floats, the values of a row side by side, at any address
 *     row_stride    bytes from row to row
 *     out, rows     as in pylstm_stream_push
 *
 * Returns: as pylstm_stream_push. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames,
                                                   ptrdiff_t row_stride, float *out, size_t out_rows, size_t *rows);

/* Does what pylstm_stream_push_frames does, and writes the trace: every gate as the kernels used it.
 *
 *     trace    room for n_frames times pylstm_model_trace_width floats, a frame after the other, the parts of a frame as
 *              pylstm_model_trace_part says; NULL: no trace
 *
 * Returns: as pylstm_stream_push. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames,
                                                    ptrdiff_t row_stride, float *out, size_t out_rows, size_t *rows,
                                                    float *trace);

/* Ends the audio: pads it as the features say and writes the rows of the frames that were still waiting. Afterwards the stream
 * answers questions and takes reset and restore, nothing else.
 *
 *     out, rows    as in pylstm_stream_push
 *
 * Returns: PYLSTM_OK, PYLSTM_OUT_TOO_SMALL, PYLSTM_FLUSHED or PYLSTM_TOO_SHORT. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows);

/* Brings a stream back to where it was made.
 *
 * Returns: PYLSTM_OK. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_reset(pylstm_stream *stream);

/* Brings a stream back to where it was made, except for the loudest value that the features have met. A second pass over the
 * same recording then clamps (top_db) against the maximum of the whole, as librosa does with whole signals: push, flush,
 * reset_keep_peak, push, flush. Without top_db it is pylstm_stream_reset.
 *
 * Returns: PYLSTM_OK. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_reset_keep_peak(pylstm_stream *stream);

/* Returns: samples (or, for a stream fed with frames, frames) taken since the last reset, as of the last call that returned.
 * [any thread] [rt] */
PYLSTM_API int64_t pylstm_stream_position(const pylstm_stream *stream);

/* Returns: rows written since the last reset, as of the last call that returned. [any thread] [rt] */
PYLSTM_API int64_t pylstm_stream_rows_written(const pylstm_stream *stream);

/* Reads what the layers remember, all parts at one moment. What the features remember is in snapshots only.
 *
 *     values    receives pylstm_model_state_width floats, parts as pylstm_model_state_part says
 *
 * Returns: PYLSTM_OK; PYLSTM_OUT_TOO_SMALL where n_values is less than that. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_get_state(pylstm_stream *stream, float *values, size_t n_values);

/* Sets what the layers remember, all parts at one moment, at any point of a stream.
 *
 *     values    exactly pylstm_model_state_width finite floats, parts as pylstm_model_state_part says
 *
 * Returns: PYLSTM_OK or PYLSTM_NOT_FINITE. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_set_state(pylstm_stream *stream, const float *values, size_t n_values);

/* Returns: bytes of a snapshot of a stream of this model. [any thread] [rt] */
PYLSTM_API size_t pylstm_snapshot_size(const pylstm_model *model);

/* Writes everything that a stream remembers as one value, independent of addresses: keep it, send it, copy it.
 *
 *     snapshot    receives pylstm_snapshot_size bytes
 *
 * Returns: PYLSTM_OK; PYLSTM_OUT_TOO_SMALL where size is less than that. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_snapshot(pylstm_stream *stream, void *snapshot, size_t size);

/* Continues where a snapshot was taken: bit for bit on the same kernels. Every byte is checked: a snapshot may come from
 * anyone.
 *
 *     snapshot    of a stream of the same model; size bytes, exactly as many as it has
 *
 * Returns: PYLSTM_OK, PYLSTM_SNAPSHOT_FOREIGN or PYLSTM_SNAPSHOT_DAMAGED. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_stream_restore(pylstm_stream *stream, const void *snapshot, size_t size);

/* Copies everything that one stream remembers into another one of the same model.
 *
 * Returns: PYLSTM_OK or PYLSTM_SNAPSHOT_FOREIGN. [one user, of both] [rt] */
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
    pylstm_status status; /* written by the push: why this part was refused, PYLSTM_OK if it was not */
} pylstm_push;

/* Makes a batch: working memory for calls on any streams of one model, for each of its threads. pylstm_batch_destroy ends it,
 * and its threads.
 *
 *     threads    how many threads work on a push, the calling one included: 1 to 256; 1 is real-time safe, more threads wait
 *                for each other on locks
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] */
PYLSTM_API pylstm_status pylstm_batch_create(const pylstm_model *model, int threads, pylstm_batch **batch);

/* Ends a batch made by pylstm_batch_create. NULL is allowed. [owner] */
PYLSTM_API void pylstm_batch_destroy(pylstm_batch *batch);

/* Returns: bytes of a batch of this model with the calling thread alone. [any thread] [rt] */
PYLSTM_API size_t pylstm_batch_size(const pylstm_model *model);

/* Makes a batch with the calling thread alone, in memory of the caller.
 *
 *     memory    of at least pylstm_batch_size bytes, at a multiple of PYLSTM_ALIGNMENT
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_batch_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_batch **batch);

/* Does what pylstm_stream_push or pylstm_stream_push_frames would do for each part, bit for bit, with the weights read once for
 * all streams that have a frame ready. All or nothing: if one part is refused, no stream has changed.
 *
 *     parts    n_parts of them; rows and status of each are written
 *
 * Returns: PYLSTM_OK, or the status of the first part that was refused; every part has its own status. PYLSTM_NO_MEMORY with
 * no part refused: in the child of a fork() the threads of the batch could not be started anew; the next push tries again.
 * [one user, of the batch and of every stream] [rt with one thread] */
PYLSTM_API pylstm_status pylstm_batch_push(pylstm_batch *batch, pylstm_push *parts, size_t n_parts);

/* Does what pylstm_stream_flush does, with working memory of the batch.
 *
 *     stream    of the batch's model
 *
 * Returns: as pylstm_stream_flush; PYLSTM_BUSY also where the batch is in use. [one user, of both] [rt] */
PYLSTM_API pylstm_status pylstm_batch_flush(pylstm_batch *batch, pylstm_stream *stream, float *out, size_t out_rows,
                                            size_t *rows);

/* Does what pylstm_stream_trace_frames does, with working memory of the batch.
 *
 *     stream    of the batch's model
 *
 * Returns: as pylstm_stream_trace_frames; PYLSTM_BUSY also where the batch is in use. [one user, of both] [rt] */
PYLSTM_API pylstm_status pylstm_batch_trace_frames(pylstm_batch *batch, pylstm_stream *stream, const float *frames,
                                                   size_t n_frames, ptrdiff_t row_stride, float *out, size_t out_rows,
                                                   size_t *rows, float *trace);

/* --- decision: how rows become events ------------------------------------------------------------------------------------ */

/* Makes the decision of a model: its settings in the file, each replaced by the one of the same key that is given here. All are
 * checked, and never change afterwards. One allocation; pylstm_decision_destroy ends it, after its last listener.
 *
 * Rows count as probabilities, which is the model's affair: nothing here keeps the values of a linear last layer from 0 to 1,
 * and scores are what they are. pylstm info says it of a model.
 *
 *     settings    n_settings of them, each key once; NULL where there are none. {"threshold", "0.4"} holds for all labels,
 *                 {"threshold.3", "0.4"} for output 3; {"kind", "segments"} makes another decision than the file's
 *     why         may be NULL; says which setting is wrong
 *
 * Returns: PYLSTM_OK, PYLSTM_NO_MEMORY; PYLSTM_BAD_ARGUMENT where a setting that was given is wrong or missing;
 * PYLSTM_BAD_MODEL where one of the file is, or two labels are alike. [any thread] */
PYLSTM_API pylstm_status pylstm_decision_create(const pylstm_model *model, const pylstm_setting *settings, size_t n_settings,
                                                pylstm_decision **decision, pylstm_error *why);

/* Makes a decision for rows that come from elsewhere.
 *
 *     labels         n_outputs of them, or NULL: the outputs have no names, and settings call them 0, 1 ...
 *     n_outputs      width of a row, 1 to 65,536
 *     hop_seconds    from row to row, above 0, at most 3,600
 *
 * Returns: as pylstm_decision_create. [any thread] */
PYLSTM_API pylstm_status pylstm_decision_create_for_rows(const char *const *labels, int n_outputs, double hop_seconds,
                                                         const pylstm_setting *settings, size_t n_settings,
                                                         pylstm_decision **decision, pylstm_error *why);

/* Ends a decision made by one of these. NULL is allowed. [owner] */
PYLSTM_API void pylstm_decision_destroy(pylstm_decision *decision);

/* Measures a decision for pylstm_decision_init.
 *
 *     needed    receives bytes
 *
 * Returns: as pylstm_decision_create. [any thread] */
PYLSTM_API pylstm_status pylstm_decision_size(const pylstm_model *model, const pylstm_setting *settings, size_t n_settings,
                                              size_t *needed, pylstm_error *why);

/* Makes a decision, as pylstm_decision_create does, in memory of the caller. No allocation.
 *
 *     memory    of at least pylstm_decision_size bytes, at a multiple of PYLSTM_ALIGNMENT
 *
 * Returns: as pylstm_decision_create. [any thread] */
PYLSTM_API pylstm_status pylstm_decision_init(void *memory, size_t memory_size, const pylstm_model *model,
                                              const pylstm_setting *settings, size_t n_settings, pylstm_decision **decision,
                                              pylstm_error *why);

/* Returns: its kind: "words", "segments" or "symbols". [any thread] [rt] */
PYLSTM_API const char *pylstm_decision_kind_of(const pylstm_decision *decision);

/* Lists the settings in force, but for those of single labels.
 *
 *     index    from 0
 *     key      receives the key
 *     value    receives a number; of a choice its place in the list of docs/model-file.md, of a label its output, of "none"
 * 1e300
 *
 * Returns: PYLSTM_OK; PYLSTM_BAD_ARGUMENT where index is out of range. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_decision_setting(const pylstm_decision *decision, int index, const char **key, double *value);

/* Returns: the threshold of an output in a decision "words"; 0 where it is never reported, or the kind is another.
 * [any thread] [rt] */
PYLSTM_API double pylstm_decision_threshold(const pylstm_decision *decision, int output);

/* --- listener: a stream and its decision in one state -------------------------------------------------------------------- */

/* Makes a listener: one source of audio (or, for pylstm_decision_create_for_rows, of rows) at its beginning. One allocation;
 * pylstm_listener_destroy ends it.
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] */
PYLSTM_API pylstm_status pylstm_listener_create(const pylstm_decision *decision, pylstm_listener **listener);

/* Ends a listener made by pylstm_listener_create. NULL is allowed. [owner] */
PYLSTM_API void pylstm_listener_destroy(pylstm_listener *listener);

/* Returns: bytes of a listener; SIZE_MAX where no machine has so many. [any thread] [rt] */
PYLSTM_API size_t pylstm_listener_size(const pylstm_decision *decision);

/* Makes a listener, as pylstm_listener_create does, in memory of the caller.
 *
 *     memory    of at least pylstm_listener_size bytes, at a multiple of PYLSTM_ALIGNMENT
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_listener_init(void *memory, size_t memory_size, const pylstm_decision *decision,
                                              pylstm_listener **listener);

/* Makes a listener that holds its state and nothing else, as pylstm_stream_create_for_batch makes a stream: it is pushed
 * through pylstm_batch_listen and ended through pylstm_batch_flush_listener, while pylstm_listener_push and
 * pylstm_listener_flush return PYLSTM_NEEDS_BATCH. A listener of rows from elsewhere never holds more, and needs no batch.
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] */
PYLSTM_API pylstm_status pylstm_listener_create_for_batch(const pylstm_decision *decision, pylstm_listener **listener);

/* Returns: bytes of such a listener; SIZE_MAX where no machine has so many. [any thread] [rt] */
PYLSTM_API size_t pylstm_listener_size_for_batch(const pylstm_decision *decision);

/* Makes a listener, as pylstm_listener_create_for_batch does, in memory of the caller.
 *
 *     memory    of at least pylstm_listener_size_for_batch bytes, at a multiple of PYLSTM_ALIGNMENT
 *
 * Returns: PYLSTM_OK or PYLSTM_NO_MEMORY. [any thread] [rt] */
PYLSTM_API pylstm_status pylstm_listener_init_for_batch(void *memory, size_t memory_size, const pylstm_decision *decision,
                                                        pylstm_listener **listener);

/* Counts what a push could give now, to make room for it.
 *
 *     type         PYLSTM_FLOAT32, PYLSTM_INT16, PYLSTM_FRAMES
 *     n            samples or frames of that push
 *     flush        not 0: what a flush after it gives is counted too
 *     rows         receives how many rows
 *     events       receives how many events at most
 *
 * Returns: PYLSTM_OK, or the status with which the push or the flush would be refused; room and sample values are not checked.
 * [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_due(pylstm_listener *listener, pylstm_sample_type type, size_t n, int flush,
                                             uint64_t *rows, uint64_t *events);

/* One listener's part of a push. */
typedef struct pylstm_hearing {
    pylstm_listener *listener;
    pylstm_sample_type type; /* PYLSTM_FRAMES: n frames, stride bytes from row to row */
    const void *data;
    size_t n; /* samples or frames; 0 is allowed */
    ptrdiff_t stride;
    pylstm_event *events; /* room for max_events: as many as pylstm_listener_due says */
    size_t max_events;
    float *out; /* room for out_rows rows of posteriors; NULL with out_rows 0: they are not wanted */
    size_t out_rows;
    size_t n_events;      /* written by the push: events, in the order in which they were decided */
    size_t rows;          /* written by the push: rows that the audio completed */
    pylstm_status status; /* written by the push: why this part was refused, PYLSTM_OK if it was not */
} pylstm_hearing;

/* Takes audio or frames, as pylstm_stream_push does, and gives events. However audio is cut into pushes, the events are the
 * same, and their times and scores have the same bits.
 *
 * Returns: as pylstm_stream_push; PYLSTM_OUT_TOO_SMALL also where max_events is too small. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_push(pylstm_hearing *part);

/* Does what pylstm_listener_push would do for each part, bit for bit, with the weights read once for all. All or nothing, as
 * pylstm_batch_push.
 *
 *     batch    of the listeners' model
 *     parts    n_parts of them, each listener once
 *
 * Returns: as pylstm_batch_push. [one user, of the batch and of every listener] [rt with one thread] */
PYLSTM_API pylstm_status pylstm_batch_listen(pylstm_batch *batch, pylstm_hearing *parts, size_t n_parts);

/* Takes rows that come from elsewhere into a listener of pylstm_decision_create_for_rows.
 *
 *     rows          n_rows rows of n_outputs floats, the values of a row side by side, at any address
 *     row_stride    bytes from row to row
 *     events        room for max_events events
 *     n_events      receives how many were written
 *
 * Returns: PYLSTM_OK, PYLSTM_NOT_FINITE, PYLSTM_OUT_TOO_SMALL, PYLSTM_FLUSHED; PYLSTM_WRONG_INPUT for a listener of a model.
 * [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_push_rows(pylstm_listener *listener, const float *rows, size_t n_rows,
                                                   ptrdiff_t row_stride, pylstm_event *events, size_t max_events,
                                                   size_t *n_events);

/* Ends the audio, as pylstm_stream_flush does, and gives what was still waiting to be decided. Afterwards the listener answers
 * questions and takes reset and restore, nothing else.
 *
 *     events, max_events, n_events    as in pylstm_listener_push_rows
 *     out, out_rows, rows             as in pylstm_stream_flush; or NULL, 0 and NULL: rows are not wanted
 *
 * Returns: as pylstm_stream_flush. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_flush(pylstm_listener *listener, pylstm_event *events, size_t max_events,
                                               size_t *n_events, float *out, size_t out_rows, size_t *rows);

/* Does what pylstm_listener_flush does, with working memory of the batch.
 *
 *     listener    of the batch's model
 *
 * Returns: as pylstm_listener_flush; PYLSTM_WRONG_INPUT for a listener of rows from elsewhere; PYLSTM_BUSY also where the
 * batch is in use. [one user, of both] [rt] */
PYLSTM_API pylstm_status pylstm_batch_flush_listener(pylstm_batch *batch, pylstm_listener *listener, pylstm_event *events,
                                                     size_t max_events, size_t *n_events, float *out, size_t out_rows,
                                                     size_t *rows);

/* Brings a listener back to where it was made.
 *
 * Returns: PYLSTM_OK. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_reset(pylstm_listener *listener);

/* Does for a listener what pylstm_stream_watch_scale does for a stream.
 *
 * Returns: PYLSTM_OK; PYLSTM_WRONG_INPUT for a listener of rows from elsewhere. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_watch_scale(pylstm_listener *listener, int watch);

/* Returns: samples (frames, or rows where those come from elsewhere) taken since the last reset, as of the last call that
 * returned. [any thread] [rt] */
PYLSTM_API int64_t pylstm_listener_position(const pylstm_listener *listener);

/* Returns: rows that were decided on since the last reset, as of the last call that returned. [any thread] [rt] */
PYLSTM_API int64_t pylstm_listener_rows(const pylstm_listener *listener);

/* Returns: bytes of a snapshot of a listener. [any thread] [rt] */
PYLSTM_API size_t pylstm_listener_snapshot_size(const pylstm_decision *decision);

/* Writes everything that a listener remembers as one value: what its stream remembers, and what its decision does.
 *
 *     snapshot    receives pylstm_listener_snapshot_size bytes
 *
 * Returns: PYLSTM_OK; PYLSTM_OUT_TOO_SMALL where size is less than that. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_snapshot(pylstm_listener *listener, void *snapshot, size_t size);

/* Continues where a snapshot was taken, as pylstm_stream_restore does.
 *
 *     snapshot    of a listener of the same model whose decision has the same settings; size bytes, exactly as many as it has
 *
 * Returns: PYLSTM_OK, PYLSTM_SNAPSHOT_FOREIGN or PYLSTM_SNAPSHOT_DAMAGED. [one user] [rt] */
PYLSTM_API pylstm_status pylstm_listener_restore(pylstm_listener *listener, const void *snapshot, size_t size);

/* Copies everything that one listener remembers into another one of the same model and settings.
 *
 * Returns: PYLSTM_OK or PYLSTM_SNAPSHOT_FOREIGN. [one user, of both] [rt] */
PYLSTM_API pylstm_status pylstm_listener_copy(pylstm_listener *to, pylstm_listener *from);

#ifdef __cplusplus
}
#endif
#endif
