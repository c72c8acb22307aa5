/* How many rows each node of a graph has given, from how many the features have. */
#include "engine/graph.h"

/* Rows through a window: `in` of them, with zeros before the first, and `ended` behind the last. */
static int64_t through_window(const pylstm_time_window *window, int64_t in, int64_t ended) {
    const int64_t there = in ? in + window->left + ended : 0, needed = pylstm_window_reach(window) + 1;
    if (there < needed)
        return 0;
    return (window->stride == 1 ? there - needed : (there - needed) / window->stride) + 1; /* a division takes long */
}

static int64_t through_join(const pylstm_graph *graph, int k, const int64_t *rows) {
    const pylstm_node *node = &graph->nodes[k];
    int64_t n = rows[1 + node->from[0]] - node->skip[0];
    for (int i = 1; i < graph->layers[k].n_inputs; i++) {
        const int64_t there = rows[1 + node->from[i]] - node->skip[i];
        n = there < n ? there : n;
    }
    return n < 0 ? 0 : n;
}

/* No node has had zeros behind its last row. */
static void count_before_the_end(const pylstm_graph *graph, int64_t *rows) {
    for (int k = 0; k < graph->n_nodes; k++) {
        const pylstm_layer *layer = &graph->layers[k];
        if (pylstm_is_join(layer)) {
            rows[1 + k] = through_join(graph, k, rows);
        } else {
            rows[1 + k] = through_window(&layer->window, rows[1 + graph->nodes[k].from[0]], 0);
        }
    }
}

/* `on` has what there would be if the features went on: behind the last row of its input a node finds zeros at the same pace,
 * so that what waits for others in a join never waits longer than it does before the end. */
void pylstm_graph_count(const pylstm_graph *graph, int64_t n, int64_t beyond, int64_t *rows) {
    int64_t on[1 + PYLSTM_MAX_LAYERS];
    rows[0] = n;
    if (!beyond) {
        count_before_the_end(graph, rows);
        return;
    }
    on[0] = n + beyond;
    for (int k = 0; k < graph->n_nodes; k++) {
        const pylstm_time_window *window = &graph->layers[k].window;
        const int from = 1 + graph->nodes[k].from[0];
        const int64_t ended = on[from] - rows[from];
        if (pylstm_is_join(&graph->layers[k])) {
            rows[1 + k] = through_join(graph, k, rows);
            on[1 + k] = through_join(graph, k, on);
        } else {
            rows[1 + k] = through_window(window, rows[from], ended < window->right ? ended : window->right);
            on[1 + k] = through_window(window, on[from], 0);
        }
    }
}

int64_t pylstm_graph_rows(const pylstm_graph *graph, int64_t n, int flush) {
    int64_t rows[1 + PYLSTM_MAX_LAYERS];
    if (pylstm_graph_is_plain(graph))
        return n;
    pylstm_graph_count(graph, n, flush ? pylstm_graph_look(graph) : 0, rows);
    return rows[graph->n_nodes];
}
