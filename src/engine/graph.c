/* A graph in memory: layers with their weights, where the state of each node stands, and which rows share working memory. */
#include "engine/graph.h"

#include <string.h>

int pylstm_graph_width(const pylstm_graph *graph) {
    return graph->n_nodes ? graph->layers[graph->n_nodes - 1].output_size : graph->n_features;
}

int64_t pylstm_graph_first(const pylstm_graph *graph) {
    return graph->n_nodes ? graph->nodes[graph->n_nodes - 1].first : 0;
}

int64_t pylstm_graph_period(const pylstm_graph *graph) {
    return graph->n_nodes ? graph->nodes[graph->n_nodes - 1].period : 1;
}

int64_t pylstm_graph_look(const pylstm_graph *graph) {
    return graph->n_nodes ? graph->nodes[graph->n_nodes - 1].look : 0;
}

size_t pylstm_graph_widest(const pylstm_graph *graph) {
    size_t widest = pylstm_padded(graph->n_features);
    for (int k = 0; k < graph->n_nodes; k++) {
        const size_t size = pylstm_padded(graph->layers[k].output_size);
        widest = size > widest ? size : widest;
    }
    return widest;
}

/* Gives every node a place in the state of a stream. */
static void place_states(pylstm_graph *graph) {
    graph->state_size = 0;
    for (int k = 0; k < graph->n_nodes; k++) {
        pylstm_node *node = &graph->nodes[k];
        node->state = graph->state_size;
        node->rings = node->state + graph->layers[k].state_size;
        graph->state_size = node->rings;
        for (int i = 0; i < graph->layers[k].n_inputs; i++)
            graph->state_size += (size_t)node->keep[i] * pylstm_padded(graph->layers[k].input_widths[i]);
    }
}

/* The last node that takes the rows of node k. */
static int last_use(const pylstm_graph *graph, int k) {
    int last = k;
    for (int later = k + 1; later < graph->n_nodes; later++) {
        for (int i = 0; i < graph->layers[later].n_inputs; i++)
            last = graph->nodes[later].from[i] == k ? later : last;
    }
    return last;
}

/* Rows stand in the first slot that nobody needs any more, which is never one that the node itself reads. */
static void choose_slots(pylstm_graph *graph) {
    int free_after[PYLSTM_MAX_LAYERS];
    graph->n_slots = 0;
    for (int k = 0; k < graph->n_nodes; k++) {
        int slot = 0;
        while (slot < graph->n_slots && free_after[slot] >= k)
            slot++;
        if (slot == graph->n_slots)
            graph->n_slots++;
        free_after[slot] = last_use(graph, k);
        graph->nodes[k].slot = slot;
    }
}

/* How many rows an output row of a layer is made of. */
static int rows_seen(const pylstm_layer *layer) {
    return pylstm_is_join(layer) ? layer->n_inputs : layer->window.n_taps;
}

pylstm_graph pylstm_graph_lay_out(const pylstm_graph_plan *plan, pylstm_model_file *file, const pylstm_kernels *kernels,
                                  pylstm_arena *arena) {
    const size_t n = (size_t)plan->graph.n_nodes;
    pylstm_graph graph = plan->graph;
    pylstm_layer measured;
    graph.layers = pylstm_arena_take(arena, n, sizeof *graph.layers);
    graph.nodes = pylstm_arena_take(arena, n, sizeof *graph.nodes);
    graph.names = pylstm_arena_take(arena, n, sizeof *graph.names);
    for (size_t k = 0; k < n; k++) {
        pylstm_layer *layer = arena->base ? &graph.layers[k] : &measured;
        *layer = plan->layers[k];
        layer->kernels = kernels;
        pylstm_layer_pack(file, layer, arena);
    }
    if (arena->base && n) {
        memcpy(graph.nodes, plan->nodes, n * sizeof *graph.nodes);
        memcpy(graph.names, plan->names, n * sizeof *graph.names);
        place_states(&graph);
        choose_slots(&graph);
    }
    for (size_t k = 0; k < n; k++)
        graph.most_taps = graph.most_taps < rows_seen(&plan->layers[k]) ? rows_seen(&plan->layers[k]) : graph.most_taps;
    graph.layers = arena->base ? graph.layers : (pylstm_layer *)plan->layers;
    const size_t widest = pylstm_graph_widest(&graph);
    graph.zeros = pylstm_arena_take(arena, widest, sizeof *graph.zeros);
    if (graph.zeros)
        memset(graph.zeros, 0, widest * sizeof *graph.zeros);
    return graph;
}
