#include "core/membership/contacts.hpp"

#include <algorithm>
#include <utility>

namespace anode::membership {

void Contacts::start() {
    running_ = true;
    lost_next_ = shared_.now + shared_.jittered(kLostEvery);
    for (const std::string& text : shared_.config.contacts) add(text);
}

void Contacts::stop() noexcept {
    running_ = false;
    contacts_.clear();
    lost_next_ = Instant::max();
}

void Contacts::add(std::string_view text) {
    auto parsed = parse_contact(text, shared_.config.advertise.port);
    if (!parsed) {
        return shared_.notice(Notice::Level::Warn, "a contact that cannot be used", {},
                              std::string(text) + ": " + parsed.error().what);
    }
    if (!running_) {
        return shared_.notice(Notice::Level::Warn, "this node joins nobody: it is leaving", {},
                              std::string(text));
    }
    auto known = std::ranges::find(contacts_, text, &Contact::text);
    if (known == contacts_.end()) {
        if (contacts_.size() >= kContactsMax) {
            return shared_.notice(Notice::Level::Warn, "too many contacts", {}, std::string(text));
        }
        Contact contact;
        contact.text = text;
        contact.parsed = std::move(*parsed);
        contacts_.push_back(std::move(contact));
        known = std::prev(contacts_.end());
    }
    if (known->doing != Contact::Doing::Waiting) return;
    known->failures = 0;
    known->told_trouble = false;
    look(static_cast<std::size_t>(known - contacts_.begin()));
}

/// A contact's turn: nothing to do while one of its addresses is an alive member.
void Contacts::look(std::size_t index) {
    Contact& contact = contacts_[index];
    if (std::ranges::any_of(contact.addresses,
                            [this](const Address& at) { return port_.alive_at(at); })) {
        contact.failures = 0;
        contact.next = shared_.now + pause(0);
        return;
    }
    contact.trouble.clear();
    if (contact.parsed.literal) {
        contact.addresses.clear();
        if (!contact.parsed.literal->same_socket(shared_.config.advertise)) {
            contact.addresses.push_back(*contact.parsed.literal);
        }
        return join_addresses(index);
    }
    contact.doing = Contact::Doing::Resolving;
    contact.next = shared_.now + kResolveTimeout;
    shared_.push(Resolve{contact.parsed.resolvable()});
}

void Contacts::resolved(const Resolved& input) {
    for (std::size_t index = 0; index < contacts_.size(); ++index) {
        Contact& contact = contacts_[index];
        if (contact.doing != Contact::Doing::Resolving) continue;
        if (contact.parsed.resolvable() != input.contact) continue;
        contact.addresses.clear();
        for (Address address : input.addresses) {
            if (address.port == 0) address.port = contact.parsed.port;
            if (contact.addresses.size() >= kAddressesMax || !address.may_be_sent_to()) continue;
            if (address.same_socket(shared_.config.advertise)) continue;
            contact.addresses.push_back(address.canonical());
        }
        if (input.addresses.empty()) {
            contact.trouble = "the name server knows no address of it";
            failed(contact);
            continue;
        }
        join_addresses(index);
    }
}

/// Each address is a node of its own, so each is joined, but those that are members already.
void Contacts::join_addresses(std::size_t index) {
    Contact& contact = contacts_[index];
    if (contact.addresses.empty()) return only_us(contact);
    contact.doing = Contact::Doing::Joining;
    contact.answered = false;
    contact.in_flight = 0;
    bool reached = false;
    for (const Address& address : contact.addresses) {
        if (port_.alive_at(address)) {
            reached = true;
            continue;
        }
        const Result<void> dialled = port_.join(address, index, false);
        if (dialled) {
            contact.in_flight++;
        } else {
            contact.trouble = dialled.error().what;
        }
    }
    contact.answered = reached;
    if (contact.in_flight == 0) over(contact);
}

/// The contact is ourselves, as the first node of a cluster may well be told: no trouble, but others may appear under the name.
void Contacts::only_us(Contact& contact) {
    contact.doing = Contact::Doing::Waiting;
    contact.failures++;
    contact.next = shared_.now + pause(contact.parsed.literal ? 0 : contact.failures);
}

void Contacts::joined(std::uint64_t ticket, const Result<void>& how) {
    if (how) shared_.counters.joins++;
    if (ticket >= contacts_.size()) return;
    Contact& contact = contacts_[ticket];
    if (contact.doing != Contact::Doing::Joining || contact.in_flight == 0) return;
    contact.in_flight--;
    if (how) {
        contact.answered = true;
    } else {
        contact.trouble = how.error().what;
    }
    if (contact.in_flight == 0) over(contact);
}

/// Every address of this turn has answered or failed.
void Contacts::over(Contact& contact) {
    if (!contact.answered) return failed(contact);
    contact.doing = Contact::Doing::Waiting;
    contact.failures = 0;
    contact.next = shared_.now + pause(0);
    if (std::exchange(contact.told_trouble, false)) {
        shared_.notice(Notice::Level::Info, "joined through a contact that had failed", {},
                       contact.text);
    }
}

void Contacts::failed(Contact& contact) {
    contact.doing = Contact::Doing::Waiting;
    contact.failures++;
    contact.next = shared_.now + pause(contact.failures);
    if (contact.told_trouble && shared_.now - contact.told < kTellAgain) return;
    contact.told_trouble = true;
    contact.told = shared_.now;
    shared_.notice(Notice::Level::Warn, "a contact cannot be joined; it is tried again",
                   contact.parsed.literal.value_or(Address{}),
                   contact.text + ": " + contact.trouble);
}

/// With company there is no hurry; alone, the pauses double from one second to half a minute.
Duration Contacts::pause(unsigned failures) {
    if (failures == 0 || !port_.alone()) {
        return Duration(shared_.rng.between(kAgainMin.count(), kAgainMax.count()));
    }
    const Duration doubled = kBackOffMin * (1u << std::min(failures - 1, 5u));
    return shared_.jittered(std::min<Duration>(doubled, kBackOffMax));
}

void Contacts::look_around() {
    if (!running_) return;
    const bool alone = port_.alone();
    if (std::exchange(alone_, alone) || !alone) return;
    // The last other member has gone: the long pauses of company end.
    for (Contact& contact : contacts_) {
        if (contact.doing != Contact::Doing::Waiting) continue;
        contact.failures = 0;
        contact.next = std::min(contact.next, shared_.now + shared_.jittered(kBackOffMin));
    }
}

void Contacts::tick() {
    if (!running_) return;
    for (std::size_t index = 0; index < contacts_.size(); ++index) {
        Contact& contact = contacts_[index];
        if (contact.doing == Contact::Doing::Joining || contact.next > shared_.now) continue;
        if (contact.doing == Contact::Doing::Resolving) {
            contact.trouble = "the name server does not answer";
            failed(contact);
        } else {
            look(index);
        }
    }
    if (lost_next_ <= shared_.now) dial_lost();
}

/// Two halves of a cluster hold each other for dead; one push/pull between any two of them heals both.
void Contacts::dial_lost() {
    lost_next_ = shared_.now + shared_.jittered(kLostEvery);
    std::vector<Address> lost = port_.lost();
    for (std::size_t taken = 0; taken < kLostAtOnce && taken < lost.size(); ++taken) {
        std::swap(lost[taken], lost[taken + shared_.rng.below(lost.size() - taken)]);
        const Address& to = lost[taken];
        if (port_.alive_at(to) || to.same_socket(shared_.config.advertise)) continue;
        // One that finds no stream free is drawn again another time.
        static_cast<void>(port_.join(to, 0, true));
    }
}

Instant Contacts::due() const noexcept {
    Instant first = lost_next_;
    for (const Contact& contact : contacts_) {
        if (contact.doing != Contact::Doing::Joining) first = std::min(first, contact.next);
    }
    return first;
}

}  // namespace anode::membership
