/* Framing: frame t covers the samples t hop + start ... t hop + start + span - 1 of the signal y. Which they are:
 *
 * stft, as librosa.stft (0.11) has it. y, with center padded by pad = n_fft // 2 on both sides, is cut into frames of n_fft
 * samples, hop apart; the window of win samples sits in the middle of a frame, offset = (n_fft - win) // 2, and what is outside
 * of it is multiplied by zero. So the window covers t hop - pad + offset and the win - 1 samples after it, and with center the
 * frame goes out when the last of these is in: the zero-padded part of the window needs no audio, and a signal of that length
 * has at least t hop samples (one more for odd n_fft), so that the frame exists whatever follows. Without center a frame exists
 * only if all of its n_fft samples do, so it waits for them.
 *
 * kaldi, as its feature-window.cc has it: frames have win samples, and zeros for the transform follow them. Without center (its
 * snip_edges) they begin at t hop, and only those count that are whole. With center frame t is centred on t hop + hop / 2, and
 * there are n / hop frames, rounded to the nearest.
 *
 * chunk: frame t ends with sample (t + 1) hop - 1, and what it has from before the signal is zero. The last one, which may not
 * be full, ends with zeros.
 *
 * Samples before the first and after the last are 0 (pad_mode "constant") or y mirrored again and again if need be, as
 * numpy.pad does it: at its end samples ("reflect", period 2 (n - 1)), or beside them, so that they come twice ("symmetric",
 * period 2 n).
 *
 * Pre-emphasis over the signal makes y[i] - c y[i - 1] of y[i], with y[-1] = 0, before anything is padded.
 *
 * The ring holds the last samples whether a frame needs them or not, so that its bytes depend on the samples alone and not on
 * how they were cut.
 */
#include "features/framing.h"

#include "platform/finite.h"

#include <float.h>
#include <string.h>

pylstm_framing pylstm_framing_of(const pylstm_features_config *config) {
    const int64_t n_fft = config->n_fft, span = pylstm_features_span(config), hop = config->hop_length;
    const int center = config->center, mirrors = center && config->pad_mode != PYLSTM_PAD_CONSTANT;
    pylstm_framing framing = {
        .span = (uint64_t)span,
        .hop = (uint64_t)hop,
        .capacity = (uint64_t)span,
        .least = 1,
        .pad_mode = center ? config->pad_mode : PYLSTM_PAD_CONSTANT,
        .preemphasis = config->preemphasis_over == PYLSTM_PREEMPHASIS_SIGNAL ? config->preemphasis : 0.0,
    };
    int64_t before = 0; /* samples that stand mirrored before the first */
    if (config->framing == PYLSTM_FRAMING_STFT) {
        const int64_t pad = center ? n_fft / 2 : 0, offset = (n_fft - span) / 2;
        framing.start = offset - pad;
        framing.need = (uint64_t)(center ? span + framing.start : n_fft);
        framing.extra = 2 * (uint64_t)pad;
        framing.whole = (uint64_t)n_fft;
        if (!center) /* a frame that waits for all of n_fft reads samples up to offset before the last ones */
            framing.capacity = (uint64_t)(n_fft - offset);
        before = pad;
    } else if (config->framing == PYLSTM_FRAMING_KALDI) {
        framing.start = center ? hop / 2 - span / 2 : 0;
        framing.need = (uint64_t)(span + framing.start);
        framing.extra = center ? (uint64_t)(hop / 2) : 0;
        framing.whole = (uint64_t)(center ? hop : span);
        before = framing.start < 0 ? -framing.start : 0;
    } else {
        framing.start = hop - span;
        framing.need = (uint64_t)hop;
        framing.extra = (uint64_t)hop - 1;
        framing.whole = (uint64_t)hop;
    }
    if (mirrors)
        framing.least = (uint64_t)(before + (config->pad_mode == PYLSTM_PAD_REFLECT || before == 0));
    if (framing.capacity < framing.least)
        framing.capacity = framing.least;
    if (framing.preemphasis != 0.0)
        framing.capacity++;
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
    uint64_t padded = n + framing->extra;
    return n == 0 || padded < framing->whole ? 0 : 1 + (padded - framing->whole) / framing->hop;
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

/* The place in a signal of n >= 1 samples of place i, outside of it, of the mirrored signal. */
static int64_t mirrored(int pad_mode, int64_t n, int64_t i) {
    const int64_t twice = pad_mode == PYLSTM_PAD_SYMMETRIC, period = 2 * (n - 1 + twice);
    if (period == 0)
        return 0;
    i %= period;
    i = i < 0 ? i + period : i;
    return i >= n ? period - twice - i : i;
}

static float emphasised(const pylstm_framing *framing, float sample, float before) {
    const double value = sample - framing->preemphasis * before;
    return value > FLT_MAX ? FLT_MAX : value < -FLT_MAX ? -FLT_MAX : (float)value;
}

/* Sample i of a padded signal of n >= 1 samples, i anywhere. */
static float padded(const pylstm_framing *framing, const float *ring, int64_t n, int64_t i) {
    float sample;
    if (i < 0 || i >= n) {
        if (framing->pad_mode == PYLSTM_PAD_CONSTANT)
            return 0.0f;
        i = mirrored(framing->pad_mode, n, i);
    }
    sample = ring[(uint64_t)i % framing->capacity];
    if (framing->preemphasis == 0.0 || i == 0)
        return sample;
    return emphasised(framing, sample, ring[(uint64_t)(i - 1) % framing->capacity]);
}

/* The samples from first on, all of which are there. */
static void inside(const pylstm_framing *framing, const float *ring, int64_t first, size_t count, float *x) {
    const size_t at = (size_t)((uint64_t)first % framing->capacity), left = (size_t)framing->capacity - at;
    const size_t part = left < count ? left : count;
    memcpy(x, ring + at, part * sizeof(float));
    memcpy(x + part, ring, (count - part) * sizeof(float));
    if (framing->preemphasis == 0.0 || count == 0)
        return;
    for (size_t i = count - 1; i > 0; i--)
        x[i] = emphasised(framing, x[i], x[i - 1]);
    x[0] = padded(framing, ring, first + 1, first);
}

/* Those from first on, of which none is there. */
static void outside(const pylstm_framing *framing, const float *ring, int64_t n, int64_t first, int64_t count, float *x) {
    if (framing->pad_mode == PYLSTM_PAD_CONSTANT)
        memset(x, 0, (size_t)count * sizeof *x);
    else
        for (int64_t i = 0; i < count; i++)
            x[i] = padded(framing, ring, n, first + i);
}

void pylstm_framing_read(const pylstm_framing *framing, const float *ring, uint64_t n, uint64_t t, float *x) {
    const int64_t first = (int64_t)(t * framing->hop) + framing->start, span = (int64_t)framing->span, all = (int64_t)n;
    const int64_t begin = first >= 0 ? 0 : -first < span ? -first : span;
    const int64_t end = first + span <= all ? span : first + begin < all ? all - first : begin;
    outside(framing, ring, all, first, begin, x);
    inside(framing, ring, first + begin, (size_t)(end - begin), x + begin);
    outside(framing, ring, all, first + end, span - end, x + end);
}
