/* Snapshots: the state of a stream with a header that says whose it is and whether it is whole. */
#include "platform/floating_point_mode.h"
#include "platform/hash.h"
#include "engine/stream.h"

#include <string.h>

/* Raised whenever the layout of a state block changes. */
#define SNAPSHOT_VERSION 1

typedef struct snapshot_header {
    char magic[8];
    uint32_t version;
    uint32_t byte_order; /* 0x01020304 as the machine writes it */
    uint64_t model;      /* fingerprint */
    uint64_t state_size;
    uint64_t state_hash;
    uint64_t reserved[3];
} snapshot_header;

static snapshot_header header_for(const pylstm_model *model, const char *state) {
    return (snapshot_header){
        .magic = "pylstmS",
        .version = SNAPSHOT_VERSION,
        .byte_order = 0x01020304,
        .model = model->fingerprint,
        .state_size = model->state_size,
        .state_hash = pylstm_hash(state, model->state_size),
    };
}

/* In a mode of its own: comparing a number that should not be there leaves a flag, or traps. */
static int is_valid(const pylstm_model *model, const char *state) {
    const pylstm_fpmode caller = pylstm_fpmode_enter();
    const int valid = pylstm_stream_state_valid(model, state);
    pylstm_fpmode_leave(caller);
    return valid;
}

size_t pylstm_snapshot_size(const pylstm_model *model) {
    return model ? sizeof(snapshot_header) + model->state_size : 0;
}

pylstm_stream_counters pylstm_snapshot_counters(const void *snapshot) {
    pylstm_stream_counters counters;
    memcpy(&counters, (const char *)snapshot + sizeof(snapshot_header), sizeof counters);
    return counters;
}

pylstm_status pylstm_stream_snapshot(pylstm_stream *stream, void *snapshot, size_t size) {
    snapshot_header header;
    if (!stream || !snapshot)
        return PYLSTM_BAD_ARGUMENT;
    if (size < pylstm_snapshot_size(stream->model))
        return PYLSTM_OUT_TOO_SMALL;
    PYLSTM_TRY(pylstm_stream_acquire(stream));
    header = header_for(stream->model, stream->state);
    memcpy(snapshot, &header, sizeof header);
    memcpy((char *)snapshot + sizeof header, stream->state, stream->model->state_size);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_restore(pylstm_stream *stream, const void *snapshot, size_t size) {
    const pylstm_model *model;
    const char *state = (const char *)snapshot + sizeof(snapshot_header);
    snapshot_header header, expected;
    if (!stream || !snapshot)
        return PYLSTM_BAD_ARGUMENT;
    model = stream->model;
    if (size < sizeof header)
        return PYLSTM_SNAPSHOT_DAMAGED;
    memcpy(&header, snapshot, sizeof header);
    if (memcmp(header.magic, "pylstmS", 8) != 0)
        return PYLSTM_SNAPSHOT_DAMAGED;
    if (header.version != SNAPSHOT_VERSION || header.byte_order != 0x01020304 || header.model != model->fingerprint) {
        return PYLSTM_SNAPSHOT_FOREIGN;
    }
    if (size != pylstm_snapshot_size(model))
        return PYLSTM_SNAPSHOT_DAMAGED;
    expected = header_for(model, state);
    if (memcmp(&header, &expected, sizeof header) != 0)
        return PYLSTM_SNAPSHOT_DAMAGED;
    if (!is_valid(model, state))
        return PYLSTM_SNAPSHOT_DAMAGED;
    PYLSTM_TRY(pylstm_stream_acquire_to_overwrite(stream));
    memcpy(stream->state, state, model->state_size);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_copy(pylstm_stream *to, pylstm_stream *from) {
    pylstm_status status;
    if (!to || !from)
        return PYLSTM_BAD_ARGUMENT;
    if (to->model->fingerprint != from->model->fingerprint || to->model->state_size != from->model->state_size)
        return PYLSTM_SNAPSHOT_FOREIGN;
    if (to == from)
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_stream_acquire(from));
    /* Equal fingerprints say that two models are one only where nobody forges them: another model's state is looked through. */
    status = from->model == to->model || is_valid(to->model, from->state) ? PYLSTM_OK : PYLSTM_SNAPSHOT_FOREIGN;
    if (!status)
        status = pylstm_stream_acquire_to_overwrite(to);
    if (!status) {
        memcpy(to->state, from->state, to->model->state_size);
        pylstm_stream_release(to);
    }
    pylstm_stream_release(from);
    return status;
}
