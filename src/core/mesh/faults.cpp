#include "core/mesh/faults.hpp"

#include "core/mesh/frames.hpp"

namespace anode::mesh {

std::string_view name_of(Fault fault) noexcept {
    switch (fault) {
        case Fault::Protocol:
            return "protocol";
        case Fault::TooLarge:
            return "too-large";
        case Fault::Checksum:
            return "checksum";
        case Fault::UnknownLog:
            return "unknown-log";
        case Fault::FarAhead:
            return "far-ahead";
        case Fault::Flood:
            return "flood";
        case Fault::Refused:
            return "refused";
        case Fault::Heads:
            return "heads";
        case Fault::Unread:
            return "unread";
        case Fault::Unasked:
            return "unasked";
        case Fault::Forged:
            return "forged";
        case Fault::Foreign:
            return "foreign-topic";
        case Fault::Future:
            return "future";
        case Fault::Unreadable:
            return "unreadable";
    }
    return "";
}

Fault fault_of(std::uint16_t error_code) noexcept {
    switch (error_code) {
        case frames::error_code::kTooLarge:
            return Fault::TooLarge;
        case frames::error_code::kChecksum:
            return Fault::Checksum;
        case frames::error_code::kUnknownLog:
            return Fault::UnknownLog;
        case frames::error_code::kFarAhead:
            return Fault::FarAhead;
        case frames::error_code::kFlood:
            return Fault::Flood;
        default:
            return Fault::Protocol;
    }
}

FaultBook::Entry& FaultBook::entry_of(const NodeId& peer, bool member, Instant now) {
    if (const auto known = entries_.find(peer); known != entries_.end()) {
        // A stranger may turn out to be a member, whom membership had not named yet.
        if (member && !known->second.member && members_ < kMembersMax) {
            known->second.member = true;
            ++members_;
        }
        return known->second;
    }
    std::erase_if(entries_, [&](const auto& one) {
        const Entry& entry = one.second;
        const bool over =
            one.first != NodeId{} && now >= entry.offender.banned_until &&
            now >= entry.offender.last + (entry.member ? kMembersLast : kStrangersLast);
        members_ -= over && entry.member ? 1 : 0;
        return over;
    });
    const std::size_t strangers =
        entries_.size() - members_ - (entries_.contains(NodeId{}) ? 1 : 0);
    const bool room = member ? members_ < kMembersMax : strangers < kStrangersMax;
    Entry& entry = entries_[room ? peer : NodeId{}];
    if (room && peer != NodeId{}) {
        entry.offender.peer = peer;
        entry.member = member;
        members_ += member ? 1 : 0;
    }
    return entry;
}

bool FaultBook::note(const NodeId& peer, bool member, std::string_view name, Fault fault,
                     std::string_view what, Instant now) {
    Entry& entry = entry_of(peer, member, now);
    Offender& offender = entry.offender;
    const auto kind = static_cast<std::size_t>(fault);
    const bool tell = offender.counts[kind]++ == 0 || now >= entry.told[kind] + kTellEvery;
    if (tell) entry.told[kind] = now;
    offender.last = now;
    offender.what = what.substr(0, 200);
    if (offender.peer != NodeId{} && !name.empty()) offender.name = name;
    return tell;
}

void FaultBook::banned(const NodeId& peer, Instant until) {
    const auto known = entries_.find(peer);
    Offender& offender = known != entries_.end() ? known->second.offender : entries_[{}].offender;
    ++offender.bans;
    if (offender.peer != NodeId{}) offender.banned_until = until;
}

std::vector<Offender> FaultBook::all() const {
    std::vector<Offender> offenders;
    for (const auto& [peer, entry] : entries_) offenders.push_back(entry.offender);
    return offenders;
}

}  // namespace anode::mesh
