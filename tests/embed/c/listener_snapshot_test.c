/* What a listener remembers, as a value. */
#include "listening.h"

#define HALF (SECOND / 2)

/* The second half of a sound, in another listener or after it has been taken back, gives what it gives at once. */
static void goes_on(const trial *t, float *pcm) {
    const int width = pylstm_model_n_outputs(t->model);
    pylstm_decision *decision = decision_of(t), *twin = decision_of(t);
    pylstm_listener *listener = listener_of(decision), *other = listener_of(twin);
    const size_t size = pylstm_listener_snapshot_size(decision);
    char *snapshot = malloc(size), *again = malloc(size), *spoilt = malloc(size + 1), *odd = malloc(size + 3);
    heard *first = calloc(1, sizeof *first), *rest = calloc(1, sizeof *rest), *now = calloc(1, sizeof *now);
    int64_t position;
    size_t k;
    CHECK(snapshot && again && spoilt && odd && first && rest && now && size > pylstm_snapshot_size(t->model));
    memset(snapshot, 0xa5, size), memset(again, 0x5a, size);           /* every byte is written */
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(other, snapshot, size)); /* nothing heard yet */
    GIVES(PYLSTM_OK, pylstm_listener_restore(listener, snapshot, size));
    hear(listener, PYLSTM_FLOAT32, pcm, HALF, 4, width, 1, first);
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(listener, snapshot, size));
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(listener, again, size));
    CHECK(memcmp(snapshot, again, size) == 0);
    hear(listener, PYLSTM_FLOAT32, pcm + HALF, HALF, 4, width, 1, rest);
    hear_end(listener, width, 1, rest);

    memcpy(odd + 3, snapshot, size);
    GIVES(PYLSTM_OK, pylstm_listener_restore(other, odd + 3, size)); /* of another decision with these settings, misaligned */
    CHECK(pylstm_listener_position(other) == HALF && pylstm_listener_rows(other) == (int64_t)first->n_rows);
    hear(other, PYLSTM_FLOAT32, pcm + HALF, HALF, 4, width, 0, now);
    hear_end(other, width, 0, now);
    CHECK(same_events(rest, now));
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(listener, again, size));
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(other, odd + 1, size)); /* to any address, too */
    CHECK(memcmp(again, odd + 1, size) == 0);
    GIVES(PYLSTM_OK, pylstm_listener_restore(other, again, size)); /* after its end */
    GIVES(PYLSTM_FLUSHED, pylstm_listener_flush(other, now->events, EVENTS, &k, NULL, 0, NULL));

    GIVES(PYLSTM_OK, pylstm_listener_restore(listener, snapshot, size)); /* the end is taken back */
    GIVES(PYLSTM_OK, pylstm_listener_copy(other, listener));
    GIVES(PYLSTM_OK, pylstm_listener_copy(other, other));
    memset(now, 0, sizeof *now);
    hear(other, PYLSTM_FLOAT32, pcm + HALF, HALF, 4, width, 1, now);
    hear_end(other, width, 1, now);
    CHECK(same_events(rest, now) && same_rows(rest, now, width));

    position = pylstm_listener_position(listener);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_snapshot(NULL, again, size));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_snapshot(listener, NULL, size));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_listener_snapshot(listener, again, size - 1));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_restore(NULL, snapshot, size));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_restore(listener, NULL, size));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_copy(NULL, listener));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_copy(listener, NULL));
    for (k = 0; k < size; k += k < 192 ? 7 : 133) {
        char *part = malloc(k + 1);
        memcpy(part, snapshot, k);
        GIVES(PYLSTM_SNAPSHOT_DAMAGED, pylstm_listener_restore(listener, part, k));
        free(part);
        memcpy(spoilt, snapshot, size);
        spoilt[k] = (char)(spoilt[k] ^ 1);
        CHECK(pylstm_listener_restore(listener, spoilt, size) != PYLSTM_OK);
    }
    memcpy(spoilt, snapshot, size);
    GIVES(PYLSTM_SNAPSHOT_DAMAGED, pylstm_listener_restore(listener, spoilt, size + 1));
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(listener, again, size));
    CHECK(memcmp(snapshot, again, size) == 0 && pylstm_listener_position(listener) == position);
    pylstm_listener_destroy(listener), pylstm_listener_destroy(other);
    pylstm_decision_destroy(decision), pylstm_decision_destroy(twin);
    free(snapshot), free(again), free(spoilt), free(odd), free(first), free(rest), free(now);
}

