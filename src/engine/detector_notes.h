/* The notes "detector.*" with which files before "decision.*" said how they decide, and what they are as settings. */
#ifndef PYLSTM_ENGINE_DETECTOR_NOTES_H
#define PYLSTM_ENGINE_DETECTOR_NOTES_H

#include "engine/model.h"

enum { PYLSTM_DETECTOR_NOTES = 4 };

int pylstm_has_detector_notes(const pylstm_model *model);

/* Checks the notes and gives them as settings of "words", texts of the model. */
pylstm_status pylstm_detector_notes(const pylstm_model *model, pylstm_setting settings[PYLSTM_DETECTOR_NOTES],
                                    pylstm_error *why);

#endif
