/* The safetensors container: eight bytes of header length, a JSON header, the tensors side by side. */
#include "modelfile/safetensors.h"
#include "modelfile/json.h"

#include <string.h>

/* A cursor in the header of a file that is already known to be sound, or is being read. */
static pylstm_json header_at(const pylstm_safetensors *file, size_t at, pylstm_error *why) {
    return (pylstm_json){.text = file->header, .size = file->header_size, .at = at, .why = why};
}

/* --- names ------------------------------------------------------------------------------------------------------------ */

/* A table of names: where the opening quote of each stands in the header, in file order, and the same indices in the order of
 * the names. Two bytes per name to sort, so that a header full of names costs neither memory nor a search through all of them.
 */
static int find_name(const pylstm_safetensors *file, const uint32_t *places, const uint16_t *sorted, int n, const char *name,
                     int *rank) {
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2, order;
        char other[PYLSTM_MAX_NAME + 1];
        size_t length;
        pylstm_json json = header_at(file, places[sorted[middle]], NULL);
        (void)pylstm_json_string(&json, other, sizeof other, &length);
        order = strcmp(name, other);
        if (order == 0)
            return sorted[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *rank = low;
    return -1;
}

int pylstm_safetensors_find_key(const pylstm_safetensors *file, const char *key) {
    int rank;
    return find_name(file, file->metadata_places, file->metadata_sorted, file->n_metadata, key, &rank);
}

int pylstm_safetensors_find_tensor(const pylstm_safetensors *file, const char *name) {
    int rank;
    return find_name(file, file->tensor_places, file->tensor_sorted, file->n_tensors, name, &rank);
}

/* Adds a name that stands at place to a table; the name must be new. */
static pylstm_status add_name(const pylstm_safetensors *file, uint32_t *places, uint16_t *sorted, int *n, const char *name,
                              size_t place, pylstm_error *why) {
    int rank = 0;
    if (find_name(file, places, sorted, *n, name, &rank) >= 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[duplicate-key] '%s' stands in the header twice, again at byte %zu", name,
                           place);
    memmove(sorted + rank + 1, sorted + rank, (size_t)(*n - rank) * sizeof *sorted);
    sorted[rank] = (uint16_t)*n;
    places[*n] = (uint32_t)place;
    ++*n;
    return PYLSTM_OK;
}

static int is_name(const char *text, size_t length) {
    return length >= 1 && length <= PYLSTM_MAX_NAME &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.") == length;
}

/* --- metadata --------------------------------------------------------------------------------------------------------- */

/* The cursor stands behind the key "__metadata__". */
static pylstm_status read_metadata(pylstm_safetensors *file, pylstm_json *json) {
    char key[PYLSTM_MAX_NAME + 1], shown[PYLSTM_SHOWN];
    size_t place, length;
    PYLSTM_TRY(pylstm_json_expect(json, ':'));
    if (!pylstm_json_take(json, '{'))
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                           "[metadata] '__metadata__' is not an object; expected an object of strings");
    if (pylstm_json_take(json, '}'))
        return PYLSTM_OK;
    do {
        pylstm_json_peek(json);
        place = json->at;
        PYLSTM_TRY(pylstm_json_string(json, key, sizeof key, &length));
        if (!is_name(key, length))
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                               "[metadata-key] a metadata key is '%s'; expected 1 to %d of the characters A-Z a-z 0-9 _ .",
                               pylstm_json_show(shown, key, length <= PYLSTM_MAX_NAME ? length : PYLSTM_MAX_NAME),
                               PYLSTM_MAX_NAME);
        if (file->n_metadata == PYLSTM_MAX_METADATA)
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[metadata-count] the file has more than %d metadata keys",
                               PYLSTM_MAX_METADATA);
        PYLSTM_TRY(add_name(file, file->metadata_places, file->metadata_sorted, &file->n_metadata, key, place, json->why));
        PYLSTM_TRY(pylstm_json_expect(json, ':'));
        if (pylstm_json_peek(json) != '"')
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[metadata] the value of '%s' is not a string; expected a string",
                               key);
        PYLSTM_TRY(pylstm_json_string(json, NULL, 0, &length));
        if (length > PYLSTM_MAX_TEXT)
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                               "[metadata-length] the value of '%s' has %zu bytes; expected at most %d", key, length,
                               PYLSTM_MAX_TEXT);
    } while (pylstm_json_take(json, ','));
    return pylstm_json_expect(json, '}');
}

