#include "core/pipeline/jq_guard.hpp"

extern "C" {
#include <jq.h>
#include <jv.h>
}

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.hpp"

namespace anode::pipeline {
namespace {

thread_local JqUse* in_use = nullptr;

constexpr std::uint64_t kMark = 0x6a71'6d65'6d6f'7279;

std::uint64_t mark_of(const void* memory) {
    return kMark ^ reinterpret_cast<std::uintptr_t>(memory);
}

/// Null if the memory is not ours. Looks at the word before it, whoever's that is.
__attribute__((no_sanitize("address"))) JqMemory::Block* block_of(void* memory) {
    auto* const block =
        reinterpret_cast<JqMemory::Block*>(static_cast<char*>(memory) - sizeof(JqMemory::Block));
    return block->mark == mark_of(memory) ? block : nullptr;
}

/// Outside a program's use the memory belongs to nobody: libjq keeps some for each thread.
void* take(std::size_t bytes) {
    JqUse* const use = in_use;
    if (use != nullptr) use->about_to_take(bytes);
    void* const raw = std::malloc(bytes + sizeof(JqMemory::Block));
    if (raw == nullptr) throw std::bad_alloc();
    auto* const block = new (raw) JqMemory::Block{.bytes = bytes};
    block->mark = mark_of(block + 1);
    if (use != nullptr) use->memory().add(block);
    return block + 1;
}

void give_back(void* memory) noexcept {
    if (memory == nullptr) return;
    JqMemory::Block* const block = block_of(memory);
    if (block == nullptr) return std::free(memory);
    if (block->owner != nullptr) block->owner->remove(block);
    block->mark = 0;
    std::free(block);
}

/// What begins with a resize is the stack of a program: libjq frees it with malloc's own free(), so it stays malloc's, and only
/// its growth is bounded. A program that is given up leaves it behind: some kilobytes.
void* resize(void* memory, std::size_t bytes) {
    JqMemory::Block* const block = memory == nullptr ? nullptr : block_of(memory);
    if (block == nullptr) {
        if (in_use != nullptr) in_use->about_to_take(bytes);
        void* const plain = std::realloc(memory, bytes);
        if (plain == nullptr) throw std::bad_alloc();
        return plain;
    }
    if (in_use != nullptr && bytes > block->bytes) in_use->about_to_take(bytes);
    JqMemory* const owner = block->owner;
    if (owner != nullptr) owner->remove(block);
    auto* const moved = static_cast<JqMemory::Block*>(
        std::realloc(static_cast<void*>(block), bytes + sizeof(JqMemory::Block)));
    if (moved == nullptr) {
        if (owner != nullptr) owner->add(block);
        throw std::bad_alloc();
    }
    moved->bytes = bytes;
    moved->mark = mark_of(moved + 1);
    if (owner != nullptr) owner->add(moved);
    return moved + 1;
}

template <class Function>
Function* real(const char* name) {
    auto* const found = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
    ANODE_ASSERT(found != nullptr);
    return found;
}

}  // namespace

void JqMemory::add(Block* block) noexcept {
    block->owner = this;
    block->before = nullptr;
    block->after = first_;
    if (first_ != nullptr) first_->before = block;
    first_ = block;
    bytes_ += block->bytes;
}

void JqMemory::remove(Block* block) noexcept {
    if (block->before != nullptr)
        block->before->after = block->after;
    else
        first_ = block->after;
    if (block->after != nullptr) block->after->before = block->before;
    bytes_ -= block->bytes;
}

void JqMemory::drop() noexcept {
    while (first_ != nullptr) {
        Block* const block = first_;
        first_ = block->after;
        block->mark = 0;
        std::free(block);
    }
    bytes_ = 0;
}

JqUse::JqUse(JqMemory& memory, jq_state* state, const JqLimits& limits)
    : memory_(memory), state_(state), limits_(limits) {
    ANODE_ASSERT(in_use == nullptr);
    in_use = this;
}

JqUse::~JqUse() { in_use = nullptr; }

JqUse* JqUse::current() noexcept { return in_use; }

void JqUse::about_to_take(std::size_t bytes) {
    const std::size_t after = memory_.bytes() + bytes;
    if (bytes > limits_.bytes_never || after > limits_.bytes_never) throw JqGivenUp();
    if (after > limits_.bytes_max) stop();
}

void JqUse::step() {
    if (state_ == nullptr) return;
    if (++steps_ > limits_.steps_never) throw JqGivenUp();
    if (steps_ > limits_.steps_max) stop();
}

/// libjq looks at this before each of its instructions, and leaves its own books in order.
void JqUse::stop() {
    if (state_ == nullptr) return;
    stopped_ = true;  // and told again: beginning a program takes the word back
    if (jq_halted(state_) == 0) jq_halt(state_, jv_invalid(), jv_invalid());
}

}  // namespace anode::pipeline

// -- what libjq calls instead of its own ---------------------------------------------------------------------
// The dynamic linker finds these names in the program before it finds them in the library.

using anode::pipeline::JqUse;

extern "C" {

void* jv_mem_alloc(std::size_t bytes) { return anode::pipeline::take(bytes); }
void* jv_mem_alloc_unguarded(std::size_t bytes) { return anode::pipeline::take(bytes); }
void* jv_mem_calloc(std::size_t count, std::size_t bytes) {
    void* const memory = anode::pipeline::take(count * bytes);
    std::memset(memory, 0, count * bytes);
    return memory;
}
void* jv_mem_calloc_unguarded(std::size_t count, std::size_t bytes) {
    return jv_mem_calloc(count, bytes);
}
char* jv_mem_strdup(const char* text) {
    const std::size_t bytes = std::strlen(text) + 1;
    return static_cast<char*>(std::memcpy(anode::pipeline::take(bytes), text, bytes));
}
char* jv_mem_strdup_unguarded(const char* text) { return jv_mem_strdup(text); }
void jv_mem_free(void* memory) { anode::pipeline::give_back(memory); }
void* jv_mem_realloc(void* memory, std::size_t bytes) {
    return anode::pipeline::resize(memory, bytes);
}

jv jv_copy(jv value) {
    static auto* const copy = anode::pipeline::real<jv(jv)>("jv_copy");
    if (JqUse* const use = JqUse::current()) use->step();
    return copy(value);
}
jv jv_string_append_buf(jv to, const char* bytes, int size) {
    static auto* const append =
        anode::pipeline::real<jv(jv, const char*, int)>("jv_string_append_buf");
    if (JqUse* const use = JqUse::current()) use->step();
    return append(to, bytes, size);
}

}  // extern "C"
