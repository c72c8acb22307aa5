/* The framing of librosa.stft (0.11). The signal y, with center padded by pad = n_fft // 2 on both sides, is cut into frames of
 * n_fft samples, hop apart; the window of win samples sits in the middle of a frame, offset = (n_fft - win) // 2, and what is
 * outside of it is multiplied by zero. So, counted in samples of y, the window of frame t covers
 *
 *     t hop - pad + offset  ...  t hop - pad + offset + win - 1
 *
 * and with center the frame goes out when the last of these is in: the zero-padded part of the window needs no audio, and a
 * signal of that length has at least t hop samples (one more for odd n_fft), so that the frame exists whatever follows. Without
 * center a frame exists only if all of its n_fft samples do, so it waits for them.
 *
 * Samples before the first and after the last are 0 (pad_mode "constant") or y mirrored at its end samples, again and again if
 * need be (numpy.pad, "reflect"): index i is folded with period 2 (n - 1).
 *
 * The ring holds the last samples whether a frame needs them or not, so that its bytes depend on the samples alone and not on
 * how they were cut.
 */
#include "features/framing.h"

#include "platform/finite.h"

#include <string.h>

pylstm_framing pylstm_framing_of(const pylstm_features_config *config) {
    pylstm_framing framing = {
        .n_fft = (uint64_t)config->n_fft,
        .win = (uint64_t)config->win_length,
        .hop = (uint64_t)config->hop_length,
    };
    framing.pad = config->center ? framing.n_fft / 2 : 0;
    framing.offset = (framing.n_fft - framing.win) / 2;
    framing.need = config->center ? framing.win + framing.offset - framing.pad : framing.n_fft;
    /* a frame that waits for all of n_fft reads samples up to offset before the last win ones */
    framing.capacity = config->center ? framing.win : framing.n_fft - framing.offset;
    framing.reflect = config->center && config->pad_mode == PYLSTM_PAD_REFLECT;
    framing.least = framing.reflect ? framing.pad + 1 : 1;
    if (framing.reflect && framing.capacity < framing.pad + 1)
        framing.capacity = framing.pad + 1;
    return framing;
}

uint64_t pylstm_framing_due(const pylstm_framing *framing, uint64_t t) {
    uint64_t due = t * framing->hop + framing->need;
    return due > framing->least ? due : framing->least;
}

uint64_t pylstm_framing_complete(const pylstm_framing *framing, uint64_t n) {
    return n < framing->least || n < framing->need ? 0 : 1 + (n - framing->need) / framing->hop;
}

uint64_t pylstm_framing_total(const pylstm_framing *framing, uint64_t n) {
    uint64_t padded = n + 2 * framing->pad;
    return n == 0 || padded < framing->n_fft ? 0 : 1 + (padded - framing->n_fft) / framing->hop;
}

static void convert(pylstm_samples *samples, float *to, size_t count) {
    const char *next = samples->next;
    if (samples->type == PYLSTM_FLOAT32) {
        if (samples->stride == sizeof(float))
            memcpy(to, next, count * sizeof(float));
        else
            for (size_t i = 0; i < count; i++)
                memcpy(&to[i], next + (ptrdiff_t)i * samples->stride, sizeof(float));
        pylstm_keep_finite(to, count);
    } else {
        for (size_t i = 0; i < count; i++) {
            int16_t value;
            memcpy(&value, next + (ptrdiff_t)i * samples->stride, sizeof value);
            to[i] = (float)value * (1.0f / 32768.0f);
        }
    }
    samples->next = next + (ptrdiff_t)count * samples->stride;
    samples->n -= count;
}

void pylstm_framing_write(const pylstm_framing *framing, float *ring, uint64_t n, pylstm_samples *samples, size_t count) {
    size_t at;
    if (count > framing->capacity) { /* the others would be overwritten */
        size_t skipped = count - (size_t)framing->capacity;
        samples->next += (ptrdiff_t)skipped * samples->stride;
        samples->n -= skipped;
        n += skipped;
        count -= skipped;
    }
    at = (size_t)(n % framing->capacity);
    while (count > 0) {
        size_t part = (size_t)framing->capacity - at;
        if (part > count)
            part = count;
        convert(samples, ring + at, part);
        count -= part;
        at = 0;
    }
}

/* Sample i of a padded signal of n >= 1 samples, i anywhere. */
static float padded(const pylstm_framing *framing, const float *ring, int64_t n, int64_t i) {
    if (i < 0 || i >= n) {
        int64_t period = 2 * (n - 1);
        if (!framing->reflect)
            return 0.0f;
        if (period == 0)
            i = 0;
        else {
            i %= period;
            i = i < 0 ? i + period : i;
            i = i >= n ? period - i : i;
        }
    }
    return ring[(uint64_t)i % framing->capacity];
}

void pylstm_framing_read(const pylstm_framing *framing, const float *ring, uint64_t n, uint64_t t, float *x) {
    int64_t first = (int64_t)(t * framing->hop + framing->offset) - (int64_t)framing->pad;
    size_t win = (size_t)framing->win, at, part;
    if (first < 0 || (uint64_t)first + win > n) {
        for (int64_t i = 0; i < (int64_t)win; i++)
            x[i] = padded(framing, ring, (int64_t)n, first + i);
        return;
    }
    at = (size_t)((uint64_t)first % framing->capacity);
    part = (size_t)framing->capacity - at;
    if (part > win)
        part = win;
    memcpy(x, ring + at, part * sizeof(float));
    memcpy(x + part, ring, (win - part) * sizeof(float));
}
