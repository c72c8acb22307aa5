/* How a rule that was broken reaches the person who can mend it. */
#ifndef PYLSTM_ERROR_H
#define PYLSTM_ERROR_H

#include "pylstm.h"

/* Writes status and a printf message into why (may be NULL) and returns status. Messages name what came and what was
 * expected. Not real-time safe: for calls that create things. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
pylstm_status pylstm_fail(pylstm_error *why, pylstm_status status, const char *format, ...);

#endif
