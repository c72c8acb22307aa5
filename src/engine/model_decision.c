/* Decisions of models, and of rows from elsewhere: what they are made for, and their memory. */
#include "engine/detector_notes.h"
#include "engine/model.h"

#include "platform/aligned_memory.h"
#include "platform/errors.h"
#include "platform/floating_point_mode.h"

#include <math.h>
#include <string.h>

#define MOST_HOP_SECONDS 3600.0

/* Finds where the settings of a model stand: below "decision.", or in the notes of older files. */
static pylstm_status settings_of(const pylstm_model *model, const pylstm_setting_list *given,
                                 pylstm_setting notes[PYLSTM_DETECTOR_NOTES], pylstm_setting_list *list, pylstm_error *why) {
    pylstm_whole_fpmode caller;
    pylstm_status status;
    *list = (pylstm_setting_list){.array = model->decision, .n = (size_t)model->n_decision, .prefix = PYLSTM_DECISION};
    if (model->n_decision || !pylstm_has_detector_notes(model))
        return PYLSTM_OK;
    *list = (pylstm_setting_list){.array = notes, .prefix = "detector."};
    caller = pylstm_fpmode_enter_exact();
    status = pylstm_detector_notes(model, given->array, given->n, notes, &list->n, why);
    pylstm_fpmode_leave_exact(&caller);
    return status;
}

static pylstm_status check_given(const pylstm_setting *settings, size_t n_settings, pylstm_error *why) {
    if (!settings && n_settings)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "settings is NULL; expected %zu of them", n_settings);
    for (size_t k = 0; k < n_settings; k++) {
        if (!settings[k].key || !settings[k].value)
            return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "settings[%zu] holds NULL; expected a key and a value", k);
    }
    return PYLSTM_OK;
}

/* Rows of a model without features have no times. */
static pylstm_status check_times(const pylstm_model *model, pylstm_error *why) {
    return model->features ? PYLSTM_OK
                           : pylstm_fail(why, PYLSTM_BAD_ARGUMENT,
                                         "the model has no features, so that its rows have no times; expected one that takes"
                                         " audio, or pylstm.Detector");
}

/* Gathers what a decision of this model is made of. notes is memory for that. */
static pylstm_status gather(const pylstm_model *model, const pylstm_setting *settings, size_t n_settings,
                            pylstm_setting notes[PYLSTM_DETECTOR_NOTES], pylstm_decision_source *source, pylstm_error *why) {
    if (why)
        *why = (pylstm_error){.status = PYLSTM_OK};
    if (!model)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "model is NULL; expected a model");
    PYLSTM_TRY(check_given(settings, n_settings, why));
    *source = (pylstm_decision_source){
        .model = model,
        .outputs = {.n = model->n_outputs, .labels = (const char *const *)model->labels, .independent = model->independent},
        .hop = model->features ? pylstm_model_hop_length(model) : 1,
        .rate = model->features ? pylstm_features_sr(model->features) : 1,
        .settings.given = {.array = settings, .n = n_settings, .prefix = ""},
    };
    return settings_of(model, &source->settings.given, notes, &source->settings.file, why);
}

static pylstm_status create(const pylstm_decision_source *source, pylstm_decision **decision, pylstm_error *why) {
    void *memory;
    size_t needed;
    PYLSTM_TRY(pylstm_decision_measure(source, &needed, why));
    memory = pylstm_block_create(needed);
    if (!memory)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "cannot allocate %zu bytes for the decision", needed);
    *decision = pylstm_decision_lay_out(source, memory);
    return PYLSTM_OK;
}

pylstm_status pylstm_decision_create(const pylstm_model *model, const pylstm_setting *settings, size_t n_settings,
                                     pylstm_decision **decision, pylstm_error *why) {
    pylstm_setting notes[PYLSTM_DETECTOR_NOTES];
    pylstm_decision_source source;
    if (!decision)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "decision is NULL; expected an address");
    *decision = NULL;
    PYLSTM_TRY(gather(model, settings, n_settings, notes, &source, why));
    PYLSTM_TRY(check_times(model, why));
    return create(&source, decision, why);
}

/* Counts time in microseconds where a whole number of them is the very hop, so that times are as exact as where samples are
 * counted; else in seconds. */
static void choose_ticks(double hop_seconds, pylstm_decision_source *source) {
    const pylstm_whole_fpmode caller = pylstm_fpmode_enter_exact();
    const double ticks = floor(hop_seconds * 1e6 + 0.5);
    const int is_whole = ticks / 1e6 == hop_seconds;
    source->hop = is_whole ? ticks : hop_seconds;
    source->rate = is_whole ? 1e6 : 1;
    pylstm_fpmode_leave_exact(&caller);
}

