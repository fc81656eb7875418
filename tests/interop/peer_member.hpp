#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "interop/peer_events.hpp"
#include "interop/peer_flags.hpp"
#include "runtime/gossip_driver.hpp"

namespace anode {
class Loop;
}

namespace anode::interop {

/// What a test breaks between a member and the others.
struct Faults {
    double send_loss = 0, receive_loss = 0;
    bool tcp = true;
    std::set<std::string> blocked;  ///< `host:port`
    std::uint64_t dropped = 0;
};

/// One member of ours: a driver, its faults, and its outputs as events. Thread: the loop's.
class PeerMember {
public:
    /// `tagged`: each event names its member as `self`. Errors: as GossipDriver::open.
    static Result<std::unique_ptr<PeerMember>> open(Loop& loop, const Flags& flags,
                                                    std::string name, bool tagged, Events& events);

    GossipDriver& driver() noexcept { return *driver_; }
    [[nodiscard]] const membership::Membership& machine() const { return driver_->machine(); }
    [[nodiscard]] membership::Member self() const;
    Faults& faults() noexcept { return faults_; }

    /// Sees each output too, until it answers true. For commands whose answer comes later.
    using Watch = std::function<bool(const membership::Output&)>;
    void watch(Watch watch) { watches_.push_back(std::move(watch)); }
    /// Applies an input; a warning that it makes at once is its error.
    Result<void> ask(membership::Input input);

private:
    PeerMember(std::string name, bool tagged, bool log, Events& events);
    void on_output(const membership::Output& output);
    void tell(std::string_view event, const Events::Fields& fields);
    void tell(const membership::MemberChanged& changed);
    void tell(const membership::NameConflict& conflict);
    void tell(const membership::UserMessage& message);
    void tell(const membership::RemoteState& state);
    void tell(const membership::RoundTrip& trip);
    void tell(const membership::Notice& notice);
    bool passes(const GossipPassage& passage);

    std::string name_;
    bool tagged_;
    bool log_;
    Events& events_;
    Faults faults_;
    Rng rng_;
    std::vector<Watch> watches_;
    std::string warning_;
    std::unique_ptr<GossipDriver> driver_;
};

}  // namespace anode::interop
