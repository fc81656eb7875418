#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/expr/expr.hpp"
#include "core/expr/val.hpp"

namespace anode::expr {

enum class Status : std::uint8_t { Value, Empty, Error };

/// One evaluation: its memory, its budget, its error. What it allocates lives until it ends.
/// Limits: 10,000 steps, where long strings and containers cost more than one; 4 MiB and four times the payload.
class Machine {
public:
    explicit Machine(const Scope& scope, bool quiet = false) noexcept;

    [[nodiscard]] const Scope& scope() const noexcept { return scope_; }
    [[nodiscard]] Val input() const { return scope_.envelope ? Val(Envelope()) : Val(scope_.root); }

    // -- budget and errors --
    /// False, with the error set, once the budget is used up.
    bool step(std::size_t count = 1) {
        if (count <= steps_) [[likely]] {
            steps_ -= count;
            return true;
        }
        return out_of_budget();
    }
    bool step_bytes(std::size_t bytes) { return step(bytes / 4096); }
    bool step_members(std::size_t members) { return step(members / 256); }
    bool take(std::size_t bytes);
    /// `words` is called only if somebody will read them.
    template <class Words>
    Status fail(Words&& words) {
        if (!quiet_ && error_.empty()) error_ = words();
        return Status::Error;
    }
    [[nodiscard]] std::string& error() noexcept { return error_; }
    void forget_error() noexcept { error_.clear(); }
    [[nodiscard]] bool exhausted() const noexcept { return exhausted_; }

    // -- memory: null (with the error set) if the limit is passed --
    Val* values(std::size_t count);
    Member* members(std::size_t count);
    Status keep(std::string_view text, std::string_view& out);

    // -- views of values --
    /// The text of a string, escapes resolved.
    Status text(const Val& string, std::string_view& out);
    /// The elements of an array or the values of an object.
    Status list(const Val& container, List& out);
    /// The members of an object, each name once, the last value winning.
    Status dict(const Val& object, Dict& out);
    Status member(const Val& object, std::string_view name, Val& out);
    Status element(const Val& array, std::int64_t index, Val& out);
    /// Elements of an array, members of an object.
    Status size(const Val& container, std::size_t& out);

    std::pmr::memory_resource* memory() noexcept { return &memory_; }

private:
    bool out_of_budget();
    void* bytes(std::size_t count);
    Val envelope_member(std::string_view name);
    Val tokens();
    Status envelope(Dict& out);

    const Scope& scope_;
    std::size_t steps_ = 10'000;
    std::size_t bytes_;
    bool quiet_;
    bool exhausted_ = false;
    std::string error_;
    alignas(16) std::array<std::byte, 1024> first_;
    std::pmr::monotonic_buffer_resource memory_;
};

/// Collects the members of an object: a repeated name replaces the value and keeps its place.
class DictBuilder {
public:
    DictBuilder(Machine& machine, std::size_t room)
        : machine_(machine), room_(room), members_(machine.members(room)) {}
    [[nodiscard]] bool good() const noexcept { return members_ != nullptr || room_ == 0; }
    void set(std::string_view name, const Val& value);
    /// Puts members known to be unique into a builder that is empty.
    void start_with(const Dict& dict);
    [[nodiscard]] Dict finish() const noexcept { return {members_, size_}; }
    [[nodiscard]] Member* find(std::string_view name);

private:
    Machine& machine_;
    std::size_t room_;
    Member* members_;
    std::size_t size_ = 0;
    std::unordered_map<std::string_view, std::size_t> places_;  ///< used once there are many
};

}  // namespace anode::expr
