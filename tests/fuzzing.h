/* What all C programs that fuzz share: checks that name their place, chance, files. */
#ifndef FUZZING_H
#define FUZZING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                                                     \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            fprintf(stderr, "%s, line %d: not so: %s\n", __FILE__, __LINE__, #condition);                                      \
            abort();                                                                                                           \
        }                                                                                                                      \
    } while (0)

/* The next number of a sequence (xorshift64), below a bound. */
static inline size_t random_from(uint64_t *state, size_t bound) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (size_t)(*state % bound);
}

/* A file, in memory of exactly its size: one byte read too many is caught. */
static inline void *read_whole(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes;
    REQUIRE(file && fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size);
    REQUIRE(bytes && fread(bytes, 1, *size, file) == *size);
    fclose(file);
    return bytes;
}

#endif