size_t pylstm_safetensors_metadata(const pylstm_safetensors *file, int index, char key[PYLSTM_MAX_NAME + 1],
                                   char value[PYLSTM_MAX_TEXT + 1]) {
    pylstm_json json = header_at(file, file->metadata_places[index], NULL);
    size_t length = 0;
    (void)pylstm_json_string(&json, key, PYLSTM_MAX_NAME + 1, &length);
    (void)pylstm_json_take(&json, ':');
    (void)pylstm_json_string(&json, value, PYLSTM_MAX_TEXT + 1, &length);
    return length;
}

/* --- tensors ---------------------------------------------------------------------------------------------------------- */

static pylstm_status read_dtype(pylstm_json *json, pylstm_tensor *tensor) {
    char name[8], shown[PYLSTM_SHOWN];
    size_t length = 0;
    if (pylstm_json_peek(json) != '"')
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                           "[tensor-record] the dtype of tensor '%s' is not a string; expected F32, F64, F16, BF16 or I8",
                           tensor->name);
    PYLSTM_TRY(pylstm_json_string(json, name, sizeof name, &length));
    for (tensor->dtype = 0; tensor->dtype < PYLSTM_N_DTYPES; tensor->dtype++)
        if (length < sizeof name && strcmp(name, pylstm_dtype_name(tensor->dtype)) == 0)
            return PYLSTM_OK;
    return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[dtype] tensor '%s' has dtype '%s'; expected F32, F64, F16, BF16 or I8",
                       tensor->name, pylstm_json_show(shown, name, strlen(name)));
}

static pylstm_status read_shape(pylstm_json *json, pylstm_tensor *tensor) {
    uint64_t size = 0;
    tensor->rank = 0;
    if (!pylstm_json_take(json, '['))
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                           "[tensor-record] the shape of tensor '%s' is not a list; expected a list of whole numbers",
                           tensor->name);
    if (pylstm_json_take(json, ']'))
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[rank] tensor '%s' has no dimension; expected 1 to %d", tensor->name,
                           PYLSTM_MAX_RANK);
    do {
        if (tensor->rank == PYLSTM_MAX_RANK)
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[rank] tensor '%s' has more dimensions; expected 1 to %d",
                               tensor->name, PYLSTM_MAX_RANK);
        PYLSTM_TRY(pylstm_json_integer(json, &size));
        if (size < 1 || size > PYLSTM_MAX_DIMENSION)
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[dimension] tensor '%s' has a dimension of %llu; expected 1 to %d",
                               tensor->name, (unsigned long long)size, PYLSTM_MAX_DIMENSION);
        tensor->shape[tensor->rank++] = (int64_t)size;
    } while (pylstm_json_take(json, ','));
    return pylstm_json_expect(json, ']');
}

static pylstm_status read_offsets(pylstm_json *json, const pylstm_tensor *tensor, uint64_t *begin, uint64_t *end) {
    if (!pylstm_json_take(json, '['))
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                           "[tensor-record] the data_offsets of tensor '%s' are not a list; expected a list of two",
                           tensor->name);
    if (pylstm_json_peek(json) == ']')
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[data-offsets] tensor '%s' has no data_offsets; expected two",
                           tensor->name);
    PYLSTM_TRY(pylstm_json_integer(json, begin));
    if (pylstm_json_peek(json) == ']')
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[data-offsets] tensor '%s' has one of the data_offsets; expected two",
                           tensor->name);
    PYLSTM_TRY(pylstm_json_expect(json, ','));
    PYLSTM_TRY(pylstm_json_integer(json, end));
    if (pylstm_json_peek(json) == ',')
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[data-offsets] tensor '%s' has more data_offsets; expected two",
                           tensor->name);
    return pylstm_json_expect(json, ']');
}

