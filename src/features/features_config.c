/* The configuration of features: how it stands in a model file. Its rules are in features_rules.c. */
#include "features/features_config.h"
#include "features/features_rules.h"

#include <string.h>

#define MAX_SR     768000
#define MAX_N_FFT  65536
#define MAX_HOP    (1 << 20)
#define MAX_TOP_DB 1e6
#define MIN_FLOOR  1e-37 /* the logarithm takes no subnormal numbers */
#define MAX_FLOOR  1e10
#define MIN_SCALE  1e-6
#define MAX_SCALE  1e6

int pylstm_features_width(const pylstm_features_config *config) {
    switch (config->kind) {
    case PYLSTM_FEATURES_MFCC:
        return config->n_mfcc * (1 + config->deltas);
    case PYLSTM_FEATURES_LOGMEL:
        return (config->n_mels + (config->energy != PYLSTM_ENERGY_NONE)) * (1 + config->deltas);
    case PYLSTM_FEATURES_SPECTRUM:
        return config->columns * (config->n_fft / 2 + 1);
    default:
        return config->win_length + config->pad_right;
    }
}

int pylstm_features_span(const pylstm_features_config *config) {
    if (config->kind == PYLSTM_FEATURES_SPECTRUM)
        return config->win_length + (config->columns - 1) * config->column_hop - config->pad_right;
    return config->win_length;
}

/* Keys that may be missing: then the value stays. */

static pylstm_status optional_integer(pylstm_model_file *file, const char *key, int64_t low, int64_t high, int *value,
                                      pylstm_error *why) {
    return pylstm_config_has(file, key) ? pylstm_config_integer(file, key, low, high, value, why) : PYLSTM_OK;
}

static pylstm_status optional_number(pylstm_model_file *file, const char *key, double low, double high, double *value,
                                     pylstm_error *why) {
    return pylstm_config_has(file, key) ? pylstm_config_number(file, key, low, high, value, why) : PYLSTM_OK;
}

static pylstm_status optional_boolean(pylstm_model_file *file, const char *key, int *value, pylstm_error *why) {
    return pylstm_config_has(file, key) ? pylstm_config_boolean(file, key, value, why) : PYLSTM_OK;
}

static pylstm_status optional_choice(pylstm_model_file *file, const char *key, const char *const *choices, int *value,
                                     pylstm_error *why) {
    return pylstm_config_has(file, key) ? pylstm_config_choice(file, key, choices, value, why) : PYLSTM_OK;
}

/* What all kinds that have a window share; the mel bands stand between, in the order of messages that files have always had. */
static pylstm_status read_framing(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    static const char *const windows[] = {"hann", "hamming", "blackman", "boxcar", "povey", "sqrt_hann", NULL};
    static const char *const framings[] = {"stft", "kaldi", "chunk", NULL};
    static const char *const pad_modes[] = {"constant", "reflect", "symmetric", NULL};
    static const char *const preemphases[] = {"frame", "signal", NULL};
    static const char *const logs[] = {"none", "db", "ln", "log10", NULL};
    PYLSTM_TRY(pylstm_config_choice(file, "features.window", windows, &config->window, why));
    PYLSTM_TRY(pylstm_config_boolean(file, "features.center", &config->center, why));
    PYLSTM_TRY(pylstm_config_choice(file, "features.pad_mode", pad_modes, &config->pad_mode, why));
    PYLSTM_TRY(pylstm_config_number(file, "features.power", 0.0, PYLSTM_MAX_POWER, &config->power, why));
    PYLSTM_TRY(optional_boolean(file, "features.periodic", &config->periodic, why));
    PYLSTM_TRY(optional_choice(file, "features.framing", framings, &config->framing, why));
    PYLSTM_TRY(optional_boolean(file, "features.remove_dc_offset", &config->remove_dc_offset, why));
    PYLSTM_TRY(optional_number(file, "features.preemphasis", 0.0, 1.0, &config->preemphasis, why));
    PYLSTM_TRY(optional_choice(file, "features.preemphasis_over", preemphases, &config->preemphasis_over, why));
    PYLSTM_TRY(optional_choice(file, "features.log", logs, &config->log, why));
    PYLSTM_TRY(optional_number(file, "features.log_floor", MIN_FLOOR, MAX_FLOOR, &config->log_floor, why));
    return optional_number(file, "features.log_offset", 0.0, MAX_FLOOR, &config->log_offset, why);
}

static pylstm_status read_bands(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    static const char *const norms[] = {"none", "slaney", NULL};
    static const char *const triangles[] = {"hz", "mel", NULL};
    static const char *const energies[] = {"none", "raw", "windowed", NULL};
    PYLSTM_TRY(pylstm_config_integer(file, "features.n_mels", 1, PYLSTM_MAX_N_MELS, &config->n_mels, why));
    PYLSTM_TRY(pylstm_config_number(file, "features.fmin", 0.0, config->sr / 2.0, &config->fmin, why));
    PYLSTM_TRY(pylstm_config_number(file, "features.fmax", 0.0, config->sr / 2.0, &config->fmax, why));
    PYLSTM_TRY(pylstm_config_boolean(file, "features.htk", &config->htk, why));
    PYLSTM_TRY(pylstm_config_choice(file, "features.norm", norms, &config->norm, why));
    PYLSTM_TRY(optional_choice(file, "features.triangles", triangles, &config->triangles, why));
    PYLSTM_TRY(optional_choice(file, "features.energy", energies, &config->energy, why));
    return optional_number(file, "features.energy_floor", MIN_FLOOR, MAX_FLOOR, &config->energy_floor, why);
}

