/* The configuration of features: its ranges, and how it stands in a model file. */
#include "features/features_config.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MAX_SR     768000
#define MAX_N_FFT  65536
#define MAX_HOP    (1 << 20)
#define MAX_POWER  16.0
#define MIN_LIFTER 1e-3
#define MAX_LIFTER 1e6
#define MAX_TOP_DB 1e6
#define MAX_COST   INT64_C(20000000000) /* operations per second of audio, by check_cost's rough count */
#define COST_RATE  16000

static pylstm_status integer_in(const char *name, int value, int low, int high, pylstm_error *why) {
    if (value >= low && value <= high)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is %d; expected %d to %d", name, value, low, high);
}

static pylstm_status number_in(const char *name, double value, double low, double high, pylstm_error *why) {
    if (value >= low && value <= high)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is %.17g; expected %.17g to %.17g", name, value, low, high);
}

/* values: mean or std. A std below FLT_MIN would be taken for zero where subnormal numbers are flushed. */
static pylstm_status check_values(const char *name, const float *values, int n, int positive, pylstm_error *why) {
    for (int i = 0; i < n; i++)
        if (!(values[i] >= (positive ? FLT_MIN : -FLT_MAX) && values[i] <= FLT_MAX))
            return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s[%d] is %.9g; expected a finite number%s", name, i,
                               (double)values[i], positive ? " above 0" : "");
    return PYLSTM_OK;
}

static pylstm_status check_normalisation(const pylstm_features_config *config, pylstm_error *why) {
    const int n = pylstm_features_width(config);
    for (int k = 0; k < 2; k++) {
        const char *name = k == 0 ? "mean" : "std";
        const float *values = k == 0 ? config->mean : config->std;
        const pylstm_tensor *tensor = k == 0 ? &config->mean_tensor : &config->std_tensor;
        float read[PYLSTM_MAX_WIDTH];
        if (!values) {
            if (!tensor->data || tensor->count != (size_t)n)
                return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is missing; expected %d values", name, n);
            pylstm_tensor_read(tensor, read);
            values = read;
        }
        PYLSTM_TRY(check_values(name, values, n, k == 1, why));
    }
    return PYLSTM_OK;
}

/* A file of a few hundred bytes must not ask for minutes of work per second of audio. Operations of a frame, roughly: FFT, DCT
 * (or bands), deltas. Slow rates count as 16 kHz: what is pushed may be faster than what the file says. */
static pylstm_status check_cost(const pylstm_features_config *config, pylstm_error *why) {
    const int64_t rate = config->sr > COST_RATE ? config->sr : COST_RATE;
    const int64_t n_fft = config->n_fft, n_mels = config->n_mels;
    const int64_t n_static = config->kind == PYLSTM_FEATURES_MFCC ? config->n_mfcc : 1;
    int64_t bits = 1, frame;
    while (n_fft >> bits)
        bits++;
    frame = 8 * n_fft * bits + 2 * n_mels * n_static + 18 * (int64_t)pylstm_features_width(config);
    if (rate * frame <= MAX_COST * config->hop_length)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_ARGUMENT,
                       "hop_length is %d; expected at least %lld with n_fft = %d and sr = %d: each second of audio would cost "
                       "more than 2e10 operations",
                       config->hop_length, (long long)((rate * frame + MAX_COST - 1) / MAX_COST), config->n_fft, config->sr);
}

pylstm_status pylstm_features_check(const pylstm_features_config *config, pylstm_error *why) {
    PYLSTM_TRY(integer_in("kind", config->kind, PYLSTM_FEATURES_MFCC, PYLSTM_FEATURES_LOGMEL, why));
    PYLSTM_TRY(integer_in("sr", config->sr, 1, MAX_SR, why));
    PYLSTM_TRY(integer_in("n_fft", config->n_fft, 1, MAX_N_FFT, why));
    if (config->win_length < 1 || config->win_length > config->n_fft)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "win_length is %d; expected 1 to n_fft = %d", config->win_length,
                           config->n_fft);
    PYLSTM_TRY(integer_in("hop_length", config->hop_length, 1, MAX_HOP, why));
    PYLSTM_TRY(integer_in("n_mels", config->n_mels, 1, PYLSTM_MAX_N_MELS, why));
    if (!(config->fmin >= 0.0 && config->fmin < config->fmax))
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "fmin is %.17g; expected at least 0 and below fmax = %.17g", config->fmin,
                           config->fmax);
    if (!(config->fmax <= config->sr / 2.0))
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "fmax is %.17g; expected at most sr / 2 = %.17g", config->fmax,
                           config->sr / 2.0);
    PYLSTM_TRY(integer_in("htk", config->htk, 0, 1, why));
    PYLSTM_TRY(integer_in("norm", config->norm, PYLSTM_MEL_NORM_NONE, PYLSTM_MEL_NORM_SLANEY, why));
    PYLSTM_TRY(integer_in("window", config->window, PYLSTM_WINDOW_HANN, PYLSTM_WINDOW_BOXCAR, why));
    PYLSTM_TRY(integer_in("center", config->center, 0, 1, why));
    PYLSTM_TRY(integer_in("pad_mode", config->pad_mode, PYLSTM_PAD_CONSTANT, PYLSTM_PAD_REFLECT, why));
    if (!(config->power > 0.0 && config->power <= MAX_POWER))
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "power is %.17g; expected above 0 and at most %g", config->power,
                           MAX_POWER);
    if (config->kind == PYLSTM_FEATURES_MFCC) {
        if (config->n_mfcc < 1 || config->n_mfcc > config->n_mels)
            return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "n_mfcc is %d; expected 1 to n_mels = %d", config->n_mfcc,
                               config->n_mels);
        PYLSTM_TRY(integer_in("dct_type", config->dct_type, 1, 3, why));
        if (config->dct_type == 1 && config->n_mels < 2)
            return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "n_mels is 1; expected at least 2 with dct_type 1");
        PYLSTM_TRY(integer_in("dct_norm", config->dct_norm, PYLSTM_DCT_NORM_NONE, PYLSTM_DCT_NORM_ORTHO, why));
        if (config->lifter != 0.0 && !(config->lifter >= MIN_LIFTER && config->lifter <= MAX_LIFTER))
            return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "lifter is %.17g; expected 0 or %g to %g", config->lifter, MIN_LIFTER,
                               MAX_LIFTER);
    }
    PYLSTM_TRY(integer_in("has_top_db", config->has_top_db, 0, 1, why));
    if (config->has_top_db)
        PYLSTM_TRY(number_in("top_db", config->top_db, 0.0, MAX_TOP_DB, why));
    PYLSTM_TRY(integer_in("deltas", config->deltas, 0, 2, why));
    PYLSTM_TRY(integer_in("normalize", config->normalize, 0, 1, why));
    PYLSTM_TRY(check_cost(config, why));
    return config->normalize ? check_normalisation(config, why) : PYLSTM_OK;
}

