/* Every call that pylstm.h marks [rt], on one model, with every way in which it can succeed or be refused. */
#ifndef WALK_H
#define WALK_H

#include "pylstm.h"

/* What stands around each call: counting, another floating-point mode, nothing. */
typedef struct guard {
    void (*enter)(void);
    void (*leave)(const char *call);
} guard;

typedef struct walk walk;

/* Everything that a walk needs is allocated here, and never given back: a walk itself must run where nothing is allowed.
 * stranger: a model of another file, whose streams and snapshots are to be refused. */
walk *walk_create(const pylstm_model *model, const pylstm_model *stranger);

/* Goes through all the calls, from new streams on. A hash of every row and every state that came out; *calls grows by how many
 * there were. A call that does not return what it should ends the process. */
uint64_t walk_run(walk *w, const guard *around, long *calls);

#endif
