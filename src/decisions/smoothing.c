/* The check of averages that come from a snapshot. */
#include "decisions/smoothing.h"

int pylstm_smoothing_valid(int64_t sum, const void *ring, int64_t length, int64_t stride, int64_t n) {
    const int64_t most = (int64_t)(PYLSTM_LARGEST_POSTERIOR * PYLSTM_SMOOTHING_UNIT);
    int64_t total = 0;
    for (int64_t k = 0; k < length; k++) {
        const int64_t units = pylstm_smoothing_units_at(ring, k * stride);
        if (units < -most || units > most || (k >= n && units != 0)) /* rows before the start count as 0 */
            return 0;
        total += units;
    }
    return total == sum;
}
