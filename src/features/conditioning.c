/* Kaldi's ProcessWindow (feature-window.cc) without dither, in its order: with scale 32768 samples are 16-bit integers as Kaldi
 * takes them; the frame's mean is taken away; its energy is the sum of squares; then
 *
 *     x[i] -= c x[i - 1] for i from the last to 1,    x[0] -= c x[0]
 *
 * The energy "windowed" is what is left after this and the window. All in double, rounded once at the end, which is closer to
 * the truth than Kaldi's float32.
 */
#include "features/conditioning.h"
#include "features/logarithm.h"
#include "features/window.h"

/* Sums and differences of a few such samples are finite, whatever was pushed. */
#define LARGEST 1e37f

pylstm_conditioning pylstm_conditioning_init(pylstm_arena *arena, const pylstm_features_config *config,
                                             const pylstm_feature_kernels *kernels) {
    const int over_frame = config->preemphasis_over == PYLSTM_PREEMPHASIS_FRAME;
    const int windowed = config->energy == PYLSTM_ENERGY_WINDOWED;
    pylstm_conditioning conditioning = {
        .kernels = kernels,
        .n = pylstm_features_span(config),
        .scale = (float)config->scale,
        .remove_dc_offset = config->remove_dc_offset,
        .preemphasis = over_frame ? config->preemphasis : 0.0,
        .energy = config->energy,
        .energy_floor = (float)config->energy_floor,
    };
    double *window = windowed ? pylstm_arena_take(arena, (size_t)conditioning.n, sizeof *window) : NULL;
    for (int t = 0; window && t < conditioning.n; t++)
        window[t] = pylstm_window(config, t);
    conditioning.window = window;
    conditioning.measures =
        conditioning.remove_dc_offset || conditioning.preemphasis != 0.0 || conditioning.energy != PYLSTM_ENERGY_NONE;
    conditioning.is_idle = conditioning.scale == 1.0f && !conditioning.measures;
    return conditioning;
}

static void scale(const pylstm_conditioning *conditioning, float *x) {
    const float factor = conditioning->scale;
    for (int i = 0; i < conditioning->n; i++) {
        float value = x[i] * factor;
        value = value < LARGEST ? value : LARGEST;
        x[i] = value > -LARGEST ? value : -LARGEST;
    }
}

/* Sums run side by side so that one addition need not wait for the one before. */
#define SIDE_BY_SIDE 8

static double together(const double *sums) {
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static double mean_of(const float *x, int n) {
    double sums[SIDE_BY_SIDE] = {0.0};
    int i = 0;
    for (; i + SIDE_BY_SIDE <= n; i += SIDE_BY_SIDE)
        for (int k = 0; k < SIDE_BY_SIDE; k++)
            sums[k] += x[i + k];
    for (; i < n; i++)
        sums[i % SIDE_BY_SIDE] += x[i];
    return together(sums) / n;
}

static double energy_of(const double *x, int n) {
    double sums[SIDE_BY_SIDE] = {0.0};
    int i = 0;
    for (; i + SIDE_BY_SIDE <= n; i += SIDE_BY_SIDE)
        for (int k = 0; k < SIDE_BY_SIDE; k++)
            sums[k] += x[i + k] * x[i + k];
    for (; i < n; i++)
        sums[i % SIDE_BY_SIDE] += x[i] * x[i];
    return together(sums);
}

static float log_energy(const pylstm_conditioning *conditioning, const double *x) {
    return pylstm_natural_logarithm(conditioning->kernels, energy_of(x, conditioning->n), conditioning->energy_floor);
}

static void under_window(const double *restrict window, const float *restrict x, int n, double *restrict out) {
    for (int i = 0; i < n; i++)
        out[i] = window[i] * x[i];
}

static void without(double mean, const float *restrict x, int n, double *restrict out) {
    for (int i = 0; i < n; i++)
        out[i] = x[i] - mean;
}

static void emphasised(double coefficient, const double *restrict x, int n, float *restrict out) {
    for (int i = 1; i < n; i++)
        out[i] = (float)(x[i] - coefficient * x[i - 1]);
    out[0] = (float)(x[0] - coefficient * x[0]);
}

float pylstm_conditioning_run(const pylstm_conditioning *conditioning, float *x, double *work) {
    const int n = conditioning->n;
    float energy = 0.0f;
    if (conditioning->is_idle)
        return energy;
    scale(conditioning, x);
    if (!conditioning->measures)
        return energy;
    without(conditioning->remove_dc_offset ? mean_of(x, n) : 0.0, x, n, work);
    if (conditioning->energy == PYLSTM_ENERGY_RAW)
        energy = log_energy(conditioning, work);
    emphasised(conditioning->preemphasis, work, n, x);
    if (conditioning->energy == PYLSTM_ENERGY_WINDOWED) {
        under_window(conditioning->window, x, n, work);
        energy = log_energy(conditioning, work);
    }
    return energy;
}
