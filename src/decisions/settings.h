/* Settings of a decision: texts by their keys, from a model file and from who makes the decision, read by rules. */
#ifndef PYLSTM_DECISIONS_SETTINGS_H
#define PYLSTM_DECISIONS_SETTINGS_H

#include "pylstm.h"

/* The prefix of the keys in a model file. */
#define PYLSTM_DECISION "decision."

/* The value of seconds without a limit: far more than a stream can last. */
#define PYLSTM_NO_LIMIT 1e300

/* The widest row. */
#define PYLSTM_MOST_OUTPUTS 65536

/* What the columns of the rows are. */
typedef struct pylstm_outputs {
    int n;
    const char *const *labels; /* n of them, or NULL */
    int independent;           /* each is a probability by itself, instead of one of a distribution */
} pylstm_outputs;

/* Texts by their keys. */
typedef struct pylstm_setting_list {
    const pylstm_setting *array;
    size_t n;
    const char *prefix; /* of the keys in messages: where the reader finds them in a file; "": nowhere */
} pylstm_setting_list;

/* given goes before file. Neither has a key twice. */
typedef struct pylstm_settings {
    pylstm_setting_list given, file;
} pylstm_settings;

typedef enum pylstm_setting_type {
    PYLSTM_SETTING_NUMBER,  /* low to high */
    PYLSTM_SETTING_ABOVE,   /* above low, at most high */
    PYLSTM_SETTING_COUNT,   /* a whole number, low to high */
    PYLSTM_SETTING_SECONDS, /* above low, at most high; or "none", which is infinity */
    PYLSTM_SETTING_CHOICE,  /* one of choices; the value is its index */
    PYLSTM_SETTING_OUTPUT   /* a label, or the number of an output where there are no labels; the value is that number */
} pylstm_setting_type;

typedef struct pylstm_setting_rule {
    const char *key;
    pylstm_setting_type type;
    double low, high;
    double fallback; /* where the key is not given; below 0 where the kind then has to say what it is */
    const char *const *choices;
} pylstm_setting_rule;

/* A value as it was found, and where. */
typedef struct pylstm_setting_found {
    const pylstm_setting_list *list; /* NULL: nowhere */
    const char *value;
} pylstm_setting_found;

/* Looks a key up. Returns whether it is there. */
int pylstm_setting_find(const pylstm_settings *settings, const char *key, pylstm_setting_found *found);

/* Reads the value of a rule, or its fallback where it is not given. */
pylstm_status pylstm_setting_read(const pylstm_settings *settings, const pylstm_setting_rule *rule, const char *key,
                                  const pylstm_outputs *outputs, double *value, pylstm_error *why);

/* Fails because of the value of a key: says what came, and that `expected` was. */
pylstm_status pylstm_setting_fail(const pylstm_setting_found *found, const char *key, const char *expected, pylstm_error *why);

/* The output whose label is this text, or whose number it is where there are no labels; -1: none. */
int pylstm_output_named(const pylstm_outputs *outputs, const char *name, size_t length);

/* The output of this number, as it is written in settings: digits without a leading zero; -1: there is none. */
int pylstm_output_numbered(const pylstm_outputs *outputs, const char *digits, size_t length);

/* A text as a list of names for pylstm_next_name; NULL, a list without names, where it is blank or NULL. */
const char *pylstm_names_in(const char *text);

/* The next name in a list with commas between them, without the blanks around it; NULL at the end. It has *length bytes and no
 * terminator. *list starts as pylstm_names_in gives it and is moved past the name. */
const char *pylstm_next_name(const char **list, size_t *length);

#endif
