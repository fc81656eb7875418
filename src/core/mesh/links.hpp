#pragma once

#include <optional>

#include "core/mesh/neighbours.hpp"
#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// What becomes of links, for the parts above. A link that went down stays valid, in state Closing, until sweep().
class LinkEvents {
public:
    virtual ~LinkEvents() = default;
    virtual void link_sync(Link& link) = 0;  ///< HELLO was good; frames may flow
    virtual void link_up(Link& link) = 0;    ///< main links only
    virtual void link_down(Link& link) = 0;  ///< after link_sync(), once
};

/// Connections from dialling to their end: HELLO and who may stay, PING, silence, credit that does not come back, faults.
/// Source: dissemination, sections 2.3, 8.2 to 8.5.
class Links {
public:
    Links(Shared& shared, LinkEvents& events)
        : shared_(shared), events_(events), neighbours_(shared) {}

    void opened(LinkId id, std::string_view identity);
    void closed(const LinkClosed& closed);
    std::optional<LinkId> dial(const NodeId& peer, Purpose purpose);

    void on_hello(Link& link, const frames::Hello& hello);
    void on_ping(Link& link, const frames::Ping& ping);
    void on_pong(Link& link, const frames::Pong& pong);
    void on_bye(Link& link, const frames::Bye& bye);
    void on_error(Link& link, const frames::ErrorFrame& error);

    /// Vectors are exchanged.
    void go_up(Link& link);
    /// A fault of the peer: ERROR, close, ban.
    void accuse(Link& link, std::uint16_t code, const Error& error);
    /// BYE and close.
    void hang_up(Link& link, std::uint8_t reason, std::string_view text);
    void drain(bool on);

    Neighbours& neighbours() noexcept { return neighbours_; }
    [[nodiscard]] const Neighbours& neighbours() const noexcept { return neighbours_; }
    void tick();
    /// Ends links that do not drain, and forgets those that are over.
    void sweep();
    [[nodiscard]] Instant due() const;

private:
    void say_hello(Link& link);
    bool admit(Link& link, const frames::Hello& hello);
    bool has_room(const Link& link, const frames::Hello& hello);
    bool settle_twins(Link& link);
    /// `who` it says it is: it may be a stranger.
    void refuse(Link& link, const NodeId& who, std::uint16_t code, std::string_view text);
    /// The link is over, for whatever reason; tells everyone who has to know.
    void drop(Link& link, LinkEnd end, bool close);
    void check(Link& link);
    void send_ping(Link& link);
    void judge_clock(Link& link);
    void tell_clock(const Link& link);
    [[nodiscard]] Instant due_of(const Link& link) const;
    [[nodiscard]] Instant dead_at(const Link& link) const;

    Shared& shared_;
    LinkEvents& events_;
    Neighbours neighbours_;
    Instant leave_at_ = kNever;  ///< draining ends
    std::uint64_t swept_ = 0;    ///< the changes of links that sweep() has seen
};

}  // namespace anode::mesh
