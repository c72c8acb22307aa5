/* Status codes in words. */
#include "platform/errors.h"
#include "platform/formatted_text.h"

#include <stdarg.h>

pylstm_status pylstm_fail(pylstm_error *why, pylstm_status status, const char *format, ...) {
    if (why) {
        va_list arguments;
        why->status = status;
        va_start(arguments, format);
        pylstm_format_list(why->message, sizeof why->message, format, arguments);
        va_end(arguments);
    }
    return status;
}

const char *pylstm_strerror(pylstm_status status) {
    switch (status) {
    case PYLSTM_OK:
        return "no error";
    case PYLSTM_BAD_ARGUMENT:
        return "an argument is NULL or outside of what the call takes";
    case PYLSTM_NO_MEMORY:
        return "there is not enough memory, or the memory given is too small or does not begin at a multiple of 64 bytes";
    case PYLSTM_BAD_MODEL:
        return "the model file breaks a rule";
    case PYLSTM_BAD_ISA:
        return "PYLSTM_ISA names an instruction set that this build or this processor does not have";
    case PYLSTM_NOT_FINITE:
        return "the input holds NaN or infinity; nothing of it was taken";
    case PYLSTM_OUT_TOO_SMALL:
        return "out has too few rows for the frames that this input completes, or a snapshot too few bytes; nothing was taken";
    case PYLSTM_BUSY:
        return "another thread is inside a call on this stream; give every thread a stream of its own";
    case PYLSTM_FLUSHED:
        return "the stream has been flushed; reset it before pushing again";
    case PYLSTM_WRONG_INPUT:
        return "this stream takes the other kind of input: audio and frames cannot be mixed, and audio needs a model with "
               "features";
    case PYLSTM_TOO_SHORT:
        return "deltas need at least 9 frames; push more audio before the flush, or reset";
    case PYLSTM_SNAPSHOT_FOREIGN:
        return "the snapshot belongs to another model, other settings of its decision, or another version of pylstm";
    case PYLSTM_SNAPSHOT_DAMAGED:
        return "the snapshot is truncated or altered";
    case PYLSTM_NOT_BUILT:
        return "the model needs what this build of the library leaves out";
    case PYLSTM_OFF_SCALE:
        return "float samples beyond 16, where audio goes from -1 to 1; divide samples on the scale of int16 by 32768. Nothing "
               "of it was taken";
    case PYLSTM_INTERRUPTED:
        return "the process was forked while another thread was inside a call on this stream; reset it, or restore a snapshot";
    case PYLSTM_NEEDS_BATCH:
        return "this stream was made for a batch and has no working memory of its own; push it with pylstm_batch_push or "
               "pylstm_batch_listen, end it with pylstm_batch_flush or pylstm_batch_flush_listener";
    }
    return "unknown status";
}
