/* Analysis windows, periodic (scipy.signal.get_window with fftbins=True). */
#ifndef PYLSTM_WINDOW_H
#define PYLSTM_WINDOW_H

/* w: n >= 1 values. window: one of PYLSTM_WINDOW_*. */
void pylstm_window(int window, int n, double *w);

#endif
