/* Which words are in a recording: WAV in, events out, the lines that `pylstm run` prints.
 *
 *     ./listen keywords.safetensors recording.wav [rows.f32]      the last: where the posteriors go, as plain floats
 */
#include "detector.h"
#include "wav.h"

#define CHUNK 160  /* samples; any number gives the same rows */
#define ROWS  1024 /* more than a chunk, or the end, completes */

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

/* Rows to the detector, and to a file if one is asked for. */
static void hear(detector *d, const float *rows, size_t n, int width, FILE *to) {
    const double hop_seconds = (double)pylstm_model_hop_length(d->model) / pylstm_model_sample_rate(d->model);
    size_t t;
    for (t = 0; t < n; t++, rows += d->n) {
        const double time = (double)d->frame * hop_seconds;
        double score;
        const int label = detector_push(d, rows, &score);
        if (label >= 0)
            printf("%6.2f s  %-*s  %.2f\n", time, width, pylstm_model_label(d->model, label), score);
        if (to)
            fwrite(rows, sizeof *rows, (size_t)d->n, to);
    }
}

static int listen_to(const pylstm_model *model, wav *audio, FILE *to) {
    int16_t pcm[CHUNK];
    pylstm_stream *stream = NULL;
    pylstm_error why = {PYLSTM_OK, ""};
    detector d = {0};
    size_t n, written;
    int k, width = 0;
    pylstm_status status = detector_create(&d, model, &why);
    float *rows = malloc(sizeof *rows * ROWS * (size_t)pylstm_model_n_outputs(model));
    if (!status)
        status = rows ? pylstm_stream_create(model, &stream) : PYLSTM_NO_MEMORY;
    for (k = 0; !status && k < d.n; k++) { /* scores stand below each other */
        const int length = (int)strlen(pylstm_model_label(model, k));
        width = length > width && !d.silent[k] ? length : width;
    }
    while (!status && (n = wav_read(audio, pcm, CHUNK)) > 0) {
        status = pylstm_stream_push(stream, PYLSTM_INT16, pcm, n, sizeof *pcm, rows, ROWS, &written);
        if (!status)
            hear(&d, rows, written, width, to);
    }
    if (!status && !(status = pylstm_stream_flush(stream, rows, ROWS, &written)))
        hear(&d, rows, written, width, to);
    if (status)
        fail("stopped", *why.message ? why.message : pylstm_strerror(status));
    pylstm_stream_destroy(stream);
    detector_destroy(&d);
    free(rows);
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
        failed = listen_to(model, &audio, to);
    if (audio.file)
        fclose(audio.file);
    if (to && fclose(to))
        failed = fail(argv[3], "cannot be written");
    pylstm_model_destroy(model);
    free(bytes); /* the model keeps nothing of it */
    return failed;
}
