/* librosa.power_to_db with ref=1, amin=1e-10, top_db=None: 10 log10(max(1e-10, S)) in float32.
 *
 * The logarithm is our own, so that every platform gives the same bits and the compiler can vectorise it. With S = 2^e m and m
 * in [sqrt(1/2), sqrt(2)), t = (m - 1) / (m + 1):
 *
 *     log10 S = e log10(2) + (2 / ln 10) (t + t^3 / 3 + t^5 / 5 + ... )
 *
 * |t| <= 0.172, so that seven terms leave a relative error below 2e-12; evaluated in double and rounded once, the result is the
 * float32 nearest to log10 S in all but about one of 10,000 cases.
 */
#include "decibel.h"

#include <stdint.h>
#include <string.h>

void pylstm_decibel(const float *power, float *db, int n) {
    const double log10_2 = 0.30102999566398119521, scale = 0.86858896380650365530; /* 2 / ln 10 */
    int i;
    for (i = 0; i < n; i++) {
        float s = power[i] > 1e-10f ? power[i] : 1e-10f, m;
        uint32_t bits;
        int32_t exponent;
        double t, u;
        memcpy(&bits, &s, sizeof bits);
        /* 0x3f3504f3 is sqrt(1/2); 127 octaves are added so that nothing negative is shifted */
        exponent = (int32_t)((bits - 0x3f3504f3u + 0x3f800000u) >> 23) - 127;
        bits -= (uint32_t)exponent << 23;
        memcpy(&m, &bits, sizeof m);
        t = ((double)m - 1.0) / ((double)m + 1.0);
        u = t * t;
        u = 1.0 + u * (1.0 / 3 + u * (1.0 / 5 + u * (1.0 / 7 + u * (1.0 / 9 + u * (1.0 / 11 + u * (1.0 / 13))))));
        db[i] = 10.0f * (float)(exponent * log10_2 + scale * t * u);
    }
}
