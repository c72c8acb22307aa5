/* The graph of a model: which layer takes the rows of which others, and when there are any.
 *
 * Nodes are layers in an order in which each comes after its inputs; PYLSTM_FROM_FEATURES stands for what the features give.
 * The last node's rows are the output.
 *
 * Time is counted in rows of the features. Row j of a node stands for features row first + j * period, and is there once `look`
 * more of them are. A join brings together rows that stand for the same features row: it begins where its last input begins
 * (skip), and what comes earlier waits in the stream's state. How many rows a node has given follows from how many the features
 * have given, so no node counts by itself.
 */
#ifndef PYLSTM_ENGINE_GRAPH_H
#define PYLSTM_ENGINE_GRAPH_H

#include "layers/layers.h"

#define PYLSTM_MAX_LAYERS    64
#define PYLSTM_FROM_FEATURES (-1)
#define PYLSTM_FEATURES_NAME "features"

/* Letters, digits and _, not a digit first; a layer without a name is called by its index. */
#define PYLSTM_MAX_LAYER_NAME 31

typedef struct pylstm_node {
    int64_t first, period, look;
    signed char from[PYLSTM_MAX_INPUTS]; /* an earlier node, or PYLSTM_FROM_FEATURES */
    int32_t skip[PYLSTM_MAX_INPUTS];     /* first rows of the input that no output row sees */
    int32_t keep[PYLSTM_MAX_INPUTS];     /* last rows of the input that a stream remembers */
    size_t state, rings; /* the layer's state, and the remembered rows of its inputs in order: floats behind layers_state */
    int slot;            /* where its rows stand while a block runs */
} pylstm_node;

typedef struct pylstm_graph {
    int n_nodes, n_features, n_slots, most_taps;
    int is_plain;      /* each node takes each row of the one before it, and gives a row for it */
    size_t state_size; /* floats */
    pylstm_layer *layers;
    pylstm_node *nodes;
    char (*names)[PYLSTM_MAX_LAYER_NAME + 1];
    float *zeros; /* a row as wide as any */
} pylstm_graph;

/* A build without windows and joins has chains alone: what runs other graphs is left out of it. */
#define PYLSTM_OTHER_THAN_CHAINS                                                                                               \
    (PYLSTM_KIND_conv || PYLSTM_KIND_pool || PYLSTM_KIND_stack || PYLSTM_KIND_add || PYLSTM_KIND_mul || PYLSTM_KIND_concat)

static inline int pylstm_graph_is_plain(const pylstm_graph *graph) {
    return !PYLSTM_OTHER_THAN_CHAINS || graph->is_plain;
}

/* What stands in a file, checked; small enough for the stack. */
typedef struct pylstm_graph_plan {
    pylstm_graph graph;
    pylstm_layer layers[PYLSTM_MAX_LAYERS];
    pylstm_node nodes[PYLSTM_MAX_LAYERS];
    char names[PYLSTM_MAX_LAYERS][PYLSTM_MAX_LAYER_NAME + 1];
} pylstm_graph_plan;

/* Reads the layers and how they hang together. n_features 0: frames come from outside. */
pylstm_status pylstm_graph_read(pylstm_model_file *file, int n_features, pylstm_graph_plan *plan, pylstm_error *why);

/* The graph in the arena, its weights packed (only measured while the arena has no memory; what is returned must not be used
 * then). */
pylstm_graph pylstm_graph_lay_out(const pylstm_graph_plan *plan, pylstm_model_file *file, const pylstm_kernels *kernels,
                                  pylstm_arena *arena);

/* Of the last node: without nodes, of the features. */
int pylstm_graph_width(const pylstm_graph *graph);
int64_t pylstm_graph_first(const pylstm_graph *graph);
int64_t pylstm_graph_period(const pylstm_graph *graph);
int64_t pylstm_graph_look(const pylstm_graph *graph);

/* The most floats of a row of any node or of the features, padded. */
size_t pylstm_graph_widest(const pylstm_graph *graph);

/* --- rows ------------------------------------------------------------------------------------------------------------- */

/* rows[0] becomes n, rows of the features, and rows[1 + k] how many node k has given of them. beyond: so many rows after their
 * end, of which nodes that look ahead have had zeros. */
void pylstm_graph_count(const pylstm_graph *graph, int64_t n, int64_t beyond, int64_t *rows);

/* How many rows the last node gives of n rows of the features, in all; flush: the end has been reached. */
int64_t pylstm_graph_rows(const pylstm_graph *graph, int64_t n, int flush);

/* --- running ---------------------------------------------------------------------------------------------------------- */

/* Working memory for blocks of n_rows rows in all, of n_streams streams. */
typedef struct pylstm_graph_work {
    int n_rows, n_streams;
    size_t row_size;         /* floats of a row in a slot */
    float *slots;            /* n_slots of n_rows rows */
    const float **taps;      /* most_taps for each row */
    int64_t *before, *after; /* for each stream, rows of the features and of each node before the block, and with it */
    int32_t *start;          /* for each stream, where its rows begin among those of the features and of each node */
    float *layer_scratch;
} pylstm_graph_work;

pylstm_graph_work pylstm_graph_work_init(pylstm_arena *arena, const pylstm_graph *graph, int n_rows, int n_streams);

/* A part of a block: rows of one stream. */
typedef struct pylstm_graph_part {
    float *state; /* layers_state of the stream */
    int64_t done; /* rows that its features have given before */
    int n;        /* rows that they give now, one after the other among those of all parts */
    int n_out;    /* rows of the last node: pylstm_graph_run tells */
} pylstm_graph_part;

/* Runs rows of the features, part by part in x, through all nodes. *y becomes the rows of the last node, part by part. One
 * part alone may have a trace: NULL, or the place for the traces of its rows, trace_stride floats from row to row. */
void pylstm_graph_run(const pylstm_graph *graph, const pylstm_graph_work *work, pylstm_graph_part *parts, int n_parts,
                      const float *const *x, const float *y[PYLSTM_GROUP_ROWS], float *trace, size_t trace_stride);

/* At the end: gives nodes that look ahead the zeros behind their last rows, a block at a time. *beyond: 0 at first, how far
 * this has come. Returns 0 when nothing is left; else part->n_out rows y have come. */
int pylstm_graph_finish(const pylstm_graph *graph, const pylstm_graph_work *work, pylstm_graph_part *part, int64_t *beyond,
                        const float *y[PYLSTM_GROUP_ROWS]);

#endif
