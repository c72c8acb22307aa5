/* RTNeural's layers, driven by benchmarks/rtneural.py as core.c is by core.py: commands on standard input, one line of JSON back
 * for each.
 *
 *     rtneural KIND INPUTS OUTPUTS WEIGHTS FRAMES      KIND: gru, lstm or conv (kernel 3); files of float32
 *
 *     fixed N              N frames through the layer whose sizes are known at compile time
 *     run_time N           N frames through the layer of the run-time API
 *     outputs NAME PATH    the rows that the frames give from the beginning, as float32; NAME: fixed or run_time
 *
 * An eighth of the frames of a timed command runs untimed before the others.
 */
#define EIGEN_STACK_ALLOCATION_LIMIT 0 /* layers are on the heap */
#define RTNEURAL_DEFAULT_ALIGNMENT 32
#include "RTNeural/RTNeural.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

using Matrix = std::vector<std::vector<float>>;

static std::vector<float> contents(const char *path) {
    std::vector<float> values;
    std::FILE *file = std::fopen(path, "rb");
    float value;
    while (file && std::fread(&value, sizeof value, 1, file) == 1)
        values.push_back(value);
    if (file)
        std::fclose(file);
    return values;
}

static double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static Matrix take(const float *&from, int rows, int columns) {
    Matrix matrix((size_t)rows);
    for (auto &row : matrix) {
        row.assign(from, from + columns);
        from += columns;
    }
    return matrix;
}

/* Keras's layout, as RTNeural has it. */
template <int INPUTS, int OUTPUTS> struct Gru {
    using Fixed = RTNeural::GRULayerT<float, INPUTS, OUTPUTS>;
    using RunTime = RTNeural::GRULayer<float>;
    static std::unique_ptr<RunTime> run_time() { return std::make_unique<RunTime>(INPUTS, OUTPUTS); }
    template <class Layer> static void fill(Layer &layer, const float *w) {
        layer.setWVals(take(w, INPUTS, 3 * OUTPUTS));
        layer.setUVals(take(w, OUTPUTS, 3 * OUTPUTS));
        layer.setBVals(take(w, 2, 3 * OUTPUTS));
    }
};

template <int INPUTS, int OUTPUTS> struct Lstm {
    using Fixed = RTNeural::LSTMLayerT<float, INPUTS, OUTPUTS>;
    using RunTime = RTNeural::LSTMLayer<float>;
    static std::unique_ptr<RunTime> run_time() { return std::make_unique<RunTime>(INPUTS, OUTPUTS); }
    template <class Layer> static void fill(Layer &layer, const float *w) {
        layer.setWVals(take(w, INPUTS, 4 * OUTPUTS));
        layer.setUVals(take(w, OUTPUTS, 4 * OUTPUTS));
        layer.setBVals(take(w, 1, 4 * OUTPUTS)[0]);
    }
};

template <int INPUTS, int OUTPUTS> struct Conv {
    using Fixed = RTNeural::Conv1DT<float, INPUTS, OUTPUTS, 3, 1>;
    using RunTime = RTNeural::Conv1D<float>;
    static std::unique_ptr<RunTime> run_time() { return std::make_unique<RunTime>(INPUTS, OUTPUTS, 3, 1); }
    template <class Layer> static void fill(Layer &layer, const float *w) {
        std::vector<Matrix> kernels;
        for (int output = 0; output < OUTPUTS; output++)
            kernels.push_back(take(w, INPUTS, 3));
        layer.setWeights(kernels);
        layer.setBias(take(w, 1, OUTPUTS)[0]);
    }
};

template <class Kind, int INPUTS, int OUTPUTS>
static int serve(const std::vector<float> &weights, const std::vector<float> &frames) {
    auto fixed = std::make_unique<typename Kind::Fixed>();
    auto run_time = Kind::run_time();
    const size_t n_frames = frames.size() / INPUTS;
    Eigen::Matrix<float, INPUTS, 1> row;
    alignas(32) float x[INPUTS], y[OUTPUTS];
    size_t next = 0;
    Kind::fill(*fixed, weights.data());
    Kind::fill(*run_time, weights.data());
    const auto step_fixed = [&] {
        std::memcpy(row.data(), frames.data() + next * INPUTS, sizeof x);
        next = next + 1 == n_frames ? 0 : next + 1;
        fixed->forward(row);
    };
    const auto step_run_time = [&] {
        std::memcpy(x, frames.data() + next * INPUTS, sizeof x);
        next = next + 1 == n_frames ? 0 : next + 1;
        run_time->forward(x, y);
    };
    char verb[16], name[16], path[4096];
    while (std::scanf("%15s %15s", verb, name) == 2) {
        double seconds = 0;
        if (!std::strcmp(verb, "outputs")) {
            if (std::scanf("%4095s", path) != 1)
                return 1;
            std::FILE *file = std::fopen(path, "wb");
            next = 0;
            fixed->reset();
            run_time->reset();
            for (size_t t = 0; file && t < n_frames; t++) {
                if (!std::strcmp(name, "fixed")) {
                    step_fixed();
                    std::fwrite(fixed->outs.data(), sizeof(float), OUTPUTS, file);
                } else {
                    step_run_time();
                    std::fwrite(y, sizeof(float), OUTPUTS, file);
                }
            }
            if (!file || std::fclose(file))
                return 1;
        } else {
            const long n = std::atol(name), before = n / 8;
            const bool is_fixed = !std::strcmp(verb, "fixed");
            double begin = 0;
            for (long k = -before; k < n; k++) {
                if (k == 0)
                    begin = now();
                if (is_fixed)
                    step_fixed();
                else
                    step_run_time();
            }
            seconds = now() - begin;
        }
        std::printf("{\"seconds\": %.12g}\n", seconds);
        std::fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 6)
        return 2;
    const std::string layer = std::string(argv[1]) + " " + argv[2] + " " + argv[3];
    const std::vector<float> weights = contents(argv[4]), frames = contents(argv[5]);
#define SHAPE(KIND, NAME, INPUTS, OUTPUTS)                                                                                     \
    if (layer == NAME " " #INPUTS " " #OUTPUTS)                                                                                \
        return serve<KIND<INPUTS, OUTPUTS>, INPUTS, OUTPUTS>(weights, frames);
    SHAPE(Gru, "gru", 12, 16)
    SHAPE(Gru, "gru", 24, 24)
    SHAPE(Gru, "gru", 40, 64)
    SHAPE(Gru, "gru", 40, 128)
    SHAPE(Gru, "gru", 114, 96)
    SHAPE(Lstm, "lstm", 13, 32)
    SHAPE(Lstm, "lstm", 40, 128)
    SHAPE(Conv, "conv", 12, 12)
    SHAPE(Conv, "conv", 40, 64)
    SHAPE(Conv, "conv", 64, 64)
    SHAPE(Conv, "conv", 128, 128)
    std::fprintf(stderr, "rtneural: %s is none of the shapes\n", layer.c_str());
    return 2;
}
