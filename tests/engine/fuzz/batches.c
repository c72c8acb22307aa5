/* Batches: several streams of one model that have come unequally far go on together. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include "fuzz.h"

#include <string.h>

#define MOST_STREAMS 9

typedef struct member {
    pylstm_stream *stream;
    float *out;
    size_t done, rows;
    room input, output; /* of one push, each of exactly the size that it may touch */
} member;

/* In memory of the caller's, or with threads. */
static pylstm_batch *batch_of(const subject *s, void **memory) {
    const size_t needed = pylstm_batch_size(s->model);
    pylstm_batch *batch;
    *memory = NULL;
    if (random_below(4) == 0) {
        REQUIRE(pylstm_batch_create(s->model, 2, &batch) == PYLSTM_OK);
        return batch;
    }
    REQUIRE(posix_memalign(memory, PYLSTM_ALIGNMENT, needed) == 0);
    REQUIRE(pylstm_batch_init(*memory, needed - 1, s->model, &batch) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_batch_init(*memory, needed, s->model, &batch) == PYLSTM_OK);
    return batch;
}

static pylstm_push part_of(const subject *s, member *m, size_t n) {
    const int is_short = s->audio && s->type == PYLSTM_INT16;
    const size_t width = s->audio ? (is_short ? 2 : 4) : 4 * s->n_features, rows = rows_after(s, m->stream, n, 0);
    m->input = room_of(n * width, random_below(5));
    m->output = room_of(rows * s->n_outputs * sizeof(float), random_below(5));
    memcpy(m->input.at, (is_short ? (const char *)s->shorts : (const char *)s->floats) + m->done * width, n * width);
    return (pylstm_push){.stream = m->stream,
                         .type = s->audio ? s->type : PYLSTM_FRAMES,
                         .data = m->input.at,
                         .n = n,
                         .stride = (ptrdiff_t)width,
                         .out = (void *)m->output.at,
                         .out_rows = rows};
}

/* One push of some of them; returns for how many there is something left. */
static size_t push_some(const subject *s, pylstm_batch *batch, member *members, size_t n_members, size_t largest) {
    pylstm_push parts[MOST_STREAMS];
    member *of[MOST_STREAMS];
    size_t n_parts = 0, left = 0, k;
    for (k = 0; k < n_members; k++) {
        size_t n = random_below(largest + 1);
        n = n < s->n - members[k].done ? n : s->n - members[k].done;
        if (random_below(4) == 0)
            continue;
        of[n_parts] = &members[k];
        parts[n_parts++] = part_of(s, &members[k], n);
    }
    REQUIRE(pylstm_batch_push(batch, parts, n_parts) == PYLSTM_OK);
    for (k = 0; k < n_parts; k++) {
        REQUIRE(parts[k].rows == parts[k].out_rows && parts[k].status == PYLSTM_OK);
        memcpy(of[k]->out + of[k]->rows * s->n_outputs, of[k]->output.at, parts[k].rows * s->n_outputs * sizeof(float));
        of[k]->rows += parts[k].rows;
        of[k]->done += parts[k].n;
        free(of[k]->input.whole);
        free(of[k]->output.whole);
    }
    for (k = 0; k < n_members; k++)
        left += members[k].done < s->n;
    return left;
}

void walk_together(const subject *s) {
    member members[MOST_STREAMS];
    const size_t n_members = 1 + random_below(MOST_STREAMS), largest = 1 + random_below(random_below(2) ? 40 : s->n);
    void *memory;
    pylstm_batch *batch = batch_of(s, &memory);
    size_t k;
    for (k = 0; k < n_members; k++) {
        members[k] = (member){.out = malloc((s->n_rows + 1) * s->n_outputs * sizeof(float))};
        REQUIRE(members[k].out && pylstm_stream_create(s->model, &members[k].stream) == PYLSTM_OK);
    }
    while (push_some(s, batch, members, n_members, largest))
        continue;
    for (k = 0; k < n_members; k++) {
        members[k].rows += flush(s, members[k].stream, members[k].out + members[k].rows * s->n_outputs);
        REQUIRE(members[k].rows == s->n_rows);
        REQUIRE(memcmp(members[k].out, s->rows, s->n_rows * s->n_outputs * sizeof(float)) == 0);
        pylstm_stream_destroy(members[k].stream);
        free(members[k].out);
    }
    if (memory)
        free(memory);
    else
        pylstm_batch_destroy(batch);
    walks++;
}
