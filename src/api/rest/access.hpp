#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/rest/answer.hpp"
#include "api/rest/attempts.hpp"
#include "api/rest/sessions.hpp"
#include "api/rest/users.hpp"
#include "api/state_door.hpp"
#include "core/source/ip.hpp"

namespace anode::json {
class Value;
class Writer;
}  // namespace anode::json

/// Credentials: tokens and users, which are good on every node; tickets, sessions and the bootstrap token, which are good on
/// this one alone.
/// Source: interfaces, section 15.
namespace anode::api::rest {

/// A stored token. Of its secret only a digest is known.
struct Token {
    std::string id;  ///< ten characters
    std::string name;
    std::uint8_t roles = 0;  ///< bits, 1 << Role
    std::vector<std::string> topics;
    std::vector<std::string> networks;  ///< from where it may be used; empty: from everywhere
    WallTime created = 0;
    WallTime expires = 0;       ///< 0: never
    bool url_ok = false;        ///< may stand in `?token=`
    std::string secret_sha256;  ///< hex
};

/// The parts of a document that tokens and users share: `"roles":["S"],"topics":["a.>"]`.
Read<std::uint8_t> read_roles(const json::Value& list);
Read<std::vector<std::string>> read_topics(const json::Value& list);
void write_grants(json::Writer& out, std::uint8_t roles, const std::vector<std::string>& topics);
/// Whether these roles are bounded by topics and nothing else.
bool needs_topics(std::uint8_t roles);
/// A known caller with these roles; without topics all are covered.
Caller caller_with(std::string name, std::uint8_t roles, const std::vector<std::string>& topics);

/// What a request for a new token says.
Read<Token> read_token(BytesView json, WallTime now);
/// The document of a token; never its digest.
Bytes token_json(const Token& token, std::string_view secret_text = {});
/// As it is stored, digest included; and back.
Bytes encode_token(const Token& token);
std::optional<Token> decode_token(BytesView record);

/// What the cluster's state answered; it is waited for at most ten seconds.
Read<void> state_outcome(const std::optional<Result<void>>& answer);

/// Thread: any; looking a token up takes a lock for less than a microsecond. What changes tokens waits for the disk, so call it
///         on a worker.
/// Ownership: one per node, shared by the authenticator and the routes.
class Access {
public:
    static constexpr std::string_view kBootstrapId = "bootstrap", kUserPrefix = "user:";

    /// The credentials of the node behind these doors: the same object for all who ask while one holds it.
    static std::shared_ptr<Access> of(const Doors& doors);
    /// Without a state there are no tokens.
    explicit Access(ClusterState* state) : state_(state) {}
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

    void configure(bool require_token, std::string bootstrap_sha256);
    /// After how long without use, and after how long in all, a session ends.
    void set_session_ends(Duration idle, Duration most);
    [[nodiscard]] bool open() const;

    /// Who a token belongs to. `in_url`: it came in a query. `peer`: an address, or empty if unknown.
    Read<Caller> by_token(std::string_view token, bool in_url, std::string_view peer, WallTime now);
    Read<Caller> by_ticket(std::string_view ticket, WallTime now);
    /// Who has this session's cookie.
    std::optional<Caller> by_session(std::string_view secret, WallTime now);
    /// Whether what let a connection in still holds.
    [[nodiscard]] bool stands(const Credential& credential, WallTime now);
    /// Grows whenever a token changes or ends.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_.load(); }

    struct Ticket {
        std::string text;
        WallTime expires = 0;
    };
    /// None if too many are open.
    std::optional<Ticket> issue_ticket(const Caller& caller, WallTime now);

    struct Made {
        Token token;
        std::string text;  ///< the whole token, shown this once
    };
    Read<Made> create(Token wanted, WallTime now);
    Read<Made> rotate(std::string_view id, WallTime now);
    Read<Token> revoke(std::string_view id);
    [[nodiscard]] std::vector<Token> tokens() const;
    [[nodiscard]] std::optional<Token> token(std::string_view id) const;

    // -- people and their sessions: computes passwords, so call it on a worker --------------------------
    struct SignIn {
        std::string name, password;
        std::string peer;  ///< the client's address
    };
    struct SignedIn {
        Caller caller;
        std::string secret;  ///< of the cookie
    };
    /// Wrong names and wrong passwords cost the same and are answered alike; too many of them are 429.
    Read<SignedIn> sign_in(const SignIn& by, WallTime now, Instant mono);
    /// A session that stands on a token, as far as the token allows.
    Read<SignedIn> sign_in_with_token(std::string_view token, std::string_view peer, WallTime now);
    bool sign_out(std::string_view secret);
    [[nodiscard]] std::vector<User> users() const;
    [[nodiscard]] std::optional<User> user(std::string_view name) const;
    Read<User> put_user(UserWish wish, WallTime now);
    Read<User> remove_user(std::string_view name);

private:
    struct Pending {
        Caller caller;
        WallTime expires = 0;
    };
    struct Known {
        Token token;
        std::string fingerprint;  ///< of all that the token is
    };
    struct KnownUser {
        User user;
        std::string fingerprint;
    };
    static Caller caller_of(const Known& known);
    void learn(const std::string& id, const Bytes* record);
    void learn_user(const std::string& name, const Bytes* record);
    Read<Made> keep(Token token);
    [[nodiscard]] bool has_admin(WallTime now) const;
    [[nodiscard]] bool basis_stands(const Credential& basis, WallTime now) const;

    ClusterState* const state_;
    std::atomic<std::uint64_t> changes_{1};
    mutable std::mutex mutex_;  ///< guards everything below
    bool require_token_ = false;
    std::string bootstrap_sha256_;
    std::unordered_map<std::string, Known> tokens_;
    std::unordered_map<std::string, Pending> tickets_;
    std::unordered_map<std::string, KnownUser> users_;
    Sessions sessions_;
    Attempts attempts_;  ///< locks by itself
};

}  // namespace anode::api::rest
