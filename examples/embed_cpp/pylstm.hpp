// pylstm for C++17: objects that end themselves, errors at creation as exceptions. Copy it into a program and change it: the C
// API, pylstm.h, is the interface that stays.
#pragma once

#include "pylstm.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace pylstm {

struct Error : std::runtime_error {
    Error(pylstm_status status, const std::string &what) : std::runtime_error(what), status(status) {}
    pylstm_status status;
};

// Immutable: one for all threads. Must outlive its streams.
class Model {
  public:
    // bytes: of a model file; nothing of them is kept.
    Model(const void *bytes, std::size_t size) {
        pylstm_model *model = nullptr;
        pylstm_error why;
        if (const auto status = pylstm_model_create(bytes, size, &model, &why))
            throw Error(status, why.message);
        model_.reset(model);
    }
    explicit Model(const std::vector<unsigned char> &bytes) : Model(bytes.data(), bytes.size()) {}

    int sample_rate() const noexcept {
        return pylstm_model_sample_rate(get());
    }
    int hop_length() const noexcept {
        return pylstm_model_hop_length(get());
    }
    int n_outputs() const noexcept {
        return pylstm_model_n_outputs(get());
    }
    std::string label(int output) const {
        const char *text = pylstm_model_label(get(), output);
        return text ? text : "";
    }
    const pylstm_model *get() const noexcept {
        return model_.get();
    }

  private:
    struct Destroy {
        void operator()(pylstm_model *model) const noexcept {
            pylstm_model_destroy(model);
        }
    };
    std::unique_ptr<pylstm_model, Destroy> model_;
};

// One source of audio. push, flush and reset are real-time safe and never throw.
class Stream {
  public:
    explicit Stream(const Model &model) {
        pylstm_stream *stream = nullptr;
        if (const auto status = pylstm_stream_create(model.get(), &stream))
            throw Error(status, pylstm_strerror(status));
        stream_.reset(stream);
    }

    pylstm_status push(const float *pcm, std::size_t n, float *out, std::size_t out_rows, std::size_t &rows) noexcept {
        return pylstm_stream_push(get(), PYLSTM_FLOAT32, pcm, n, sizeof *pcm, out, out_rows, &rows);
    }
    pylstm_status push(const std::int16_t *pcm, std::size_t n, float *out, std::size_t out_rows, std::size_t &rows) noexcept {
        return pylstm_stream_push(get(), PYLSTM_INT16, pcm, n, sizeof *pcm, out, out_rows, &rows);
    }
    pylstm_status flush(float *out, std::size_t out_rows, std::size_t &rows) noexcept {
        return pylstm_stream_flush(get(), out, out_rows, &rows);
    }
    pylstm_status reset() noexcept {
        return pylstm_stream_reset(get());
    }
    pylstm_stream *get() const noexcept {
        return stream_.get();
    }

  private:
    struct Destroy {
        void operator()(pylstm_stream *stream) const noexcept {
            pylstm_stream_destroy(stream);
        }
    };
    std::unique_ptr<pylstm_stream, Destroy> stream_;
};

// How rows become events. Immutable: one for all listeners, which it must outlive.
class Decision {
  public:
    explicit Decision(const Model &model, const std::vector<pylstm_setting> &settings = {}) {
        pylstm_decision *decision = nullptr;
        pylstm_error why;
        if (const auto status = pylstm_decision_create(model.get(), settings.data(), settings.size(), &decision, &why))
            throw Error(status, why.message);
        decision_.reset(decision);
    }
    const pylstm_decision *get() const noexcept {
        return decision_.get();
    }

  private:
    struct Destroy {
        void operator()(pylstm_decision *decision) const noexcept {
            pylstm_decision_destroy(decision);
        }
    };
    std::unique_ptr<pylstm_decision, Destroy> decision_;
};

// A stream and its decision: sound in, events out. push, flush and reset are real-time safe and never throw.
class Listener {
  public:
    explicit Listener(const Decision &decision) {
        pylstm_listener *listener = nullptr;
        if (const auto status = pylstm_listener_create(decision.get(), &listener))
            throw Error(status, pylstm_strerror(status));
        listener_.reset(listener);
    }

    pylstm_status push(const float *pcm, std::size_t n, pylstm_event *events, std::size_t most, std::size_t &given) noexcept {
        pylstm_hearing part{};
        part.listener = get();
        part.type = PYLSTM_FLOAT32;
        part.data = pcm;
        part.n = n;
        part.stride = sizeof *pcm;
        part.events = events;
        part.max_events = most;
        const auto status = pylstm_listener_push(&part);
        given = part.n_events;
        return status;
    }
    pylstm_status flush(pylstm_event *events, std::size_t most, std::size_t &given) noexcept {
        return pylstm_listener_flush(get(), events, most, &given, nullptr, 0, nullptr);
    }
    pylstm_status reset() noexcept {
        return pylstm_listener_reset(get());
    }
    pylstm_listener *get() const noexcept {
        return listener_.get();
    }

  private:
    struct Destroy {
        void operator()(pylstm_listener *listener) const noexcept {
            pylstm_listener_destroy(listener);
        }
    };
    std::unique_ptr<pylstm_listener, Destroy> listener_;
};

} // namespace pylstm
