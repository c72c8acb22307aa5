/* Proves the real-time law on the C core, one command each; what comes out is read by test_realtime.py.
 *
 *     driver calls model...                     every [rt] call under the counter of allocation_counter.c, preloaded
 *     driver control model                      what that counter must see
 *     driver modes model...                     every [rt] call in odd floating-point modes, which must stay as they are
 *     driver sealed seconds model...            a child without system calls: every [rt] call, then so much audio
 *     driver break model                        what must end such a child
 *     driver steps hop hops model snapshot...   instructions that so many hops take from each snapshot on, by single steps
 *     driver steps_of_listeners model           the same of listeners: after a second, and after a million hops
 *
 * Exit code 77: this machine does not let itself be watched in that way; a line says why.
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes;
    if (!file || fseek(file, 0, SEEK_END))
        fail("cannot read a file");
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        fail("cannot read a file");
    fclose(file);
    return bytes;
}

pylstm_model *read_model(const char *path) {
    size_t size;
    void *bytes = read_file(path, &size);
    pylstm_model *model;
    pylstm_error why;
    if (pylstm_model_create(bytes, size, &model, &why))
        fail(why.message);
    free(bytes);
    return model;
}

walk **walks_of(char **paths, int n) {
    walk **walks = malloc((size_t)n * sizeof(walk *));
    pylstm_model **models = malloc((size_t)n * sizeof(pylstm_model *));
    int k;
    if (!walks || !models)
        fail("no memory");
    for (k = 0; k < n; k++)
        models[k] = read_model(paths[k]);
    for (k = 0; k < n; k++)
        walks[k] = walk_create(models[k], models[(k + 1) % n]);
    return walks;
}

int main(int argc, char **argv) {
    const char *command = argc > 2 ? argv[1] : "";
    if (strcmp(command, "calls") == 0)
        return count_calls(argv + 2, argc - 2);
    if (strcmp(command, "control") == 0)
        return control(argv[2]), 0;
    if (strcmp(command, "modes") == 0)
        return try_modes(argv + 2, argc - 2);
    if (strcmp(command, "sealed") == 0 && argc > 3)
        return push_sealed(strtol(argv[2], NULL, 10), argv + 3, argc - 3);
    if (strcmp(command, "break") == 0)
        return break_seal(argv[2]);
    if (strcmp(command, "steps") == 0 && argc > 5)
        return count_steps(argv + 2, argc - 2);
    if (strcmp(command, "steps_of_listeners") == 0)
        return count_listener_steps(argv[2]);
    fprintf(stderr, "usage: see the head of driver.c\n");
    return 2;
}
