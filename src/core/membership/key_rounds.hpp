#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/membership/peer_message.hpp"
#include "core/membership/shared.hpp"

namespace anode::membership {

/// What key rounds need of the machines behind them.
class KeyRoundsPort {
public:
    virtual ~KeyRoundsPort() = default;
    /// Who is alive or suspect, ourselves aside; `key` is an index of our ring.
    virtual std::vector<Member> others() = 0;
    virtual std::optional<Member> find(std::string_view name) = 0;
    /// A user message by stream; KeyRounds::sent() tells what came of it. Errors: Overloaded.
    virtual Result<void> send_keys(const Address& to, BytesView payload, std::uint64_t ticket) = 0;
    /// Our ring is another one now.
    virtual void keys_changed() = 0;
};

/// Work on the key ring of every node of ours, through any of them. Foreign members are shown, never asked.
///
///   List     everybody's fingerprints.
///   Install  everybody adds the key. Refused while it would travel in clear text.
///   Use      everybody makes it primary; first a List, and refused unless all of ours have it.
///   Remove   everybody drops it; first a List, and refused while any member lacks our primary, still has the old one as its
///            own, does not answer, or — a foreign one — was last heard sealing with it.
///
/// Packets are opened with every key of the ring all the time, so a rotation of Install, Use, Remove loses none.
/// Requests and answers are user messages by stream (peer_message.hpp). A change is believed only if it came sealed.
/// Thread, time, random: as Membership.
/// Errors:  in the report: Refused, Timeout (naming members), NotFound, Conflict, Malformed, TooLarge, Overloaded.
/// Limits:  one round at a time, 16 wait; 5 s without any progress end the asking.
class KeyRounds {
public:
    static constexpr std::size_t kWaitingMax = 16;
    static constexpr Duration kPatience = 5s;

    KeyRounds(Shared& shared, KeyRoundsPort& port) : shared_(shared), port_(port) {}

    /// Ends with one KeyReport.
    void request(const KeyRequest& request);
    /// From a peer. `sealed`: whoever sent it holds a key of ours.
    void asked(const PeerKeyRequest& request, bool sealed, const Address& from);
    void answered(const PeerKeyAnswer& answer);
    void sent(std::uint64_t ticket, const Result<void>& how);
    void tick();
    [[nodiscard]] Instant due() const noexcept;

private:
    struct Asked {
        Member member;
        bool pending = false;
        bool answered = false;
        std::string error;
        std::vector<std::string> fingerprints;
    };
    struct Round {
        KeyRequest request;
        KeyOp asking = KeyOp::List;  ///< now: the survey, or the change itself
        std::uint64_t id = 0;        ///< of this asking, on the wire
        Instant until{};
        std::map<std::string, Asked> others;  ///< by name
    };

    void begin(KeyRequest request);
    [[nodiscard]] Result<void> possible(const KeyRequest& request) const;
    void ask(KeyOp op);
    void settle();
    void surveyed();
    void changed();
    [[nodiscard]] Result<void> everybody_has(std::string_view fingerprint) const;
    [[nodiscard]] Result<void> nobody_needs(std::string_view fingerprint) const;
    [[nodiscard]] Result<void> everybody_answered() const;
    Result<void> change_ours(KeyOp op, BytesView key, std::string_view fingerprint);
    void report(Result<void> done);

    Shared& shared_;
    KeyRoundsPort& port_;
    std::deque<KeyRequest> waiting_;
    std::optional<Round> round_;
};

}  // namespace anode::membership