/* Whether offsets, shape and dtype of one record agree with each other and with the file. */
static pylstm_status place_tensor(const pylstm_safetensors *file, pylstm_tensor *tensor, uint64_t begin, uint64_t end,
                                  pylstm_error *why) {
    const size_t width = pylstm_dtype_width(tensor->dtype);
    if (begin > end)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[data-offsets] tensor '%s' begins at %llu and ends before, at %llu",
                           tensor->name, (unsigned long long)begin, (unsigned long long)end);
    if (end > file->data_size)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[data-offsets] tensor '%s' ends at byte %llu of the data, but the file has only %zu: is it cut?",
                           tensor->name, (unsigned long long)end, file->data_size);
    tensor->count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->count > PYLSTM_MAX_FILE / width / (size_t)tensor->shape[i])
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[tensor-size] the shape of tensor '%s' calls for more than a file may hold", tensor->name);
        tensor->count *= (size_t)tensor->shape[i];
    }
    if (end - begin != tensor->count * width)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[tensor-size] tensor '%s' has %llu bytes; expected %zu by its shape and dtype", tensor->name,
                           (unsigned long long)(end - begin), tensor->count * width);
    tensor->data = file->data + begin;
    return PYLSTM_OK;
}

/* A record, the cursor behind its name, which is in tensor already. */
static pylstm_status read_record(const pylstm_safetensors *file, pylstm_json *json, pylstm_tensor *tensor) {
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    uint64_t begin = 0, end = 0;
    int seen[3] = {0};
    char name[16], shown[PYLSTM_SHOWN];
    size_t length = 0;
    PYLSTM_TRY(pylstm_json_expect(json, ':'));
    if (!pylstm_json_take(json, '{'))
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                           "[tensor-record] tensor '%s' is not an object; expected dtype, shape and data_offsets",
                           tensor->name);
    if (pylstm_json_peek(json) != '}') {
        do {
            int field = 0;
            PYLSTM_TRY(pylstm_json_string(json, name, sizeof name, &length));
            while (field < 3 && !(length < sizeof name && strcmp(name, fields[field]) == 0))
                field++;
            if (field == 3)
                return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                                   "[tensor-record] tensor '%s' has a field '%s'; expected dtype, shape and data_offsets",
                                   tensor->name, pylstm_json_show(shown, name, strlen(name)));
            if (seen[field]++)
                return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[duplicate-key] tensor '%s' has the field '%s' twice",
                                   tensor->name, name);
            PYLSTM_TRY(pylstm_json_expect(json, ':'));
            PYLSTM_TRY(field == 0   ? read_dtype(json, tensor)
                       : field == 1 ? read_shape(json, tensor)
                                    : read_offsets(json, tensor, &begin, &end));
        } while (pylstm_json_take(json, ','));
    }
    PYLSTM_TRY(pylstm_json_expect(json, '}'));
    for (int field = 0; field < 3; field++)
        if (!seen[field])
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[tensor-record] tensor '%s' has no %s", tensor->name,
                               fields[field]);
    return place_tensor(file, tensor, begin, end, json->why);
}

void pylstm_safetensors_tensor(const pylstm_safetensors *file, int index, pylstm_tensor *tensor) {
    pylstm_json json = header_at(file, file->tensor_places[index], NULL);
    size_t length;
    memset(tensor, 0, sizeof *tensor);
    (void)pylstm_json_string(&json, tensor->name, sizeof tensor->name, &length);
    (void)read_record(file, &json, tensor);
}

/* --- the file --------------------------------------------------------------------------------------------------------- */

