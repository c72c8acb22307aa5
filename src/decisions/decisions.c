/* The registry of kinds; how a decision is made from its settings; the state that all kinds have. */
#include "decisions/decisions.h"

#include "decisions/report.h"
#include "modelfile/json.h"
#include "platform/errors.h"
#include "platform/floating_point_mode.h"
#include "platform/hash.h"

#include <string.h>

/* Every kind, and nothing else to add for a new one. */
extern const pylstm_decision_kind pylstm_decision_words, pylstm_decision_segments, pylstm_decision_symbols;
static const pylstm_decision_kind *const kinds[] = {&pylstm_decision_words, &pylstm_decision_segments,
                                                    &pylstm_decision_symbols};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

const char *const pylstm_reports[] = {"early", "final", NULL};

static const char KIND[] = "kind";
#define KINDS "words, segments or symbols"

const pylstm_decision_kind *pylstm_decision_kind_named(const char *name) {
    for (int k = 0; k < N_KINDS; k++) {
        if (strcmp(kinds[k]->name, name) == 0)
            return kinds[k];
    }
    return NULL;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

/* Finds out which kind is asked for. Another kind than that of the file leaves the file's settings out. */
static pylstm_status read_kind(pylstm_settings *settings, const pylstm_outputs *outputs, const pylstm_decision_kind **kind,
                               pylstm_error *why) {
    const pylstm_settings in_file = {.file = settings->file};
    const pylstm_decision_kind *of_file = &pylstm_decision_words;
    pylstm_setting_found found;
    if (pylstm_setting_find(&in_file, KIND, &found))
        of_file = pylstm_decision_kind_named(found.value);
    *kind = of_file;
    if (pylstm_setting_find(settings, KIND, &found)) {
        *kind = pylstm_decision_kind_named(found.value);
        if (!*kind)
            return pylstm_setting_fail(&found, KIND, KINDS, why);
        if (*kind != of_file)
            settings->file.n = 0;
    } else if (!settings->file.n && !outputs->labels) {
        return pylstm_fail(
            why, PYLSTM_BAD_ARGUMENT,
            "kind is missing, and the outputs have no labels; expected segments or symbols, or labels for words");
    }
    return PYLSTM_OK;
}

static int knows(const pylstm_decision *decision, const char *key) {
    if (strcmp(key, KIND) == 0)
        return 1;
    for (const pylstm_setting_rule *rule = decision->kind->rules; rule->key; rule++) {
        if (strcmp(rule->key, key) == 0)
            return 1;
    }
    return decision->kind->knows && decision->kind->knows(decision, key);
}

/* Lists the keys of a kind. */
static void list_keys(const pylstm_decision_kind *kind, char *text, size_t size) {
    size_t used = (size_t)pylstm_format(text, size, "%s%s", KIND, kind->more_keys ? kind->more_keys : "");
    for (const pylstm_setting_rule *rule = kind->rules; rule->key && used < size; rule++)
        used += (size_t)pylstm_format(text + used, size - used, ", %s", rule->key);
}

/* Refuses keys that nothing reads, and those that stand there twice. */
static pylstm_status check_keys(const pylstm_decision *decision, const pylstm_setting_list *list, pylstm_error *why) {
    char shown[PYLSTM_SHOWN], keys[240];
    for (size_t k = 0; k < list->n; k++) {
        const char *name = list->array[k].key;
        if (knows(decision, name))
            continue;
        if (*list->prefix)
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[unused-key] nothing in a decision of the kind %s reads '%s%s'",
                               decision->kind->name, list->prefix, name);
        list_keys(decision->kind, keys, sizeof keys);
        if (strchr(name, '.') && !decision->kind->knows)
            return pylstm_fail(why, PYLSTM_BAD_ARGUMENT,
                               "%s is a setting of one output, which %s do not have; expected one of: %s",
                               pylstm_json_show(shown, name, strlen(name)), decision->kind->name, keys);
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is no setting of %s; expected one of: %s",
                           pylstm_json_show(shown, name, strlen(name)), decision->kind->name, keys);
    }
    for (size_t k = 0; k < list->n; k++) {
        for (size_t other = 0; other < k; other++) {
            if (strcmp(list->array[k].key, list->array[other].key) == 0)
                return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is given twice; expected each setting once",
                                   list->array[k].key);
        }
    }
    return PYLSTM_OK;
}

/* Refuses two equal labels: nobody could tell their events apart. */
static pylstm_status check_labels(const pylstm_outputs *outputs, const pylstm_decision_kind *kind, pylstm_error *why) {
    const int may_be_empty = kind == &pylstm_decision_symbols; /* the blank of a vocabulary often is */
    char shown[PYLSTM_SHOWN];
    for (int k = 0; outputs->labels && k < outputs->n; k++) {
        const char *label = outputs->labels[k];
        if (!*label && !may_be_empty)
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[decision] labels.%d is empty; expected a name", k);
        if (pylstm_output_named(outputs, label, strlen(label)) == k)
            continue;
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[decision] labels.%d is '%s'; expected a name that no other label has", k,
                           pylstm_json_show(shown, label, strlen(label)));
    }
    return PYLSTM_OK;
}

