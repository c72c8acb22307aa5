/* The computer that debugs or emulates the board, by Arm's semihosting calls: text, a file, the end. A product has none of it.
 */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>

static inline int host_call(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static inline void host_print(const char *text) {
    host_call(0x04, text);
}

static inline void host_print_number(unsigned value) {
    char digits[12] = "";
    int at = 11;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    host_print(digits + at);
}

/* A new file on the host; -1: it cannot be made. */
static inline int host_create(const char *path, unsigned length_of_path) {
    const struct {
        const char *path;
        int mode;
        unsigned length;
    } open = {path, 5, length_of_path}; /* 5: "wb" */
    return host_call(0x01, &open);
}

static inline void host_write(int file, const void *bytes, size_t size) {
    const struct {
        int file;
        const void *bytes;
        size_t size;
    } write = {file, bytes, size};
    host_call(0x05, &write);
}

_Noreturn static inline void host_exit(int status) {
    const int end[2] = {0x20026, status}; /* ADP_Stopped_ApplicationExit */
    host_call(0x20, end);
    for (;;) {
    }
}

#endif
