#pragma once

#include <functional>
#include <memory>
#include <span>

#include "core/membership/membership.hpp"
#include "sim/machine.hpp"

namespace anode::sim {

/// The production Membership as a process of the world: a runtime of fifty lines, which also checks that the machine keeps the
/// rules of its door (packet sizes, stream numbers, time that goes on).
class Member final : public Machine {
public:
    /// Every output that is not for the kernel, in order.
    using Witness = std::function<void(const membership::Output&)>;

    Member(membership::Config config, membership::KeyRing keys, std::uint64_t seed,
           std::shared_ptr<membership::NamePool> names, Witness witness);

    void handle(const Happening& happening, Instant now, Kernel& kernel) override;
    [[nodiscard]] Instant due() const noexcept override { return machine_.due(); }

    /// An operator's wish, through World::with().
    void wish(const membership::Input& input, Instant now, Kernel& kernel);
    void know(std::span<const membership::Member> members, Instant now) {
        machine_.know(members, now);
    }
    [[nodiscard]] const membership::Membership& membership() const noexcept { return machine_; }
    [[nodiscard]] bool has_left() const noexcept { return has_left_; }

private:
    void perform(const membership::Output& output, Kernel& kernel);
    void check(Instant now, Kernel& kernel);

    membership::Membership machine_;
    membership::Outbox outbox_;
    Witness witness_;
    bool has_left_ = false;
    Instant last_{};
    unsigned calls_at_once_ = 0;
    std::uint64_t dialled_ = 0;
};

}  // namespace anode::sim
