/* Reading and checking the notes "detector.*". */
#include "engine/detector_notes.h"

#include "modelfile/configuration.h"
#include "modelfile/json.h"
#include "platform/errors.h"

#include <string.h>

#define PREFIX      "detector."
#define THRESHOLD   "threshold"
#define SMOOTHING   "smoothing_frames"
#define REFRACTORY  "refractory_frames"
#define BACKGROUND  "background"
#define MOST_FRAMES 1000000000

int pylstm_has_detector_notes(const pylstm_model *model) {
    for (int k = 0; k < model->n_info; k++) {
        if (strncmp(model->info[k].key, PREFIX, sizeof PREFIX - 1) == 0)
            return 1;
    }
    return 0;
}

/* Whether the numbers of a detector stand below "decision.". A model that decides on something else may have the notes, too. */
static int has_words_settings(const pylstm_model *model) {
    const char *kind = pylstm_entry(model->decision, model->n_decision, "kind");
    return model->n_decision && (!kind || strcmp(kind, "words") == 0);
}

/* The names of labels that are never reported. */
static const char *background_of(const pylstm_model *model) {
    return has_words_settings(model) ? pylstm_entry(model->decision, model->n_decision, BACKGROUND)
                                     : pylstm_model_info(model, PREFIX BACKGROUND);
}

static int is_label(const char *label, const char *name, size_t length) {
    return strlen(label) == length && memcmp(label, name, length) == 0;
}

/* How many times a name stands in the list. */
static int count_in_background(const pylstm_model *model, const char *label, size_t label_length) {
    const char *list = pylstm_names_in(background_of(model)), *name;
    size_t length;
    int n = 0;
    while ((name = pylstm_next_name(&list, &length)) != NULL)
        n += length == label_length && memcmp(name, label, length) == 0;
    return n;
}

int pylstm_model_is_background(const pylstm_model *model, int output) {
    const char *label = pylstm_model_label(model, output);
    return label && count_in_background(model, label, strlen(label)) > 0;
}

/* The first output with this label; the number of outputs where there is none. */
static int find_label(const pylstm_model *model, const char *name, size_t length) {
    int k = 0;
    while (k < pylstm_model_n_outputs(model) && !is_label(pylstm_model_label(model, k), name, length))
        k++;
    return k;
}

/* Refuses two equal labels: nobody could tell their events apart. */
static pylstm_status check_labels(const pylstm_model *model, pylstm_error *why) {
    for (int k = 0; k < pylstm_model_n_outputs(model); k++) {
        const char *label = pylstm_model_label(model, k);
        char shown[PYLSTM_SHOWN];
        if (*label && find_label(model, label, strlen(label)) == k)
            continue;
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] labels.%d is '%s'; expected a name that no other label has", k,
                           pylstm_json_show(shown, label, strlen(label)));
    }
    return PYLSTM_OK;
}

/* Checks that every name in the list is a label and stands there once, and that one label at least is not in it. */
static pylstm_status check_background(const pylstm_model *model, pylstm_error *why) {
    const char *list = pylstm_model_info(model, PREFIX BACKGROUND), *name;
    const int n_labels = pylstm_model_n_outputs(model);
    char shown[PYLSTM_SHOWN];
    size_t length;
    int n = 0;
    if (!list) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[detector] '" PREFIX BACKGROUND
                           "' is missing; expected labels with commas between them, or nothing");
    }
    list = pylstm_names_in(list);
    for (; (name = pylstm_next_name(&list, &length)) != NULL; n++) {
        if (find_label(model, name, length) == n_labels) {
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[detector] '" PREFIX BACKGROUND "' names '%s'; expected labels of the model",
                               pylstm_json_show(shown, name, length));
        }
        if (count_in_background(model, name, length) > 1) {
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[detector] '" PREFIX BACKGROUND "' names '%s' twice; expected each label once",
                               pylstm_json_show(shown, name, length));
        }
    }
    if (n == n_labels) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[detector] '" PREFIX BACKGROUND "' names every label; expected one at least that is reported");
    }
    return PYLSTM_OK;
}

/* A missing note is treated like a malformed one. */
static const char *shown_note(const char *text, char shown[PYLSTM_SHOWN + 2]) {
    if (!text)
        return "missing";
    shown[0] = '\'';
    pylstm_json_show(shown + 1, text, strlen(text));
    return strcat(shown, "'");
}

static pylstm_status read_threshold(const pylstm_model *model, double *threshold, pylstm_error *why) {
    const char *text = pylstm_model_info(model, PREFIX THRESHOLD);
    char shown[PYLSTM_SHOWN + 2];
    if (text && pylstm_read_number(text, threshold) && *threshold > 0.0 && *threshold <= 1.0)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] 'detector.threshold' is %s; expected a number above 0 and at most 1",
                       shown_note(text, shown));
}

