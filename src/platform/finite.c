/* Finiteness by comparing bits as integers: no floating-point operation touches a value before it is known to be good. */
#include "platform/finite.h"

#include <string.h>

/* Of floats side by side; as many at a time as compilers compare at once. */
static uint32_t largest_bits(const char *values, size_t n) {
    uint32_t bits[16], largest = 0;
    if (n >= 16) {
        int32_t lanes[16] = {0};
        for (; n >= 16; n -= 16, values += 64) {
            memcpy(bits, values, 64);
            for (int lane = 0; lane < 16; lane++) {
                const int32_t magnitude = (int32_t)(bits[lane] & 0x7fffffff);
                lanes[lane] = magnitude > lanes[lane] ? magnitude : lanes[lane];
            }
        }
        for (int lane = 0; lane < 16; lane++)
            largest = (uint32_t)lanes[lane] > largest ? (uint32_t)lanes[lane] : largest;
    }
    for (size_t k = 0; k < n; k++) {
        memcpy(bits, values + 4 * k, 4);
        largest = (bits[0] & 0x7fffffff) > largest ? bits[0] & 0x7fffffff : largest;
    }
    return largest;
}

uint32_t pylstm_largest_magnitude(const void *values, size_t n, ptrdiff_t stride) {
    const char *p = values;
    uint32_t largest = 0;
    if (stride == (ptrdiff_t)sizeof(float))
        return largest_bits(p, n);
    for (size_t k = 0; k < n; k++, p += stride) {
        const uint32_t magnitude = largest_bits(p, 1);
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

int pylstm_all_finite(const void *values, size_t n, ptrdiff_t stride) {
    return pylstm_largest_magnitude(values, n, stride) < PYLSTM_INFINITE_BITS;
}

int pylstm_all_finite_doubles(const void *values, size_t n) {
    const uint64_t infinite = UINT64_C(0x7ff0000000000000);
    uint64_t bits;
    for (size_t k = 0; k < n; k++) {
        memcpy(&bits, (const char *)values + k * sizeof bits, sizeof bits);
        if ((bits & infinite) == infinite)
            return 0;
    }
    return 1;
}

void pylstm_keep_finite(float *values, size_t n) {
    for (size_t k = 0; k < n; k++) {
        uint32_t bits;
        memcpy(&bits, &values[k], sizeof bits);
        bits = (bits & 0x7fffffff) < 0x7f800000 ? bits : 0;
        memcpy(&values[k], &bits, sizeof bits);
    }
}
