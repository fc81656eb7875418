#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "core/membership/contact.hpp"
#include "core/membership/shared.hpp"

namespace anode::membership {

/// What contacts need of the machines behind them.
class ContactsPort {
public:
    virtual ~ContactsPort() = default;
    /// A push/pull that joins. Contacts::joined() tells what came of it. Errors: Overloaded.
    virtual Result<void> join(const Address& to, std::uint64_t ticket, bool lost) = 0;
    virtual bool alive_at(const Address& address) = 0;
    /// No other member is alive.
    virtual bool alone() = 0;
    /// Members that death took within the last day.
    virtual std::vector<Address> lost() = 0;
};

/// Bootstrap addresses and lost members: see JoinPolicy in membership.hpp.
/// Thread, time, random: as Membership.
/// Limits:  256 contacts, 64 addresses of each; 16 lost members a round, drawn anew each time.
class Contacts {
public:
    static constexpr std::size_t kContactsMax = 256;
    static constexpr std::size_t kAddressesMax = 64;
    static constexpr std::size_t kLostAtOnce = 16;
    static constexpr Duration kBackOffMin = 1s, kBackOffMax = 30s;
    static constexpr Duration kAgainMin = 30s, kAgainMax = 60s;
    static constexpr Duration kResolveTimeout = 15s;
    static constexpr Duration kLostEvery = 30s;
    static constexpr Duration kTellAgain = 10min;

    Contacts(Shared& shared, ContactsPort& port) : shared_(shared), port_(port) {}

    /// Enters what the configuration lists; what is no contact makes a Notice.
    void start();
    /// One more, or one that is known: it is tried at once.
    void add(std::string_view text);
    /// We left: nobody is contacted any more.
    void stop() noexcept;

    void resolved(const Resolved& input);
    void joined(std::uint64_t ticket, const Result<void>& how);
    /// After every input: whether we are alone may have changed.
    void look_around();
    void tick();
    [[nodiscard]] Instant due() const noexcept;

private:
    struct Contact {
        std::string text;
        ContactText parsed;
        std::vector<Address> addresses;  ///< as last resolved, without our own
        enum class Doing : std::uint8_t { Waiting, Resolving, Joining } doing = Doing::Waiting;
        Instant next{};  ///< Waiting: the next look; Resolving: when the name server is given up
        unsigned failures = 0;
        unsigned in_flight = 0;
        bool answered = false;  ///< this time
        std::string trouble;    ///< this time, the last one
        Instant told{};
        bool told_trouble = false;
    };

    void look(std::size_t index);
    void join_addresses(std::size_t index);
    void only_us(Contact& contact);
    void over(Contact& contact);
    void failed(Contact& contact);
    [[nodiscard]] Duration pause(unsigned failures);
    void dial_lost();

    Shared& shared_;
    ContactsPort& port_;
    std::vector<Contact> contacts_;
    Instant lost_next_ = Instant::max();
    bool alone_ = true;
    bool running_ = false;
};

}  // namespace anode::membership