static pylstm_status read_frames(const pylstm_model *model, const char *key, int least, int *frames, pylstm_error *why) {
    const char *text = pylstm_model_info(model, key);
    char shown[PYLSTM_SHOWN + 2];
    double number;
    if (text && pylstm_read_number(text, &number) && !text[strspn(text, "0123456789")] && number >= least &&
        number <= MOST_FRAMES) {
        *frames = (int)number;
        return PYLSTM_OK;
    }
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] '%s' is %s; expected a whole number from %d to %d", key,
                       shown_note(text, shown), least, MOST_FRAMES);
}

/* The numbers of a detector. */
typedef struct numbers {
    double threshold;
    int smoothing_frames, refractory_frames;
} numbers;

static pylstm_status read_notes(const pylstm_model *model, numbers *of, pylstm_error *why) {
    PYLSTM_TRY(check_labels(model, why));
    PYLSTM_TRY(read_threshold(model, &of->threshold, why));
    PYLSTM_TRY(read_frames(model, PREFIX SMOOTHING, 1, &of->smoothing_frames, why));
    PYLSTM_TRY(read_frames(model, PREFIX REFRACTORY, 0, &of->refractory_frames, why));
    return check_background(model, why);
}

/* The same numbers of a model whose settings stand below "decision."; they were checked when it was made. */
static pylstm_status read_settings(const pylstm_model *model, numbers *of, pylstm_error *why) {
    const pylstm_decision_kind *words = pylstm_decision_kind_named("words");
    const pylstm_settings settings = {.file = {.array = model->decision, .n = (size_t)model->n_decision}};
    const pylstm_outputs outputs = {.n = model->n_outputs, .labels = (const char *const *)model->labels};
    for (const pylstm_setting_rule *rule = words->rules; rule->key; rule++) {
        double value;
        PYLSTM_TRY(pylstm_setting_read(&settings, rule, rule->key, &outputs, &value, why));
        if (strcmp(rule->key, THRESHOLD) == 0)
            of->threshold = value;
        if (strcmp(rule->key, SMOOTHING) == 0)
            of->smoothing_frames = (int)value;
        if (strcmp(rule->key, REFRACTORY) == 0)
            of->refractory_frames = (int)value;
    }
    return PYLSTM_OK;
}

/* Checks the note of one setting. */
static pylstm_status check_note(const pylstm_model *model, const char *key, pylstm_error *why) {
    numbers unused;
    if (strcmp(key, THRESHOLD) == 0)
        return read_threshold(model, &unused.threshold, why);
    if (strcmp(key, SMOOTHING) == 0)
        return read_frames(model, PREFIX SMOOTHING, 1, &unused.smoothing_frames, why);
    if (strcmp(key, REFRACTORY) == 0)
        return read_frames(model, PREFIX REFRACTORY, 0, &unused.refractory_frames, why);
    return check_background(model, why);
}

pylstm_status pylstm_detector_notes(const pylstm_model *model, const pylstm_setting *given, size_t n_given,
                                    pylstm_setting settings[PYLSTM_DETECTOR_NOTES], size_t *n, pylstm_error *why) {
    static const char *const keys[PYLSTM_DETECTOR_NOTES] = {THRESHOLD, SMOOTHING, REFRACTORY, BACKGROUND};
    const char *kind = pylstm_entry(given, (int)n_given, "kind");
    char note[40];
    *n = 0;
    if (kind && strcmp(kind, "words") != 0) /* they are notes about words */
        return PYLSTM_OK;
    if (!model->labels)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model has no labels; expected one for each output");
    PYLSTM_TRY(check_labels(model, why));
    for (int k = 0; k < PYLSTM_DETECTOR_NOTES; k++) {
        if (pylstm_entry(given, (int)n_given, keys[k])) /* it replaces the note */
            continue;
        PYLSTM_TRY(check_note(model, keys[k], why));
        pylstm_format(note, sizeof note, PREFIX "%s", keys[k]);
        settings[(*n)++] = (pylstm_setting){.key = keys[k], .value = pylstm_model_info(model, note)};
    }
    return PYLSTM_OK;
}

pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames, int *refractory_frames,
                                    pylstm_error *why) {
    numbers of = {0};
    if (why)
        *why = (pylstm_error){.status = PYLSTM_OK};
    if (!model || !threshold || !smoothing_frames || !refractory_frames)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "an argument is NULL; expected a model and three addresses");
    if (!pylstm_model_sample_rate(model))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model has no features; expected one that takes audio");
    if (!pylstm_model_label(model, 0))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model has no labels; expected one for each output");
    if (model->n_decision && !has_words_settings(model) && !pylstm_has_detector_notes(model))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model decides on %s; expected words",
                           pylstm_entry(model->decision, model->n_decision, "kind"));
    PYLSTM_TRY(has_words_settings(model) ? read_settings(model, &of, why) : read_notes(model, &of, why));
    *threshold = of.threshold;
    *smoothing_frames = of.smoothing_frames;
    *refractory_frames = of.refractory_frames;
    return PYLSTM_OK;
}
