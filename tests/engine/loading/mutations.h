/* Changes to a model file: what stands in its configuration, entries more or fewer, digits and bits. */
#ifndef MUTATIONS_H
#define MUTATIONS_H

#include <stddef.h>

/* Bytes that one change adds at most. */
#define MUTATION_ROOM ((size_t)512)

/* The next random number, below a bound. */
size_t random_below(size_t bound);

/* One random change; there is room for MUTATION_ROOM bytes behind the file. Returns its new size. */
size_t mutate(unsigned char *bytes, size_t size);

#endif
