/* The core, driven by benchmarks: one model, commands on standard input, one line of JSON back for each.
 *
 *     core MODEL-FILE
 *
 *     frames PATH      float32 rows of n_features: what step and sequence feed, over and over
 *     audio PATH       float32 samples: what hop, whole and latency feed, over and over
 *     streams N        N streams take turns from here on (1 at the start)
 *     step N           N calls of one frame
 *     sequence N       N calls of all frames
 *     hop SAMPLES N    N calls of so many samples
 *     batch SAMPLES N  N passes in which every stream gets so many samples, or one frame if 0
 *     whole N          N times all the audio in one call, a flush and a reset
 *     read BYTES N     N times reading so many bytes where the model lies, and nothing else
 *     latency SAMPLES N PATH     every hop on its own, see below
 *     outputs PATH     the rows that the frames, or else the audio, give from the beginning, as float32
 *
 * A timed command first runs an eighth of its calls untimed, so that caches hold what this contender needs instead of what the
 * one before it left; {"seconds": ...} is for the N calls after that.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* RUSAGE_THREAD */
#endif
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "core_reading.h"
#include "pylstm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ROWS_A_PART 4 /* of a stream in one pass of a batch */

typedef struct bench {
    char *memory; /* of the model: given to pylstm_model_init, so that reading it reads the very pages the kernels read */
    size_t memory_size;
    pylstm_model *model;
    pylstm_stream **streams;
    size_t n_streams, turn;
    float *frames, *audio, *out;
    size_t n_frames, n_samples, out_rows;
    size_t next_frame, next_sample;
    pylstm_batch *batch;
    pylstm_push *parts; /* one a stream */
    float *parts_out;   /* ROWS_A_PART rows each */
} bench;

static void die(const char *what, const char *why) {
    fprintf(stderr, "core: %s: %s\n", what, why);
    exit(1);
}

