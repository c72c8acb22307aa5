/* The cost of a model per second of audio: a file of a few hundred bytes must not ask for minutes of work.
 *
 * Features have few bytes and may ask for much: they are counted from their configuration. Layers do work in proportion to
 * their weights, whatever their kind is, so they are counted from the shapes of the tensors.
 */
#include "engine/model_cost.h"
#include "kernels/kernels.h"
#include "platform/formatted_text.h"

#include <string.h>

#define SLOWEST_RATE 16000 /* what is pushed may be faster than what the file says */
#define MOST_GATES   4     /* matrices of a cell that are one tensor, each padded by itself */

/* A matrix: its product with a row, padded to vectors; the row made fit for its precision; an activation for each sum. */
static uint64_t matrix_operations(const pylstm_tensor *tensor) {
    const uint64_t rows = (uint64_t)tensor->shape[0], columns = (uint64_t)tensor->shape[1];
    const uint64_t whole = rows * PYLSTM_UNITS, padded = rows + MOST_GATES * (PYLSTM_UNITS - 1);
    return columns * (3 * (padded < whole ? padded : whole) + 12) + 40 * rows + 400;
}

/* Of all layers, for a row. */
static uint64_t layers_operations(const pylstm_safetensors *container) {
    uint64_t sum = 0;
    for (int k = 0; k < container->n_tensors; k++) {
        pylstm_tensor tensor;
        pylstm_safetensors_tensor(container, k, &tensor);
        if (strncmp(tensor.name, "layers.", 7) == 0)
            sum += tensor.rank == 2 ? matrix_operations(&tensor) : 4 * tensor.count;
    }
    return sum;
}

static uint64_t rate_of(const pylstm_features_config *config) {
    return config->sr > SLOWEST_RATE ? (uint64_t)config->sr : SLOWEST_RATE;
}

static uint64_t of_a_frame(const pylstm_model_cost *cost) {
    return cost->features.transform + cost->features.bands + cost->features.row + cost->layers;
}

pylstm_model_cost pylstm_model_cost_of(const pylstm_model_file *file, const pylstm_features_config *config) {
    pylstm_model_cost cost = {
        .features = pylstm_features_cost_of(config),
        .layers = layers_operations(&file->container),
    };
    cost.per_second =
        rate_of(config) * cost.features.sample + rate_of(config) * of_a_frame(&cost) / (uint64_t)config->hop_length;
    return cost;
}

/* The settings that most of the cost of a frame comes from. */
static void name_driver(char text[96], const pylstm_model_cost *cost, const pylstm_features_config *config) {
    const pylstm_features_cost *features = &cost->features;
    if (cost->layers > features->transform && cost->layers > features->bands)
        pylstm_format(text, 96, "the sizes of its layers");
    else if (config->kind == PYLSTM_FEATURES_WAVEFORM)
        pylstm_format(text, 96, "features.frame_length = %d", config->win_length);
    else if (config->columns > 1)
        pylstm_format(text, 96, "features.n_fft = %d with features.columns = %d", config->n_fft, config->columns);
    else if (features->bands > features->transform && config->kind == PYLSTM_FEATURES_MFCC)
        pylstm_format(text, 96, "features.n_mels = %d with features.n_mfcc = %d", config->n_mels, config->n_mfcc);
    else if (features->bands > features->transform && config->kind == PYLSTM_FEATURES_LOGMEL)
        pylstm_format(text, 96, "features.n_mels = %d", config->n_mels);
    else
        pylstm_format(text, 96, "features.n_fft = %d", config->n_fft);
}

pylstm_status pylstm_model_cost_check(const pylstm_model_file *file, const pylstm_features_config *config, pylstm_error *why) {
    const pylstm_model_cost cost = pylstm_model_cost_of(file, config);
    const uint64_t rate = rate_of(config), left = PYLSTM_MAX_OPERATIONS - rate * cost.features.sample;
    char driver[96];
    if (cost.per_second <= PYLSTM_MAX_OPERATIONS)
        return PYLSTM_OK;
    name_driver(driver, &cost, config);
    return pylstm_fail(why, PYLSTM_BAD_MODEL,
                       "[cost] features.hop_length is %d; expected at least %lu: each second of audio would cost %.2g "
                       "operations, more than %.2g, most of them for %s",
                       config->hop_length, (unsigned long)((rate * of_a_frame(&cost) + left - 1) / left),
                       (double)cost.per_second, (double)PYLSTM_MAX_OPERATIONS, driver);
}
