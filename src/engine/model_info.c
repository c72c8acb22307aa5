/* What a model is, for those who ask: sizes, labels, notes, the numbers of its detector. */
#include "engine/model.h"

#include "modelfile/json.h"

#include <string.h>

#define PREFIX_LENGTH (sizeof PYLSTM_INFO - 1)

#define TEXT_OF(number)                 #number
#define VERSION_OF(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *pylstm_version(void) {
    return VERSION_OF(PYLSTM_VERSION_MAJOR, PYLSTM_VERSION_MINOR, PYLSTM_VERSION_PATCH);
}

int pylstm_model_sample_rate(const pylstm_model *model) {
    return model && model->features ? pylstm_features_sr(model->features) : 0;
}

int pylstm_model_n_features(const pylstm_model *model) {
    return model ? model->n_features : 0;
}

int pylstm_model_n_outputs(const pylstm_model *model) {
    return model ? model->n_outputs : 0;
}

int64_t pylstm_model_latency(const pylstm_model *model) {
    return model && model->features ? pylstm_features_latency(model->features) : 0;
}

const char *pylstm_model_isa(const pylstm_model *model) {
    return model ? model->kernels->isa : NULL;
}

const char *pylstm_model_label(const pylstm_model *model, int output) {
    return model && model->labels && output >= 0 && output < model->n_outputs ? model->labels[output] : NULL;
}

int pylstm_model_hop_length(const pylstm_model *model) {
    return model && model->features ? pylstm_features_hop_length(model->features) : 0;
}

/* --- notes ------------------------------------------------------------------------------------------------------------ */

pylstm_info *pylstm_info_lay_out(const pylstm_modelfile *file, pylstm_arena *arena, int *n_info) {
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1], *text;
    pylstm_info *info;
    size_t size = 0;
    int k;
    *n_info = 0;
    for (k = 0; k < file->n_metadata; k++) {
        pylstm_modelfile_metadata_at(file, k, key, value);
        if (strncmp(key, PYLSTM_INFO, PREFIX_LENGTH) != 0)
            continue;
        size += strlen(key) - PREFIX_LENGTH + 1 + strlen(value) + 1;
        ++*n_info;
    }
    info = pylstm_arena_take(arena, (size_t)*n_info, sizeof *info);
    text = pylstm_arena_take(arena, size, 1);
    if (!arena->base)
        return NULL;
    for (k = 0, *n_info = 0; k < file->n_metadata; k++) {
        pylstm_modelfile_metadata_at(file, k, key, value);
        if (strncmp(key, PYLSTM_INFO, PREFIX_LENGTH) != 0)
            continue;
        info[*n_info].key = strcpy(text, key + PREFIX_LENGTH);
        text += strlen(text) + 1;
        info[*n_info].value = strcpy(text, value);
        text += strlen(text) + 1;
        ++*n_info;
    }
    return info;
}

int pylstm_model_n_info(const pylstm_model *model) {
    return model ? model->n_info : 0;
}

const char *pylstm_model_info_key(const pylstm_model *model, int index) {
    return model && index >= 0 && index < model->n_info ? model->info[index].key : NULL;
}

const char *pylstm_model_info(const pylstm_model *model, const char *key) {
    int k;
    for (k = 0; model && key && k < model->n_info; k++) {
        if (strcmp(model->info[k].key, key) == 0)
            return model->info[k].value;
    }
    return NULL;
}

/* --- the detector's numbers ------------------------------------------------------------------------------------------- */

/* The next of the names in a list with commas between them, spaces around it cut off; NULL at the end. */
static const char *next_name(const char **list, size_t *length) {
    const char *start = *list, *end;
    if (!start)
        return NULL;
    end = strchr(start, ',');
    *list = end ? end + 1 : NULL;
    end = end ? end : start + strlen(start);
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (start < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *length = (size_t)(end - start);
    return start;
}

/* The list of labels that are never reported; NULL where it is empty or missing. */
static const char *background_of(const pylstm_model *model) {
    const char *list = pylstm_model_info(model, "detector.background");
    return list && *list ? list : NULL;
}

static int is_label(const char *label, const char *name, size_t length) {
    return strlen(label) == length && memcmp(label, name, length) == 0;
}

int pylstm_model_is_background(const pylstm_model *model, int output) {
    const char *label = pylstm_model_label(model, output), *list = background_of(model), *name;
    size_t length;
    while (label && (name = next_name(&list, &length)) != NULL) {
        if (is_label(label, name, length))
            return 1;
    }
    return 0;
}

/* Every name in the list is a label, and a label is left. */
static pylstm_status check_background(const pylstm_model *model, pylstm_error *why) {
    const char *list = background_of(model), *name;
    char shown[PYLSTM_SHOWN];
    size_t length;
    int k;
    if (!pylstm_model_info(model, "detector.background"))
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model's info has no 'detector.background'");
    while ((name = next_name(&list, &length)) != NULL) {
        for (k = 0; k < model->n_outputs && !is_label(model->labels[k], name, length);)
            k++;
        if (k == model->n_outputs)
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] 'detector.background' names '%s', which is no label",
                               pylstm_json_show(shown, name, length));
    }
    for (k = 0; k < model->n_outputs; k++) {
        if (!pylstm_model_is_background(model, k))
            return PYLSTM_OK;
    }
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] every label is background: there is nothing to report");
}

static pylstm_status number_of(const pylstm_model *model, const char *key, int is_whole, double low, double high,
                               double *number, pylstm_error *why) {
    const char *text = pylstm_model_info(model, key);
    char shown[PYLSTM_SHOWN];
    if (!text)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model's info has no '%s'", key);
    if (!pylstm_read_number(text, number) || !(*number >= low && *number <= high) ||
        (is_whole && text[strspn(text, "0123456789")])) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] '%s' is '%s'; expected a %s from %g to %g", key,
                           pylstm_json_show(shown, text, strlen(text)), is_whole ? "whole number" : "number", low, high);
    }
    return PYLSTM_OK;
}

pylstm_status pylstm_model_detector(const pylstm_model *model, double *threshold, int *smoothing_frames, int *refractory_frames,
                                    pylstm_error *why) {
    double numbers[3];
    pylstm_status status;
    if (why)
        why->status = PYLSTM_OK, why->message[0] = 0;
    if (!model || !threshold || !smoothing_frames || !refractory_frames)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "an argument is NULL");
    if (!model->features || !model->labels)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[detector] the model has no %s", model->features ? "labels" : "features");
    if ((status = number_of(model, "detector.threshold", 0, 1e-9, 1.0, &numbers[0], why)) ||
        (status = number_of(model, "detector.smoothing_frames", 1, 1, 1e9, &numbers[1], why)) ||
        (status = number_of(model, "detector.refractory_frames", 1, 0, 1e9, &numbers[2], why)) ||
        (status = check_background(model, why))) {
        return status;
    }
    *threshold = numbers[0];
    *smoothing_frames = (int)numbers[1];
    *refractory_frames = (int)numbers[2];
    return PYLSTM_OK;
}
