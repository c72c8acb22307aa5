/* The cost of a model per second of audio: a file of a few hundred bytes must not ask for minutes of work.
 *
 * Features have few bytes and may ask for much: they are counted from their configuration. Most layers do work in proportion
 * to their weights, and are counted from the shapes of their tensors; kinds that do not, count themselves.
 */
#include "engine/model_cost.h"
#include "kernels/kernels.h"
#include "platform/formatted_text.h"

#include <stdlib.h>
#include <string.h>

#define SLOWEST_RATE 16000 /* what is pushed may be faster than what the file says */
#define MOST_GATES   4     /* matrices of a cell that are one tensor, each padded by itself */

/* A matrix: its product with a row, padded to vectors; the row made fit for its precision; an activation for each sum. */
static uint64_t matrix_operations(const pylstm_tensor *tensor) {
    const uint64_t rows = (uint64_t)tensor->shape[0], columns = (uint64_t)tensor->shape[1];
    const uint64_t whole = rows * PYLSTM_UNITS, padded = rows + MOST_GATES * (PYLSTM_UNITS - 1);
    const uint64_t to_bytes = tensor->dtype == PYLSTM_DTYPE_I8 ? 600 : 0;
    return columns * (3 * (padded < whole ? padded : whole) + 12) + 40 * rows + 400 + to_bytes;
}

/* A bias is added; a gain has a normalisation before it. */
static uint64_t vector_operations(const pylstm_tensor *tensor) {
    return 4 * tensor->count + 400;
}

/* What a node does beside its products: collecting the rows that an output row is made of. */
static uint64_t collect_operations(const pylstm_layer *layer) {
    return 90 * (uint64_t)layer->window.n_taps * (uint64_t)layer->n_inputs;
}

/* Counting and remembering each row that comes in. */
static uint64_t remember_operations(const pylstm_layer *layer) {
    uint64_t sum = 0;
    for (int i = 0; i < layer->n_inputs; i++)
        sum += 100 + (uint64_t)layer->input_widths[i] * (pylstm_is_join(layer) || layer->window.n_taps > 1);
    return sum;
}

/* Operations of each layer for a row of its own. */
static void count_layers(const pylstm_safetensors *container, const pylstm_graph_plan *plan, uint64_t *of_row) {
    for (int k = 0; k < plan->graph.n_nodes; k++) {
        const pylstm_layer *layer = &plan->layers[k];
        of_row[k] = layer->kind->operations ? layer->kind->operations(layer) : 0;
        if (!plan->graph.is_plain)
            of_row[k] += collect_operations(layer) + (uint64_t)layer->window.stride * remember_operations(layer);
    }
    for (int k = 0; k < container->n_tensors; k++) {
        pylstm_tensor tensor;
        pylstm_safetensors_tensor(container, k, &tensor);
        if (strncmp(tensor.name, "layers.", 7) != 0)
            continue;
        const int index = atoi(tensor.name + 7); /* of a layer: pylstm_model_file_finish has refused all others */
        if (!plan->layers[index].kind->operations)
            of_row[index] += tensor.rank == 2 ? matrix_operations(&tensor) : vector_operations(&tensor);
    }
}

static void add_layers(const pylstm_safetensors *container, const pylstm_graph_plan *plan, pylstm_model_cost *cost) {
    uint64_t of_row[PYLSTM_MAX_LAYERS], most = 0;
    count_layers(container, plan, of_row);
    cost->costliest = -1;
    for (int k = 0; k < plan->graph.n_nodes; k++) {
        const uint64_t period = (uint64_t)plan->nodes[k].period, operations = (of_row[k] + period - 1) / period;
        cost->layers += operations;
        cost->costliest = operations > most ? k : cost->costliest;
        most = operations > most ? operations : most;
    }
}

static uint64_t rate_of(const pylstm_features_config *config) {
    return config->sr > SLOWEST_RATE ? (uint64_t)config->sr : SLOWEST_RATE;
}

static uint64_t of_a_frame(const pylstm_model_cost *cost) {
    return cost->features.transform + cost->features.bands + cost->features.row + cost->layers;
}

pylstm_model_cost pylstm_model_cost_of(const pylstm_model_file *file, const pylstm_features_config *config,
                                       const pylstm_graph_plan *plan) {
    pylstm_model_cost cost = {.costliest = -1};
    add_layers(&file->container, plan, &cost);
    if (!config) {
        cost.per_second = PYLSTM_OUTSIDE_RATE * cost.layers;
        return cost;
    }
    cost.features = pylstm_features_cost_of(config);
    cost.per_second =
        rate_of(config) * cost.features.sample + rate_of(config) * of_a_frame(&cost) / (uint64_t)config->hop_length;
    return cost;
}

/* The settings that most of the cost of a frame comes from. */
static void name_driver(char text[96], const pylstm_model_cost *cost, const pylstm_features_config *config,
                        const pylstm_graph_plan *plan) {
    const pylstm_features_cost *features = &cost->features;
    if (cost->layers > features->transform && cost->layers > features->bands)
        pylstm_format(text, 96, "the sizes of its layers, of layer %s above all", plan->names[cost->costliest]);
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

/* There is no hop that could be longer. */
static pylstm_status refuse_layers(const pylstm_model_cost *cost, const pylstm_graph_plan *plan, pylstm_error *why) {
    return pylstm_fail(
        why, PYLSTM_BAD_MODEL,
        "[cost] a frame would cost %.2g operations; expected at most %.2g: most of them are for the sizes of layer "
        "%s",
        (double)cost->layers, (double)(PYLSTM_MAX_OPERATIONS / PYLSTM_OUTSIDE_RATE), plan->names[cost->costliest]);
}

pylstm_status pylstm_model_cost_check(const pylstm_model_file *file, const pylstm_features_config *config,
                                      const pylstm_graph_plan *plan, pylstm_error *why) {
    const pylstm_model_cost cost = pylstm_model_cost_of(file, config, plan);
    uint64_t rate, left;
    char driver[96];
    if (cost.per_second <= PYLSTM_MAX_OPERATIONS)
        return PYLSTM_OK;
    if (!config)
        return refuse_layers(&cost, plan, why);
    rate = rate_of(config);
    left = PYLSTM_MAX_OPERATIONS - rate * cost.features.sample;
    name_driver(driver, &cost, config, plan);
    return pylstm_fail(why, PYLSTM_BAD_MODEL,
                       "[cost] features.hop_length is %d; expected at least %lu: each second of audio would cost %.2g "
                       "operations, more than %.2g, most of them for %s",
                       config->hop_length, (unsigned long)((rate * of_a_frame(&cost) + left - 1) / left),
                       (double)cost.per_second, (double)PYLSTM_MAX_OPERATIONS, driver);
}