pylstm_status pylstm_decision_create_for_rows(const char *const *labels, int n_outputs, double hop_seconds,
                                              const pylstm_setting *settings, size_t n_settings, pylstm_decision **decision,
                                              pylstm_error *why) {
    pylstm_decision_source source;
    if (why)
        *why = (pylstm_error){.status = PYLSTM_OK};
    if (!decision)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "decision is NULL; expected an address");
    *decision = NULL;
    if (n_outputs < 1 || n_outputs > PYLSTM_MOST_OUTPUTS)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "n_outputs is %d; expected 1 to %d", n_outputs, PYLSTM_MOST_OUTPUTS);
    if (!(hop_seconds > 0 && hop_seconds <= MOST_HOP_SECONDS))
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "hop_seconds is %g; expected above 0 and at most %g", hop_seconds,
                           MOST_HOP_SECONDS);
    for (int k = 0; labels && k < n_outputs; k++) {
        if (!labels[k])
            return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "labels[%d] is NULL; expected a name", k);
    }
    PYLSTM_TRY(check_given(settings, n_settings, why));
    source = (pylstm_decision_source){
        .outputs = {.n = n_outputs, .labels = labels},
        .settings.given = {.array = settings, .n = n_settings, .prefix = ""},
    };
    choose_ticks(hop_seconds, &source);
    return create(&source, decision, why);
}

pylstm_status pylstm_decision_size(const pylstm_model *model, const pylstm_setting *settings, size_t n_settings, size_t *needed,
                                   pylstm_error *why) {
    pylstm_setting notes[PYLSTM_DETECTOR_NOTES];
    pylstm_decision_source source;
    if (!needed)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "needed is NULL; expected the address of a size_t");
    PYLSTM_TRY(gather(model, settings, n_settings, notes, &source, why));
    PYLSTM_TRY(check_times(model, why));
    return pylstm_decision_measure(&source, needed, why);
}

pylstm_status pylstm_model_decision_check(const pylstm_model *model, pylstm_error *why) {
    pylstm_setting notes[PYLSTM_DETECTOR_NOTES];
    pylstm_decision_source source;
    size_t needed;
    if (!model->n_decision)
        return PYLSTM_OK;
    PYLSTM_TRY(gather(model, NULL, 0, notes, &source, why));
    return pylstm_decision_measure(&source, &needed, why);
}

pylstm_status pylstm_decision_init(void *memory, size_t memory_size, const pylstm_model *model, const pylstm_setting *settings,
                                   size_t n_settings, pylstm_decision **decision, pylstm_error *why) {
    pylstm_setting notes[PYLSTM_DETECTOR_NOTES];
    pylstm_decision_source source;
    size_t needed;
    if (!memory || !decision)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is NULL; expected an address", memory ? "decision" : "memory");
    PYLSTM_TRY(gather(model, settings, n_settings, notes, &source, why));
    PYLSTM_TRY(check_times(model, why));
    PYLSTM_TRY(pylstm_decision_measure(&source, &needed, why));
    if (memory_size < needed || (uintptr_t)memory % PYLSTM_ALIGNMENT)
        return pylstm_fail(why, PYLSTM_NO_MEMORY, "memory has %zu bytes; expected %zu of them, at a multiple of %d",
                           memory_size, needed, PYLSTM_ALIGNMENT);
    memset(memory, 0, needed);
    *decision = pylstm_decision_lay_out(&source, memory);
    return PYLSTM_OK;
}

void pylstm_decision_destroy(pylstm_decision *decision) {
    pylstm_block_destroy(decision);
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

const char *pylstm_decision_kind_of(const pylstm_decision *decision) {
    return decision ? decision->kind->name : NULL;
}

pylstm_status pylstm_decision_setting(const pylstm_decision *decision, int index, const char **key, double *value) {
    if (!decision || !key || !value || index < 0)
        return PYLSTM_BAD_ARGUMENT;
    for (int k = 0; decision->kind->rules[k].key; k++) {
        if (k != index)
            continue;
        *key = decision->kind->rules[k].key;
        *value = decision->values[k];
        return PYLSTM_OK;
    }
    return PYLSTM_BAD_ARGUMENT;
}

double pylstm_decision_threshold(const pylstm_decision *decision, int output) {
    return decision && decision->kind->threshold_of ? decision->kind->threshold_of(decision, output) : 0;
}
