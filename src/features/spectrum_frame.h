/* One row of the kind spectrum: the spectra under one window or several, which a chunk of samples has room for. */
#ifndef PYLSTM_FEATURES_SPECTRUM_FRAME_H
#define PYLSTM_FEATURES_SPECTRUM_FRAME_H

#include "features/logarithm.h"
#include "features/spectrum.h"

typedef struct pylstm_spectrum_frame {
    size_t win, columns, column_hop;
    pylstm_energy_logarithm logarithm;
} pylstm_spectrum_frame;

pylstm_spectrum_frame pylstm_spectrum_frame_of(const pylstm_features_config *config, const pylstm_feature_kernels *kernels);

/* chunk: win + (columns - 1) * column_hop samples. out: columns * bins values, those of a column side by side. */
void pylstm_spectrum_frame_run(const pylstm_spectrum_frame *frame, const pylstm_spectrum *spectrum,
                               const pylstm_spectrum_scratch *scratch, const float *chunk, float *out);

#endif
