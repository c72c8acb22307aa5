// Rows of floats from one thread to one other without locks: neither ever waits.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

class Ring {
public:
    Ring(std::size_t rows, std::size_t width) : width_(width), rows_(rows), floats_(rows * width) {}

    // The writer's: false where the reader has fallen behind by the whole ring; then nothing is written.
    bool push(const float *row) noexcept {
        const auto at = written_.load(std::memory_order_relaxed);
        if (at - read_.load(std::memory_order_acquire) == rows_)
            return false;
        std::copy_n(row, width_, floats_.data() + at % rows_ * width_);
        written_.store(at + 1, std::memory_order_release); // the row is there before its number is
        return true;
    }

    // The reader's: false where there is none yet.
    bool pop(float *row) noexcept {
        const auto at = read_.load(std::memory_order_relaxed);
        if (at == written_.load(std::memory_order_acquire))
            return false;
        std::copy_n(floats_.data() + at % rows_ * width_, width_, row);
        read_.store(at + 1, std::memory_order_release); // only now may the writer have its place
        return true;
    }

private:
    const std::size_t width_, rows_;
    std::vector<float> floats_;
    // On lines of their own, so that the two threads do not take them from each other.
    alignas(64) std::atomic<std::size_t> written_{0};
    alignas(64) std::atomic<std::size_t> read_{0};
};
