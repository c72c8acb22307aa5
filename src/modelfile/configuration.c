/* Configuration values of a model file: strict grammars over the strings of its metadata. */
#include "modelfile/configuration.h"
#include "modelfile/json.h"
#include "platform/formatted_text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The text of a key, and its index; the key is not marked yet, because the text may still be refused. */
static pylstm_status find_value(const pylstm_model_file *file, const char *key, char value[PYLSTM_MAX_TEXT + 1], int *index,
                                pylstm_error *why) {
    char found[PYLSTM_MAX_NAME + 1];
    *index = pylstm_safetensors_find_key(&file->container, key);
    if (*index < 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[missing-key] the metadata has no key '%s', which this configuration calls for", key);
    (void)pylstm_safetensors_metadata(&file->container, *index, found, value);
    return PYLSTM_OK;
}

static const char *skip_digits(const char *text) {
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

/* The place behind -?(0|[1-9][0-9]*), with which the text must begin; NULL where it does not. */
static const char *skip_integer(const char *text) {
    text += *text == '-';
    if (*text == '0')
        return text + 1;
    return *text >= '1' && *text <= '9' ? skip_digits(text) : NULL;
}

/* A whole number with which the text begins, without a sign; NULL where there is none or it is above high. */
static const char *read_count(const char *text, int64_t high, int *value) {
    const char *end = *text == '-' ? NULL : skip_integer(text);
    int64_t sum = 0;
    for (; end && text < end && sum <= high; text++)
        sum = sum * 10 + (*text - '0');
    *value = (int)sum;
    return end && sum <= high ? end : NULL;
}

pylstm_status pylstm_config_pair(pylstm_model_file *file, const char *key, int64_t high, int pair[2], pylstm_error *why) {
    char text[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN];
    const char *end;
    int index, first, second;
    PYLSTM_TRY(find_value(file, key, text, &index, why));
    end = read_count(text, high, &first);
    end = end && *end == ',' ? read_count(end + 1, high, &second) : NULL;
    if (!end || *end != '\0')
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[value] '%s' is '%s'; expected two whole numbers from 0 to %lld with a comma between them", key,
                           pylstm_json_show(shown, text, strlen(text)), (long long)high);
    pylstm_model_file_use_key(file, index);
    pair[0] = first;
    pair[1] = second;
    return PYLSTM_OK;
}

pylstm_status pylstm_config_integer(pylstm_model_file *file, const char *key, int64_t low, int64_t high, int *value,
                                    pylstm_error *why) {
    char text[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN];
    const char *end;
    int64_t sum = 0;
    int index;
    PYLSTM_TRY(find_value(file, key, text, &index, why));
    if (low < INT_MIN)
        low = INT_MIN;
    if (high > INT_MAX)
        high = INT_MAX;
    end = skip_integer(text);
    for (const char *digit = text + (*text == '-'); end && digit < end && sum <= INT_MAX + (int64_t)1; digit++)
        sum = sum * 10 + (*digit - '0');
    if (*text == '-')
        sum = -sum;
    if (!end || *end != '\0' || sum < low || sum > high)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' is '%s'; expected a whole number from %lld to %lld", key,
                           pylstm_json_show(shown, text, strlen(text)), (long long)low, (long long)high);
    pylstm_model_file_use_key(file, index);
    *value = (int)sum;
    return PYLSTM_OK;
}

/* Reads JSON's number grammar, correctly rounded. strtod looks for the decimal point of the locale, so it never sees one: the
 * point is taken out and the exponent lowered by the digits behind it, which is the same number. */
int pylstm_read_number(const char *text, double *value) {
    char digits[PYLSTM_MAX_TEXT + 32], *out = digits;
    const char *end = skip_integer(text), *fraction;
    long exponent = 0;
    int lowered = 0;
    if (!end)
        return 0;
    memcpy(out, text, (size_t)(end - text));
    out += end - text;
    if (*end == '.') {
        fraction = end + 1;
        end = skip_digits(fraction);
        if (end == fraction)
            return 0;
        memcpy(out, fraction, (size_t)(end - fraction));
        out += end - fraction;
        lowered = (int)(end - fraction);
    }
    if (*end == 'e' || *end == 'E') {
        int negative = end[1] == '-';
        const char *digit = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(digit);
        if (end == digit)
            return 0;
        for (; digit < end; digit++)
            if (exponent < 100000) /* larger than the digits of the longest text can compensate */
                exponent = exponent * 10 + (*digit - '0');
        if (negative)
            exponent = -exponent;
    }
    if (*end != '\0')
        return 0;
    pylstm_format(out, 32, "e%ld", exponent - lowered);
    *value = strtod(digits, NULL);
    return 1;
}

pylstm_status pylstm_config_number(pylstm_model_file *file, const char *key, double low, double high, double *value,
                                   pylstm_error *why) {
    char text[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN];
    double number = 0;
    int index;
    PYLSTM_TRY(find_value(file, key, text, &index, why));
    if (!pylstm_read_number(text, &number) || !(number >= low && number <= high) ||
        number - number != 0) /* the last: infinity */
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' is '%s'; expected a number from %g to %g", key,
                           pylstm_json_show(shown, text, strlen(text)), low, high);
    pylstm_model_file_use_key(file, index);
    *value = number;
    return PYLSTM_OK;
}

pylstm_status pylstm_config_choice(pylstm_model_file *file, const char *key, const char *const *choices, int *value,
                                   pylstm_error *why) {
    char text[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN], list[160];
    size_t used = 0;
    int index, i;
    PYLSTM_TRY(find_value(file, key, text, &index, why));
    for (i = 0; choices[i]; i++) {
        if (strcmp(text, choices[i]) == 0) {
            pylstm_model_file_use_key(file, index);
            *value = i;
            return PYLSTM_OK;
        }
    }
    list[0] = '\0';
    for (i = 0; choices[i] && used + strlen(choices[i]) + 3 < sizeof list; i++)
        used += pylstm_format(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' is '%s'; expected one of: %s%s", key,
                       pylstm_json_show(shown, text, strlen(text)), list, choices[i] ? ", ..." : "");
}

pylstm_status pylstm_config_boolean(pylstm_model_file *file, const char *key, int *value, pylstm_error *why) {
    static const char *const choices[] = {"false", "true", NULL};
    return pylstm_config_choice(file, key, choices, value, why);
}

pylstm_status pylstm_config_text(pylstm_model_file *file, const char *key, char *text, size_t capacity, pylstm_error *why) {
    char found[PYLSTM_MAX_TEXT + 1];
    size_t length;
    int index;
    PYLSTM_TRY(find_value(file, key, found, &index, why));
    length = strlen(found);
    if (length >= capacity)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' has %zu bytes; expected at most %zu", key, length,
                           capacity ? capacity - 1 : 0);
    memcpy(text, found, length + 1);
    pylstm_model_file_use_key(file, index);
    return PYLSTM_OK;
}

int pylstm_config_has(const pylstm_model_file *file, const char *key) {
    return pylstm_safetensors_find_key(&file->container, key) >= 0;
}
