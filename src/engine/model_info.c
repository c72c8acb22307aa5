/* The getters of a model: sizes, labels, notes. */
#include "engine/model.h"

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

pylstm_info *pylstm_info_lay_out(const pylstm_model_file *file, pylstm_arena *arena, int *n_info) {
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1], *text;
    pylstm_info *info;
    size_t size = 0;
    *n_info = 0;
    for (int k = 0; k < file->container.n_metadata; k++) {
        pylstm_safetensors_metadata(&file->container, k, key, value);
        if (strncmp(key, PYLSTM_INFO, PREFIX_LENGTH) != 0)
            continue;
        size += strlen(key) - PREFIX_LENGTH + 1 + strlen(value) + 1;
        ++*n_info;
    }
    info = pylstm_arena_take(arena, (size_t)*n_info, sizeof *info);
    text = pylstm_arena_take(arena, size, 1);
    if (!arena->base)
        return NULL;
    *n_info = 0;
    for (int k = 0; k < file->container.n_metadata; k++) {
        pylstm_safetensors_metadata(&file->container, k, key, value);
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
    for (int k = 0; model && key && k < model->n_info; k++) {
        if (strcmp(model->info[k].key, key) == 0)
            return model->info[k].value;
    }
    return NULL;
}
