/* Running blocks of rows through a graph. */
#include "engine/graph.h"

#include <string.h>

pylstm_graph_work pylstm_graph_work_init(pylstm_arena *arena, const pylstm_graph *graph, int n_rows, int n_streams) {
    const size_t counts = pylstm_graph_is_plain(graph) ? 0 : (size_t)n_streams * (1 + (size_t)graph->n_nodes);
    const size_t taps = pylstm_graph_is_plain(graph) ? 0 : (size_t)n_rows * (size_t)graph->most_taps;
    size_t scratch = 0;
    pylstm_graph_work work = {.n_rows = n_rows, .n_streams = n_streams, .row_size = pylstm_graph_widest(graph)};
    for (int k = 0; k < graph->n_nodes; k++) {
        const size_t needed = pylstm_layer_scratch_size(&graph->layers[k], (size_t)n_rows);
        scratch = needed > scratch ? needed : scratch;
    }
    work.slots = pylstm_arena_take(arena, (size_t)graph->n_slots * (size_t)n_rows * work.row_size, sizeof *work.slots);
    work.taps = pylstm_arena_take(arena, taps, sizeof *work.taps);
    work.before = pylstm_arena_take(arena, counts, sizeof *work.before);
    work.after = pylstm_arena_take(arena, counts, sizeof *work.after);
    work.start = pylstm_arena_take(arena, counts, sizeof *work.start);
    work.layer_scratch = pylstm_arena_take(arena, scratch, sizeof *work.layer_scratch);
    return work;
}

static float *slot_row(const pylstm_graph *graph, const pylstm_graph_work *work, int node, int row) {
    const size_t size = pylstm_padded(graph->layers[node].output_size);
    return work->slots + (size_t)graph->nodes[node].slot * (size_t)work->n_rows * work->row_size + (size_t)row * size;
}

/* --- a chain ---------------------------------------------------------------------------------------------------------- */

/* Each node takes every row of the one before it: rows of one stream. */
static void run_chain_alone(const pylstm_graph *graph, const pylstm_graph_work *work, pylstm_graph_part *part,
                            const float *const *x, const float **y, float *trace, size_t trace_stride) {
    const int n = part->n_out = part->n;
    for (int row = 0; row < n; row++)
        y[row] = x[row];
    for (int k = 0; k < graph->n_nodes; k++) {
        const pylstm_layer *layer = &graph->layers[k];
        const size_t size = pylstm_padded(layer->output_size);
        float *rows = slot_row(graph, work, k, 0);
        pylstm_layer_forward(layer, part->state + graph->nodes[k].state, work->layer_scratch, y, n, rows, trace, trace_stride);
        if (trace)
            trace += layer->trace_size;
        for (int row = 0; row < n; row++)
            y[row] = rows + (size_t)row * size;
    }
}

/* The same for several. */
static void run_chain(const pylstm_graph *graph, const pylstm_graph_work *work, pylstm_graph_part *parts, int n_parts,
                      const float *const *x, const float **y) {
    pylstm_group group; /* large: only what is used is set */
    group.n_streams = n_parts;
    group.n_rows = 0;
    for (int s = 0; s < n_parts; s++) {
        group.n_frames[s] = parts[s].n_out = parts[s].n;
        group.n_rows += parts[s].n;
    }
    for (int row = 0; row < group.n_rows; row++)
        group.x[row] = x[row];
    for (int k = 0; k < graph->n_nodes; k++) {
        for (int s = 0; s < n_parts; s++)
            group.state[s] = parts[s].state + graph->nodes[k].state;
        for (int row = 0; row < group.n_rows; row++)
            group.y[row] = slot_row(graph, work, k, row);
        pylstm_layer_forward_group(&graph->layers[k], &group, work->layer_scratch);
        for (int row = 0; row < group.n_rows; row++)
            group.x[row] = group.y[row];
    }
    for (int row = 0; row < group.n_rows; row++)
        y[row] = group.x[row];
}

/* --- any graph -------------------------------------------------------------------------------------------------------- */

/* A block on its way. */
typedef struct block {
    const pylstm_graph *graph;
    const pylstm_graph_work *work;
    pylstm_graph_part *parts;
    int n_parts;
    const float *const *x;
} block;

static int64_t *counts_of(const block *b, int64_t *counts, int s) {
    return counts + (size_t)s * (1 + (size_t)b->graph->n_nodes);
}

/* The rows of one input of a node that a stream has at hand, numbered from its first: those before `before` are remembered in
 * the ring, where row r stands at place r % keep, and those up to `after` are new. */
