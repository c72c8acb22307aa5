/* What an interrupt handler meets in a build without threads: a timer's signal comes in the middle of pushes.
 *
 *     interrupts model.safetensors
 */
#include "pylstm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define CHUNK 1600

static pylstm_stream *stream, *other;
static int16_t silence[CHUNK];
static float rows[2][64 * 64];
static volatile long busy, refused_wrongly, torn, handled;
static volatile int64_t at_least;

/* The handler's own stream is free; the program's is busy exactly where the program is inside a call. */
static volatile int inside;

static void handle(int signal_number) {
    size_t written;
    const int64_t position = pylstm_stream_position(stream);
    const int was_inside = inside;
    const pylstm_status status = pylstm_stream_push(stream, PYLSTM_INT16, silence, 0, 2, rows[1], 64, &written);
    (void)signal_number;
    handled++;
    busy += status == PYLSTM_BUSY;
    refused_wrongly += status != PYLSTM_OK && !(status == PYLSTM_BUSY && was_inside);
    refused_wrongly += pylstm_stream_push(other, PYLSTM_INT16, silence, CHUNK, 2, rows[1], 64, &written) != PYLSTM_OK;
    torn += position % CHUNK != 0 || position < at_least || position > at_least + CHUNK;
}

static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes = malloc(1 << 22);
    if (!file || !bytes)
        exit(2);
    *size = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv) {
    pylstm_model *model;
    pylstm_error why;
    pylstm_batch *batch;
    const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    size_t size, written;
    void *bytes = argc == 2 ? read_file(argv[1], &size) : NULL;
    if (!bytes || pylstm_model_create(bytes, size, &model, &why))
        return 2;
    if (pylstm_stream_create(model, &stream) || pylstm_stream_create(model, &other))
        return 3;
    if (pylstm_batch_create(model, 2, &batch)) /* there are no threads: the calling one does it all */
        return 4;
    signal(SIGALRM, handle);
    setitimer(ITIMER_REAL, &often, NULL);
    while (busy < 100) {
        pylstm_push parts[1] = {{stream, PYLSTM_INT16, silence, CHUNK, 2, rows[0], 64, 0, PYLSTM_OK}};
        pylstm_status status;
        inside = 1;
        status = pylstm_stream_push(stream, PYLSTM_INT16, silence, CHUNK, 2, rows[0], 64, &written);
        at_least = pylstm_stream_position(stream);
        inside = 0;
        if (status)
            return 5;
        inside = 1;
        status = pylstm_batch_push(batch, parts, 1);
        at_least = pylstm_stream_position(stream);
        inside = 0;
        if (status)
            return 6;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%s: %ld refused wrongly, %ld torn\n", handled >= busy ? "handled" : "?", refused_wrongly, torn);
    pylstm_batch_destroy(batch);
    pylstm_stream_destroy(stream);
    pylstm_stream_destroy(other);
    pylstm_model_destroy(model);
    free(bytes);
    return 0;
}
