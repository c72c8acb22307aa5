/* The values of tensors. All conversions work on bits, so they give the same result whatever rounding or flush-to-zero mode the
 * thread is in. */
#include "modelfile/tensor.h"
#include "platform/finite.h"

#include <string.h>

/* Whether float32 stands in memory as it stands in a file. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define AS_IN_FILE(dtype) ((dtype) == PYLSTM_DTYPE_F32)
#else
#define AS_IN_FILE(dtype) ((void)(dtype), 0)
#endif

static const struct {
    const char *name;
    size_t width;
} dtypes[] = {
    [PYLSTM_DTYPE_F32] = {"F32", 4},   [PYLSTM_DTYPE_F64] = {"F64", 8}, [PYLSTM_DTYPE_F16] = {"F16", 2},
    [PYLSTM_DTYPE_BF16] = {"BF16", 2}, [PYLSTM_DTYPE_I8] = {"I8", 1},   [PYLSTM_DTYPE_ANY_FLOAT] = {"F32, F64, F16 or BF16", 0},
};

const char *pylstm_dtype_name(pylstm_dtype dtype) {
    return dtypes[dtype].name;
}

size_t pylstm_dtype_width(pylstm_dtype dtype) {
    return dtypes[dtype].width;
}

static uint64_t little_endian(const unsigned char *bytes, size_t width) {
    uint64_t value = 0;
    while (width-- > 0)
        value = value << 8 | bytes[width];
    return value;
}

static uint32_t from_float16(uint32_t half) {
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
    if (exponent == 0x1F)
        return sign | 0x7F800000 | fraction << 13;
    if (exponent == 0) {
        if (fraction == 0)
            return sign;
        for (exponent = 1; !(fraction & 0x400); exponent--) /* a subnormal of float16 is a normal number of float32 */
            fraction <<= 1;
        fraction &= 0x3FF;
    }
    return sign | (exponent + 127 - 15) << 23 | fraction << 13; /* exponent may have gone below 0: unsigned sums wrap back */
}

/* Rounded to the nearest, ties to even; too large becomes infinity. */
static uint32_t from_float64(uint64_t wide) {
    uint32_t sign = (uint32_t)(wide >> 32 & 0x80000000), rounded;
    int exponent = (int)(wide >> 52 & 0x7FF) - 1023 + 127, dropped = 52 - 23;
    uint64_t fraction = wide & (((uint64_t)1 << 52) - 1), rest, half;
    if (exponent == 0x7FF - 1023 + 127)
        return sign | 0x7F800000 | (fraction ? 0x400000 : 0);
    if (exponent >= 255)
        return sign | 0x7F800000;
    if (exponent <= 0) { /* a subnormal of float32, or nothing */
        if (exponent < -23)
            return sign;
        fraction |= (uint64_t)1 << 52;
        dropped += 1 - exponent;
        exponent = 0;
    }
    rest = fraction & (((uint64_t)1 << dropped) - 1);
    half = (uint64_t)1 << (dropped - 1);
    rounded = (uint32_t)exponent << 23 | (uint32_t)(fraction >> dropped);
    if (rest > half || (rest == half && (rounded & 1)))
        rounded++; /* may carry into the exponent, and from the largest number to infinity: both are right */
    return sign | rounded;
}

/* One value as the bits of a float32. */
static uint32_t float32_bits(pylstm_dtype dtype, const unsigned char *data) {
    switch (dtype) {
    case PYLSTM_DTYPE_F32:
        return (uint32_t)little_endian(data, 4);
    case PYLSTM_DTYPE_F64:
        return from_float64(little_endian(data, 8));
    case PYLSTM_DTYPE_F16:
        return from_float16((uint32_t)little_endian(data, 2));
    case PYLSTM_DTYPE_BF16:
        return (uint32_t)little_endian(data, 2) << 16;
    default: {                                                          /* PYLSTM_DTYPE_I8 */
        const float value = (float)(*data < 128 ? *data : *data - 256); /* exact */
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        return bits;
    }
    }
}

pylstm_status pylstm_tensor_check_finite(const pylstm_tensor *tensor, pylstm_error *why) {
    const size_t width = dtypes[tensor->dtype].width;
    if (tensor->dtype == PYLSTM_DTYPE_I8)
        return PYLSTM_OK;
    if (AS_IN_FILE(tensor->dtype) && pylstm_all_finite(tensor->data, tensor->count, sizeof(float)))
        return PYLSTM_OK;
    for (size_t k = 0; k < tensor->count; k++) {
        const unsigned char *at = tensor->data + k * width;
        if ((float32_bits(tensor->dtype, at) & 0x7F800000) != 0x7F800000)
            continue;
        if (width == 8 && (little_endian(at, 8) >> 52 & 0x7FF) != 0x7FF)
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[float32-range] value %zu of tensor '%s' is too large for a float32", k,
                               tensor->name);
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[not-finite] value %zu of tensor '%s' is NaN or infinite", k, tensor->name);
    }
    return PYLSTM_OK;
}

void pylstm_tensor_read_range(const pylstm_tensor *tensor, size_t first, size_t count, float *values) {
    const size_t width = dtypes[tensor->dtype].width;
    if (AS_IN_FILE(tensor->dtype)) {
        memcpy(values, tensor->data + first * width, count * width);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = float32_bits(tensor->dtype, tensor->data + (first + i) * width);
        memcpy(values + i, &bits, sizeof bits);
    }
}

void pylstm_tensor_read(const pylstm_tensor *tensor, float *values) {
    pylstm_tensor_read_range(tensor, 0, tensor->count, values);
}