typedef struct input {
    int64_t before, after;
    float *ring;
    const float *const *x; /* where new rows are those of the features, else NULL */
    const float *slot;     /* else they stand here side by side */
    size_t slot_size, ring_size;
    int keep, place; /* place: of row number `before` */
} input;

static input open_input(const block *b, int s, int k, int i, float *ring) {
    const pylstm_node *node = &b->graph->nodes[k];
    const int from = node->from[i];
    const int start = b->work->start[(size_t)s * (1 + (size_t)b->graph->n_nodes) + (size_t)(1 + from)];
    input in = {
        .before = counts_of(b, b->work->before, s)[1 + from],
        .after = counts_of(b, b->work->after, s)[1 + from],
        .ring = ring,
        .ring_size = pylstm_padded(b->graph->layers[k].input_widths[i]),
        .keep = node->keep[i],
    };
    if (from < 0) {
        in.x = b->x + start;
    } else {
        in.slot = slot_row(b->graph, b->work, from, start);
        in.slot_size = pylstm_padded(b->graph->layers[from].output_size);
    }
    if (in.keep > 1)
        in.place = (int)(in.before % in.keep); /* once: a division takes long */
    return in;
}

static const float *row_of(const block *b, const input *in, int64_t row) {
    const int64_t ahead = row - in->before;
    int place;
    if (row < 0 || row >= in->after)
        return b->graph->zeros;
    if (ahead >= 0)
        return in->x ? in->x[ahead] : in->slot + (size_t)ahead * in->slot_size;
    place = in->place + (int)ahead; /* no row is older than keep */
    return in->ring + (size_t)(place < 0 ? place + in->keep : place) * in->ring_size;
}

/* Collects what the next output rows of a stream are made of. Returns where the next ones go. */
static const float **collect_window(const block *b, int s, int k, const float **to) {
    const pylstm_time_window *window = &b->graph->layers[k].window;
    const input in = open_input(b, s, k, 0, b->parts[s].state + b->graph->nodes[k].rings);
    const int64_t last = counts_of(b, b->work->after, s)[1 + k];
    for (int64_t j = counts_of(b, b->work->before, s)[1 + k]; j < last; j++) {
        int64_t row = j * window->stride - window->left;
        for (int i = 0; i < window->n_taps; i++, row += window->step)
            *to++ = row_of(b, &in, row);
    }
    return to;
}

static const float **collect_inputs(const block *b, int s, int k, const float **to) {
    const pylstm_layer *layer = &b->graph->layers[k];
    const pylstm_node *node = &b->graph->nodes[k];
    const int64_t first = counts_of(b, b->work->before, s)[1 + k];
    const int n = (int)(counts_of(b, b->work->after, s)[1 + k] - first);
    float *ring = b->parts[s].state + node->rings;
    for (int i = 0; i < layer->n_inputs; i++) {
        const input in = open_input(b, s, k, i, ring);
        for (int t = 0; t < n; t++)
            to[t * layer->n_inputs + i] = row_of(b, &in, first + t + node->skip[i]);
        ring += (size_t)in.keep * in.ring_size;
    }
    return to + (size_t)n * (size_t)layer->n_inputs;
}

/* Remembers the last new rows of the inputs of node k. */
static void remember(const block *b, int s, int k) {
    const pylstm_layer *layer = &b->graph->layers[k];
    float *ring = b->parts[s].state + b->graph->nodes[k].rings;
    for (int i = 0; i < layer->n_inputs; i++) {
        const input in = open_input(b, s, k, i, ring);
        const int64_t skipped = in.after - in.before > in.keep ? in.after - in.before - in.keep : 0;
        int place = skipped && in.keep ? (int)((in.before + skipped) % in.keep) : in.place;
        for (int64_t row = in.before + skipped; row < in.after; row++) {
            memcpy(ring + (size_t)place * in.ring_size, row_of(b, &in, row), (size_t)layer->input_widths[i] * sizeof(float));
            place = place + 1 == in.keep ? 0 : place + 1;
        }
        ring += (size_t)in.keep * in.ring_size;
    }
}

static int new_rows(const block *b, int s, int k) {
    return (int)(counts_of(b, b->work->after, s)[1 + k] - counts_of(b, b->work->before, s)[1 + k]);
}

