/* The getters of a model: sizes, labels, notes. */
#include "engine/model.h"

#include <string.h>

#define TEXT_OF(number)                 #number
#define VERSION_OF(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *pylstm_version(void) {
    return VERSION_OF(PYLSTM_VERSION_MAJOR, PYLSTM_VERSION_MINOR, PYLSTM_VERSION_PATCH);
}

int pylstm_model_sample_rate(const pylstm_model *model) {
    return model && model->features ? pylstm_features_sr(model->features) : 0;
}

int pylstm_model_n_features(const pylstm_model *model) {
    return model ? model->n_features : 0;
}

int pylstm_model_n_outputs(const pylstm_model *model) {
    return model ? model->n_outputs : 0;
}

int64_t pylstm_model_latency(const pylstm_model *model) {
    if (!model || !model->features)
        return 0;
    return pylstm_features_latency(model->features) +
           pylstm_graph_look(&model->graph) * pylstm_features_hop_length(model->features);
}

const char *pylstm_model_isa(const pylstm_model *model) {
    return model ? model->kernels->isa : NULL;
}

const char *pylstm_model_label(const pylstm_model *model, int output) {
    return model && model->labels && output >= 0 && output < model->n_outputs ? model->labels[output] : NULL;
}

int pylstm_model_hop_length(const pylstm_model *model) {
    if (!model || !model->features)
        return 0;
    return pylstm_features_hop_length(model->features) * (int)pylstm_graph_period(&model->graph);
}

int64_t pylstm_model_first_sample(const pylstm_model *model) {
    if (!model || !model->features)
        return 0;
    return pylstm_graph_first(&model->graph) * pylstm_features_hop_length(model->features);
}

/* --- the graph -------------------------------------------------------------------------------------------------------- */

int pylstm_model_n_nodes(const pylstm_model *model) {
    return model ? model->graph.n_nodes : 0;
}

pylstm_status pylstm_model_node(const pylstm_model *model, int index, pylstm_node_info *node) {
    const pylstm_layer *layer;
    if (!model || !node || index < 0 || index >= model->graph.n_nodes)
        return PYLSTM_BAD_ARGUMENT;
    layer = &model->graph.layers[index];
    *node = (pylstm_node_info){
        .name = model->graph.names[index],
        .kind = layer->kind->name,
        .positions = layer->output_positions,
        .channels = layer->output_size / layer->output_positions,
        .first = model->graph.nodes[index].first,
        .period = model->graph.nodes[index].period,
        .look = model->graph.nodes[index].look,
        .state_size = (index + 1 < model->graph.n_nodes ? model->graph.nodes[index + 1].state : model->graph.state_size) -
                      model->graph.nodes[index].state,
    };
    return PYLSTM_OK;
}

/* Whether rows of the last node are rows of its inputs side by side: with positions, channels are. */
static int has_parts(const pylstm_graph *graph) {
    const pylstm_layer *last = graph->n_nodes ? &graph->layers[graph->n_nodes - 1] : NULL;
    return last && strcmp(last->kind->name, "concat") == 0 && last->output_positions == 1;
}

int pylstm_model_n_output_parts(const pylstm_model *model) {
    if (!model)
        return 0;
    return has_parts(&model->graph) ? model->graph.layers[model->graph.n_nodes - 1].n_inputs : 1;
}

pylstm_status pylstm_model_output_part(const pylstm_model *model, int index, pylstm_output_part *part) {
    const pylstm_graph *graph;
    int from, start = 0;
    if (!model || !part || index < 0 || index >= pylstm_model_n_output_parts(model))
        return PYLSTM_BAD_ARGUMENT;
    graph = &model->graph;
    from = graph->n_nodes - 1;
    if (has_parts(graph)) {
        const pylstm_layer *last = &graph->layers[from];
        for (int k = 0; k < index; k++)
            start += last->input_widths[k];
        *part = (pylstm_output_part){.start = start, .size = last->input_widths[index]};
        from = graph->nodes[from].from[index];
    } else {
        *part = (pylstm_output_part){.size = model->n_outputs};
    }
    part->name = from == PYLSTM_FROM_FEATURES ? PYLSTM_FEATURES_NAME : graph->names[from];
    return PYLSTM_OK;
}

/* --- notes and settings ----------------------------------------------------------------------------------------------- */

pylstm_setting *pylstm_entries_lay_out(const pylstm_model_file *file, const char *prefix, pylstm_arena *arena, int *n) {
    const size_t length = strlen(prefix);
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1], *text;
    pylstm_setting *entries;
    size_t size = 0;
    *n = 0;
    for (int k = 0; k < file->container.n_metadata; k++) {
        pylstm_safetensors_metadata(&file->container, k, key, value);
        if (strncmp(key, prefix, length) != 0)
            continue;
        size += strlen(key) - length + 1 + strlen(value) + 1;
        ++*n;
    }
    entries = pylstm_arena_take(arena, (size_t)*n, sizeof *entries);
    text = pylstm_arena_take(arena, size, 1);
    if (!arena->base)
        return NULL;
    *n = 0;
    for (int k = 0; k < file->container.n_metadata; k++) {
        pylstm_safetensors_metadata(&file->container, k, key, value);
        if (strncmp(key, prefix, length) != 0)
            continue;
        entries[*n].key = strcpy(text, key + length);
        text += strlen(text) + 1;
        entries[*n].value = strcpy(text, value);
        text += strlen(text) + 1;
        ++*n;
    }
    return entries;
}

const char *pylstm_entry(const pylstm_setting *entries, int n, const char *key) {
    for (int k = 0; k < n; k++) {
        if (strcmp(entries[k].key, key) == 0)
            return entries[k].value;
    }
    return NULL;
}

int pylstm_model_n_info(const pylstm_model *model) {
    return model ? model->n_info : 0;
}

const char *pylstm_model_info_key(const pylstm_model *model, int index) {
    return model && index >= 0 && index < model->n_info ? model->info[index].key : NULL;
}

const char *pylstm_model_info(const pylstm_model *model, const char *key) {
    return model && key ? pylstm_entry(model->info, model->n_info, key) : NULL;
}
