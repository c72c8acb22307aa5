/* From posteriors to events, as pylstm.Detector does it, to the bit.
 *
 * The posteriors of the last smoothing_frames rows are averaged (rows before the start count as zero). The label with the
 * highest average is an event when that reaches the threshold. In the refractory_frames rows after an event there is none, and
 * a label is not an event again before its average has fallen below the threshold.
 */
#ifndef DETECTOR_H
#define DETECTOR_H

#include "pylstm.h"

#include <stdlib.h>

typedef struct detector {
    const pylstm_model *model;
    double threshold;
    int smoothing_frames, refractory_frames, n;
    int64_t frame, quiet_until;
    float *past;           /* smoothing_frames rows, the oldest at frame % smoothing_frames once the next one is in */
    unsigned char *silent; /* labels that are never an event; */
    unsigned char *heard;  /* and those that have been one and not fallen since */
} detector;

/* From the numbers that the model carries. */
static pylstm_status detector_create(detector *d, const pylstm_model *model, pylstm_error *why) {
    const pylstm_status status = pylstm_model_detector(model, &d->threshold, &d->smoothing_frames, &d->refractory_frames, why);
    int k;
    if (status)
        return status;
    d->model = model;
    d->n = pylstm_model_n_outputs(model);
    d->frame = d->quiet_until = 0;
    d->past = (float *)calloc((size_t)d->smoothing_frames * (size_t)d->n, sizeof *d->past);
    d->silent = (unsigned char *)calloc(2, (size_t)d->n);
    if (!d->past || !d->silent) {
        free(d->past), free(d->silent);
        return PYLSTM_NO_MEMORY;
    }
    d->heard = d->silent + d->n;
    for (k = 0; k < d->n; k++)
        d->silent[k] = (unsigned char)pylstm_model_is_background(model, k);
    return PYLSTM_OK;
}

static void detector_destroy(detector *d) {
    free(d->past), free(d->silent);
}

/* Takes the next row; the label of an event and its average, or -1. Real-time safe. */
static int detector_push(detector *d, const float *row, double *score) {
    const int rows = d->smoothing_frames;
    int best = -1, k, age;
    double highest = 0.0;
    for (k = 0; k < d->n; k++)
        d->past[(size_t)(d->frame % rows) * (size_t)d->n + (size_t)k] = row[k];
    for (k = 0; k < d->n; k++) {
        double sum = 0.0;
        for (age = rows - 1; age >= 0 && !d->silent[k]; age--) { /* the oldest first */
            if (age <= d->frame)
                sum += d->past[(size_t)((d->frame - age) % rows) * (size_t)d->n + (size_t)k];
        }
        sum /= rows;
        if (sum < d->threshold)
            d->heard[k] = 0;
        else if (sum > highest)
            best = k, highest = sum;
    }
    d->frame++;
    if (best < 0 || d->frame - 1 < d->quiet_until || d->heard[best])
        return -1;
    d->heard[best] = 1;
    d->quiet_until = d->frame + d->refractory_frames;
    *score = highest;
    return best;
}

#endif
