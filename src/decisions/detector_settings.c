/* Reading and checking the notes "detector.*". */
#include "decisions/detector_settings.h"

#include "modelfile/json.h"
#include "modelfile/configuration.h"

#include <string.h>

#define BACKGROUND "detector.background"
#define BLANKS     " \t"

const char *pylstm_detector_background(const pylstm_model *model) {
    const char *list = pylstm_model_info(model, BACKGROUND);
    return list && list[strspn(list, BLANKS)] ? list : NULL;
}

const char *pylstm_detector_next_name(const char **list, size_t *length) {
    const char *start = *list, *end;
    if (!start)
        return NULL;
    end = strchr(start, ',');
    *list = end ? end + 1 : NULL;
    end = end ? end : start + strlen(start);
    start += strspn(start, BLANKS);
    while (start < end && strchr(BLANKS, end[-1]))
        end--;
    *length = start < end ? (size_t)(end - start) : 0;
    return start;
}

static int is_label(const char *label, const char *name, size_t length) {
    return strlen(label) == length && memcmp(label, name, length) == 0;
}

/* How many times a name stands in the list. */
static int count_in_background(const pylstm_model *model, const char *label, size_t label_length) {
    const char *list = pylstm_detector_background(model), *name;
    size_t length;
    int n = 0;
    while ((name = pylstm_detector_next_name(&list, &length)) != NULL)
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
    const char *list = pylstm_detector_background(model), *name;
    const int n_labels = pylstm_model_n_outputs(model);
    char shown[PYLSTM_SHOWN];
    size_t length;
    int n = 0;
    if (!pylstm_model_info(model, BACKGROUND)) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[detector] '" BACKGROUND "' is missing; expected labels with commas between them, or nothing");
    }
    for (; (name = pylstm_detector_next_name(&list, &length)) != NULL; n++) {
        if (find_label(model, name, length) == n_labels) {
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] '" BACKGROUND "' names '%s'; expected labels of the model",
                               pylstm_json_show(shown, name, length));
        }
        if (count_in_background(model, name, length) > 1) {
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] '" BACKGROUND "' names '%s' twice; expected each label once",
                               pylstm_json_show(shown, name, length));
        }
    }
    if (n == n_labels) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[detector] '" BACKGROUND "' names every label; expected one at least that is reported");
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
    const char *text = pylstm_model_info(model, "detector.threshold");
    char shown[PYLSTM_SHOWN + 2];
    if (text && pylstm_read_number(text, threshold) && *threshold > 0.0 && *threshold <= 1.0)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] 'detector.threshold' is %s; expected a number above 0 and at most 1",
                       shown_note(text, shown));
}

static pylstm_status read_frames(const pylstm_model *model, const char *key, int least, int *frames, pylstm_error *why) {
    const int most = 1000000000;
    const char *text = pylstm_model_info(model, key);
    char shown[PYLSTM_SHOWN + 2];
    double number;
    if (text && pylstm_read_number(text, &number) && !text[strspn(text, "0123456789")] && number >= least && number <= most) {
        *frames = (int)number;
        return PYLSTM_OK;
    }
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] '%s' is %s; expected a whole number from %d to %d", key,
                       shown_note(text, shown), least, most);
}

pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames, int *refractory_frames,
                                    pylstm_error *why) {
    double level;
    int smoothing, refractory;
    if (why)
        *why = (pylstm_error){.status = PYLSTM_OK};
    if (!model || !threshold || !smoothing_frames || !refractory_frames)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "an argument is NULL; expected a model and three addresses");
    if (!pylstm_model_sample_rate(model))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model has no features; expected one that takes audio");
    if (!pylstm_model_label(model, 0))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model has no labels; expected one for each output");
    PYLSTM_TRY(check_labels(model, why));
    PYLSTM_TRY(read_threshold(model, &level, why));
    PYLSTM_TRY(read_frames(model, "detector.smoothing_frames", 1, &smoothing, why));
    PYLSTM_TRY(read_frames(model, "detector.refractory_frames", 0, &refractory, why));
    PYLSTM_TRY(check_background(model, why));
    *threshold = level;
    *smoothing_frames = smoothing;
    *refractory_frames = refractory;
    return PYLSTM_OK;
}
