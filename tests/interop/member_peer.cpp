// anode-member-peer is one member of ours, or many, that a test drives through JSON lines: commands on stdin, replies and
// events on stdout, notices on stderr. Commands, events and flags are those of the Go peer, so that one test drives both.
//
// The process ends without a leave on {"cmd":"quit"} and at the end of stdin, and with a leave on SIGTERM or SIGINT.

#include <unistd.h>

#include <cstdio>
#include <future>
#include <iostream>
#include <string>

#include "interop/peer_commands.hpp"
#include "interop/peer_flags.hpp"
#include "interop/peer_member.hpp"
#include "runtime/loop.hpp"
#include "runtime/signals.hpp"

namespace {

using namespace anode;
using namespace anode::interop;

Result<Commands::Members> open_members(Loop& loop, const Flags& flags, Events& events) {
    Commands::Members members;
    for (unsigned i = 1; i <= flags.members; ++i) {
        const bool several = flags.members > 1;
        Flags own = flags;
        own.port = flags.port == 0 ? 0 : static_cast<std::uint16_t>(flags.port + i - 1);
        const std::string name = flags.config.name + (several ? "-" + std::to_string(i) : "");
        auto member = PeerMember::open(loop, own, name, several, events);
        if (!member) return std::unexpected(member.error());
        members.push_back(std::move(*member));
    }
    return members;
}

void tell_ready(Commands::Members& members, Events& events) {
    events.tell("ready", [&](json::Writer& out) {
        out.member("pid", static_cast<std::int64_t>(::getpid())).key("node");
        write_member(out, members.front()->self());
        if (members.size() == 1) return;
        out.key("nodes").begin_array();
        for (const auto& member : members) write_member(out, member->self());
        out.end_array();
    });
}

/// All start; each knows the first one, and the first one the contacts of the command line.
void begin(Commands::Members& members, const Flags& flags, Commands& commands, Events& events) {
    for (const auto& member : members) {
        if (!flags.state.empty()) member->driver().handle(membership::SetUserState{flags.state});
        member->driver().start();
    }
    tell_ready(members, events);
    for (std::size_t i = 1; i < members.size(); ++i)
        members[i]->driver().handle(
            membership::JoinContact{members.front()->driver().advertised().text()});
    if (flags.contacts.empty()) return;
    Command join;
    join.name = "join";
    join.contacts = flags.contacts;
    commands.join(std::move(join));
}

int run(const Flags& flags) {
    Loop loop({.name = "member"});
    std::function<void()> leave;
    const auto signals = Signals::start(loop, [&leave](int) {  // before any other thread
        if (leave) leave();
    });
    Events* const events = new Events;  // it outlives all that may still tell something
    auto members = open_members(loop, flags, *events);
    if (!signals || !members) {
        const Error& error = signals ? members.error() : signals.error();
        std::fprintf(stderr, "anode-member-peer: %s\n", error.what.c_str());
        return 1;
    }
    const auto end = [events] {
        events->close();
        ::_exit(0);
    };
    Commands commands(loop, *members, *events, end);
    leave = [&commands, end] { commands.leave_all(end); };
    loop.post([&] { begin(*members, flags, commands, *events); });
    loop.start();
    std::cin.tie(nullptr);  // or reading would wait for a reader of ours that is slow
    for (std::string line; std::getline(std::cin, line);)
        if (!line.empty()) loop.post([&commands, line] { commands.line(line); });
    loop.post(end);
    loop.join();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto flags = parse_flags({argv + 1, static_cast<std::size_t>(argc - 1)});
    if (flags && !flags->help) return run(*flags);
    if (flags) return std::fputs(help_text().c_str(), stdout), 0;
    std::fprintf(stderr, "anode-member-peer: %s\n%s", flags.error().what.c_str(),
                 help_text().c_str());
    return 2;
}
