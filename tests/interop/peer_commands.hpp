#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/json/json.hpp"
#include "interop/peer_member.hpp"

namespace anode {
class Loop;
}

namespace anode::interop {

/// One line of stdin. `member` (from 1) chooses one where a process has several.
struct Command {
    std::string id;  ///< as it stands, may be empty
    std::string name;
    std::string to, key;
    std::vector<std::string> contacts;
    Duration timeout = 5s;
    std::size_t member = 0;
    Result<Bytes> payload = fail(Errc::Malformed, "payload or payload_base64 is missing");
};

/// Carries out commands; each is answered by one `reply` event, some of them later than the next one.
/// Thread: the loop's.
class Commands {
public:
    using Members = std::vector<std::unique_ptr<PeerMember>>;
    Commands(Loop& loop, Members& members, Events& events, std::function<void()> quit)
        : loop_(loop), members_(members), events_(events), quit_(std::move(quit)) {}

    void line(const std::string& text);
    void join(Command command);
    /// All members say goodbye, then `then`.
    void leave_all(std::function<void()> then);

private:
    using Answer = Result<Events::Fields>;
    /// Looked at every now and then, and a last time when it is late. An answer ends it.
    using Poll = std::function<std::optional<Answer>(bool late)>;

    void run(const Command& command, const json::Value& line);
    PeerMember& member_of(const Command& command) { return *members_[command.member]; }
    void reply(const Command& command, const Answer& answer);
    void later(const Command& command, Poll poll);
    void look_again();

    Answer send(const Command& command);
    Answer store(const Command& command);
    Answer fault(const Command& command, const json::Value& line);
    Answer list(const Command& command);
    Answer stats(const Command& command);
    Answer keys(const Command& command);
    void change_keys(const Command& command);
    void leave(const Command& command);
    void ping(const Command& command);
    void broadcast(const Command& command);

    struct Waiting {
        Command command;
        Instant until;
        Poll poll;
    };
    Loop& loop_;
    Members& members_;
    Events& events_;
    std::function<void()> quit_;
    std::vector<Waiting> waiting_;
    std::uint64_t key_requests_ = 0;
    bool looking_ = false;
};

}  // namespace anode::interop
