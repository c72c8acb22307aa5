/* Reading a graph: names, inputs, the layers, and whether their rows can come together. */
#include "engine/graph.h"
#include "layers/layer_reading.h"
#include "platform/formatted_text.h"

#include <string.h>

/* Floats that a stream may have to remember between layers, and features rows that a node may lag or be apart. */
#define MOST_REMEMBERED ((int64_t)1 << 24)
#define MOST_TIME       ((int64_t)1 << 20)

#define MOST_INPUTS_TEXT (PYLSTM_MAX_INPUTS * (PYLSTM_MAX_LAYER_NAME + 2))

static int is_name_byte(char c, int is_first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9' && !is_first);
}

static int is_name(const char *text) {
    for (int k = 0; text[k]; k++) {
        if (!is_name_byte(text[k], k == 0))
            return 0;
    }
    return text[0] != 0 && strcmp(text, PYLSTM_FEATURES_NAME) != 0;
}

static pylstm_status read_name(pylstm_model_file *file, int index, pylstm_graph_plan *plan, pylstm_error *why) {
    char key[32], *name = plan->names[index];
    pylstm_format(key, sizeof key, "layers.%d.name", index);
    pylstm_format(name, sizeof plan->names[index], "%d", index);
    if (file->format < 2 || !pylstm_config_has(file, key))
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_config_text(file, key, name, sizeof plan->names[index], why));
    if (!is_name(name))
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[layer-name] %s is '%s'; expected letters, digits and _, no digit first, and not '%s'", key, name,
                           PYLSTM_FEATURES_NAME);
    for (int k = 0; k < index; k++) {
        if (strcmp(plan->names[k], name) == 0)
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[layer-name] %s is '%s'; expected a name that layer %d has not", key,
                               name, k);
    }
    return PYLSTM_OK;
}

/* --- inputs ----------------------------------------------------------------------------------------------------------- */

/* The node that an input names. */
static pylstm_status find_input(const pylstm_graph_plan *plan, int index, const char *name, signed char *from,
                                pylstm_error *why) {
    if (strcmp(name, PYLSTM_FEATURES_NAME) == 0) {
        *from = PYLSTM_FROM_FEATURES;
        return PYLSTM_OK;
    }
    for (int k = 0; k < index; k++) {
        if (strcmp(plan->names[k], name) == 0) {
            *from = (signed char)k;
            return PYLSTM_OK;
        }
    }
    return pylstm_fail(why, PYLSTM_BAD_MODEL,
                       "[inputs] layers.%d.inputs names '%s'; expected '%s' or a layer before layer %d (%s): a layer cannot "
                       "take its own rows or those of a later one",
                       index, name, PYLSTM_FEATURES_NAME, index, plan->names[index]);
}

static pylstm_status read_inputs(pylstm_model_file *file, int index, pylstm_graph_plan *plan, int *n, pylstm_error *why) {
    char key[32], text[MOST_INPUTS_TEXT], *name = text, *end;
    pylstm_node *node = &plan->nodes[index];
    pylstm_format(key, sizeof key, "layers.%d.inputs", index);
    node->from[0] = (signed char)(index - 1);
    *n = 1;
    if (file->format < 2 || !pylstm_config_has(file, key))
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_config_text(file, key, text, sizeof text, why));
    for (*n = 0; name; name = end ? end + 1 : NULL) {
        end = strchr(name, ',');
        if (end)
            *end = 0;
        if (*n == PYLSTM_MAX_INPUTS)
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[inputs] %s has more than %d names; expected at most that many for layer %s", key,
                               PYLSTM_MAX_INPUTS, plan->names[index]);
        PYLSTM_TRY(find_input(plan, index, name, &node->from[*n], why));
        ++*n;
    }
    return PYLSTM_OK;
}

static int width_of(const pylstm_graph_plan *plan, int from) {
    return from < 0 ? plan->graph.n_features : plan->layers[from].output_size;
}

/* What is cut into positions by two neighbours must be cut alike. */
static pylstm_status check_positions(pylstm_graph_plan *plan, int index, pylstm_error *why) {
    const int from = plan->nodes[index].from[0];
    const int given = from < 0 ? 1 : plan->layers[from].output_positions;
    pylstm_layer *layer = &plan->layers[index];
    if (layer->kind->keeps_positions && layer->input_positions == 1)
        layer->input_positions = layer->output_positions = given;
    if (given == 1 || layer->input_positions == 1 || given == layer->input_positions)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_MODEL,
                       "[positions] layers.%d.positions is %d; expected %d, as layer %s gives them to layer %s", index,
                       layer->input_positions, given, plan->names[from], plan->names[index]);
}

