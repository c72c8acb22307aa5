/* The numbers that turn posteriors into events, from a model's notes "detector.*": pylstm.h says what they mean, and this is
 * their only reader. */
#ifndef PYLSTM_DECISIONS_DETECTOR_SETTINGS_H
#define PYLSTM_DECISIONS_DETECTOR_SETTINGS_H

#include "pylstm.h"

/* The note that names the labels which are never reported, with commas between them; NULL where it is blank or missing. */
const char *pylstm_detector_background(const pylstm_model *model);

/* The next name in such a note, without the blanks around it; NULL at the end. It has *length bytes and no terminator. *list
 * starts as the note and is moved past the name. */
const char *pylstm_detector_next_name(const char **list, size_t *length);

#endif
