/* What a stream remembers: the state of its layers, snapshots, copies. */
#include "walk_parts.h"

#include "platform/hash.h" /* a forger knows it, too */

#include <math.h>
#include <string.h>

void walk_layers_state(walk *w, pylstm_stream *stream) {
    const size_t n = w->state_width;
    size_t k;
    RT(PYLSTM_OK, pylstm_stream_get_state(stream, w->state, n));
    walk_keep(w, w->state, n * sizeof(float));
    for (k = 0; k < n; k++)
        w->state[k] = k % 2 ? 1e-40f : 0.25f; /* some subnormal */
    RT(PYLSTM_OK, pylstm_stream_set_state(stream, w->state, n));
    w->state[n - 1] = NAN;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_set_state(stream, w->state, n));
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_get_state(stream, w->state, n - 1));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_set_state(stream, w->state, n - 1));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_get_state(stream, NULL, n));
}

static void sign(walk *w, char *snapshot) {
    const uint64_t hash = pylstm_hash(snapshot + HEADER, w->snapshot_size - HEADER);
    memcpy(snapshot + 32, &hash, sizeof hash);
}

void walk_snapshots(walk *w, pylstm_stream *stream) {
    const size_t size = w->snapshot_size;
    const float wrong[] = {NAN, INFINITY};
    const uint32_t signalling = 0x7f800001; /* a NaN that traps where it is only looked at */
    size_t at;
    walk_keep_state(w, stream);
    RT(PYLSTM_OK, pylstm_stream_restore(w->b, w->snapshot, size));
    RT(PYLSTM_OK, pylstm_stream_copy(w->b, stream));
    RT(PYLSTM_OK, pylstm_stream_copy(w->b, w->b));
    RT(PYLSTM_SNAPSHOT_FOREIGN, pylstm_stream_copy(w->b, w->foreign));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_copy(w->b, NULL));
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_snapshot(stream, w->spoilt, size - 1));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_snapshot(stream, NULL, size));
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->snapshot, size - 1));
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->snapshot, 0));
    RT(PYLSTM_SNAPSHOT_FOREIGN, pylstm_stream_restore(w->b, w->other_snapshot, size));
    memcpy(w->spoilt, w->snapshot, size);
    w->spoilt[0] ^= 1; /* magic */
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->spoilt, size));
    for (at = HEADER; at < size; at += 4) { /* a hash that fits over words that no stream writes */
        memcpy(w->spoilt, w->snapshot, size);
        memcpy(w->spoilt + at, at % 8 ? &wrong[at / 8 % 2] : (const void *)&signalling, 4);
        if (at == HEADER)
            RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->spoilt, size));
        sign(w, w->spoilt);
        w->around->enter();
        pylstm_stream_restore(w->b, w->spoilt, size); /* refused, except where it may be so: words of 64 bits, gaps */
        w->around->leave("pylstm_stream_restore of a forged snapshot");
        w->calls++;
    }
    RT(PYLSTM_OK, pylstm_stream_restore(w->b, w->snapshot, size));
    walk_keep_state(w, w->b);
}
