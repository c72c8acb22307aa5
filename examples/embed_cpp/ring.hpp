// Things from one thread to one other without locks: neither ever waits.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

template <typename Thing> class Ring {
  public:
    explicit Ring(std::size_t places) : things_(places) {}

    // The writer's: false where the reader has fallen behind by the whole ring; then nothing is written.
    bool push(const Thing &thing) noexcept {
        const auto at = written_.load(std::memory_order_relaxed);
        if (at - read_.load(std::memory_order_acquire) == things_.size())
            return false;
        things_[at % things_.size()] = thing;
        written_.store(at + 1, std::memory_order_release); // the thing is there before its number is
        return true;
    }

    // The reader's: false where there is none yet.
    bool pop(Thing &thing) noexcept {
        const auto at = read_.load(std::memory_order_relaxed);
        if (at == written_.load(std::memory_order_acquire))
            return false;
        thing = things_[at % things_.size()];
        read_.store(at + 1, std::memory_order_release); // only now may the writer have its place
        return true;
    }

  private:
    std::vector<Thing> things_;
    // On lines of their own, so that the two threads do not take them from each other.
    alignas(64) std::atomic<std::size_t> written_{0};
    alignas(64) std::atomic<std::size_t> read_{0};
};
