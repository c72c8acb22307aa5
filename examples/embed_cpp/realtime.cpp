// A model inside an audio callback, as PortAudio, JACK, Core Audio or an Android app would call it: the callback takes 10 ms of
// sound, lets the model hear it and leaves events in a ring; it never waits, allocates or throws. The main thread takes them
// out and prints them. The sound card is played by a thread with a timer and a WAV file.
//
//     ./realtime keywords.safetensors recording.wav [SPEED]       SPEED 10: ten times as fast as a sound card
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
class Ear {
  public:
    explicit Ear(const pylstm::Decision &decision) : listener_(decision), events_(most), ring(1024) {}

    // On the audio thread.
    void hear(const float *pcm, std::size_t n) noexcept {
        std::size_t events = 0;
        note(listener_.push(pcm, n, events_.data(), most, events));
        leave(events);
    }
    // On the audio thread, after the last sound.
    void end() noexcept {
        std::size_t events = 0;
        note(listener_.flush(events_.data(), most, events));
        leave(events);
        over_.store(true, std::memory_order_release);
    }

    bool over() const noexcept {
        return over_.load(std::memory_order_acquire);
    }
    pylstm_status wrong() const noexcept {
        return wrong_.load();
    }
    unsigned lost() const noexcept {
        return lost_.load();
    }

  private:
    void note(pylstm_status status) noexcept {
        if (status != PYLSTM_OK)
            wrong_.store(status);
    }
    void leave(std::size_t events) noexcept {
        for (std::size_t k = 0; k < events; k++)
            lost_ += !ring.push(events_[k]);
    }

    static constexpr std::size_t most = 256; // events that a callback, or the end, may give
    pylstm::Listener listener_;
    std::vector<pylstm_event> events_;
    std::atomic<bool> over_{false};
    std::atomic<pylstm_status> wrong_{PYLSTM_OK};
    std::atomic<unsigned> lost_{0};

  public:
    Ring<pylstm_event> ring;
};

// The sound card: a block of samples whenever it is time for it.
void play(wav audio, double speed, Ear &ear) {
    const std::size_t block = audio.rate / 100;
    std::vector<std::int16_t> integers(block);
    std::vector<float> pcm(block);
    const auto period = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(0.01 / speed));
    auto next = std::chrono::steady_clock::now();
    for (std::size_t n; (n = wav_read(&audio, integers.data(), block)) > 0; next += period) {
        for (std::size_t k = 0; k < n; k++)
            pcm[k] = static_cast<float>(integers[k]) / 32768.0F;
        std::this_thread::sleep_until(next);
        ear.hear(pcm.data(), n);
    }
    ear.end();
}

// Prints what comes out of the ring until the sound is over.
void report(const pylstm::Model &model, Ear &ear) {
    pylstm_event event;
    for (bool last = false;;) {
        if (ear.ring.pop(event)) {
            std::printf("%6.2f s  %-5s  %.2f\n", event.time, model.label(event.label).c_str(), event.score);
            std::fflush(stdout);
        } else if (last) {
            break;
        } else if (!(last = ear.over())) { // once over is seen, what is in the ring is all
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
    const pylstm::Decision decision(model); // as the file says
    Ear ear(decision);
    wav audio{};
    if (const char *wrong = wav_open(&audio, audio_path))
        throw std::runtime_error(std::string(audio_path) + ": " + wrong);
    if (static_cast<int>(audio.rate) != model.sample_rate())
        throw std::runtime_error(std::string(audio_path) + ": has another sample rate than the model");
    std::thread card(play, audio, speed, std::ref(ear));
    report(model, ear);
    card.join();
    std::fclose(audio.file);
    if (ear.wrong() != PYLSTM_OK)
        throw pylstm::Error(ear.wrong(), pylstm_strerror(ear.wrong()));
    if (ear.lost())
        throw std::runtime_error(std::to_string(ear.lost()) + " events were lost: the printing thread was too slow");
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
