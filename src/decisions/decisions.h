/* Decisions: rows of posteriors in, events out.
 *
 * A kind of decision is one file of this room and one line of the registry in decisions.c. A kind is a table of functions over
 * plain memory, and a table that says which numbers it can be given: with these the listener, snapshots and everybody above
 * work without asking what kind a decision is.
 *
 * A decision is immutable and shared by any number of listeners. What one of them remembers is a flat block without pointers:
 * pylstm_decision_state, and behind it what the kind keeps. The room knows rows, not models: engine/ says where rows come from.
 */
#ifndef PYLSTM_DECISIONS_DECISIONS_H
#define PYLSTM_DECISIONS_DECISIONS_H

#include "decisions/settings.h"
#include "platform/arena.h"

#include <string.h>

#define PYLSTM_MAX_SETTINGS 16

/* The largest number of rows, far below what 64 bits hold. */
#define PYLSTM_MOST_ROWS ((int64_t)1 << 61)

/* Bytes for a kind's own configuration, which may hold pointers into the block of the decision. */
#define PYLSTM_DECISION_CONFIG 128

#define PYLSTM_CHECK_DECISION_CONFIG(type)                                                                                     \
    _Static_assert(sizeof(type) <= PYLSTM_DECISION_CONFIG && _Alignof(type) <= 8, "PYLSTM_DECISION_CONFIG has no room for it")

typedef struct pylstm_decision_kind pylstm_decision_kind;

struct pylstm_decision {
    const pylstm_decision_kind *kind;
    const pylstm_model *model; /* whose rows they are; NULL: rows come from outside. Only engine/ looks into it */
    pylstm_outputs outputs;
    double hop, rate;                   /* a row every hop ticks, rate ticks a second: samples, where there is audio */
    double values[PYLSTM_MAX_SETTINGS]; /* in the order of the kind's rules */
    size_t state_size;                  /* bytes of a state, pylstm_decision_state included */
    uint64_t fingerprint;               /* hash of all that decides; a snapshot carries it */
    _Alignas(8) unsigned char config[PYLSTM_DECISION_CONFIG];
};

/* In front of every state. 64 bytes, all of them defined, so that equal states are equal bytes. */
typedef struct pylstm_decision_state {
    int64_t rows;     /* that were taken */
    int64_t finished; /* 1 after the last one */
    int64_t reserved[6];
} pylstm_decision_state;

/* The values of one row, side by side at any address. */
typedef struct pylstm_row {
    const char *values;
    int are_doubles; /* else floats */
} pylstm_row;

static inline double pylstm_row_value(pylstm_row row, int output) {
    double wide;
    float narrow;
    if (row.are_doubles) {
        memcpy(&wide, row.values + (size_t)output * sizeof wide, sizeof wide);
        return wide;
    }
    memcpy(&narrow, row.values + (size_t)output * sizeof narrow, sizeof narrow);
    return narrow;
}

/* Where events go. There is room for all that most_events promises. */
typedef struct pylstm_events {
    pylstm_event *to;
    size_t n;
    double origin; /* ticks from the beginning to row 0 */
} pylstm_events;

struct pylstm_decision_kind {
    const char *name; /* decision.kind in the file */

    /* The settings that it takes, up to one whose key is NULL. */
    const pylstm_setting_rule *rules;

    /* Keys of its own for messages, each behind ", ". NULL: it has none. */
    const char *more_keys;

    /* Whether a key that is none of the rules is one of its own. NULL: it has none. */
    int (*knows)(const pylstm_decision *decision, const char *key);

    /* Checks what the rules cannot say, and what else the kind reads. values and outputs are set. */
    pylstm_status (*check)(const pylstm_decision *decision, const pylstm_settings *settings, pylstm_error *why);

    /* Sets config, with its arrays in the arena; they and config stay as they are while the arena only measures. settings have
     * been checked. Sets state_size to the bytes behind pylstm_decision_state. */
    void (*lay_out)(pylstm_decision *decision, const pylstm_settings *settings, pylstm_arena *arena);

    /* Adds what lay_out has set to a hash. NULL: there is nothing but values. */
    uint64_t (*hash)(const pylstm_decision *decision, uint64_t hash);

    /* The threshold of an output; 0 where it is never reported. NULL: outputs have none of their own. */
    double (*threshold_of)(const pylstm_decision *decision, int output);

    /* Brings a state, which is zero, to its beginning. NULL: that is its beginning. */
    void (*begin)(const pylstm_decision *decision, void *state);

    /* Takes row number t. */
    void (*take)(const pylstm_decision *decision, void *state, int64_t t, pylstm_row row, pylstm_events *events);

    /* The audio is over after n rows; it is `length` ticks long. What is decided now has the time of row n. */
    void (*finish)(const pylstm_decision *decision, void *state, int64_t n, double length, pylstm_events *events);

    /* As many events as n more rows, and a finish after them, can give at most. */
    uint64_t (*most_events)(const pylstm_decision *decision, uint64_t n);

    /* Whether a state, which may stand at any address, could be that of a decision that has taken n rows. */
    int (*valid)(const pylstm_decision *decision, const void *state, int64_t n);
};

/* The kind of this name, or NULL. */
const pylstm_decision_kind *pylstm_decision_kind_named(const char *name);

/* What a decision is made for. */
typedef struct pylstm_decision_source {
    const pylstm_model *model;
    pylstm_outputs outputs;
    double hop, rate;
    pylstm_settings settings;
} pylstm_decision_source;

/* Reads and checks all settings, and measures: with a block of *needed bytes pylstm_decision_lay_out cannot fail. */
pylstm_status pylstm_decision_measure(const pylstm_decision_source *source, size_t *needed, pylstm_error *why);
pylstm_decision *pylstm_decision_lay_out(const pylstm_decision_source *source, void *memory);

/* The state of a decision. */
void pylstm_decision_begin(const pylstm_decision *decision, void *state);
void pylstm_decision_take(const pylstm_decision *decision, void *state, pylstm_row row, pylstm_events *events);
void pylstm_decision_finish(const pylstm_decision *decision, void *state, double length, pylstm_events *events);
int pylstm_decision_state_valid(const pylstm_decision *decision, const void *state);

/* What stands in config, as a kind's own type. */
static inline const void *pylstm_decision_config(const pylstm_decision *decision) {
    return decision->config;
}

/* Adds an event whose times are ticks from row 0 on: as seconds from the beginning, rounded once. */
static inline void pylstm_event_add(const pylstm_decision *decision, pylstm_events *events, pylstm_event event) {
    event.time = (event.time + events->origin) / decision->rate;
    event.onset = (event.onset + events->origin) / decision->rate;
    if (event.offset != PYLSTM_NOT_YET)
        event.offset = (event.offset + events->origin) / decision->rate;
    events->to[events->n++] = event;
}

/* Ticks from row 0 to the time of a row. */
static inline double pylstm_row_ticks(const pylstm_decision *decision, int64_t row) {
    return (double)row * decision->hop;
}

#endif