/* Runs a node over the rows of a group, whose x has been set. */
static void run_rows(const pylstm_graph *graph, const pylstm_graph_work *work, int k, pylstm_group *group, float *trace,
                     size_t trace_stride) {
    const pylstm_layer *layer = &graph->layers[k];
    for (int row = 0; row < group->n_rows; row++)
        group->y[row] = slot_row(graph, work, k, row);
    if (group->n_streams == 1)
        pylstm_layer_forward(layer, group->state[0], work->layer_scratch, group->x, group->n_rows, group->y[0], trace,
                             trace_stride);
    else
        pylstm_layer_forward_group(layer, group, work->layer_scratch);
}

static void run_node(const block *b, int k, float *trace, size_t trace_stride) {
    const pylstm_layer *layer = &b->graph->layers[k];
    const int direct = layer->window.n_taps == 1 && !pylstm_is_join(layer);
    const float **taps = b->work->taps;
    int32_t row = 0;
    pylstm_group group; /* large: only what is used is set */
    group.n_streams = 0;
    for (int s = 0; s < b->n_parts; s++) {
        const int n = new_rows(b, s, k);
        b->work->start[(size_t)s * (1 + (size_t)b->graph->n_nodes) + (size_t)(1 + k)] = row;
        if (!n)
            continue;
        group.state[group.n_streams] = b->parts[s].state + b->graph->nodes[k].state;
        group.n_frames[group.n_streams++] = n;
        row += n;
        taps = (pylstm_is_join(layer) ? collect_inputs : collect_window)(b, s, k, taps);
    }
    group.n_rows = row;
    if (row && layer->kind->rows) {
        for (int t = 0; t < row; t++)
            group.y[t] = slot_row(b->graph, b->work, k, t);
        layer->kind->rows(layer, b->work->layer_scratch, b->work->taps, row, group.y);
    } else if (row) {
        memcpy(group.x, b->work->taps, (size_t)row * sizeof *group.x);
        run_rows(b->graph, b->work, k, &group, trace, trace_stride);
    }
    for (int s = 0; s < b->n_parts && !(direct && b->graph->nodes[k].keep[0] == 0); s++)
        remember(b, s, k);
}

/* The counts after the block are there. */
static void run_nodes(const block *b, const float **y, float *trace, size_t trace_stride) {
    const int last = b->graph->n_nodes - 1;
    int32_t row = 0;
    for (int s = 0; s < b->n_parts; s++) {
        b->work->start[(size_t)s * (1 + (size_t)b->graph->n_nodes)] = row;
        row += b->parts[s].n;
    }
    for (int k = 0; k <= last; k++) {
        run_node(b, k, trace, trace_stride);
        if (trace)
            trace += b->graph->layers[k].trace_size;
    }
    row = 0;
    for (int s = 0; s < b->n_parts; s++) {
        b->parts[s].n_out = new_rows(b, s, last);
        for (int t = 0; t < b->parts[s].n_out; t++, row++)
            y[row] = slot_row(b->graph, b->work, last, row);
    }
}

void pylstm_graph_run(const pylstm_graph *graph, const pylstm_graph_work *work, pylstm_graph_part *parts, int n_parts,
                      const float *const *x, const float *y[PYLSTM_GROUP_ROWS], float *trace, size_t trace_stride) {
    block b;
    if (pylstm_graph_is_plain(graph) && n_parts == 1) {
        run_chain_alone(graph, work, parts, x, y, trace, trace_stride);
        return;
    }
    if (pylstm_graph_is_plain(graph)) {
        run_chain(graph, work, parts, n_parts, x, y);
        return;
    }
    b = (block){.graph = graph, .work = work, .parts = parts, .n_parts = n_parts, .x = x};
    for (int s = 0; s < n_parts; s++) {
        int64_t *before = counts_of(&b, work->before, s), *after = counts_of(&b, work->after, s);
        pylstm_graph_count(graph, parts[s].done, 0, before);
        pylstm_graph_count(graph, parts[s].done + parts[s].n, 0, after);
    }
    run_nodes(&b, y, trace, trace_stride);
}

int pylstm_graph_finish(const pylstm_graph *graph, const pylstm_graph_work *work, pylstm_graph_part *part, int64_t *beyond,
                        const float *y[PYLSTM_GROUP_ROWS]) {
    const block b = {.graph = graph, .work = work, .parts = part, .n_parts = 1};
    const int64_t left = pylstm_graph_look(graph) - *beyond;
    if (pylstm_graph_is_plain(graph) || left <= 0)
        return 0;
    part->n = 0;
    pylstm_graph_count(graph, part->done, *beyond, work->before);
    *beyond += left < work->n_rows ? left : work->n_rows;
    pylstm_graph_count(graph, part->done, *beyond, work->after);
    run_nodes(&b, y, NULL, 0);
    return 1;
}
