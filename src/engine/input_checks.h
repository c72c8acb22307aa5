/* The checks of what is pushed into a stream. */
#ifndef PYLSTM_ENGINE_INPUT_CHECKS_H
#define PYLSTM_ENGINE_INPUT_CHECKS_H

#include "engine/stream.h"

/* Checks whether a stream that the caller has acquired accepts this part, and sets part->rows to the rows that it will give.
 * Without out the rows need no room if somebody else takes them. Changes nothing in the stream. */
pylstm_status pylstm_push_check(pylstm_push *part, int is_taken);

/* Checks everything about the stream itself that can refuse n more samples or frames of a kind of input. */
pylstm_status pylstm_input_check(const pylstm_stream *stream, int input, size_t n);

/* Counts the rows that n more samples or frames complete; n 0: of the kind of input that the stream has had, if any. */
pylstm_status pylstm_count_rows(const pylstm_stream *stream, int input, size_t n, int flush, int64_t *rows);

#endif
