/* Strict JSON, as far as the header of a model file needs it: one cursor over text in memory, and what may stand at it.
 *
 * There is no tree and no generic value: the caller asks for what its format calls for at this place (a bracket, a string, a
 * whole number) and anything else is refused. So nothing recurses and nothing is allocated. Every failure is PYLSTM_BAD_MODEL
 * with the rule's name in square brackets.
 */
#ifndef PYLSTM_MODELFILE_JSON_H
#define PYLSTM_MODELFILE_JSON_H

#include "platform/errors.h"

#define PYLSTM_MAX_NESTING 4
#define PYLSTM_MAX_INTEGER ((uint64_t)1 << 53) /* the largest that every JSON library reads without rounding */

typedef struct pylstm_json {
    const char *text; /* not terminated */
    size_t size;
    size_t at;
    pylstm_error *why; /* may be NULL */
} pylstm_json;

/* The rules for the text as a whole: UTF-8 throughout, brackets not too deep. Call this once, before anything else. */
pylstm_status pylstm_json_check_text(const pylstm_json *json);

/* Goes past white space; what stands there, or '\0' at the end of the text. */
char pylstm_json_peek(pylstm_json *json);
/* Goes past the character if it is what comes next, and tells whether it was. */
int pylstm_json_take(pylstm_json *json, char expected);
/* Goes past the character, which must come next. */
pylstm_status pylstm_json_expect(pylstm_json *json, char expected);

/* A string, escapes resolved. *length is its true number of bytes; text gets as many of them as fit, and a terminator. text
 * may be NULL with capacity 0, which only measures. A string never holds a NUL. */
pylstm_status pylstm_json_string(pylstm_json *json, char *text, size_t capacity, size_t *length);

/* A whole number from 0 to PYLSTM_MAX_INTEGER: digits alone, no sign, fraction, exponent or leading zero. */
pylstm_status pylstm_json_integer(pylstm_json *json, uint64_t *value);

/* Text of a file made fit for a message: printable ASCII, cut with "..." where it is long. Returns shown. */
#define PYLSTM_SHOWN 48
const char *pylstm_json_show(char shown[PYLSTM_SHOWN], const char *text, size_t size);

#endif
