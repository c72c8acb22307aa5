/* The core's own formatting against the C library's, on numbers of all sizes. Prints how many texts were compared. */
#include "platform/formatted_text.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long compared;

static void same(const char *ours, const char *theirs, size_t used) {
    compared++;
    if (strcmp(ours, theirs) == 0 && used == strlen(ours))
        return;
    printf("'%s'; expected '%s'\n", ours, theirs);
    exit(1);
}

#define SAME(...)                                                                                                              \
    do {                                                                                                                       \
        char ours[600], theirs[600];                                                                                           \
        const size_t used = pylstm_format(ours, sizeof ours, __VA_ARGS__);                                                     \
        snprintf(theirs, sizeof theirs, __VA_ARGS__);                                                                          \
        same(ours, theirs, used);                                                                                              \
    } while (0)

static uint64_t draw(void) {
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state ^ state >> 29;
}

static void number(double value) {
    SAME("%g", value);
    SAME("%.1g", value);
    SAME("%.9g %.9g", value, -value);
    SAME("%.17g", value);
}

static void numbers(void) {
    static const double some[] = {
        0.0,  -0.0,     1.0,     9.5,     0.5,         1e-4,    9.9999995e-5, 1e-5,    123456.5, 999999.5,
        1e6,  DBL_MAX,  DBL_MIN, 5e-324,  DBL_EPSILON, 2e10,    0.1,          2.5,     3.5,      1e22,
        1e23, INFINITY, FLT_MIN, FLT_MAX, 1e15 / 3,    65535.0, 1e5,          1234565, 0.0001,
    };
    for (size_t k = 0; k < sizeof some / sizeof *some; k++)
        number(some[k]);
    for (int k = 0; k < 100000; k++) {
        const uint64_t bits = draw();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isnan(value))
            number(value);
        number((double)(int64_t)draw() / 1024.0);
        number((double)(draw() % 2000000) / 1000.0 - 1000.0);
    }
}

static void whole_numbers(void) {
    for (int k = 0; k < 20000; k++) {
        const long long wide = (long long)(draw() >> draw() % 64);
        const int narrow = (int)(unsigned)draw();
        SAME("%d %u %X %02X", narrow, (unsigned)narrow, (unsigned)narrow, (unsigned)narrow % 256);
        SAME("%lld %llu %ld %lu %zu", wide, (unsigned long long)wide, (long)narrow, (unsigned long)wide, (size_t)wide);
    }
    SAME("%d %d %lld %lld %llu", INT_MIN, INT_MAX, LLONG_MIN, LLONG_MAX, ULLONG_MAX);
}

static void texts(void) {
    static const char text[] = "a text of forty-three bytes, without an end";
    SAME("%s|%.10s|%.*s|%.0s|%c%%", text, text, 5, text, text, 'x');
    for (size_t capacity = 1; capacity < 60; capacity++) {
        char ours[64], theirs[64];
        size_t used;
        memset(ours, 'x', sizeof ours);
        used = pylstm_format(ours, capacity, "%s, %d", text, 12345);
        snprintf(theirs, capacity, "%s, %d", text, 12345);
        same(ours, theirs, used);
        for (size_t k = capacity; k < sizeof ours; k++)
            if (ours[k] != 'x')
                exit(1);
    }
}

int main(void) {
    numbers();
    whole_numbers();
    texts();
    printf("%ld texts\n", compared);
    return 0;
}
