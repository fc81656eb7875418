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
#include "api/state_door.hpp"
#include "core/source/ip.hpp"

/// Credentials: tokens, which are good on every node; tickets and the bootstrap token, which are good on this one alone.
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

/// What a request for a new token says.
Read<Token> read_token(BytesView json, WallTime now);
/// The document of a token; never its digest.
Bytes token_json(const Token& token, std::string_view secret_text = {});
/// As it is stored, digest included; and back.
Bytes encode_token(const Token& token);
std::optional<Token> decode_token(BytesView record);

/// Thread: any; looking a token up takes a lock for less than a microsecond. What changes tokens waits for the disk, so call it
///         on a worker.
/// Ownership: one per node, shared by the authenticator and the routes.
class Access {
public:
    /// The credentials of the node behind these doors: the same object for all who ask while one holds it.
    static std::shared_ptr<Access> of(const Doors& doors);
    /// Without a state there are no tokens.
    explicit Access(ClusterState* state) : state_(state) {}
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

    void configure(bool require_token, std::string bootstrap_sha256);
    [[nodiscard]] bool open() const;

    /// Who a token belongs to. `in_url`: it came in a query. `peer`: an address, or empty if unknown.
    Read<Caller> by_token(std::string_view token, bool in_url, std::string_view peer, WallTime now);
    Read<Caller> by_ticket(std::string_view ticket, WallTime now);
    /// Whether what let a connection in still holds.
    [[nodiscard]] bool stands(const Credential& credential, WallTime now) const;
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

private:
    struct Pending {
        Caller caller;
        WallTime expires = 0;
    };
    struct Known {
        Token token;
        std::string fingerprint;  ///< of all that the token is
    };
    static Caller caller_of(const Known& known);
    void learn(const std::string& id, const Bytes* record);
    Read<Made> keep(Token token);
    [[nodiscard]] bool has_admin(WallTime now) const;

    ClusterState* const state_;
    std::atomic<std::uint64_t> changes_{1};
    mutable std::mutex mutex_;  ///< guards everything below
    bool require_token_ = false;
    std::string bootstrap_sha256_;
    std::unordered_map<std::string, Known> tokens_;
    std::unordered_map<std::string, Pending> tickets_;
};

}  // namespace anode::api::rest
