/* Magnitudes to a power, and their logarithm where it is asked for. */
#include "features/spectrum_frame.h"

#include <string.h>

pylstm_spectrum_frame pylstm_spectrum_frame_of(const pylstm_features_config *config, const pylstm_feature_kernels *kernels) {
    return (pylstm_spectrum_frame){
        .win = (size_t)config->win_length,
        .columns = (size_t)config->columns,
        .column_hop = (size_t)config->column_hop,
        .logarithm = pylstm_energy_logarithm_of(config, kernels),
    };
}

void pylstm_spectrum_frame_run(const pylstm_spectrum_frame *frame, const pylstm_spectrum *spectrum,
                               const pylstm_spectrum_scratch *scratch, const float *chunk, float *out) {
    for (size_t column = 0; column < frame->columns; column++, chunk += frame->column_hop, out += spectrum->bins) {
        memcpy(scratch->x + spectrum->offset, chunk, frame->win * sizeof *chunk);
        pylstm_spectrum_run(spectrum, scratch);
        pylstm_energy_logarithm_run(&frame->logarithm, scratch->power, (int)spectrum->bins);
        memcpy(out, scratch->power, spectrum->bins * sizeof *out);
    }
}
