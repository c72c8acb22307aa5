/* Reads WAV files of one channel with 16 bits a sample, front to back. */
#ifndef WAV_H
#define WAV_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct wav {
    FILE *file;
    uint32_t rate; /* Hz */
    uint32_t left; /* bytes of samples */
} wav;

static uint32_t wav_number(const unsigned char *bytes, int n) { /* little endian on every machine */
    return n ? bytes[0] | wav_number(bytes + 1, n - 1) << 8 : 0;
}

/* What is wrong with the file, or NULL: then the samples are next. */
static const char *wav_open(wav *w, const char *path) {
    unsigned char head[12], format[16] = {0};
    w->rate = 0;
    if (!(w->file = fopen(path, "rb")))
        return "cannot be opened";
    if (fread(head, 1, 12, w->file) != 12 || memcmp(head, "RIFF", 4) || memcmp(head + 8, "WAVE", 4))
        return "is not a WAV file";
    for (;;) {
        if (fread(head, 1, 8, w->file) != 8)
            return "has no samples";
        w->left = wav_number(head + 4, 4);
        if (memcmp(head, "data", 4) == 0)
            return w->rate ? NULL : "has samples before it says of what kind";
        if (memcmp(head, "fmt ", 4) == 0) {
            const uint32_t size = w->left;
            if (size < 16 || fread(format, 1, 16, w->file) != 16)
                return "is cut or damaged";
            w->left = size - 16;
            if ((wav_number(format, 2) != 1 && wav_number(format, 2) != 0xfffe) || wav_number(format + 14, 2) != 16)
                return "does not hold integers of 16 bits";
            if (wav_number(format + 2, 2) != 1)
                return "has more than one channel";
            w->rate = wav_number(format + 4, 4);
        }
        if (w->left > 1 << 30 || fseek(w->file, (long)(w->left + w->left % 2), SEEK_CUR)) /* chunks are padded to be even */
            return "is cut or damaged";
    }
}

/* At most n samples; 0 at the end, also where the file says that it is longer than it is. */
static size_t wav_read(wav *w, int16_t *samples, size_t n) {
    unsigned char bytes[2];
    size_t k;
    for (k = 0; k < n && w->left >= 2 && fread(bytes, 1, 2, w->file) == 2; k++, w->left -= 2)
        samples[k] = (int16_t)(uint16_t)wav_number(bytes, 2);
    return k;
}

#endif
