/* Analysis windows: scipy.signal.get_window with fftbins=True (periodic) or False (symmetric), and two of their powers. */
#ifndef PYLSTM_FEATURES_WINDOW_H
#define PYLSTM_FEATURES_WINDOW_H

#include "features/features_config.h"

/* Value t of config's window, 0 <= t < win_length. */
double pylstm_window(const pylstm_features_config *config, int t);

#endif
