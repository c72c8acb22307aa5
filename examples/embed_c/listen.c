/* Which words are in a recording: WAV in, events out, the lines that `pylstm run` prints.
 *
 *     ./listen keywords.safetensors recording.wav [rows.f32]      the last: where the posteriors go, as plain floats
 */
#include "pylstm.h"
#include "wav.h"

#include <stdlib.h>

#define CHUNK  160  /* samples; any number gives the same events */
#define ROWS   1024 /* more than a chunk, or the end, completes */
#define EVENTS 1024 /* and more than these can be */

static int fail(const char *what, const char *why) {
    fprintf(stderr, "listen: %s: %s\n", what, why);
    return 1;
}

static unsigned char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long length;
    if (file && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0 &&
        (bytes = malloc((size_t)length)) != NULL) {
        *size = fread(bytes, 1, (size_t)length, file);
    }
    if (file)
        fclose(file);
    return bytes;
}

/* What a listener gives: events to print, and rows for a file if one is asked for. */
typedef struct heard {
    pylstm_event events[EVENTS];
    size_t n_events, n_rows;
    float *rows;
} heard;

/* A word with the time of its decision; of speech, where it starts and where it ends. */
static void show_event(const pylstm_model *model, const pylstm_event *event, int width) {
    const int starts = event->kind == PYLSTM_SEGMENT_START, ends = event->kind == PYLSTM_SEGMENT_END;
    const double time = starts ? event->onset : ends ? event->offset : event->time;
    const char *label = pylstm_model_label(model, event->label), *edge = starts ? " start" : ends ? " end" : "";
    const int padding = width - (int)strlen(label) - (int)strlen(edge);
    printf("%6.2f s  %s%s%*s  %.2f\n", time, label, edge, padding > 0 ? padding : 0, "", event->score);
}

static void show(const pylstm_model *model, const heard *h, int width, FILE *to) {
    const size_t n_outputs = (size_t)pylstm_model_n_outputs(model);
    size_t k;
    for (k = 0; k < h->n_events; k++)
        show_event(model, &h->events[k], width);
    if (to)
        fwrite(h->rows, sizeof *h->rows, h->n_rows * n_outputs, to);
}

/* How wide the longest label is that can be heard: scores stand below each other. */
static int widest_label(const pylstm_model *model, const pylstm_decision *decision) {
    const char *key;
    double speech;
    int k, width = 0;
    for (k = 0; pylstm_decision_setting(decision, k, &key, &speech) == PYLSTM_OK; k++) {
        if (strcmp(key, "label") == 0) /* of segments, which have a start and an end */
            return (int)(strlen(pylstm_model_label(model, (int)speech)) + strlen(" start"));
    }
    for (k = 0; k < pylstm_model_n_outputs(model); k++) {
        const int length = (int)strlen(pylstm_model_label(model, k));
        if (length > width && pylstm_decision_threshold(decision, k) > 0)
            width = length;
    }
    return width;
}

static pylstm_status listen_to(const pylstm_model *model, const pylstm_decision *decision, wav *audio, FILE *to, heard *h) {
    const int width = widest_label(model, decision);
    int16_t pcm[CHUNK];
    pylstm_listener *listener;
    size_t n;
    pylstm_status status = pylstm_listener_create(decision, &listener);
    while (!status && (n = wav_read(audio, pcm, CHUNK)) > 0) {
        pylstm_hearing part = {listener, PYLSTM_INT16, pcm, n, sizeof *pcm, h->events, EVENTS, h->rows, ROWS, 0, 0, PYLSTM_OK};
        status = pylstm_listener_push(&part);
        h->n_events = part.n_events, h->n_rows = part.rows;
        if (!status)
            show(model, h, width, to);
    }
    if (!status && !(status = pylstm_listener_flush(listener, h->events, EVENTS, &h->n_events, h->rows, ROWS, &h->n_rows)))
        show(model, h, width, to);
    pylstm_listener_destroy(listener);
    return status;
}

/* Decides as the model's file says, but as early as events are likely: that is what a live program wants. */
static int hear(const pylstm_model *model, wav *audio, FILE *to) {
    const pylstm_setting early = {"report", "early"};
    pylstm_decision *decision;
    pylstm_error why = {PYLSTM_OK, ""};
    heard *h = malloc(sizeof *h);
    float *rows = malloc(sizeof *rows * ROWS * (size_t)pylstm_model_n_outputs(model));
    pylstm_status status = pylstm_decision_create(model, &early, 1, &decision, &why);
    if (!status && !(h && rows))
        status = PYLSTM_NO_MEMORY;
    if (!status && !pylstm_model_label(model, 0))
        status = PYLSTM_BAD_ARGUMENT, strcpy(why.message, "the model has no labels");
    if (!status) {
        h->rows = rows;
        status = listen_to(model, decision, audio, to, h);
    }
    if (status)
        fail("stopped", *why.message ? why.message : pylstm_strerror(status));
    pylstm_decision_destroy(decision);
    free(h), free(rows);
    return status != PYLSTM_OK;
}

int main(int argc, char **argv) {
    pylstm_model *model = NULL;
    pylstm_error why;
    unsigned char *bytes;
    const char *wrong;
    size_t size = 0;
    wav audio = {NULL, 0, 0};
    FILE *to = NULL;
    int failed = 1;
    if (argc < 3 || argc > 4)
        return fail("usage", "listen MODEL AUDIO.wav [ROWS]");
    if (!(bytes = read_file(argv[1], &size)))
        return fail(argv[1], "cannot be read");
    if (pylstm_model_create(bytes, size, &model, &why)) /* checks every byte of it */
        fail(argv[1], why.message);
    else if ((wrong = wav_open(&audio, argv[2])) != NULL)
        fail(argv[2], wrong);
    else if ((int)audio.rate != pylstm_model_sample_rate(model))
        fail(argv[2], "has another sample rate than the model");
    else if (argc > 3 && !(to = fopen(argv[3], "wb")))
        fail(argv[3], "cannot be written");
    else
        failed = hear(model, &audio, to);
    if (audio.file)
        fclose(audio.file);
    if (to && fclose(to))
        failed = fail(argv[3], "cannot be written");
    pylstm_model_destroy(model);
    free(bytes); /* the model keeps nothing of it */
    return failed;
}
