/* What a model costs per second of audio, and the limit of it. */
#ifndef PYLSTM_ENGINE_MODEL_COST_H
#define PYLSTM_ENGINE_MODEL_COST_H

#include "engine/graph.h"
#include "features/features_cost.h"

#define PYLSTM_MAX_OPERATIONS UINT64_C(20000000000) /* per second of audio */
#define PYLSTM_OUTSIDE_RATE   10                    /* frames from outside that count as a second */

/* Operations, as features_cost.h counts them. */
typedef struct pylstm_model_cost {
    pylstm_features_cost features;
    uint64_t layers;     /* of a row of the features */
    int costliest;       /* the layer that costs most of it; -1: there is none */
    uint64_t per_second; /* all together */
} pylstm_model_cost;

/* config and graph: as read from the file, whose rules for tensors have been checked. config NULL: frames come from outside. */
pylstm_model_cost pylstm_model_cost_of(const pylstm_model_file *file, const pylstm_features_config *config,
                                       const pylstm_graph_plan *plan);

/* Refuses a model that costs more than PYLSTM_MAX_OPERATIONS, and says what drives it and what would be taken. */
pylstm_status pylstm_model_cost_check(const pylstm_model_file *file, const pylstm_features_config *config,
                                      const pylstm_graph_plan *plan, pylstm_error *why);

#endif
