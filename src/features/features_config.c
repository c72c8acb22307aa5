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

/* It is finite, as all tensors are. A std below FLT_MIN would be taken for zero where subnormal numbers are flushed. */
static pylstm_status check_std(const pylstm_tensor *tensor, pylstm_error *why) {
    float std[PYLSTM_MAX_WIDTH];
    pylstm_tensor_read(tensor, std);
    for (size_t i = 0; i < tensor->count; i++)
        if (!(std[i] >= FLT_MIN))
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.std[%zu] is %.9g; expected a finite number above 0",
                               i, (double)std[i]);
    return PYLSTM_OK;
}

/* What the getters have not looked at: limits that are no part of a range, and values that must fit each other. */
static pylstm_status check(const pylstm_features_config *config, pylstm_error *why) {
    const int is_mfcc = config->kind == PYLSTM_FEATURES_MFCC;
    if (!(config->fmin < config->fmax))
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.fmin is %.17g; expected at least 0 and below fmax = %.17g", config->fmin,
                           config->fmax);
    if (!(config->power > 0.0))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.power is %.17g; expected above 0 and at most %g",
                           config->power, MAX_POWER);
    if (is_mfcc && config->dct_type == 1 && config->n_mels < 2)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.n_mels is 1; expected at least 2 with dct_type 1");
    if (is_mfcc && config->lifter != 0.0 && config->lifter < MIN_LIFTER)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.lifter is %.17g; expected 0 or %g to %g", config->lifter,
                           MIN_LIFTER, MAX_LIFTER);
    return config->normalize ? check_std(&config->std, why) : PYLSTM_OK;
}

int pylstm_features_width(const pylstm_features_config *config) {
    return (config->kind == PYLSTM_FEATURES_MFCC ? config->n_mfcc : config->n_mels) * (1 + config->deltas);
}

pylstm_status pylstm_features_config_read(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    static const char *const kinds[] = {"mfcc", "logmel", NULL};
    static const char *const norms[] = {"none", "slaney", NULL};
    static const char *const windows[] = {"hann", "hamming", "blackman", "boxcar", NULL};
    static const char *const pad_modes[] = {"constant", "reflect", NULL};
    static const char *const dct_norms[] = {"none", "ortho", NULL};
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
        pylstm_config_text(file, "features.top_db", text, sizeof text, NULL) != PYLSTM_OK || strcmp(text, "none") != 0;
    if (config->has_top_db)
        PYLSTM_TRY(pylstm_config_number(file, "features.top_db", 0.0, MAX_TOP_DB, &config->top_db, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.deltas", 0, 2, &config->deltas, why));
    PYLSTM_TRY(pylstm_config_boolean(file, "features.normalize", &config->normalize, why));
    if (config->normalize) {
        width = pylstm_features_width(config);
        PYLSTM_TRY(pylstm_model_file_tensor(file, "features.mean", PYLSTM_DTYPE_ANY_FLOAT, 1, &width, &config->mean, why));
        PYLSTM_TRY(pylstm_model_file_tensor(file, "features.std", PYLSTM_DTYPE_ANY_FLOAT, 1, &width, &config->std, why));
    }
    return check(config, why);
}
