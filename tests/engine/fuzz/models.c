/* Models: memory of the caller's, every floating-point mode, and twins. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include "fuzz.h"

#include "engine/model.h" /* to make fingerprints equal */
#include "platform/hash.h"

#include <fenv.h>
#include <string.h>

/* Memory of the caller's: too small and misaligned are refused, exactly enough does. */
void try_own_memory(const void *bytes, size_t size) {
    pylstm_model *model;
    pylstm_stream *stream;
    pylstm_error why;
    size_t needed;
    void *memory, *more;
    REQUIRE(pylstm_model_size(bytes, size, &needed, &why) == PYLSTM_OK);
    REQUIRE(posix_memalign(&memory, PYLSTM_ALIGNMENT, needed) == 0);
    REQUIRE(pylstm_model_init(memory, needed - 1, bytes, size, &model, &why) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_model_init((char *)memory + 4, needed, bytes, size, &model, NULL) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_model_init(memory, needed, bytes, size, &model, NULL) == PYLSTM_OK);
    needed = pylstm_stream_size(model);
    REQUIRE(posix_memalign(&more, PYLSTM_ALIGNMENT, needed) == 0);
    REQUIRE(pylstm_stream_init(more, needed - 1, model, &stream) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_stream_init((char *)more + 8, needed, model, &stream) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_stream_init(more, needed, model, &stream) == PYLSTM_OK);
    REQUIRE(pylstm_stream_position(stream) == 0 && pylstm_stream_reset(stream) == PYLSTM_OK);
    free(more);
    free(memory);
}

/* Tables have the same bits in every floating-point mode, nothing traps, and the mode is as it was. */
void try_modes(const void *bytes, size_t size) {
    static const int roundings[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const unsigned modes[] = {0, 0x8040u | 0x15u, 0x8040u | 0x3fu}; /* no masks; flush to zero, sticky flags */
    void *memory;
    char *first;
    size_t needed, again, k;
    REQUIRE(pylstm_model_size(bytes, size, &needed, NULL) == PYLSTM_OK);
    REQUIRE(posix_memalign(&memory, PYLSTM_ALIGNMENT, needed) == 0 && (first = malloc(needed)));
    for (k = 0; k < 12; k++) {
        const int rounding = roundings[k % 4];
        const unsigned all = 0x1f80u, mode = modes[k / 4] ? all | modes[k / 4] : 0;
        pylstm_model *model;
        pylstm_stream *stream, *other;
        unsigned set;
        room snapshot;
        fenv_t before;
        memset(memory, 0, needed);
        REQUIRE(fegetenv(&before) == 0 && fesetround(rounding) == 0);
        set = (MODE() & 0x6000u) | mode;
        SET_MODE(set);
        REQUIRE(pylstm_model_size(bytes, size, &again, NULL) == PYLSTM_OK && again == needed);
        REQUIRE(pylstm_model_init(memory, needed, bytes, size, &model, NULL) == PYLSTM_OK);
        REQUIRE(pylstm_model_init(memory, needed, bytes, size - 1, &model, NULL) == PYLSTM_BAD_MODEL);
        REQUIRE(pylstm_stream_create(model, &stream) == PYLSTM_OK && pylstm_stream_create(model, &other) == PYLSTM_OK);
        snapshot = room_of(pylstm_snapshot_size(model), 0);
        REQUIRE(pylstm_stream_snapshot(stream, snapshot.at, pylstm_snapshot_size(model)) == PYLSTM_OK);
        REQUIRE(pylstm_stream_restore(other, snapshot.at, pylstm_snapshot_size(model)) == PYLSTM_OK);
        if (pylstm_model_sample_rate(model)) { /* a signalling NaN as the maximum, with a hash that fits */
            const uint32_t odd = 0x7fa00000u;
            const size_t state_size = pylstm_snapshot_size(model) - HEADER;
            uint64_t hash;
            memcpy(snapshot.at + HEADER + 64 + 28, &odd, 4);
            hash = pylstm_hash(snapshot.at + HEADER, state_size);
            memcpy(snapshot.at + HASH_AT, &hash, 8);
            REQUIRE(pylstm_stream_restore(other, snapshot.at, HEADER + state_size) == PYLSTM_SNAPSHOT_DAMAGED);
        }
        REQUIRE(MODE() == set && fegetround() == rounding);
        REQUIRE(fesetenv(&before) == 0);
        pylstm_stream_destroy(stream);
        pylstm_stream_destroy(other);
        free(snapshot.whole);
        if (k == 0) {
            memcpy(first, memory, needed);
        } else {
            REQUIRE(memcmp(first, memory, needed) == 0);
        }
    }
    free(first);
    free(memory);
}

/* Two models whose fingerprints a forger made equal: what is copied or restored between them stays inside of both. */
void try_equal_fingerprints(pylstm_model *model, pylstm_model *other) {
    const uint64_t fingerprint = other->fingerprint;
    pylstm_model *const models[] = {model, other};
    int k;
    other->fingerprint = model->fingerprint;
    for (k = 0; k < 2; k++) {
        pylstm_stream *to, *from;
        room before = room_of(pylstm_snapshot_size(models[k]), 0), after = room_of(pylstm_snapshot_size(models[k]), 0);
        room foreign = room_of(pylstm_snapshot_size(models[1 - k]), 0);
        pylstm_status status;
        REQUIRE(pylstm_stream_create(models[k], &to) == PYLSTM_OK);
        REQUIRE(pylstm_stream_create(models[1 - k], &from) == PYLSTM_OK);
        REQUIRE(pylstm_stream_snapshot(to, before.at, pylstm_snapshot_size(models[k])) == PYLSTM_OK);
        REQUIRE(pylstm_stream_snapshot(from, foreign.at, pylstm_snapshot_size(models[1 - k])) == PYLSTM_OK);
        status = pylstm_stream_copy(to, from);
        REQUIRE(status == PYLSTM_SNAPSHOT_FOREIGN || models[k]->state_size == models[1 - k]->state_size);
        REQUIRE(pylstm_stream_snapshot(to, after.at, pylstm_snapshot_size(models[k])) == PYLSTM_OK);
        REQUIRE(!status || memcmp(before.at, after.at, pylstm_snapshot_size(models[k])) == 0);
        status = pylstm_stream_restore(to, foreign.at, pylstm_snapshot_size(models[1 - k]));
        REQUIRE(status == PYLSTM_SNAPSHOT_DAMAGED || models[k]->state_size == models[1 - k]->state_size);
        pylstm_stream_destroy(to);
        pylstm_stream_destroy(from);
        free(before.whole);
        free(after.whole);
        free(foreign.whole);
    }
    other->fingerprint = fingerprint;
}
