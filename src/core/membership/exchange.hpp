#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "core/membership/shared.hpp"
#include "core/membership/wire/stream.hpp"

namespace anode::membership {

/// Why we dialled; comes back when it is over.
struct Errand {
    enum class Kind : std::uint8_t { PushPull, Ping, User } kind = Kind::PushPull;
    /// Who wanted it.
    enum class For : std::uint8_t { Nobody, Anybody, Contact, Lost, KeyRound } whom = For::Nobody;
    std::uint64_t ticket = 0;  ///< of whoever wanted it; a ping's sequence number
    Address to;
    bool join = false;
};

/// What streams need of the machines behind them.
class ExchangePort {
public:
    virtual ~ExchangePort() = default;
    /// Our table and user state; views are valid until the next call of anything.
    virtual void local_state(wire::PushPull& out) = 0;
    /// Errors: Refused (versions; nothing was taken over).
    virtual Result<void> merge(const wire::PushPull& remote, bool join, const Address& from) = 0;
    virtual bool answers_to(BytesView node) = 0;
    virtual void user_message(BytesView payload, bool sealed, const Address& from) = 0;
    /// Errors: Refused (nobody listens there, or the other side said no), Timeout, Closed, Malformed, TooLarge.
    virtual void ended(const Errand& errand, const Result<void>& how) = 0;
};

/// Every stream, dialled and accepted: one request, one answer, one absolute deadline, nothing kept for an unknown peer that
/// it did not send.
/// Thread, time: as Membership.
/// Limits:  127 accepted and 256 dialled streams; what accepted ones hold before it is understood passes 64 MiB at no time (the
///          one that holds most is closed); 64 user messages on their way, others wait: up to 32,768 and 64 MiB of them.
/// Source:  memberlist protocol, sections 1, 2.2–2.6, 5.5 and 8.2.
class Exchange {
public:
    static constexpr std::size_t kAcceptedMax = 127;
    static constexpr std::size_t kDialledMax = 256;
    static constexpr std::size_t kUsersMax = 64;
    static constexpr std::size_t kWaitingMax = 32'768;
    static constexpr std::size_t kWaitingBytesMax = 64u << 20;
    static constexpr std::size_t kHeldBytesMax = 64u << 20;
    static constexpr std::size_t kUserBytesMax = 20u << 20;

    Exchange(Shared& shared, ExchangePort& port) : shared_(shared), port_(port) {}

    /// Each ends with one ended() — later, never inside the call — unless an error comes back at once: Overloaded, TooLarge.
    Result<void> push_pull(const Address& to, bool join, Errand::For whom, std::uint64_t ticket);
    Result<void> ping(const Address& to, std::string_view node, std::uint32_t seq, Instant until);
    Result<void> user(const Address& to, BytesView payload, Errand::For whom, std::uint64_t ticket);

    void opened(const StreamOpened& input);
    void bytes(const StreamBytes& input);
    void closed(const StreamClosed& input);
    void tick();
    [[nodiscard]] Instant due() const noexcept;

    [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }
    [[nodiscard]] std::size_t dialled() const noexcept { return streams_.size() - accepted_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    struct Stream;
    struct Waiting {
        Errand errand;
        Bytes content;
    };
    using Streams = std::map<StreamId, Stream>;  ///< ordered: walking it reaches the outputs
    using Read = wire::StreamReader::Step;

    void dial(Errand errand, Bytes content, Duration timeout);
    void accept(const StreamOpened& input);
    void caller_left(Streams::iterator stream);
    void speak(Streams::iterator stream);
    void heard(Streams::iterator stream, const Read& read, BytesView raw = {});
    void request(Streams::iterator stream, const wire::StreamMessage& message);
    void answer(Streams::iterator stream, const wire::StreamMessage& message);
    void answer_push_pull(Streams::iterator stream, const wire::PushPull& remote);
    Result<void> send(StreamId id, wire::StreamReader::End sender, BytesView content);
    Result<void> send_local_state(StreamId id, wire::StreamReader::End sender, bool join);
    void fell_silent(Streams::iterator stream);
    void close(Streams::iterator stream);
    void finish(Streams::iterator stream, Result<void> how);
    void forget(Streams::iterator stream);
    void limit_held_bytes();
    void dial_waiting();

    Shared& shared_;
    ExchangePort& port_;
    Streams streams_;
    std::deque<Waiting> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::size_t accepted_ = 0, users_ = 0, held_bytes_ = 0;
    std::uint64_t last_id_ = 0;
    Bytes content_, framed_;      ///< reused
    wire::PushPull local_state_;  ///< reused
};

struct Exchange::Stream {
    Stream(const wire::Envelope& envelope, wire::StreamReader::End sender)
        : reader(envelope, sender) {}

    Errand errand;  ///< of a dialled one
    Address peer;
    Instant deadline{};
    bool open = false;
    bool gone = false;  ///< the other end closed: nothing is left to be closed by us
    Bytes content;      ///< what a dialled one says once it is up; a push/pull is written then
    std::size_t held = 0;
    wire::StreamReader reader;
};

}  // namespace anode::membership