static void must(pylstm_status status, const char *what) {
    if (status)
        die(what, pylstm_strerror(status));
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *aligned(size_t size) {
    void *memory = aligned_alloc(64, (size + 127) / 64 * 64);
    if (!memory)
        die("memory", "none left");
    memset(memory, 0, size); /* every page is there before anything is timed */
    return memory;
}

static void *contents(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes;
    long end;
    if (!file)
        die(path, "cannot be opened");
    fseek(file, 0, SEEK_END);
    end = ftell(file);
    rewind(file);
    bytes = aligned((size_t)end);
    *size = fread(bytes, 1, (size_t)end, file);
    fclose(file);
    return bytes;
}

static void store(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        die(path, "cannot be written");
}

static volatile uint64_t sink; /* what was read is used, so that it is read */

/* --- calls ------------------------------------------------------------------------------------------------------------ */

static pylstm_stream *next_stream(bench *b) {
    pylstm_stream *stream = b->streams[b->turn];
    b->turn = b->turn + 1 < b->n_streams ? b->turn + 1 : 0;
    return stream;
}

static void set_streams(bench *b, size_t n) {
    size_t k;
    for (k = 0; k < b->n_streams; k++)
        pylstm_stream_destroy(b->streams[k]);
    free(b->streams);
    b->streams = malloc(n * sizeof *b->streams);
    if (!n || !b->streams)
        die("streams", "expected some, and memory for them");
    for (k = 0; k < n; k++)
        must(pylstm_stream_create(b->model, &b->streams[k]), "stream");
    b->n_streams = n;
    b->turn = 0;
}

static void step(bench *b) {
    const size_t width = (size_t)pylstm_model_n_features(b->model);
    size_t rows;
    must(pylstm_stream_push_frames(next_stream(b), b->frames + b->next_frame * width, 1, 0, b->out, 1, &rows), "step");
    b->next_frame = b->next_frame + 1 < b->n_frames ? b->next_frame + 1 : 0;
}

static void sequence(bench *b) {
    const ptrdiff_t stride = (ptrdiff_t)sizeof(float) * pylstm_model_n_features(b->model);
    size_t rows;
    must(pylstm_stream_push_frames(next_stream(b), b->frames, b->n_frames, stride, b->out, b->out_rows, &rows), "sequence");
}

static void hop(bench *b, size_t n_samples) {
    size_t rows;
    if (b->next_sample + n_samples > b->n_samples)
        b->next_sample = 0;
    must(pylstm_stream_push(b->streams[b->turn], PYLSTM_FLOAT32, b->audio + b->next_sample, n_samples, sizeof(float), b->out,
                            b->out_rows, &rows),
         "hop");
    /* Streams that take turns all hear the same samples. */
    next_stream(b);
    if (!b->turn)
        b->next_sample += n_samples;
}

/* Working memory for passes of all streams. */
static void set_batch(bench *b) {
    const size_t width = (size_t)pylstm_model_n_outputs(b->model);
    size_t k;
    if (!b->batch)
        must(pylstm_batch_create(b->model, 1, &b->batch), "batch");
    free(b->parts);
    free(b->parts_out);
    b->parts = aligned(b->n_streams * sizeof *b->parts);
    b->parts_out = aligned(b->n_streams * ROWS_A_PART * width * sizeof(float));
    for (k = 0; k < b->n_streams; k++) {
        b->parts[k].stream = b->streams[k];
        b->parts[k].out = b->parts_out + k * ROWS_A_PART * width;
        b->parts[k].out_rows = ROWS_A_PART;
    }
}

/* One pass; streams get frames of their own, as far as there are some, and all the same samples. */
static void batch(bench *b, size_t n_samples) {
    const size_t width = (size_t)pylstm_model_n_features(b->model);
    size_t k;
    if (b->next_sample + n_samples > b->n_samples)
        b->next_sample = 0;
    for (k = 0; k < b->n_streams; k++) {
        pylstm_push *part = &b->parts[k];
        part->type = n_samples ? PYLSTM_FLOAT32 : PYLSTM_FRAMES;
        part->data = n_samples ? b->audio + b->next_sample : b->frames + b->next_frame * width;
        part->n = n_samples ? n_samples : 1;
        part->stride = n_samples ? (ptrdiff_t)sizeof(float) : (ptrdiff_t)(width * sizeof(float));
        if (!n_samples)
            b->next_frame = b->next_frame + 1 < b->n_frames ? b->next_frame + 1 : 0;
    }
    must(pylstm_batch_push(b->batch, b->parts, b->n_streams), "batch");
    b->next_sample += n_samples;
}

/* A whole recording, as Model.run() does it; the number of rows. */
static size_t whole(bench *b) {
    pylstm_stream *stream = b->streams[0];
    size_t rows, rest;
    const size_t width = (size_t)pylstm_model_n_outputs(b->model);
    must(pylstm_stream_reset(stream), "reset"); /* hops may have left it in the middle of something */
    must(pylstm_stream_push(stream, PYLSTM_FLOAT32, b->audio, b->n_samples, sizeof(float), b->out, b->out_rows, &rows), "push");
    must(pylstm_stream_flush(stream, b->out + rows * width, b->out_rows - rows, &rest), "flush");
    must(pylstm_stream_reset(stream), "reset");
    return rows + rest;
}

/* Room for the rows of everything that has been loaded. */
static void make_room(bench *b) {
    int64_t rows = 0;
    if (b->n_samples)
        must(pylstm_stream_rows_due(b->streams[0], b->n_samples, 1, &rows), "rows");
    b->out_rows = (size_t)rows > b->n_frames ? (size_t)rows : b->n_frames;
    free(b->out);
    b->out = aligned((b->out_rows + 1) * (size_t)pylstm_model_n_outputs(b->model) * sizeof(float));
}

static void outputs(bench *b, const char *path) {
    size_t rows = b->n_frames;
    must(pylstm_stream_reset(b->streams[0]), "reset");
    b->turn = 0;
    if (b->n_frames) {
        sequence(b);
        must(pylstm_stream_reset(b->streams[0]), "reset");
    } else {
        rows = whole(b);
    }
    b->turn = 0;
    store(path, b->out, rows * (size_t)pylstm_model_n_outputs(b->model) * sizeof(float));
}

/* --- latency ---------------------------------------------------------------------------------------------------------- */

static long interruptions(void) {
#ifdef RUSAGE_THREAD
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
#else
    return 0;
#endif
}

/* Every hop timed on its own, each followed by a control: reading memory for about as long. What the machine does to anybody it
 * does to the control, too; what only the hops show is the engine's. Three uint32 a hop go to the file: nanoseconds of the hop,
 * nanoseconds of the control, and whether the scheduler took the processor away meanwhile (1: from the hop, 2: the control). */
static void latency(bench *b, size_t n_samples, size_t n, const char *path) {
    uint32_t *record = aligned(3 * n * sizeof *record);
    const size_t some = b->memory_size / 512 * 512 < 16384 ? b->memory_size / 512 * 512 : 16384;
    uint64_t (*read)(const char *, size_t) = reader(pylstm_model_isa(b->model));
    double t, one_hop = 1, one_read = 1;
    size_t k, passes, i;
    for (k = 0; k < 100; k++)
        hop(b, n_samples);
    /* The quickest of a few: an interruption here would give a control that is far too short or too long. */
    for (i = 0; i < 20; i++) {
        for (t = now(), k = 0; k < 20; k++)
            hop(b, n_samples);
        t = (now() - t) / 20;
        one_hop = t < one_hop ? t : one_hop;
        for (t = now(), k = 0; k < 200; k++)
            sink |= read(b->memory, some);
        t = (now() - t) / 200;
        one_read = t < one_read ? t : one_read;
    }
    passes = (size_t)(one_hop / one_read) + 1;
    for (k = 0; k < n; k++) {
        const long before = interruptions();
        long between;
        t = now();
        hop(b, n_samples);
        record[3 * k] = (uint32_t)(1e9 * (now() - t));
        between = interruptions();
        t = now();
        for (i = 0; i < passes; i++)
            sink |= read(b->memory, some);
        record[3 * k + 1] = (uint32_t)(1e9 * (now() - t));
        record[3 * k + 2] = (uint32_t)(between != before) + 2 * (uint32_t)(interruptions() != between);
    }
    store(path, record, 3 * n * sizeof *record);
    free(record);
}

/* --- commands --------------------------------------------------------------------------------------------------------- */

static double timed(bench *b, char verb, size_t size, size_t n) {
    uint64_t (*read)(const char *, size_t) = reader(pylstm_model_isa(b->model));
    const size_t untimed = n / 8 + 1;
    double begin = now();
    size_t k;
    for (k = 0; k < untimed + n; k++) {
        if (k == untimed)
            begin = now();
        if (verb == 's') {
            step(b);
        } else if (verb == 'q') {
            sequence(b);
        } else if (verb == 'h') {
            hop(b, size);
        } else if (verb == 'b') {
            batch(b, size);
        } else if (verb == 'w') {
            whole(b);
        } else {
            sink |= read(b->memory, size);
        }
    }
    return now() - begin;
}

static void obey(bench *b, char *line) {
    char path[2000] = "";
    size_t size = 0, n = 0;
    double seconds = 0;
    if (sscanf(line, "frames %1999[^\n]", path) == 1) {
        b->frames = contents(path, &size);
        b->n_frames = size / sizeof(float) / (size_t)pylstm_model_n_features(b->model);
        make_room(b);
    } else if (sscanf(line, "audio %1999[^\n]", path) == 1) {
        b->audio = contents(path, &size);
        b->n_samples = size / sizeof(float);
        make_room(b);
    } else if (sscanf(line, "streams %zu", &n) == 1) {
        set_streams(b, n);
    } else if (sscanf(line, "step %zu", &n) == 1 && b->n_frames) {
        seconds = timed(b, 's', 0, n);
    } else if (sscanf(line, "sequence %zu", &n) == 1 && b->n_frames) {
        seconds = timed(b, 'q', 0, n);
    } else if (sscanf(line, "hop %zu %zu", &size, &n) == 2 && b->n_samples >= size) {
        seconds = timed(b, 'h', size, n);
    } else if (sscanf(line, "batch %zu %zu", &size, &n) == 2 && (size ? b->n_samples >= size : b->n_frames > 0)) {
        set_batch(b);
        seconds = timed(b, 'b', size, n);
    } else if (sscanf(line, "whole %zu", &n) == 1 && b->n_samples) {
        seconds = timed(b, 'w', 0, n);
    } else if (sscanf(line, "read %zu %zu", &size, &n) == 2 && size <= b->memory_size) {
        seconds = timed(b, 'r', size / 512 * 512, n);
    } else if (sscanf(line, "latency %zu %zu %1999[^\n]", &size, &n, path) == 3 && b->n_samples >= size) {
        latency(b, size, n, path);
    } else if (sscanf(line, "outputs %1999[^\n]", path) == 1 && b->out) {
        outputs(b, path);
    } else {
        die(line, "not understood, or nothing to feed");
    }
    printf("{\"seconds\": %.9f}\n", seconds);
    fflush(stdout);
}

int main(int argc, char **argv) {
    bench b = {0};
    char line[2200];
    void *file;
    size_t size;
    pylstm_error why;
    if (argc != 2)
        die("usage", "core MODEL-FILE");
    file = contents(argv[1], &size);
    if (pylstm_model_size(file, size, &b.memory_size, &why))
        die(argv[1], why.message);
    b.memory = aligned(b.memory_size);
    if (pylstm_model_init(b.memory, b.memory_size, file, size, &b.model, &why))
        die(argv[1], why.message);
    free(file);
    set_streams(&b, 1);
    printf("{\"isa\": \"%s\", \"memory\": %zu}\n", pylstm_model_isa(b.model), b.memory_size);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        obey(&b, line);
    return 0;
}
