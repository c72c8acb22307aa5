/* Configuration values of a model file: typed getters over its metadata.
 *
 * Each value is a string in the file, read by a strict grammar, checked against its range and marked as used. A missing key is
 * a failure, and a getter that fails changes nothing. Callers give the ranges: features and layers have their own.
 */
#ifndef PYLSTM_MODELFILE_CONFIGURATION_H
#define PYLSTM_MODELFILE_CONFIGURATION_H

#include "modelfile/model_file.h"

pylstm_status pylstm_config_integer(pylstm_model_file *file, const char *key, int64_t low, int64_t high, int *value,
                                    pylstm_error *why);
/* Two of them from 0 to high with a comma between them: "2,0". */
pylstm_status pylstm_config_pair(pylstm_model_file *file, const char *key, int64_t high, int pair[2], pylstm_error *why);
pylstm_status pylstm_config_number(pylstm_model_file *file, const char *key, double low, double high, double *value,
                                   pylstm_error *why);
pylstm_status pylstm_config_boolean(pylstm_model_file *file, const char *key, int *value, pylstm_error *why); /* true/false */
/* choices: a NULL-terminated list; *value is the index of the one that stands in the file. */
pylstm_status pylstm_config_choice(pylstm_model_file *file, const char *key, const char *const *choices, int *value,
                                   pylstm_error *why);
/* Text of at most capacity - 1 bytes, terminated, without NUL inside. */
pylstm_status pylstm_config_text(pylstm_model_file *file, const char *key, char *text, size_t capacity, pylstm_error *why);
/* Whether a key is there; marks nothing. */
int pylstm_config_has(const pylstm_model_file *file, const char *key);

/* A number by the strict grammar of JSON, whatever the locale is; text has at most PYLSTM_MAX_TEXT bytes. Returns 0 if text is
 * not a number. */
int pylstm_read_number(const char *text, double *value);

#endif
