/* The rules of features' settings, each with the message of its refusal. */
#include "features/features_rules.h"

#include <float.h>

#define MIN_LIFTER 1e-3

static pylstm_status check_bands(const pylstm_features_config *config, pylstm_error *why) {
    if (!(config->fmin < config->fmax))
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.fmin is %.17g; expected at least 0 and below fmax = %.17g", config->fmin,
                           config->fmax);
    if (config->has_top_db && config->log != PYLSTM_LOG_DB)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.top_db is %.17g; expected none where features.log is not db", config->top_db);
    if (config->energy == PYLSTM_ENERGY_NONE && config->energy_floor != PYLSTM_DEFAULT_ENERGY)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.energy_floor is %.17g; expected %.17g where features.energy is none",
                           config->energy_floor, PYLSTM_DEFAULT_ENERGY);
    return PYLSTM_OK;
}

static pylstm_status check_cepstrum(const pylstm_features_config *config, pylstm_error *why) {
    if (config->dct_type == 1 && config->n_mels < 2)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.n_mels is 1; expected at least 2 with dct_type 1");
    if (config->lifter != 0.0 && config->lifter < MIN_LIFTER)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.lifter is %.17g; expected 0 or %g to %g", config->lifter,
                           MIN_LIFTER, PYLSTM_MAX_LIFTER);
    if (config->log == PYLSTM_LOG_NONE)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.log is none; expected db, ln or log10 before the cosine transform of mfcc");
    return PYLSTM_OK;
}

/* What the windows of a row have to fit into. */
static pylstm_status check_columns(const pylstm_features_config *config, pylstm_error *why) {
    const int chunks = config->framing == PYLSTM_FRAMING_CHUNK;
    const int64_t whole = config->win_length + (int64_t)(config->columns - 1) * config->column_hop;
    const int64_t width = (int64_t)config->columns * (config->n_fft / 2 + 1);
    if (config->columns > 1 && !chunks)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.columns is %d; expected 1 where features.framing is not chunk",
                           config->columns);
    if (config->pad_right > 0 && !chunks)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.pad_right is %d; expected 0 where features.framing is not chunk",
                           config->pad_right);
    if (config->columns == 1 && config->column_hop != 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.column_hop is %d; expected 0 where features.columns is 1", config->column_hop);
    if (config->columns > 1 && (config->column_hop < 1 || config->column_hop > config->win_length))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.column_hop is %d; expected 1 to win_length = %d",
                           config->column_hop, config->win_length);
    if (2 * (int64_t)config->pad_right > whole - 1)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.pad_right is %d; expected at most %d, what can be mirrored before it",
                           config->pad_right, (int)((whole - 1) / 2));
    if (width > PYLSTM_MAX_DIMENSION)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.columns is %d; expected at most %d with features.n_fft = %d", config->columns,
                           PYLSTM_MAX_DIMENSION / (config->n_fft / 2 + 1), config->n_fft);
    return PYLSTM_OK;
}

static pylstm_status check_waveform(const pylstm_features_config *config, pylstm_error *why) {
    if (config->pad_right > config->win_length - 1)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.pad_right is %d; expected at most %d, what can be mirrored before it",
                           config->pad_right, config->win_length - 1);
    if (config->pad_right > PYLSTM_MAX_DIMENSION - config->win_length)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.pad_right is %d; expected at most %d with features.frame_length = %d",
                           config->pad_right, PYLSTM_MAX_DIMENSION - config->win_length, config->win_length);
    return PYLSTM_OK;
}

pylstm_status pylstm_features_rules_check(const pylstm_features_config *config, pylstm_error *why) {
    if (config->kind == PYLSTM_FEATURES_WAVEFORM)
        return check_waveform(config, why);
    if (config->kind != PYLSTM_FEATURES_SPECTRUM)
        PYLSTM_TRY(check_bands(config, why));
    if (!(config->power > 0.0))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.power is %.17g; expected above 0 and at most %g",
                           config->power, PYLSTM_MAX_POWER);
    if (config->framing == PYLSTM_FRAMING_CHUNK && config->center)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.center is true; expected false where features.framing is chunk");
    if (config->log == PYLSTM_LOG_NONE && config->log_floor != PYLSTM_DEFAULT_FLOOR)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.log_floor is %.17g; expected %.17g where features.log is none",
                           config->log_floor, PYLSTM_DEFAULT_FLOOR);
    if (config->log == PYLSTM_LOG_NONE && config->log_offset != 0.0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.log_offset is %.17g; expected 0 where features.log is none",
                           config->log_offset);
    if (config->preemphasis == 0.0 && config->preemphasis_over != PYLSTM_PREEMPHASIS_FRAME)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[features] features.preemphasis_over is signal; expected frame where features.preemphasis is 0");
    if (config->kind == PYLSTM_FEATURES_MFCC)
        return check_cepstrum(config, why);
    return config->kind == PYLSTM_FEATURES_SPECTRUM ? check_columns(config, why) : PYLSTM_OK;
}

/* A std below FLT_MIN would be taken for zero where subnormal numbers are flushed. */
pylstm_status pylstm_features_std_check(const pylstm_tensor *std, pylstm_error *why) {
    for (size_t i = 0; i < std->count; i++) {
        float value;
        pylstm_tensor_read_range(std, i, 1, &value);
        if (!(value >= FLT_MIN))
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[features] features.std[%zu] is %.9g; expected a finite number above 0",
                               i, (double)value);
    }
    return PYLSTM_OK;
}
