/* What comes to a stream: checked at the door, then through features and layers. */
#ifndef PYLSTM_PUSH_H
#define PYLSTM_PUSH_H

#include "engine/stream.h"

/* Whether a stream that the caller has acquired takes this; part->rows is then what it will give. Changes nothing in the
 * stream. */
pylstm_status pylstm_push_check(pylstm_push *part);

/* Notes that a checked part has gone through. */
void pylstm_push_count(const pylstm_push *part);

#endif
