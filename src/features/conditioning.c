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
    conditioning.is_idle = conditioning.scale == 1.0f && !conditioning.remove_dc_offset && conditioning.preemphasis == 0.0 &&
                           conditioning.energy == PYLSTM_ENERGY_NONE;
    return conditioning;
}

static void scale(const pylstm_conditioning *conditioning, float *x) {
    for (int i = 0; i < conditioning->n; i++) {
        const float value = x[i] * conditioning->scale;
        x[i] = value > LARGEST ? LARGEST : value < -LARGEST ? -LARGEST : value;
    }
}

static double mean_of(const pylstm_conditioning *conditioning, const float *x) {
    double sum = 0.0;
    for (int i = 0; i < conditioning->n; i++)
        sum += x[i];
    return sum / conditioning->n;
}

/* mean: what is still to be taken away. */
static float log_energy(const pylstm_conditioning *conditioning, const float *x, double mean) {
    double sum = 0.0;
    for (int i = 0; i < conditioning->n; i++) {
        const double value = conditioning->window ? (x[i] - mean) * conditioning->window[i] : x[i] - mean;
        sum += value * value;
    }
    return pylstm_natural_logarithm(conditioning->kernels, sum, conditioning->energy_floor);
}

/* Takes the mean away, then applies pre-emphasis; one rounding for both. */
static void level(const pylstm_conditioning *conditioning, float *x, double mean) {
    const double c = conditioning->preemphasis;
    for (int i = conditioning->n - 1; i > 0; i--)
        x[i] = (float)((x[i] - mean) - c * (x[i - 1] - mean));
    x[0] = (float)((x[0] - mean) - c * (x[0] - mean));
}

float pylstm_conditioning_run(const pylstm_conditioning *conditioning, float *x) {
    double mean;
    float energy = 0.0f;
    if (conditioning->is_idle)
        return energy;
    scale(conditioning, x);
    mean = conditioning->remove_dc_offset ? mean_of(conditioning, x) : 0.0;
    if (conditioning->energy == PYLSTM_ENERGY_RAW)
        energy = log_energy(conditioning, x, mean);
    if (conditioning->remove_dc_offset || conditioning->preemphasis != 0.0)
        level(conditioning, x, mean);
    return conditioning->energy == PYLSTM_ENERGY_WINDOWED ? log_energy(conditioning, x, 0.0) : energy;
}
