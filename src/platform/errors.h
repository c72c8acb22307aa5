/* Error messages: what came, what was expected, and what to do about it. */
#ifndef PYLSTM_PLATFORM_ERRORS_H
#define PYLSTM_PLATFORM_ERRORS_H

#include "platform/formatted_text.h"
#include "pylstm.h"

/* Writes status and a formatted message into why (may be NULL) and returns status. Messages name what came and what was
 * expected. Not real-time safe: for calls that create things. */
PYLSTM_PRINTF_LIKE(3, 4) pylstm_status pylstm_fail(pylstm_error *why, pylstm_status status, const char *format, ...);

/* Leaves the function with the status of a call that failed. */
#define PYLSTM_TRY(call)                                                                                                       \
    do {                                                                                                                       \
        const pylstm_status status_ = (call);                                                                                  \
        if (status_ != PYLSTM_OK)                                                                                              \
            return status_;                                                                                                    \
    } while (0)

#endif
