/* Snapshots of listeners: a header, the snapshot of the stream where there is one, and the state of the decision. */
#include "engine/listener.h"

#include "platform/errors.h"
#include "platform/floating_point_mode.h"
#include "platform/hash.h"

#include <string.h>

/* Raised whenever the layout of a state of a decision changes. */
#define SNAPSHOT_VERSION 1

typedef struct snapshot_header {
    char magic[8];
    uint32_t version;
    uint32_t byte_order; /* 0x01020304 as the machine writes it */
    uint64_t decision;   /* fingerprint */
    uint64_t state_size; /* of the decision */
    uint64_t state_hash;
    uint64_t reserved[3];
} snapshot_header;

static snapshot_header header_for(const pylstm_decision *decision, const void *state) {
    return (snapshot_header){
        .magic = "pylstmL",
        .version = SNAPSHOT_VERSION,
        .byte_order = 0x01020304,
        .decision = decision->fingerprint,
        .state_size = decision->state_size,
        .state_hash = pylstm_hash(state, decision->state_size),
    };
}

static size_t stream_part(const pylstm_decision *decision) {
    return decision->model ? pylstm_snapshot_size(decision->model) : 0;
}

size_t pylstm_listener_snapshot_size(const pylstm_decision *decision) {
    return decision ? sizeof(snapshot_header) + stream_part(decision) + decision->state_size : 0;
}

pylstm_status pylstm_listener_snapshot(pylstm_listener *listener, void *snapshot, size_t size) {
    const pylstm_decision *decision;
    snapshot_header header;
    char *to = snapshot;
    pylstm_status status = PYLSTM_OK;
    if (!listener || !snapshot)
        return PYLSTM_BAD_ARGUMENT;
    decision = listener->decision;
    if (size < pylstm_listener_snapshot_size(decision))
        return PYLSTM_OUT_TOO_SMALL;
    PYLSTM_TRY(pylstm_listener_acquire(listener));
    if (listener->stream)
        status = pylstm_stream_snapshot(listener->stream, to + sizeof header, stream_part(decision));
    if (!status) {
        header = header_for(decision, listener->state);
        memcpy(to, &header, sizeof header);
        memcpy(to + sizeof header + stream_part(decision), listener->state, decision->state_size);
    }
    pylstm_listener_release(listener);
    return status;
}

/* In a mode of its own: comparing a number that should not be there leaves a flag, or traps. */
static int is_valid(const pylstm_decision *decision, const void *state) {
    const pylstm_fpmode caller = pylstm_fpmode_enter();
    const int valid = pylstm_decision_state_valid(decision, state);
    pylstm_fpmode_leave(caller);
    return valid;
}

/* The decision, whose state may stand at any address, must have come as far as the stream. */
static int agrees(const pylstm_decision *decision, const void *state, const void *stream_snapshot) {
    pylstm_stream_counters counters;
    pylstm_decision_state common;
    if (!decision->model)
        return 1;
    counters = pylstm_snapshot_counters(stream_snapshot);
    memcpy(&common, state, sizeof common);
    return counters.frames == common.rows && counters.flushed == common.finished;
}

static pylstm_status restore(pylstm_listener *listener, const char *snapshot) {
    const pylstm_decision *decision = listener->decision;
    const char *stream_snapshot = snapshot + sizeof(snapshot_header);
    const char *state = stream_snapshot + stream_part(decision);
    if (!is_valid(decision, state) || !agrees(decision, state, stream_snapshot))
        return PYLSTM_SNAPSHOT_DAMAGED;
    if (listener->stream)
        PYLSTM_TRY(pylstm_stream_restore(listener->stream, stream_snapshot, stream_part(decision)));
    memcpy(listener->state, state, decision->state_size);
    return PYLSTM_OK;
}

/* What the header says. */
static pylstm_status check_header(const pylstm_decision *decision, const char *snapshot, size_t size) {
    snapshot_header header, expected;
    if (size < sizeof header)
        return PYLSTM_SNAPSHOT_DAMAGED;
    memcpy(&header, snapshot, sizeof header);
    if (memcmp(header.magic, "pylstmL", 8) != 0)
        return PYLSTM_SNAPSHOT_DAMAGED;
    if (header.version != SNAPSHOT_VERSION || header.byte_order != 0x01020304 || header.decision != decision->fingerprint)
        return PYLSTM_SNAPSHOT_FOREIGN;
    if (size != pylstm_listener_snapshot_size(decision))
        return PYLSTM_SNAPSHOT_DAMAGED;
    expected = header_for(decision, snapshot + sizeof header + stream_part(decision));
    return memcmp(&header, &expected, sizeof header) == 0 ? PYLSTM_OK : PYLSTM_SNAPSHOT_DAMAGED;
}

/* The flag of a listener whose state a fork has left half written stays so where the restore is refused. */
static pylstm_status acquire(pylstm_listener *listener, int *was_interrupted) {
    const pylstm_status status = pylstm_busy_flag_take(&listener->busy);
    *was_interrupted = status == PYLSTM_INTERRUPTED;
    return status == PYLSTM_BUSY ? status : PYLSTM_OK;
}

static void release(pylstm_listener *listener, int is_interrupted) {
    if (is_interrupted)
        pylstm_busy_flag_give_interrupted(&listener->busy);
    else
        pylstm_listener_release(listener);
}

pylstm_status pylstm_listener_restore(pylstm_listener *listener, const void *snapshot, size_t size) {
    pylstm_status status;
    int interrupted;
    if (!listener || !snapshot)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(check_header(listener->decision, snapshot, size));
    PYLSTM_TRY(acquire(listener, &interrupted));
    status = restore(listener, snapshot);
    release(listener, status && interrupted);
    return status;
}

pylstm_status pylstm_listener_copy(pylstm_listener *to, pylstm_listener *from) {
    pylstm_status status;
    int interrupted = 0;
    if (!to || !from)
        return PYLSTM_BAD_ARGUMENT;
    if (to->decision->fingerprint != from->decision->fingerprint || to->decision->state_size != from->decision->state_size ||
        !to->stream != !from->stream)
        return PYLSTM_SNAPSHOT_FOREIGN;
    if (to == from)
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_listener_acquire(from));
    /* Equal fingerprints say that two decisions are one only where nobody forges them. */
    status = from->decision == to->decision || is_valid(to->decision, from->state) ? PYLSTM_OK : PYLSTM_SNAPSHOT_FOREIGN;
    if (!status)
        status = acquire(to, &interrupted);
    if (!status) {
        if (to->stream)
            status = pylstm_stream_copy(to->stream, from->stream);
        if (!status)
            memcpy(to->state, from->state, to->decision->state_size);
        release(to, status && interrupted);
    }
    pylstm_listener_release(from);
    return status;
}
