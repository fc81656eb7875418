#include "interop/peer_commands.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "core/membership/contact.hpp"
#include "runtime/loop.hpp"

namespace anode::interop {
namespace {

using membership::MemberState;

constexpr Duration kLookEvery = 10ms;
const Events::Fields kNothing = [](json::Writer&) {};

Result<Bytes> payload_of(const json::Value& line) {
    const auto text = line["payload"], base64 = line["payload_base64"];
    if (text.is_string() && base64.is_string())
        return fail(Errc::Malformed, "payload and payload_base64 exclude each other");
    if (text.is_string()) return text.string();
    if (!base64.is_string()) return fail(Errc::Malformed, "payload or payload_base64 is missing");
    const auto bytes = text::from_base64(base64.string());
    if (!bytes) return fail(Errc::Malformed, "payload_base64 is no base64");
    return *bytes;
}

Command parse_command(const json::Value& line) {
    Command command;
    command.id = line["id"].raw();
    command.name = line["cmd"].string();
    command.to = line["to"].string();
    command.key = line["key"].string();
    const auto contacts = line["contacts"];
    for (auto one = contacts.first(); one; one = one.next_in(contacts))
        command.contacts.push_back(one.string());
    if (const auto timeout = line["timeout_ms"].integer())
        command.timeout = std::chrono::milliseconds(*timeout);
    if (const auto member = line["member"].integer(); member && *member > 0)
        command.member = static_cast<std::size_t>(*member - 1);
    command.payload = payload_of(line);
    return command;
}

bool here(const membership::Member& member) {
    return member.state == MemberState::Alive || member.state == MemberState::Suspect;
}

/// A member by its name or by its `host:port`.
std::optional<membership::Member> find(const membership::Membership& machine,
                                       const std::string& to) {
    if (auto named = machine.member(to); named && here(*named)) return named;
    const auto address = membership::Address::parse(to);
    if (!address) return std::nullopt;
    for (membership::Member& one : machine.members())
        if (here(one) && one.address.same_socket(*address)) return std::move(one);
    return std::nullopt;
}

bool reached(PeerMember& member, const std::string& contact) {
    const auto parsed = membership::parse_contact(contact, member.driver().bound().port);
    return parsed && parsed->literal && find(member.machine(), parsed->literal->text());
}

std::int64_t microseconds(const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; }

}  // namespace

void Commands::line(const std::string& text) {
    json::Document document;
    const auto parsed = document.parse(text);
    Command command;
    if (!parsed) return reply(command, std::unexpected(parsed.error()));
    command = parse_command(document.root());
    if (command.member >= members_.size())
        return reply(command, fail(Errc::NotFound, "there are not so many members here"));
    run(command, document.root());
}

void Commands::run(const Command& command, const json::Value& line) {
    const std::string& name = command.name;
    if (name == "join") return join(command);
    if (name == "leave") return leave(command);
    if (name == "ping") return ping(command);
    if (name == "broadcast") return broadcast(command);
    if (name == "add-key" || name == "use-key" || name == "remove-key") return change_keys(command);
    if (name == "keys") return reply(command, keys(command));
    if (name == "members") return reply(command, list(command));
    if (name == "stats") return reply(command, stats(command));
    if (name == "fault") return reply(command, fault(command, line));
    if (name == "update-meta" || name == "set-state" || name == "set-ack-payload")
        return reply(command, store(command));
    if (name == "send-reliable" || name == "send-best-effort") return reply(command, send(command));
    if (name == "quit") {
        reply(command, kNothing);
        return quit_();
    }
    reply(command, fail(Errc::Unsupported, "unknown command \"" + name + "\""));
}

void Commands::reply(const Command& command, const Answer& answer) {
    events_.tell("reply", [&](json::Writer& out) {
        if (answer) (*answer)(out);
        out.member("cmd", command.name).member("ok", answer.has_value());
        if (!command.id.empty()) out.key("id").raw(command.id);
        if (!answer) out.member("error", answer.error().what);
    });
}

// -- answers that come later ---------------------------------------------------------------------

void Commands::later(const Command& command, Poll poll) {
    waiting_.push_back({command, loop_.now().mono + command.timeout, std::move(poll)});
    if (std::exchange(looking_, true)) return;
    loop_.after(Duration::zero(), [this] { look_again(); });
}

void Commands::look_again() {
    const Instant now = loop_.now().mono;
    std::erase_if(waiting_, [&](Waiting& one) {
        const auto answer = one.poll(now >= one.until);
        if (answer) reply(one.command, *answer);
        return answer.has_value();
    });
    looking_ = !waiting_.empty();
    if (looking_) loop_.after(kLookEvery, [this] { look_again(); });
}

/// The machine goes on trying for ever; the reply tells how the first turn went.
void Commands::join(Command command) {
    PeerMember& member = member_of(command);
    const auto counters = member.machine().counters();
    const auto joins = counters.joins, failures = counters.push_pull_failures;
    for (const std::string& contact : command.contacts)
        if (const auto asked = member.ask(membership::JoinContact{contact}); !asked)
            return reply(command, std::unexpected(asked.error()));
    command.timeout = std::max<Duration>(command.timeout, 12s);
    later(command, [=, &member, wanted = command.contacts](bool late) -> std::optional<Answer> {
        const auto& now = member.machine().counters();
        const auto known = static_cast<std::uint64_t>(std::ranges::count_if(
            wanted, [&](const std::string& contact) { return reached(member, contact); }));
        const std::uint64_t contacted = std::max<std::uint64_t>(known, now.joins - joins);
        const std::uint64_t answered = contacted + now.push_pull_failures - failures;
        if (!late && answered < wanted.size()) return std::nullopt;
        if (contacted == 0 && !wanted.empty())
            return fail(Errc::Closed, late ? "no contact answers" : "the contact refuses us");
        return Events::Fields(
            [contacted](json::Writer& out) { out.member("contacted", contacted); });
    });
}

void Commands::leave(const Command& command) {
    PeerMember& member = member_of(command);
    const auto left = std::make_shared<bool>(false);
    member.watch([left](const membership::Output& output) {
        return *left = std::holds_alternative<membership::HasLeft>(output);
    });
    if (const auto asked = member.ask(membership::Leave{}); !asked)
        return reply(command, std::unexpected(asked.error()));
    later(command, [left](bool late) -> std::optional<Answer> {
        if (*left) return kNothing;
        if (late) return fail(Errc::Timeout, "the farewell is not gossiped yet");
        return std::nullopt;
    });
}

void Commands::leave_all(std::function<void()> then) {
    const auto left = std::make_shared<std::size_t>(0);
    const auto done = std::make_shared<std::function<void()>>(std::move(then));
    loop_.after(5s, [done] { (*done)(); });
    for (const auto& member : members_) {
        member->watch([=, this, all = members_.size()](const membership::Output& output) {
            if (!std::holds_alternative<membership::HasLeft>(output)) return false;
            if (++*left == all) loop_.defer([done] { (*done)(); });
            return true;
        });
        member->driver().handle(membership::Leave{});
    }
}

/// Telling the machine that a link was lost makes it ask the member at once.
void Commands::ping(const Command& command) {
    PeerMember& member = member_of(command);
    const auto target = find(member.machine(), command.to);
    if (!target) return reply(command, fail(Errc::NotFound, "no such member: " + command.to));
    const auto rtt = std::make_shared<std::optional<Duration>>();
    member.watch([rtt, name = target->name](const membership::Output& output) {
        const auto* const trip = std::get_if<membership::RoundTrip>(&output);
        if (trip == nullptr || trip->name != name) return false;
        *rtt = trip->rtt;
        return true;
    });
    member.driver().handle(membership::LinkLost{target->name});
    later(command, [rtt](bool late) -> std::optional<Answer> {
        if (!rtt->has_value() && late) return fail(Errc::Timeout, "no answer");
        if (!rtt->has_value()) return std::nullopt;
        return Events::Fields([time = **rtt](json::Writer& out) {
            out.member("rtt_us", static_cast<std::int64_t>(time / 1us));
        });
    });
}

/// `broadcast-sent` comes once nothing waits to be gossiped any more.
void Commands::broadcast(const Command& command) {
    PeerMember& member = member_of(command);
    if (!command.payload) return reply(command, std::unexpected(command.payload.error()));
    const auto asked = member.ask(membership::Broadcast{*command.payload});
    if (!asked) return reply(command, std::unexpected(asked.error()));
    reply(command, kNothing);
    const auto again = std::make_shared<std::function<void()>>();
    *again = [this, &member, again, id = command.id, bytes = command.payload->size()] {
        if (member.machine().counters().queue > 0)
            return static_cast<void>(loop_.after(kLookEvery, *again));
        events_.tell("broadcast-sent", [&](json::Writer& out) {
            out.member("bytes", static_cast<std::uint64_t>(bytes));
            if (!id.empty()) out.key("id").raw(id);
        });
        loop_.defer([again] { *again = {}; });
    };
    (*again)();
}

void Commands::change_keys(const Command& command) {
    PeerMember& member = member_of(command);
    if (member.machine().keys().empty())
        return reply(command, fail(Errc::Conflict, "started without -key: no key ring"));
    const auto key = parse_key(command.key);
    if (!key) return reply(command, std::unexpected(key.error()));
    const std::uint64_t id = ++key_requests_;
    const auto report = std::make_shared<std::optional<Result<void>>>();
    member.watch([=](const membership::Output& output) {
        const auto* const seen = std::get_if<membership::KeyReport>(&output);
        if (seen == nullptr || seen->id != id) return false;
        *report = seen->done;
        return true;
    });
    membership::KeyRequest request{
        .id = id, .op = membership::KeyOp::Install, .key = *key, .fingerprint = {}};
    if (command.name != "add-key") {
        request.op = command.name == "use-key" ? membership::KeyOp::Use : membership::KeyOp::Remove;
        request.key.clear();
        request.fingerprint = membership::KeyRing::fingerprint(*key);
    }
    member.driver().handle(std::move(request));
    Command patient = command;
    patient.timeout = std::max<Duration>(command.timeout, 20s);
    later(patient, [this, report, patient](bool late) -> std::optional<Answer> {
        if (!report->has_value() && !late) return std::nullopt;
        if (!report->has_value()) return fail(Errc::Timeout, "no report of the key ring");
        if (!**report) return std::unexpected((*report)->error());
        return keys(patient);
    });
}

// -- answers at once -----------------------------------------------------------------------------

Commands::Answer Commands::keys(const Command& command) {
    const auto all = member_of(command).machine().keys().keys();
    if (all.empty()) return fail(Errc::Conflict, "started without -key: no key ring");
    return Events::Fields([all](json::Writer& out) {
        out.key("keys").begin_array();
        for (const Bytes& key : all) out.value(text::base64(key));
        out.end_array();
    });
}

Commands::Answer Commands::send(const Command& command) {
    if (!command.payload) return std::unexpected(command.payload.error());
    PeerMember& member = member_of(command);
    const auto target = find(member.machine(), command.to);
    if (!target) return fail(Errc::NotFound, "no such member: " + command.to);
    const auto asked =
        member.ask(membership::SendUser{.to = target->name,
                                        .payload = *command.payload,
                                        .reliable = command.name == "send-reliable"});
    if (!asked) return std::unexpected(asked.error());
    return kNothing;
}

Commands::Answer Commands::store(const Command& command) {
    if (!command.payload) return std::unexpected(command.payload.error());
    PeerMember& member = member_of(command);
    Result<void> asked;
    if (command.name == "update-meta")
        asked = member.ask(membership::SetMeta{*command.payload});
    else if (command.name == "set-state")
        asked = member.ask(membership::SetUserState{*command.payload});
    else
        asked = member.ask(membership::SetAckPayload{*command.payload});
    if (!asked) return std::unexpected(asked.error());
    return kNothing;
}

Commands::Answer Commands::fault(const Command& command, const json::Value& line) {
    Faults wanted = member_of(command).faults();
    for (const auto& [name, loss] : {std::pair{"send_loss", &wanted.send_loss},
                                     std::pair{"receive_loss", &wanted.receive_loss}}) {
        const auto number = line[name].number();
        if (!number) continue;
        if (*number < 0 || *number > 1) return fail(Errc::Malformed, "a loss is within 0 to 1");
        *loss = *number;
    }
    if (const auto tcp = line["tcp"].boolean()) wanted.tcp = *tcp;
    if (const auto block = line["block"]; block.is_array()) {
        wanted.blocked.clear();
        for (auto one = block.first(); one; one = one.next_in(block))
            wanted.blocked.insert(one.string());
    }
    member_of(command).faults() = wanted;
    return kNothing;
}

Commands::Answer Commands::list(const Command& command) {
    PeerMember& member = member_of(command);
    return Events::Fields([&member](json::Writer& out) {
        out.member("self", member.machine().config().name).key("members").begin_array();
        for (const membership::Member& one : member.machine().members())
            if (here(one)) write_member(out, one);
        out.end_array();
    });
}

/// Sums over all members of this process; what belongs to one is that of the chosen one.
Commands::Answer Commands::stats(const Command& command) {
    GossipTraffic sum;
    std::uint64_t dropped = 0, refused = 0, suspicions = 0, refutations = 0;
    for (const auto& member : members_) {
        const GossipTraffic& one = member->driver().traffic();
        sum.datagrams_in += one.datagrams_in, sum.datagrams_out += one.datagrams_out;
        sum.datagram_bytes_in += one.datagram_bytes_in;
        sum.datagram_bytes_out += one.datagram_bytes_out;
        sum.datagrams_lost_in += one.datagrams_lost_in;
        sum.datagrams_lost_out += one.datagrams_lost_out;
        sum.receive_calls += one.receive_calls, sum.send_calls += one.send_calls;
        sum.dials += one.dials, sum.accepts += one.accepts;
        dropped += member->faults().dropped;
        const membership::Counters& counters = member->machine().counters();
        for (const std::uint64_t count : counters.dropped) refused += count;
        suspicions += counters.suspicions, refutations += counters.refutations;
    }
    const auto& machine = member_of(command).machine();
    const auto health = machine.counters().health_score, queue = machine.counters().queue;
    const auto stalls = machine.counters().stalls;
    const std::uint64_t alive = machine.alive(), view = machine.view_hash();
    return Events::Fields([=](json::Writer& out) {
        rusage used{};
        ::getrusage(RUSAGE_SELF, &used);
        out.member("packets_out", sum.datagrams_out).member("bytes_out", sum.datagram_bytes_out);
        out.member("packets_in", sum.datagrams_in).member("bytes_in", sum.datagram_bytes_in);
        out.member("packets_dropped", dropped).member("refused_by_machine", refused);
        out.member("packets_lost_in", sum.datagrams_lost_in);
        out.member("packets_lost_out", sum.datagrams_lost_out);
        out.member("receive_calls", sum.receive_calls).member("send_calls", sum.send_calls);
        out.member("dials", sum.dials).member("accepts", sum.accepts);
        out.member("suspicions", suspicions).member("refutations", refutations);
        out.member("health_score", health).member("members", alive).member("queued", queue);
        out.member("stalls", stalls).member("view_hash", std::to_string(view));
        out.member("cpu_user_us", microseconds(used.ru_utime));
        out.member("cpu_system_us", microseconds(used.ru_stime));
        out.member("rss_max_kib", std::int64_t{used.ru_maxrss});
    });
}

}  // namespace anode::interop
