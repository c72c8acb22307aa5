/* Text of messages and names, written without the C library's printf.
 *
 * Small C libraries leave out %zu, 64-bit numbers, floating point or all of it, others follow the locale's decimal comma; here
 * a message is the same everywhere. Not real-time safe.
 */
#ifndef PYLSTM_PLATFORM_FORMATTED_TEXT_H
#define PYLSTM_PLATFORM_FORMATTED_TEXT_H

#include <stdarg.h>
#include <stddef.h>

#if defined(__GNUC__)
#define PYLSTM_PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PYLSTM_PRINTF_LIKE(text, first)
#endif

/* Writes as much of the text as fits into `capacity` bytes (at least 1), and a NUL. Returns the bytes written before the NUL.
 *
 * Of printf's format it takes: %% %c %s %.10s %.*s; %d %u %ld %lu %lld %llu %zu; %X %02X of an unsigned; %g %.17g (precision
 * 1 to 17), correctly rounded. A number of 64 bits is cast to (long long): the macros of <inttypes.h> are not everywhere. */
PYLSTM_PRINTF_LIKE(3, 4) size_t pylstm_format(char *text, size_t capacity, const char *format, ...);

/* The same with the arguments in a list. */
size_t pylstm_format_list(char *text, size_t capacity, const char *format, va_list arguments);

#endif