static pylstm_status read_settings(const pylstm_decision_source *source, pylstm_decision *decision, pylstm_settings *settings,
                                   pylstm_error *why) {
    *settings = source->settings;
    *decision = (pylstm_decision){
        .model = source->model,
        .outputs = source->outputs,
        .hop = source->hop,
        .rate = source->rate,
    };
    PYLSTM_TRY(read_kind(settings, &source->outputs, &decision->kind, why));
    PYLSTM_TRY(check_labels(&source->outputs, decision->kind, why));
    PYLSTM_TRY(check_keys(decision, &settings->given, why));
    PYLSTM_TRY(check_keys(decision, &settings->file, why));
    for (int k = 0; decision->kind->rules[k].key; k++) {
        const pylstm_setting_rule *rule = &decision->kind->rules[k];
        PYLSTM_TRY(pylstm_setting_read(settings, rule, rule->key, &source->outputs, &decision->values[k], why));
    }
    return decision->kind->check(decision, settings, why);
}

static size_t label_bytes(const pylstm_outputs *outputs) {
    size_t bytes = 0;
    for (int k = 0; outputs->labels && k < outputs->n; k++)
        bytes += strlen(outputs->labels[k]) + 1;
    return bytes;
}

/* Copies the labels: a decision keeps no pointer into what it was made from, but for the model. */
static void copy_labels(pylstm_outputs *outputs, pylstm_arena *arena) {
    const size_t n = outputs->labels ? (size_t)outputs->n : 0;
    char **labels = pylstm_arena_take(arena, n, sizeof *labels);
    char *text = pylstm_arena_take(arena, label_bytes(outputs), 1);
    if (!labels || !text || !n)
        return;
    for (size_t k = 0; k < n; k++) {
        labels[k] = strcpy(text, outputs->labels[k]);
        text += strlen(text) + 1;
    }
    outputs->labels = (const char *const *)labels;
}

static uint64_t fingerprint_of(const pylstm_decision *decision) {
    const double of[2] = {decision->hop, decision->rate};
    uint64_t hash = pylstm_hash(decision->kind->name, strlen(decision->kind->name)) ^ (uint64_t)decision->outputs.n;
    hash = hash * 31 + pylstm_hash(of, sizeof of);
    hash = hash * 31 + pylstm_hash(decision->values, sizeof decision->values);
    for (int k = 0; decision->outputs.labels && k < decision->outputs.n; k++)
        hash = hash * 31 + pylstm_hash(decision->outputs.labels[k], strlen(decision->outputs.labels[k]));
    return decision->kind->hash ? decision->kind->hash(decision, hash) : hash;
}

/* Finishes what has been read, in the arena; *decision moves there, too. */
static pylstm_decision *lay_out(pylstm_decision *decision, const pylstm_settings *settings, pylstm_arena *arena) {
    pylstm_decision *placed = pylstm_arena_take(arena, 1, sizeof *placed);
    copy_labels(&decision->outputs, arena);
    decision->kind->lay_out(decision, settings, arena);
    if (decision->state_size > SIZE_MAX - sizeof(pylstm_decision_state))
        arena->used = SIZE_MAX; /* no machine has so much memory: making it fails as if the decision itself were so large */
    decision->state_size += sizeof(pylstm_decision_state);
    if (!placed)
        return NULL;
    decision->fingerprint = fingerprint_of(decision);
    *placed = *decision;
    return placed;
}

/* The same numbers and the same refusals whatever the caller's floating-point mode is, which is as it was afterwards. */

pylstm_status pylstm_decision_measure(const pylstm_decision_source *source, size_t *needed, pylstm_error *why) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    pylstm_arena arena = {.base = NULL};
    pylstm_decision decision;
    pylstm_settings settings;
    const pylstm_status status = read_settings(source, &decision, &settings, why);
    if (!status)
        lay_out(&decision, &settings, &arena);
    pylstm_fpmode_leave_exact(&caller);
    PYLSTM_TRY(status);
    *needed = arena.used;
    if (arena.used == SIZE_MAX)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "the decision needs more bytes than this machine can address");
    return PYLSTM_OK;
}

pylstm_decision *pylstm_decision_lay_out(const pylstm_decision_source *source, void *memory) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    pylstm_arena arena = {.base = memory};
    pylstm_decision decision, *placed = NULL;
    pylstm_settings settings;
    if (read_settings(source, &decision, &settings, NULL) == PYLSTM_OK)
        placed = lay_out(&decision, &settings, &arena);
    pylstm_fpmode_leave_exact(&caller);
    return placed;
}

/* --- state ------------------------------------------------------------------------------------------------------------ */

static void *part_of(void *state) {
    return (char *)state + sizeof(pylstm_decision_state);
}

void pylstm_decision_begin(const pylstm_decision *decision, void *state) {
    memset(state, 0, decision->state_size);
    if (decision->kind->begin)
        decision->kind->begin(decision, part_of(state));
}

void pylstm_decision_take(const pylstm_decision *decision, void *state, pylstm_row row, pylstm_events *events) {
    pylstm_decision_state *common = state;
    decision->kind->take(decision, part_of(state), common->rows, row, events);
    common->rows++;
}

void pylstm_decision_finish(const pylstm_decision *decision, void *state, double length, pylstm_events *events) {
    pylstm_decision_state *common = state;
    decision->kind->finish(decision, part_of(state), common->rows, length, events);
    common->finished = 1;
}

int pylstm_decision_state_valid(const pylstm_decision *decision, const void *state) {
    pylstm_decision_state common;
    memcpy(&common, state, sizeof common);
    for (int k = 0; k < 6; k++) {
        if (common.reserved[k])
            return 0;
    }
    if (common.rows < 0 || common.rows > PYLSTM_MOST_ROWS || (common.finished != 0 && common.finished != 1))
        return 0;
    return decision->kind->valid(decision, (const char *)state + sizeof common, common.rows);
}