static pylstm_status read_header(pylstm_safetensors *file, pylstm_error *why) {
    pylstm_json json = header_at(file, 0, why);
    int metadata_seen = 0;
    PYLSTM_TRY(pylstm_json_check_text(&json));
    PYLSTM_TRY(pylstm_json_expect(&json, '{'));
    if (pylstm_json_peek(&json) != '}') {
        do {
            pylstm_tensor tensor;
            char shown[PYLSTM_SHOWN];
            size_t place, length;
            memset(&tensor, 0, sizeof tensor);
            pylstm_json_peek(&json);
            place = json.at;
            PYLSTM_TRY(pylstm_json_string(&json, tensor.name, sizeof tensor.name, &length));
            if (strcmp(tensor.name, "__metadata__") == 0) {
                if (metadata_seen++)
                    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[duplicate-key] '__metadata__' stands in the header twice");
                PYLSTM_TRY(read_metadata(file, &json));
                continue;
            }
            if (!is_name(tensor.name, length))
                return pylstm_fail(why, PYLSTM_BAD_MODEL,
                                   "[tensor-name] a tensor name is '%s'; expected 1 to %d of the characters A-Z a-z 0-9 _ .",
                                   pylstm_json_show(shown, tensor.name, strlen(tensor.name)), PYLSTM_MAX_NAME);
            if (file->n_tensors == PYLSTM_MAX_TENSORS)
                return pylstm_fail(why, PYLSTM_BAD_MODEL, "[tensor-count] the file has more than %d tensors",
                                   PYLSTM_MAX_TENSORS);
            PYLSTM_TRY(add_name(file, file->tensor_places, file->tensor_sorted, &file->n_tensors, tensor.name, place, why));
            PYLSTM_TRY(read_record(file, &json, &tensor));
        } while (pylstm_json_take(&json, ','));
    }
    PYLSTM_TRY(pylstm_json_expect(&json, '}'));
    for (; json.at < json.size; json.at++)
        if (json.text[json.at] != ' ')
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[header-end] byte %zu of the header is 0x%02X; expected only spaces after the closing brace",
                               json.at, (unsigned)(unsigned char)json.text[json.at]);
    return PYLSTM_OK;
}

/* The tensors, sorted by where they begin, must cover the data exactly: no gap, no overlap, nothing behind them. */
static pylstm_status check_layout(const pylstm_safetensors *file, pylstm_error *why) {
    uint32_t begins[PYLSTM_MAX_TENSORS];
    uint16_t sorted[PYLSTM_MAX_TENSORS];
    pylstm_tensor tensor;
    size_t covered = 0;
    for (int i = 0, j; i < file->n_tensors; i++) { /* files are usually in order already, and then this is one pass */
        pylstm_safetensors_tensor(file, i, &tensor);
        begins[i] = (uint32_t)(tensor.data - file->data);
        for (j = i; j > 0 && begins[sorted[j - 1]] > begins[i]; j--)
            sorted[j] = sorted[j - 1];
        sorted[j] = (uint16_t)i;
    }
    for (int i = 0; i < file->n_tensors; i++) {
        pylstm_safetensors_tensor(file, sorted[i], &tensor);
        if (begins[sorted[i]] != covered)
            return pylstm_fail(
                why, PYLSTM_BAD_MODEL,
                "[tensor-layout] tensor '%s' begins at byte %zu of the data; expected %zu, where the one before ends",
                tensor.name, (size_t)begins[sorted[i]], covered);
        covered += tensor.count * pylstm_dtype_width(tensor.dtype);
    }
    if (covered != file->data_size)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[tensor-layout] the tensors end at byte %zu of the data; expected %zu, where the file ends",
                           covered, file->data_size);
    return PYLSTM_OK;
}

pylstm_status pylstm_safetensors_open(pylstm_safetensors *file, const void *bytes, size_t size, pylstm_error *why) {
    uint64_t header_size = 0;
    memset(file, 0, sizeof *file);
    if (size < 8 || size > PYLSTM_MAX_FILE)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[size] the file has %zu bytes; expected 8 to %zu", size, PYLSTM_MAX_FILE);
    file->bytes = bytes;
    file->size = size;
    for (int i = 7; i >= 0; i--)
        header_size = header_size << 8 | file->bytes[i];
    if (header_size > size - 8)
        return pylstm_fail(
            why, PYLSTM_BAD_MODEL,
            "[header-length] the header says %llu bytes; expected at most the file's %zu: it is cut, or no safetensors file",
            (unsigned long long)header_size, size - 8);
    if (header_size < 2 || header_size > PYLSTM_MAX_HEADER)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[header-length] the header says %llu bytes; expected 2 to %zu",
                           (unsigned long long)header_size, PYLSTM_MAX_HEADER);
    file->header = (const char *)file->bytes + 8;
    file->header_size = (size_t)header_size;
    file->data = file->bytes + 8 + file->header_size;
    file->data_size = size - 8 - file->header_size;
    if (file->header[0] != '{')
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[header-start] the header begins with the byte 0x%02X; expected 0x7B, {",
                           (unsigned)(unsigned char)file->header[0]);
    PYLSTM_TRY(read_header(file, why));
    return check_layout(file, why);
}
