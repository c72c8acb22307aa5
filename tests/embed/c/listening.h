/* What the tests of listeners share: decisions of every kind, and a whole sound or many frames through one of them. */
#ifndef LISTENING_H
#define LISTENING_H

#include "check.h"

#define MOST_SETTINGS 10
#define ROWS          128 /* more than a second gives */
#define EVENTS        400 /* more than ROWS of any kind give */

/* A decision that is tried: of which model, with which settings. */
typedef struct trial {
    const pylstm_model *model;
    const pylstm_setting *settings;
    size_t n_settings;
} trial;

/* Every kind of decision, each reporting early and finally. Returns how many. */
#define TRIALS 12
int trials_of(const models *m, trial trials[TRIALS]);

pylstm_decision *decision_of(const trial *t);
pylstm_listener *listener_of(const pylstm_decision *decision);

/* What a listener has given. */
typedef struct heard {
    pylstm_event events[EVENTS];
    float rows[ROWS * 4];
    size_t n_events, n_rows;
} heard;

/* Adds what one push gives, with room for exactly what is due; rows where they are wanted. */
void hear(pylstm_listener *listener, pylstm_sample_type type, const void *data, size_t n, ptrdiff_t stride, int width,
          int wants_rows, heard *to);

/* And what a flush gives. */
void hear_end(pylstm_listener *listener, int width, int wants_rows, heard *to);

/* The same events, to the bit, and the same rows. */
int same_events(const heard *a, const heard *b);
int same_rows(const heard *a, const heard *b, int width);

#endif
