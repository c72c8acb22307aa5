// A model inside an audio callback, as PortAudio, JACK, Core Audio or an Android app would call it: the callback takes 10 ms of
// sound, runs the model and leaves the posteriors in a ring; it never waits, allocates or throws. The main thread takes them
// out and prints events. The sound card is played by a thread with a timer and a WAV file.
//
//     ./realtime keywords.safetensors recording.wav [SPEED]       SPEED 10: ten times as fast as a sound card
#include "../embed_c/detector.h"
#include "../embed_c/wav.h"
#include "pylstm.hpp"
#include "ring.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

namespace {

// Everything that the callback uses; all of it is made before the sound begins.
class Listener {
public:
    explicit Listener(const pylstm::Model &model)
        : stream_(model), width_(static_cast<std::size_t>(model.n_outputs())), rows_(most * width_), ring(4096, width_) {}

    // On the audio thread.
    void hear(const float *pcm, std::size_t n) noexcept {
        std::size_t rows = 0;
        note(stream_.push(pcm, n, rows_.data(), most, rows));
        leave(rows);
    }
    // On the audio thread, after the last sound.
    void end() noexcept {
        std::size_t rows = 0;
        note(stream_.flush(rows_.data(), most, rows));
        leave(rows);
        over_.store(true, std::memory_order_release);
    }

    bool over() const noexcept { return over_.load(std::memory_order_acquire); }
    pylstm_status wrong() const noexcept { return wrong_.load(); }
    unsigned lost() const noexcept { return lost_.load(); }

private:
    void note(pylstm_status status) noexcept {
        if (status != PYLSTM_OK)
            wrong_.store(status);
    }
    void leave(std::size_t rows) noexcept {
        for (std::size_t t = 0; t < rows; t++)
            lost_ += !ring.push(rows_.data() + t * width_);
    }

    static constexpr std::size_t most = 256; // rows that a callback, or the end, may complete
    pylstm::Stream stream_;
    std::size_t width_;
    std::vector<float> rows_;
    std::atomic<bool> over_{false};
    std::atomic<pylstm_status> wrong_{PYLSTM_OK};
    std::atomic<unsigned> lost_{0};

public:
    Ring ring;
};

// The sound card: a block of samples whenever it is time for it.
void play(wav audio, double speed, Listener &listener) {
    const std::size_t block = audio.rate / 100;
    std::vector<std::int16_t> integers(block);
    std::vector<float> pcm(block);
    const auto period = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(0.01 / speed));
    auto next = std::chrono::steady_clock::now();
    for (std::size_t n; (n = wav_read(&audio, integers.data(), block)) > 0; next += period) {
        for (std::size_t k = 0; k < n; k++)
            pcm[k] = static_cast<float>(integers[k]) / 32768.0F;
        std::this_thread::sleep_until(next);
        listener.hear(pcm.data(), n);
    }
    listener.end();
}

struct Detector : detector {
    explicit Detector(const pylstm::Model &model) : detector{} {
        pylstm_error why{PYLSTM_NO_MEMORY, "out of memory"};
        if (const auto status = detector_create(this, model.get(), &why))
            throw pylstm::Error(status, why.message);
    }
    Detector(const Detector &) = delete;
    Detector &operator=(const Detector &) = delete;
    ~Detector() { detector_destroy(this); }
};

// Prints what comes out of the ring until the sound is over.
void report(const pylstm::Model &model, Detector &events, Listener &listener) {
    std::vector<float> row(static_cast<std::size_t>(model.n_outputs()));
    const double hop_seconds = static_cast<double>(model.hop_length()) / model.sample_rate();
    for (bool last = false;;) {
        if (listener.ring.pop(row.data())) {
            const double time = static_cast<double>(events.frame) * hop_seconds;
            double score = 0;
            if (const int label = detector_push(&events, row.data(), &score); label >= 0) {
                std::printf("%6.2f s  %-5s  %.2f\n", time, model.label(label).c_str(), score);
                std::fflush(stdout);
            }
        } else if (last) {
            break;
        } else if (!(last = listener.over())) { // once over is seen, what is in the ring is all
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
}

int run(const char *model_path, const char *audio_path, double speed) {
    std::ifstream file(model_path, std::ios::binary);
    const std::vector<unsigned char> bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.empty())
        throw std::runtime_error(std::string(model_path) + ": cannot be read");
    const pylstm::Model model(bytes);
    Detector events(model);
    Listener listener(model);
    wav audio{};
    if (const char *wrong = wav_open(&audio, audio_path))
        throw std::runtime_error(std::string(audio_path) + ": " + wrong);
    if (static_cast<int>(audio.rate) != model.sample_rate())
        throw std::runtime_error(std::string(audio_path) + ": has another sample rate than the model");
    std::thread card(play, audio, speed, std::ref(listener));
    report(model, events, listener);
    card.join();
    std::fclose(audio.file);
    if (listener.wrong() != PYLSTM_OK)
        throw pylstm::Error(listener.wrong(), pylstm_strerror(listener.wrong()));
    if (listener.lost())
        throw std::runtime_error(std::to_string(listener.lost()) + " rows were lost: the printing thread was too slow");
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    const double speed = argc > 3 ? std::atof(argv[3]) : 1;
    if (argc < 3 || argc > 4 || !(speed > 0)) {
        std::cerr << "realtime: usage: realtime MODEL AUDIO.wav [SPEED]\n";
        return 1;
    }
    try {
        return run(argv[1], argv[2], speed);
    } catch (const std::exception &error) {
        std::cerr << "realtime: " << error.what() << '\n';
        return 1;
    }
}
