/* Mean and variance of many values in the vector vocabulary, for layer normalisation: Ba, Kiros and Hinton 2016. For the
 * streaming kernels and those of bulk passes. */

/* What layer normalisation adds to a variance. */
#define NORM_EPSILON 1e-5f

/* x normalised is (scale * x - mean) * inverse. */
typedef struct v16_moments {
    float scale, mean, inverse;
} v16_moments;

static float sum_of_vector(v16 x) {
    float lanes[16], sum = 0.0f;
    v16_store(lanes, x);
    for (int lane = 0; lane < 16; lane++)
        sum += lanes[lane];
    return sum;
}

/* Of n_rows rows of `size` values, each padded with zeros to whole vectors. Vector v of a row is followed by the v of the next
 * `group` - 1 rows before v + 1 comes: group 1 is row by row. The zeros add nothing to the mean and are kept out of the
 * variance. */
static v16_moments moments_scaled(const float *x, int size, int n_rows, int group, float scale, float epsilon) {
    const int row_vectors = (size + 16 - 1) / 16;
    const float count = (float)size * (float)n_rows;
    const v16 factor = v16_set(scale);
    float present[16];
    v16 sum = v16_set(0.0f), squares = sum, centre;
    v16_moments moments = {.scale = scale};
    for (int v = 0; v < row_vectors * n_rows; v++)
        sum = v16_fma(v16_bounded(v16_load(x + v * 16)), factor, sum);
    moments.mean = sum_of_vector(sum) / count;
    centre = v16_set(moments.mean);
    for (int lane = 0; lane < 16; lane++)
        present[lane] = lane <= (size - 1) % 16 ? 1.0f : 0.0f;
    for (int v = 0; v < row_vectors * n_rows; v++) {
        v16 distance = v16_sub(v16_mul(v16_bounded(v16_load(x + v * 16)), factor), centre);
        if (v / group % row_vectors == row_vectors - 1)
            distance = v16_mul(distance, v16_load(present));
        squares = v16_fma(distance, distance, squares);
    }
    moments.inverse = 1.0f / sqrtf(sum_of_vector(squares) / count + epsilon);
    return moments;
}

/* Where squares overflow, values are so large that they can be made small without losing digits; the epsilon is nothing beside
 * them, and only keeps equal values from a division by 0. */
static v16_moments moments_of(const float *x, int size, int n_rows, int group) {
    const v16_moments moments = moments_scaled(x, size, n_rows, group, 1.0f, NORM_EPSILON);
    return moments.inverse > 0.0f ? moments : moments_scaled(x, size, n_rows, group, 0x1p-80f, 1e-30f);
}

static v16 centred(v16 x, v16_moments moments) {
    const v16 distance = v16_sub(v16_mul(v16_bounded(x), v16_set(moments.scale)), v16_set(moments.mean));
    return v16_mul(distance, v16_set(moments.inverse));
}