int pylstm_features_width(const pylstm_features_config *config) {
    return (config->kind == PYLSTM_FEATURES_MFCC ? config->n_mfcc : config->n_mels) * (1 + config->deltas);
}

/* The getters check that a value is of its kind and can be represented; ranges are pylstm_features_check's, so that the same
 * words answer a bad file and a bad argument. */
pylstm_status pylstm_features_config_read(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    static const char *const kinds[] = {"mfcc", "logmel", NULL};
    static const char *const norms[] = {"none", "slaney", NULL};
    static const char *const windows[] = {"hann", "hamming", "blackman", "boxcar", NULL};
    static const char *const pad_modes[] = {"constant", "reflect", NULL};
    static const char *const dct_norms[] = {"none", "ortho", NULL};
    pylstm_error detail;
    char text[8];
    int64_t width;

    memset(config, 0, sizeof *config);
    PYLSTM_TRY(pylstm_config_choice(file, "features.kind", kinds, &config->kind, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.sr", 1, MAX_SR, &config->sr, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.n_fft", 1, MAX_N_FFT, &config->n_fft, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.win_length", 1, config->n_fft, &config->win_length, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.hop_length", 1, MAX_HOP, &config->hop_length, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.n_mels", 1, PYLSTM_MAX_N_MELS, &config->n_mels, why));
    PYLSTM_TRY(pylstm_config_number(file, "features.fmin", 0.0, config->sr / 2.0, &config->fmin, why));
    PYLSTM_TRY(pylstm_config_number(file, "features.fmax", 0.0, config->sr / 2.0, &config->fmax, why));
    PYLSTM_TRY(pylstm_config_boolean(file, "features.htk", &config->htk, why));
    PYLSTM_TRY(pylstm_config_choice(file, "features.norm", norms, &config->norm, why));
    PYLSTM_TRY(pylstm_config_choice(file, "features.window", windows, &config->window, why));
    PYLSTM_TRY(pylstm_config_boolean(file, "features.center", &config->center, why));
    PYLSTM_TRY(pylstm_config_choice(file, "features.pad_mode", pad_modes, &config->pad_mode, why));
    PYLSTM_TRY(pylstm_config_number(file, "features.power", 0.0, MAX_POWER, &config->power, why));
    if (config->kind == PYLSTM_FEATURES_MFCC) {
        PYLSTM_TRY(pylstm_config_integer(file, "features.n_mfcc", 1, config->n_mels, &config->n_mfcc, why));
        PYLSTM_TRY(pylstm_config_integer(file, "features.dct_type", 1, 3, &config->dct_type, why));
        PYLSTM_TRY(pylstm_config_choice(file, "features.dct_norm", dct_norms, &config->dct_norm, why));
        PYLSTM_TRY(pylstm_config_number(file, "features.lifter", 0.0, MAX_LIFTER, &config->lifter, why));
    }
    /* "none" or a number; a value too long for the buffer cannot be "none" */
    config->has_top_db =
        pylstm_config_text(file, "features.top_db", text, sizeof text, &detail) != PYLSTM_OK || strcmp(text, "none") != 0;
    if (config->has_top_db)
        PYLSTM_TRY(pylstm_config_number(file, "features.top_db", 0.0, MAX_TOP_DB, &config->top_db, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.deltas", 0, 2, &config->deltas, why));
    PYLSTM_TRY(pylstm_config_boolean(file, "features.normalize", &config->normalize, why));
    if (config->normalize) {
        width = pylstm_features_width(config);
        PYLSTM_TRY(
            pylstm_model_file_tensor(file, "features.mean", PYLSTM_DTYPE_ANY_FLOAT, 1, &width, &config->mean_tensor, why));
        PYLSTM_TRY(pylstm_model_file_tensor(file, "features.std", PYLSTM_DTYPE_ANY_FLOAT, 1, &width, &config->std_tensor, why));
    }
    if (pylstm_features_check(config, &detail) != PYLSTM_OK)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.%s", detail.message);
    return PYLSTM_OK;
}
