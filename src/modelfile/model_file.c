/* Opening a model file, taking its tensors, and the rule that nothing is left over. */
#include "modelfile/model_file.h"
#include "modelfile/checksum.h"
#include "modelfile/json.h"
#include "platform/formatted_text.h"

#include <string.h>

#define FORMAT_KEY "pylstm.format"

static void mark(unsigned char *used, int index) {
    used[index / 8] |= (unsigned char)(1u << index % 8);
}

static int is_marked(const unsigned char *used, int index) {
    return used[index / 8] >> index % 8 & 1;
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

static pylstm_status check_format(pylstm_model_file *file, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1], format[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN];
    int index = pylstm_safetensors_find_key(&file->container, FORMAT_KEY);
    size_t length;
    if (index < 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[format] this is a safetensors file but not a pylstm model: its metadata has no key '" FORMAT_KEY
                           "'; weights of other libraries become a model through pylstm.convert");
    length = pylstm_safetensors_metadata(&file->container, index, key, format);
    file->format = length == 1 ? format[0] - '0' : 0;
    if (file->format < 1 || file->format > PYLSTM_NEWEST_FORMAT)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[format] the file says " FORMAT_KEY
                           " '%s'; this version of pylstm reads '1' and '2', and a later one may be needed",
                           pylstm_json_show(shown, format, length));
    mark(file->metadata_used, index);
    return PYLSTM_OK;
}

/* A file without a checksum is taken: other programs write and change model files. */
static pylstm_status check_checksum(pylstm_model_file *file, pylstm_error *why) {
    const int index = pylstm_safetensors_find_key(&file->container, PYLSTM_CHECKSUM_KEY);
    if (index < 0)
        return PYLSTM_OK;
    mark(file->metadata_used, index);
    return pylstm_checksum_check(&file->container, index, why);
}

static pylstm_status check_whole(pylstm_model_file *file, const void *bytes, size_t size, pylstm_error *why) {
    PYLSTM_TRY(pylstm_safetensors_open(&file->container, bytes, size, why));
    PYLSTM_TRY(check_format(file, why));
    PYLSTM_TRY(check_checksum(file, why));
    for (int k = 0; k < file->container.n_tensors; k++) { /* at the end: these two read every byte */
        pylstm_tensor tensor;
        pylstm_safetensors_tensor(&file->container, k, &tensor);
        PYLSTM_TRY(pylstm_tensor_check_finite(&tensor, why));
    }
    return PYLSTM_OK;
}

pylstm_status pylstm_model_file_open(pylstm_model_file *file, const void *bytes, size_t size, pylstm_error *why) {
    pylstm_status status;
    if (!file)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "file is NULL");
    memset(file, 0, sizeof *file);
    if (!bytes)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "bytes is NULL; expected the contents of a model file");
    status = check_whole(file, bytes, size, why);
    if (status)
        memset(file, 0, sizeof *file);
    return status;
}

/* --- tensors ---------------------------------------------------------------------------------------------------------- */

/* (4, 8) for a message. */
static void show_shape(char shown[64], int rank, const int64_t *shape) {
    size_t used = 0;
    for (int i = 0; i < rank; i++)
        used += pylstm_format(shown + used, 64 - used, "%s%lld", i ? ", " : "(", (long long)shape[i]);
    pylstm_format(shown + (used < 62 ? used : 62), 2, ")");
}

pylstm_status pylstm_model_file_tensor(pylstm_model_file *file, const char *name, pylstm_dtype dtype, int rank,
                                       const int64_t *shape, pylstm_tensor *tensor, pylstm_error *why) {
    const int index = pylstm_safetensors_find_tensor(&file->container, name);
    pylstm_tensor found;
    if (index < 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[missing-tensor] the file has no tensor '%s', which this configuration calls for", name);
    pylstm_safetensors_tensor(&file->container, index, &found);
    if (found.rank != rank || memcmp(found.shape, shape, (size_t)rank * sizeof *shape) != 0) {
        char came[64], expected[64];
        show_shape(came, found.rank, found.shape);
        show_shape(expected, rank, shape);
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[tensor-shape] tensor '%s' has shape %s; expected %s", name, came, expected);
    }
    if (dtype == PYLSTM_DTYPE_ANY_FLOAT ? found.dtype == PYLSTM_DTYPE_I8 : found.dtype != dtype)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[tensor-dtype] tensor '%s' has dtype %s; expected %s", name,
                           pylstm_dtype_name(found.dtype), pylstm_dtype_name(dtype));
    mark(file->tensor_used, index);
    *tensor = found;
    return PYLSTM_OK;
}

/* --- nothing is left over --------------------------------------------------------------------------------------------- */

void pylstm_model_file_use_key(pylstm_model_file *file, int index) {
    mark(file->metadata_used, index);
}

int pylstm_model_file_use_below(pylstm_model_file *file, const char *prefix) {
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1];
    int n = 0;
    for (int k = 0; k < file->container.n_metadata; k++) {
        pylstm_safetensors_metadata(&file->container, k, key, value);
        if (strncmp(key, prefix, strlen(prefix)) != 0)
            continue;
        mark(file->metadata_used, k);
        n++;
    }
    return n;
}

pylstm_status pylstm_model_file_finish(const pylstm_model_file *file, pylstm_error *why) {
    const pylstm_safetensors *container = &file->container;
    for (int k = 0; k < container->n_metadata; k++) {
        char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1];
        if (is_marked(file->metadata_used, k))
            continue;
        (void)pylstm_safetensors_metadata(container, k, key, value);
        if (strncmp(key, PYLSTM_INFO, sizeof PYLSTM_INFO - 1) != 0)
            return pylstm_fail(
                why, PYLSTM_BAD_MODEL,
                "[unused-key] nothing in this configuration reads the metadata key '%s'; a note begins with " PYLSTM_INFO, key);
    }
    for (int k = 0; k < container->n_tensors; k++) {
        pylstm_tensor tensor;
        if (is_marked(file->tensor_used, k))
            continue;
        pylstm_safetensors_tensor(container, k, &tensor);
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[unused-tensor] nothing in this configuration reads the tensor '%s'",
                           tensor.name);
    }
    return PYLSTM_OK;
}
