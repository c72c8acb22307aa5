/* Error messages: what came, what was expected, and what to do about it. */
#ifndef PYLSTM_PLATFORM_ERRORS_H
#define PYLSTM_PLATFORM_ERRORS_H

#include "pylstm.h"

/* Writes status and a printf message into why (may be NULL) and returns status. Messages name what came and what was
 * expected. Not real-time safe: for calls that create things. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
pylstm_status pylstm_fail(pylstm_error *why, pylstm_status status, const char *format, ...);

/* Leaves the function with the status of a call that failed. */
#define PYLSTM_TRY(call)                                                                                                       \
    do {                                                                                                                       \
        const pylstm_status status_ = (call);                                                                                  \
        if (status_ != PYLSTM_OK)                                                                                              \
            return status_;                                                                                                    \
    } while (0)

#endif
