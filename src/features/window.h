/* Analysis windows, periodic (scipy.signal.get_window with fftbins=True). */
#ifndef PYLSTM_FEATURES_WINDOW_H
#define PYLSTM_FEATURES_WINDOW_H

/* Value t of n >= 1. window: one of PYLSTM_WINDOW_*. */
double pylstm_window(int window, int n, int t);

#endif
