/* Power to decibels. */
#ifndef PYLSTM_DECIBEL_H
#define PYLSTM_DECIBEL_H

/* db[i] = 10 log10(max(1e-10, power[i])) for n values; power is finite and not negative. In place is fine. */
void pylstm_decibel(const float *power, float *db, int n);

#endif