/* Probabilities side by side are as independent as they were. */
static void inherit_independence(pylstm_graph_plan *plan, int index) {
    pylstm_layer *layer = &plan->layers[index];
    layer->independent_outputs = 1;
    for (int i = 0; i < layer->n_inputs; i++) {
        const int from = plan->nodes[index].from[i];
        layer->independent_outputs &= from >= 0 && plan->layers[from].independent_outputs;
    }
}

/* --- time ------------------------------------------------------------------------------------------------------------- */

static pylstm_node before_all(void) {
    return (pylstm_node){.first = 0, .period = 1, .look = 0};
}

static pylstm_node source_of(const pylstm_graph_plan *plan, int from) {
    return from < 0 ? before_all() : plan->nodes[from];
}

static pylstm_status bound_time(const pylstm_graph_plan *plan, int index, pylstm_error *why) {
    const pylstm_node *node = &plan->nodes[index];
    if (node->first <= MOST_TIME && node->period <= MOST_TIME && node->look <= MOST_TIME)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_MODEL,
                       "[time] layer %s begins at frame %lld, has a row every %lld frames and looks %lld ahead; expected at "
                       "most %lld of each",
                       plan->names[index], (long long)node->first, (long long)node->period, (long long)node->look,
                       (long long)MOST_TIME);
}

static pylstm_status time_window(pylstm_graph_plan *plan, int index, pylstm_error *why) {
    const pylstm_time_window *window = &plan->layers[index].window;
    const pylstm_node in = source_of(plan, plan->nodes[index].from[0]);
    pylstm_node *node = &plan->nodes[index];
    const int reach = pylstm_window_reach(window);
    node->first = in.first + in.period * (reach - window->left - window->right);
    node->period = in.period * window->stride;
    node->look = in.look + in.period * window->right;
    node->keep[0] = reach;
    return bound_time(plan, index, why);
}

static const char *name_of(const pylstm_graph_plan *plan, int from) {
    return from < 0 ? PYLSTM_FEATURES_NAME : plan->names[from];
}

/* The first input of a join and another one differ in rate: says how to leave rows out of both. */
static pylstm_status fail_rates(const pylstm_graph_plan *plan, int index, int other, pylstm_error *why) {
    const signed char *from = plan->nodes[index].from;
    const int64_t a = source_of(plan, from[0]).period, b = source_of(plan, from[other]).period;
    int64_t divisor = a, rest = b;
    while (rest) {
        const int64_t next = divisor % rest;
        divisor = rest;
        rest = next;
    }
    return pylstm_fail(why, PYLSTM_BAD_MODEL,
                       "[rate] layer %s joins %s, with a stride of %lld in all, and %s, with one of %lld; expected equal ones: "
                       "stacks behind them, with strides of %lld and %lld, make them so",
                       plan->names[index], name_of(plan, from[0]), (long long)a, name_of(plan, from[other]), (long long)b,
                       (long long)(b / divisor), (long long)(a / divisor));
}

/* All inputs have rows at one rate, for the same rows of the features. The first ones of what begins early are skipped, and
 * what comes early is kept until the last one has come. */
static pylstm_status time_join(pylstm_graph_plan *plan, int index, pylstm_error *why) {
    const int n = plan->layers[index].n_inputs;
    pylstm_node *node = &plan->nodes[index];
    node->first = node->look = 0;
    node->period = source_of(plan, node->from[0]).period;
    for (int i = 0; i < n; i++) {
        const pylstm_node in = source_of(plan, node->from[i]);
        node->first = in.first > node->first ? in.first : node->first;
        node->look = in.look > node->look ? in.look : node->look;
    }
    for (int i = 0; i < n; i++) {
        const pylstm_node in = source_of(plan, node->from[i]);
        const char *name = name_of(plan, node->from[i]);
        if (in.period != node->period)
            return fail_rates(plan, index, i, why);
        if ((node->first - in.first) % node->period)
            return pylstm_fail(
                why, PYLSTM_BAD_MODEL,
                "[rate] layer %s joins rows that begin with frame %lld and, of %s, with frame %lld; expected a "
                "multiple of their stride, %lld, between these: a layer with \"causal\" padding begins where its "
                "input does",
                plan->names[index], (long long)node->first, name, (long long)in.first, (long long)node->period);
        node->skip[i] = (int32_t)((node->first - in.first) / node->period);
        node->keep[i] = (int32_t)((node->look - in.look + node->period - 1) / node->period);
    }
    return bound_time(plan, index, why);
}

