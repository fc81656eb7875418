#include "interop/peer_member.hpp"

#include <cstdio>
#include <utility>

#include "runtime/random.hpp"

namespace anode::interop {
namespace {

using membership::Change;

std::string_view event_of(Change change) {
    switch (change) {
        case Change::Joined:
            return "join";
        case Change::Updated:
            return "update";
        case Change::Suspected:
            return "suspect";
        case Change::Refuted:
            return "refute";
        case Change::Died:
        case Change::Left:
            return "leave";
        case Change::Forgotten:
            return "forget";
    }
    return "unknown";
}

/// `[::1]:0` or `127.0.0.1:0`.
std::string host_port(const std::string& host, std::uint16_t port) {
    const bool bare = host.find(':') != std::string::npos && !host.starts_with('[');
    return (bare ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

GossipOptions options_of(const Flags& flags, const std::string& name) {
    GossipOptions options;
    options.config = flags.config;
    options.config.name = name;
    options.keys = flags.keys;
    options.listen = host_port(flags.bind, flags.port);
    if (!flags.advertise.empty())
        options.advertise = flags.advertise_port == 0
                                ? flags.advertise
                                : host_port(flags.advertise, flags.advertise_port);
    else if (flags.advertise_port != 0)
        options.advertise = host_port(flags.bind, flags.advertise_port);
    return options;
}

}  // namespace

PeerMember::PeerMember(std::string name, bool tagged, bool log, Events& events)
    : name_(std::move(name)), tagged_(tagged), log_(log), events_(events), rng_(seeded_rng()) {}

Result<std::unique_ptr<PeerMember>> PeerMember::open(Loop& loop, const Flags& flags,
                                                     std::string name, bool tagged,
                                                     Events& events) {
    std::unique_ptr<PeerMember> member(new PeerMember(name, tagged, flags.log, events));
    member->faults_.tcp = flags.tcp;
    GossipOptions options = options_of(flags, name);
    options.filter = [self = member.get()](const GossipPassage& passage) {
        return self->passes(passage);
    };
    auto driver = GossipDriver::open(
        loop, std::move(options),
        [self = member.get()](const membership::Output& output, const membership::Outbox&) {
            self->on_output(output);
        });
    if (!driver) return std::unexpected(driver.error());
    member->driver_ = std::move(*driver);
    return member;
}

membership::Member PeerMember::self() const {
    if (auto known = machine().member(name_)) return *std::move(known);
    membership::Member member;
    member.name = name_;
    member.address = driver_->advertised();
    member.meta = machine().config().meta;
    return member;
}

bool PeerMember::passes(const GossipPassage& passage) {
    using Way = GossipPassage::Way;
    if (passage.way == Way::Accept) return faults_.tcp;  // its other end has no port that tells it
    const bool cut = !faults_.blocked.empty() && faults_.blocked.contains(passage.peer.text());
    if (passage.way == Way::Dial) return faults_.tcp && !cut;
    const double loss = passage.way == Way::DatagramIn ? faults_.receive_loss : faults_.send_loss;
    const bool lost = cut || (loss > 0 && rng_.chance(loss));
    faults_.dropped += lost ? 1 : 0;
    return !lost;
}

Result<void> PeerMember::ask(membership::Input input) {
    warning_.clear();
    driver_->handle(std::move(input));
    if (warning_.empty()) return {};
    return fail(Errc::Refused, warning_);
}

void PeerMember::on_output(const membership::Output& output) {
    std::visit(
        [this](const auto& one) {
            if constexpr (requires { this->tell(one); }) this->tell(one);
        },
        output);
    std::erase_if(watches_, [&](Watch& watch) { return watch(output); });
}

void PeerMember::tell(std::string_view event, const Events::Fields& fields) {
    events_.tell(event, [&](json::Writer& out) {
        if (tagged_) out.member("self", name_);
        fields(out);
    });
}

void PeerMember::tell(const membership::MemberChanged& changed) {
    tell(event_of(changed.change), [&](json::Writer& out) {
        out.member("change", membership::name_of(changed.change)).key("node");
        write_member(out, changed.member);
    });
}

void PeerMember::tell(const membership::NameConflict& conflict) {
    tell("conflict", [&](json::Writer& out) {
        out.key("node");
        write_member(out, conflict.existing);
        out.key("other").begin_object();
        out.member("name", conflict.existing.name).member("addr", conflict.other.text());
        out.end_object();
    });
}

void PeerMember::tell(const membership::UserMessage& message) {
    tell("message", [&](json::Writer& out) { write_payload(out, message.payload); });
}

void PeerMember::tell(const membership::RemoteState& state) {
    tell("merge-remote-state", [&](json::Writer& out) {
        out.member("join", state.join);
        write_payload(out, state.state);
    });
}

void PeerMember::tell(const membership::RoundTrip& trip) {
    tell("ping", [&](json::Writer& out) {
        out.member("node", trip.name);
        out.member("rtt_us", static_cast<std::int64_t>(trip.rtt / 1us));
        write_payload(out, trip.payload);
    });
}

void PeerMember::tell(const membership::Notice& notice) {
    const bool warn = notice.level == membership::Notice::Level::Warn;
    std::string line(notice.what);
    if (notice.address.set()) line += " (" + notice.address.text() + ")";
    if (!notice.detail.empty()) line += ": " + notice.detail;
    if (warn) warning_ = line;
    if (log_)
        std::fprintf(stderr, "[%s] %s: %s\n", warn ? "WARN" : "INFO", name_.c_str(), line.c_str());
}

}  // namespace anode::interop
