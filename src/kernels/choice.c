#include "kernels/choice.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/instruction_sets.h"
#include "platform/formatted_text.h"

typedef struct instruction_set {
    const char *name;
    const pylstm_kernels *kernels; /* NULL: not in this build */
    pylstm_cpu_level needs;
} instruction_set;

static const instruction_set sets[] = {
#define SET(name, vector, needs, built) {#name, (built) ? &pylstm_kernels_##name : NULL, needs},
    PYLSTM_INSTRUCTION_SETS(SET)
#undef SET
};

enum { N_SETS = sizeof sets / sizeof *sets };

static const instruction_set *find(const char *name) {
    for (int k = 0; name && k < N_SETS; k++) {
        if (strcmp(sets[k].name, name) == 0)
            return &sets[k];
    }
    return NULL;
}

static int runs_here(const instruction_set *set) {
    return set && set->kernels && pylstm_cpu() >= set->needs;
}

const char *pylstm_isa_name(int index) {
    return index >= 0 && index < N_SETS ? sets[index].name : NULL;
}

int pylstm_isa_built(const char *name) {
    const instruction_set *set = find(name);
    return set && set->kernels;
}

int pylstm_isa_supported(const char *name) {
    return runs_here(find(name));
}

/* set: the instruction set that `wanted` names, NULL if it names none. */
static void refuse(const char *wanted, const instruction_set *set, pylstm_error *why) {
    char supported[80];
    size_t used = 0;
    for (int k = 0; k < N_SETS; k++) {
        if (runs_here(&sets[k]))
            used += pylstm_format(supported + used, sizeof supported - used, " %s", sets[k].name);
    }
    pylstm_fail(why, PYLSTM_BAD_ISA, "PYLSTM_ISA is '%.40s', %s; this machine runs:%s", wanted,
                !set           ? "which is not an instruction set that pylstm knows"
                : set->kernels ? "which this processor or its operating system does not support"
                               : "which is not in this build",
                supported);
}

const pylstm_kernels *pylstm_kernels_choose(pylstm_error *why) {
    const char *wanted = getenv("PYLSTM_ISA");
    if (wanted && *wanted) {
        const instruction_set *set = find(wanted);
        if (runs_here(set))
            return set->kernels;
        refuse(wanted, set, why);
        return NULL;
    }
    for (int k = 0; k < N_SETS; k++) {
        if (runs_here(&sets[k]))
            return sets[k].kernels;
    }
    return NULL; /* not reached: scalar is always there */
}

const char *pylstm_isa(pylstm_error *why) {
    const pylstm_kernels *kernels = pylstm_kernels_choose(why);
    return kernels ? kernels->isa : NULL;
}
