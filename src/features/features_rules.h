/* What the settings of features must keep beyond the range of each: limits that are no part of a range, and values that must
 * fit each other. */
#ifndef PYLSTM_FEATURES_FEATURES_RULES_H
#define PYLSTM_FEATURES_FEATURES_RULES_H

#include "features/features_config.h"

#define PYLSTM_MAX_POWER           16.0
#define PYLSTM_MAX_LIFTER          1e6
#define PYLSTM_MAX_FEATURE_COLUMNS 256

pylstm_status pylstm_features_rules_check(const pylstm_features_config *config, pylstm_error *why);

/* Of a tensor of standard deviations, which is finite as all tensors are. */
pylstm_status pylstm_features_std_check(const pylstm_tensor *std, pylstm_error *why);

#endif
