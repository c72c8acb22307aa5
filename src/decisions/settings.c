/* Reading settings: finding a key, checking its value against a rule, and saying what is wrong with it. */
#include "decisions/settings.h"

#include "modelfile/configuration.h"
#include "modelfile/json.h"
#include "platform/errors.h"

#include <string.h>

#define BLANKS       " \t"
#define MOST_CHOICES 160

/* --- finding a key ---------------------------------------------------------------------------------------------------- */

static const char *find_in(const pylstm_setting_list *list, const char *key) {
    for (size_t k = 0; k < list->n; k++) {
        if (strcmp(list->array[k].key, key) == 0)
            return list->array[k].value;
    }
    return NULL;
}

int pylstm_setting_find(const pylstm_settings *settings, const char *key, pylstm_setting_found *found) {
    found->list = &settings->given;
    found->value = find_in(&settings->given, key);
    if (found->value)
        return 1;
    found->list = &settings->file;
    found->value = find_in(&settings->file, key);
    return found->value != NULL;
}

/* --- names ------------------------------------------------------------------------------------------------------------ */

const char *pylstm_names_in(const char *text) {
    return text && text[strspn(text, BLANKS)] ? text : NULL;
}

const char *pylstm_next_name(const char **list, size_t *length) {
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

int pylstm_output_numbered(const pylstm_outputs *outputs, const char *digits, size_t length) {
    int number = 0;
    if (length < 1 || length > 5 || (digits[0] == '0' && length > 1))
        return -1;
    for (size_t k = 0; k < length; k++) {
        if (digits[k] < '0' || digits[k] > '9')
            return -1;
        number = 10 * number + (digits[k] - '0');
    }
    return number < outputs->n ? number : -1;
}

int pylstm_output_named(const pylstm_outputs *outputs, const char *name, size_t length) {
    if (!outputs->labels)
        return pylstm_output_numbered(outputs, name, length);
    for (int k = 0; k < outputs->n; k++) {
        if (strlen(outputs->labels[k]) == length && memcmp(outputs->labels[k], name, length) == 0)
            return k;
    }
    return -1;
}

/* --- reading by a rule ------------------------------------------------------------------------------------------------ */

pylstm_status pylstm_setting_fail(const pylstm_setting_found *found, const char *key, const char *expected, pylstm_error *why) {
    char shown[PYLSTM_SHOWN];
    pylstm_json_show(shown, found->value, strlen(found->value));
    if (!*found->list->prefix)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "%s is %s; expected %s", key, *shown ? shown : "empty", expected);
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[decision] '%s%s' is '%s'; expected %s", found->list->prefix, key, shown,
                       expected);
}

/* Says what a rule takes. */
static const char *expected_by(const pylstm_setting_rule *rule, const pylstm_outputs *outputs, char text[MOST_CHOICES]) {
    size_t used = 0;
    switch (rule->type) {
    case PYLSTM_SETTING_NUMBER:
        pylstm_format(text, MOST_CHOICES, "a number from %g to %g", rule->low, rule->high);
        break;
    case PYLSTM_SETTING_ABOVE:
        pylstm_format(text, MOST_CHOICES, "a number above %g and at most %g", rule->low, rule->high);
        break;
    case PYLSTM_SETTING_COUNT:
        pylstm_format(text, MOST_CHOICES, "a whole number from %d to %d", (int)rule->low, (int)rule->high);
        break;
    case PYLSTM_SETTING_SECONDS:
        pylstm_format(text, MOST_CHOICES, "seconds above %g and at most %g, or none for no limit", rule->low, rule->high);
        break;
    case PYLSTM_SETTING_CHOICE:
        used += pylstm_format(text, MOST_CHOICES, "one of: ");
        for (int k = 0; rule->choices[k]; k++)
            used += pylstm_format(text + used, MOST_CHOICES - used, "%s%s", k ? ", " : "", rule->choices[k]);
        break;
    case PYLSTM_SETTING_OUTPUT:
        if (outputs->labels)
            pylstm_format(text, MOST_CHOICES, "a label of the model");
        else
            pylstm_format(text, MOST_CHOICES, "the number of an output, from 0 to %d", outputs->n - 1);
    }
    return text;
}

/* A number that lies where its rule wants it. */
static int in_range(const pylstm_setting_rule *rule, double number) {
    const int excluded = rule->type == PYLSTM_SETTING_ABOVE || rule->type == PYLSTM_SETTING_SECONDS;
    return (excluded ? number > rule->low : number >= rule->low) && number <= rule->high;
}

static int parse(const pylstm_setting_rule *rule, const pylstm_outputs *outputs, const char *text, double *value) {
    double number;
    int output;
    switch (rule->type) {
    case PYLSTM_SETTING_CHOICE:
        for (int k = 0; rule->choices[k]; k++) {
            if (strcmp(text, rule->choices[k]) == 0)
                return *value = k, 1;
        }
        return 0;
    case PYLSTM_SETTING_OUTPUT:
        output = pylstm_output_named(outputs, text, strlen(text));
        return output >= 0 ? (*value = output, 1) : 0;
    case PYLSTM_SETTING_SECONDS:
        if (strcmp(text, "none") == 0)
            return *value = PYLSTM_NO_LIMIT, 1;
        break;
    case PYLSTM_SETTING_COUNT:
        if (text[strspn(text, "0123456789")])
            return 0;
        break;
    default:
        break;
    }
    if (strlen(text) > PYLSTM_MAX_TEXT || !pylstm_read_number(text, &number) || !in_range(rule, number))
        return 0;
    *value = number;
    return 1;
}

pylstm_status pylstm_setting_read(const pylstm_settings *settings, const pylstm_setting_rule *rule, const char *key,
                                  const pylstm_outputs *outputs, double *value, pylstm_error *why) {
    pylstm_setting_found found;
    char expected[MOST_CHOICES];
    if (!pylstm_setting_find(settings, key, &found)) {
        *value = rule->fallback;
        return PYLSTM_OK;
    }
    if (parse(rule, outputs, found.value, value))
        return PYLSTM_OK;
    return pylstm_setting_fail(&found, key, expected_by(rule, outputs, expected), why);
}