static pylstm_status read_cepstrum(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    static const char *const dct_norms[] = {"none", "ortho", NULL};
    static const char *const lifters[] = {"librosa", "kaldi", NULL};
    PYLSTM_TRY(pylstm_config_integer(file, "features.n_mfcc", 1, config->n_mels, &config->n_mfcc, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.dct_type", 1, 3, &config->dct_type, why));
    PYLSTM_TRY(pylstm_config_choice(file, "features.dct_norm", dct_norms, &config->dct_norm, why));
    PYLSTM_TRY(pylstm_config_number(file, "features.lifter", 0.0, PYLSTM_MAX_LIFTER, &config->lifter, why));
    return optional_choice(file, "features.lifter_formula", lifters, &config->lifter_formula, why);
}

static pylstm_status read_loudness_and_deltas(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    char text[8];
    /* "none" or a number; a value too long for the buffer cannot be "none" */
    config->has_top_db =
        pylstm_config_text(file, "features.top_db", text, sizeof text, NULL) != PYLSTM_OK || strcmp(text, "none") != 0;
    if (config->has_top_db)
        PYLSTM_TRY(pylstm_config_number(file, "features.top_db", 0.0, MAX_TOP_DB, &config->top_db, why));
    return pylstm_config_integer(file, "features.deltas", 0, 2, &config->deltas, why);
}

static pylstm_status read_columns(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    PYLSTM_TRY(optional_integer(file, "features.columns", 1, PYLSTM_MAX_FEATURE_COLUMNS, &config->columns, why));
    PYLSTM_TRY(optional_integer(file, "features.column_hop", 0, MAX_N_FFT, &config->column_hop, why));
    return optional_integer(file, "features.pad_right", 0, MAX_N_FFT, &config->pad_right, why);
}

/* A chunk is a frame under a window of ones, and has no other settings. */
static pylstm_status read_waveform(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    PYLSTM_TRY(pylstm_config_integer(file, "features.frame_length", 1, MAX_N_FFT, &config->win_length, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.hop_length", 1, MAX_HOP, &config->hop_length, why));
    config->n_fft = config->win_length;
    config->framing = PYLSTM_FRAMING_CHUNK;
    return optional_integer(file, "features.pad_right", 0, MAX_N_FFT, &config->pad_right, why);
}

static pylstm_status read_spectra(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    const int has_bands = config->kind != PYLSTM_FEATURES_SPECTRUM;
    config->log = has_bands ? PYLSTM_LOG_DB : PYLSTM_LOG_NONE;
    PYLSTM_TRY(pylstm_config_integer(file, "features.n_fft", 1, MAX_N_FFT, &config->n_fft, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.win_length", 1, config->n_fft, &config->win_length, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.hop_length", 1, MAX_HOP, &config->hop_length, why));
    if (has_bands)
        PYLSTM_TRY(read_bands(file, config, why));
    PYLSTM_TRY(read_framing(file, config, why));
    if (!has_bands)
        return read_columns(file, config, why);
    if (config->kind == PYLSTM_FEATURES_MFCC)
        PYLSTM_TRY(read_cepstrum(file, config, why));
    return read_loudness_and_deltas(file, config, why);
}

pylstm_status pylstm_features_config_read(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why) {
    static const char *const kinds[] = {"mfcc", "logmel", "spectrum", "waveform", NULL};
    int64_t width;

    *config = (pylstm_features_config){
        .scale = 1.0,
        .periodic = 1,
        .columns = 1,
        .log_floor = PYLSTM_DEFAULT_FLOOR,
        .energy_floor = PYLSTM_DEFAULT_ENERGY,
    };
    PYLSTM_TRY(pylstm_config_choice(file, "features.kind", kinds, &config->kind, why));
    PYLSTM_TRY(pylstm_config_integer(file, "features.sr", 1, MAX_SR, &config->sr, why));
    PYLSTM_TRY(config->kind == PYLSTM_FEATURES_WAVEFORM ? read_waveform(file, config, why) : read_spectra(file, config, why));
    PYLSTM_TRY(optional_number(file, "features.scale", MIN_SCALE, MAX_SCALE, &config->scale, why));
    PYLSTM_TRY(pylstm_config_boolean(file, "features.normalize", &config->normalize, why));
    PYLSTM_TRY(pylstm_features_rules_check(config, why));
    if (config->normalize) {
        width = pylstm_features_width(config);
        PYLSTM_TRY(pylstm_model_file_tensor(file, "features.mean", PYLSTM_DTYPE_ANY_FLOAT, 1, &width, &config->mean, why));
        PYLSTM_TRY(pylstm_model_file_tensor(file, "features.std", PYLSTM_DTYPE_ANY_FLOAT, 1, &width, &config->std, why));
    }
    return config->normalize ? pylstm_features_std_check(&config->std, why) : PYLSTM_OK;
}