/* Snapshots of other models, other settings, streams. */
static void foreign(const trial *trials, int n) {
    const pylstm_decision *decisions[TRIALS];
    pylstm_listener *listeners[TRIALS];
    pylstm_stream *stream;
    char *snapshot;
    size_t size;
    int k, j;
    for (k = 0; k < n; k++)
        decisions[k] = decision_of(&trials[k]), listeners[k] = listener_of(decisions[k]);
    for (k = 0; k < n; k++) {
        size = pylstm_listener_snapshot_size(decisions[k]);
        CHECK((snapshot = malloc(size)) != NULL);
        GIVES(PYLSTM_OK, pylstm_listener_snapshot(listeners[k], snapshot, size));
        for (j = 0; j < n; j++) {
            if (j == k)
                continue;
            GIVES(PYLSTM_SNAPSHOT_FOREIGN, pylstm_listener_restore(listeners[j], snapshot, size));
            GIVES(PYLSTM_SNAPSHOT_FOREIGN, pylstm_listener_copy(listeners[j], listeners[k]));
        }
        free(snapshot);
    }
    GIVES(PYLSTM_OK, pylstm_stream_create(trials[0].model, &stream));
    size = pylstm_snapshot_size(trials[0].model);
    CHECK((snapshot = malloc(size)) != NULL);
    GIVES(PYLSTM_OK, pylstm_stream_snapshot(stream, snapshot, size));
    GIVES(PYLSTM_SNAPSHOT_DAMAGED, pylstm_listener_restore(listeners[0], snapshot, size));
    pylstm_stream_destroy(stream);
    free(snapshot);
    for (k = 0; k < n; k++)
        pylstm_listener_destroy(listeners[k]), pylstm_decision_destroy((pylstm_decision *)decisions[k]);
}

/* The same settings over other weights, and over rows from elsewhere: the decision is the same, the rest is not. */
static void other_weights(const models *m) {
    static const pylstm_setting given[] = {{"kind", "symbols"}};
    static const char *const labels[] = {"silence", "yes", "no", "maybe"};
    const trial trials[2] = {{m->decides, given, 1}, {m->sounds, given, 1}};
    pylstm_decision *decisions[3] = {decision_of(&trials[0]), decision_of(&trials[1]), NULL};
    pylstm_listener *listeners[3];
    char *snapshot;
    int k, j;
    GIVES(PYLSTM_OK, pylstm_decision_create_for_rows(labels, 4, 0.01, given, 1, &decisions[2], NULL));
    for (k = 0; k < 3; k++)
        listeners[k] = listener_of(decisions[k]);
    for (k = 0; k < 3; k++) {
        const size_t size = pylstm_listener_snapshot_size(decisions[k]);
        CHECK((snapshot = malloc(size)) != NULL);
        GIVES(PYLSTM_OK, pylstm_listener_snapshot(listeners[k], snapshot, size));
        for (j = 0; j < 3; j++) {
            GIVES(j == k ? PYLSTM_OK : PYLSTM_SNAPSHOT_FOREIGN, pylstm_listener_restore(listeners[j], snapshot, size));
            GIVES(j == k ? PYLSTM_OK : PYLSTM_SNAPSHOT_FOREIGN, pylstm_listener_copy(listeners[j], listeners[k]));
        }
        free(snapshot);
    }
    for (k = 0; k < 3; k++)
        pylstm_listener_destroy(listeners[k]), pylstm_decision_destroy(decisions[k]);
}

void test_listener_snapshots(const models *m) {
    trial trials[TRIALS];
    const int n = trials_of(m, trials);
    float *pcm = malloc(SECOND * sizeof *pcm);
    int16_t *pcm16 = malloc(SECOND * sizeof *pcm16);
    int k;
    fill_audio(pcm, pcm16, SECOND);
    for (k = 0; k < n; k++)
        goes_on(&trials[k], pcm);
    foreign(trials, n);
    other_weights(m);
    free(pcm), free(pcm16);
}