/* --- all together ----------------------------------------------------------------------------------------------------- */

/* What a kind says about its keys and tensors has their number: the name follows, where there is one. */
static pylstm_status read_layer(pylstm_model_file *file, int index, const int *widths, int n, pylstm_graph_plan *plan,
                                pylstm_error *why) {
    const pylstm_status status = pylstm_layer_read(file, index, widths, n, &plan->layers[index], why);
    const char *name = plan->names[index];
    if (status && why && is_name(name)) {
        const size_t length = strlen(why->message);
        pylstm_format(why->message + length, sizeof why->message - length, " (layers.%d is '%s')", index, name);
    }
    return status;
}

static pylstm_status read_node(pylstm_model_file *file, int index, pylstm_graph_plan *plan, pylstm_error *why) {
    int widths[PYLSTM_MAX_INPUTS], n = 1;
    pylstm_layer *layer = &plan->layers[index];
    plan->nodes[index] = (pylstm_node){.first = 0};
    PYLSTM_TRY(read_name(file, index, plan, why));
    PYLSTM_TRY(read_inputs(file, index, plan, &n, why));
    for (int i = 0; i < n; i++)
        widths[i] = width_of(plan, plan->nodes[index].from[i]);
    PYLSTM_TRY(read_layer(file, index, widths, n, plan, why));
    if (layer->input_size == 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[inputs] layer %s is the first one and joins frames from outside; expected a layer before it that "
                           "says how wide they are",
                           plan->names[index]);
    if (plan->graph.n_features == 0)
        plan->graph.n_features = layer->input_size;
    PYLSTM_TRY(check_positions(plan, index, why));
    if ((PYLSTM_KIND_concat || PYLSTM_KIND_select) && layer->kind->puts_together)
        inherit_independence(plan, index);
    return pylstm_is_join(layer) ? time_join(plan, index, why) : time_window(plan, index, why);
}

/* Every layer but the last is somebody's input. */
static pylstm_status check_uses(const pylstm_graph_plan *plan, pylstm_error *why) {
    unsigned char used[PYLSTM_MAX_LAYERS] = {0};
    const int n = plan->graph.n_nodes;
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < plan->layers[k].n_inputs; i++) {
            if (plan->nodes[k].from[i] >= 0)
                used[plan->nodes[k].from[i]] = 1;
        }
    }
    for (int k = 0; k < n - 1; k++) {
        if (!used[k])
            return pylstm_fail(
                why, PYLSTM_BAD_MODEL,
                "[inputs] nobody takes the rows of layer %s; expected an input of another layer, or the last one: a concat "
                "of %s and %s at the end gives both out",
                plan->names[k], plan->names[k], plan->names[n - 1]);
    }
    return PYLSTM_OK;
}

static pylstm_status check_memory(const pylstm_graph_plan *plan, pylstm_error *why) {
    int64_t sum = 0;
    for (int k = 0; k < plan->graph.n_nodes; k++) {
        for (int i = 0; i < plan->layers[k].n_inputs; i++)
            sum += plan->nodes[k].keep[i] * (int64_t)pylstm_padded(plan->layers[k].input_widths[i]);
        if (sum > MOST_REMEMBERED)
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[memory] a stream would remember %lld numbers for the layers up to %s; expected at most %lld",
                               (long long)sum, plan->names[k], (long long)MOST_REMEMBERED);
    }
    return PYLSTM_OK;
}

static int is_plain(const pylstm_graph_plan *plan) {
    for (int k = 0; k < plan->graph.n_nodes; k++) {
        const pylstm_time_window *window = &plan->layers[k].window;
        if (pylstm_is_join(&plan->layers[k]) || plan->nodes[k].from[0] != k - 1 || window->n_taps != 1 || window->stride != 1)
            return 0;
    }
    return 1;
}

pylstm_status pylstm_graph_read(pylstm_model_file *file, int n_features, pylstm_graph_plan *plan, pylstm_error *why) {
    memset(plan, 0, sizeof *plan); /* equal files make equal models, byte for byte */
    plan->graph.n_features = n_features;
    PYLSTM_TRY(pylstm_config_integer(file, "layers.count", n_features ? 0 : 1, PYLSTM_MAX_LAYERS, &plan->graph.n_nodes, why));
    for (int k = 0; k < plan->graph.n_nodes; k++)
        PYLSTM_TRY(read_node(file, k, plan, why));
    plan->graph.is_plain = is_plain(plan);
    PYLSTM_TRY(check_uses(plan, why));
    return check_memory(plan, why);
}
