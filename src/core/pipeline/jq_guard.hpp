#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>

struct jq_state;

/// What one program of libjq may use up for one message. libjq knows no limits: its allocator and the copying of values,
/// which every step of a loop does, are ours in this program, and count.
/// Source: ADR 0017.
namespace anode::pipeline {

struct JqLimits {
    std::size_t bytes_max = 128U << 20;  ///< over it the program is told to stop
    std::size_t bytes_never = 256U
                              << 20;      ///< no allocation goes beyond it: the program is given up
    std::uint64_t steps_max = 2'000'000;  ///< over it the program is told to stop
    std::uint64_t steps_never = 8'000'000;
};

/// The program did not stop by itself: what it holds is worthless and goes with its memory.
struct JqGivenUp final : std::exception {
    [[nodiscard]] const char* what() const noexcept override {
        return "the program used up its memory or its steps";
    }
};

/// The memory of one program, all of which ends with it.
/// Thread: one at a time.
class JqMemory {
public:
    JqMemory() = default;
    JqMemory(const JqMemory&) = delete;
    JqMemory& operator=(const JqMemory&) = delete;
    ~JqMemory() { drop(); }

    /// Frees all that is left, whatever libjq thinks of it.
    void drop() noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    /// Precedes every allocation. Its last word tells it from memory that libjq has from malloc itself and gives back to us:
    /// there the size of malloc's own piece stands before the first byte.
    struct alignas(16) Block {
        Block* before = nullptr;
        Block* after = nullptr;
        JqMemory* owner = nullptr;
        std::size_t bytes = 0;
        std::uint64_t unused = 0;
        std::uint64_t mark = 0;
    };
    void add(Block* block) noexcept;
    void remove(Block* block) noexcept;

private:
    Block* first_ = nullptr;
    std::size_t bytes_ = 0;
};

/// While one lives, libjq on this thread takes its memory from the program's and its steps are counted; they do not nest.
class JqUse {
public:
    /// `state` is told to stop when a limit is passed; null: nothing is counted but memory (compiling).
    JqUse(JqMemory& memory, jq_state* state, const JqLimits& limits);
    JqUse(const JqUse&) = delete;
    JqUse& operator=(const JqUse&) = delete;
    ~JqUse();

    /// Whether it was told to stop.
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    // -- for the allocator and the counter --------------------------------------------------------------
    static JqUse* current() noexcept;
    [[nodiscard]] JqMemory& memory() noexcept { return memory_; }
    void about_to_take(std::size_t bytes);
    void step();

private:
    void stop();

    JqMemory& memory_;
    jq_state* state_;
    JqLimits limits_;
    std::uint64_t steps_ = 0;
    bool stopped_ = false;
};

}  // namespace anode::pipeline
