/* The notes "detector.*" with which files before "decision.*" said how they decide, and what they are as settings. */
#ifndef PYLSTM_ENGINE_DETECTOR_NOTES_H
#define PYLSTM_ENGINE_DETECTOR_NOTES_H

#include "engine/model.h"

enum { PYLSTM_DETECTOR_NOTES = 4 };

int pylstm_has_detector_notes(const pylstm_model *model);

/* Gives the notes as settings of "words", texts of the model, but for those that given replaces; these are not looked at. */
pylstm_status pylstm_detector_notes(const pylstm_model *model, const pylstm_setting *given, size_t n_given,
                                    pylstm_setting settings[PYLSTM_DETECTOR_NOTES], size_t *n, pylstm_error *why);

#endif
