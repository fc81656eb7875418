#include <algorithm>
#include <array>

#include "api/rest/access.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/message/cursor.hpp"

/// Tokens as JSON: what clients ask for, what they see, what is stored.
namespace anode::api::rest {

namespace {

struct Letter {
    char letter;
    Role role;
};
constexpr std::array kLetters{Letter{'V', Role::Viewer}, Letter{'S', Role::Subscriber},
                              Letter{'P', Role::Publisher}, Letter{'O', Role::Operator},
                              Letter{'A', Role::Admin}};
constexpr std::size_t kNameBytesMax = 128, kPatternsMax = 64, kNetworksMax = 64;

std::uint8_t bit(Role role) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role)); }

std::optional<std::uint8_t> role_bit(std::string_view text) {
    for (const Letter& one : kLetters)
        if (text.size() == 1 && text[0] == one.letter) return bit(one.role);
    return std::nullopt;
}

Read<void> read_texts(const json::Value& list, std::string_view name, std::size_t max,
                      std::vector<std::string>& out, bool (*good)(const std::string&)) {
    if (!list.is_array() || list.size() > max)
        return refuse_member(name, "a list of texts is expected");
    std::size_t index = 0;
    for (json::Value v = list.first(); v; v = v.next_in(list), ++index) {
        std::string text = v.string();
        if (!v.is_string() || !good(text))
            return refuse_member(std::string(name) + "/" + std::to_string(index), "is not valid");
        out.push_back(std::move(text));
    }
    return {};
}

/// Reads the members one by one; the first that is wrong ends it.
class TokenReader {
public:
    TokenReader(Token& token, WallTime now) : token_(token), now_(now) {}

    Read<void> member(const json::Value& v) {
        if (v.is_named("name")) {
            token_.name = v.string();
            if (token_.name.empty() || token_.name.size() > kNameBytesMax)
                return refuse_member("name", "1 to 128 bytes are expected");
        } else if (v.is_named("roles")) {
            auto roles = read_roles(v);
            if (!roles) return refuse(std::move(roles.error()));
            token_.roles = *roles;
        } else if (v.is_named("topics")) {
            auto topics = read_topics(v);
            if (!topics) return refuse(std::move(topics.error()));
            token_.topics = std::move(*topics);
        } else if (v.is_named("networks")) {
            return read_texts(v, "networks", kNetworksMax, token_.networks,
                              [](const std::string& t) { return IpNetwork::parse(t).has_value(); });
        } else if (v.is_named("expires")) {
            return expires(v);
        } else if (v.is_named("url_ok")) {
            const auto flag = v.boolean();
            if (!flag) return refuse_member("url_ok", "true or false is expected");
            token_.url_ok = *flag;
        } else {
            return refuse_member(v.name(), "unknown member");
        }
        return {};
    }

private:
    /// A time, or an age from now such as `30d`.
    Read<void> expires(const json::Value& v) {
        if (v.is_null()) return {};
        const std::string text = v.scalar().value_or("");
        if (const auto life = text::parse_duration(text); life && v.is_string()) {
            token_.expires =
                now_ + std::chrono::duration_cast<std::chrono::microseconds>(*life).count();
            return {};
        }
        const auto time = parse_time(text, now_);
        if (!time || *time <= 0)
            return refuse_member("expires", "a time or a duration is expected");
        token_.expires = *time;
        return {};
    }

    Token& token_;
    WallTime now_;
};

void write_token(json::Writer& out, const Token& token) {
    out.member("id", token.id).member("name", token.name);
    write_grants(out, token.roles, token.topics);
    out.key("networks").begin_array();
    for (const std::string& network : token.networks) out.value(network);
    out.end_array().member("url_ok", token.url_ok);
}

void write_time(json::Writer& out, std::string_view name, WallTime at) {
    out.key(name);
    if (at == 0)
        out.null();
    else
        out.value(text::rfc3339(at));
}

}  // namespace

Read<std::uint8_t> read_roles(const json::Value& list) {
    std::uint8_t roles = 0;
    if (!list.is_array()) return refuse_member("roles", "a list such as [\"S\"] is expected");
    for (json::Value v = list.first(); v; v = v.next_in(list)) {
        const auto role = role_bit(v.string());
        if (!role) return refuse_member("roles", "known are V, S, P, O, A");
        roles |= *role;
    }
    return roles;
}

Read<std::vector<std::string>> read_topics(const json::Value& list) {
    std::vector<std::string> topics;
    auto read = read_texts(list, "topics", kPatternsMax, topics,
                           [](const std::string& t) { return check_pattern(t).has_value(); });
    if (!read) return refuse(std::move(read.error()));
    return topics;
}

void write_grants(json::Writer& out, std::uint8_t roles, const std::vector<std::string>& topics) {
    out.key("roles").begin_array();
    for (const Letter& one : kLetters)
        if ((roles & bit(one.role)) != 0) out.value(std::string_view(&one.letter, 1));
    out.end_array().key("topics").begin_array();
    for (const std::string& topic : topics) out.value(topic);
    out.end_array();
}

bool needs_topics(std::uint8_t roles) {
    const unsigned bounded = bit(Role::Subscriber) | bit(Role::Publisher);
    const unsigned over_all = bit(Role::Operator) | bit(Role::Admin);
    return (roles & bounded) != 0 && (roles & over_all) == 0;
}

Read<Token> read_token(BytesView json, WallTime now) {
    json::Document document;
    if (const auto parsed = document.parse(json); !parsed)
        return refuse(Problem::bad_json(parsed.error().what));
    const json::Value root = document.root();
    if (!root.is_object()) return refuse(Problem::invalid("an object is expected"));
    Token token;
    TokenReader reader(token, now);
    for (json::Value v = root.first(); v; v = v.next_in(root))
        if (auto read = reader.member(v); !read) return refuse(std::move(read.error()));
    if (token.name.empty()) return refuse_member("name", "is required");
    if (token.roles == 0) return refuse_member("roles", "is required");
    if (token.topics.empty() && needs_topics(token.roles))
        return refuse_member("topics", "is required for the roles S and P");
    if (token.url_ok && token.roles != bit(Role::Subscriber))
        return refuse_member("url_ok", "a token for URLs may hold the role S alone");
    return token;
}

Bytes token_json(const Token& token, std::string_view secret_text) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    write_token(out, token);
    write_time(out, "created", token.created);
    write_time(out, "expires", token.expires);
    if (!secret_text.empty()) out.member("token", secret_text);
    out.end_object();
    return json;
}

Bytes encode_token(const Token& token) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    write_token(out, token);
    out.member("created", token.created).member("expires", token.expires);
    out.member("sha256", token.secret_sha256).end_object();
    return json;
}

std::optional<Token> decode_token(BytesView record) {
    json::Document document;
    if (!document.parse(record)) return std::nullopt;
    const json::Value root = document.root();
    Token token;
    token.id = root["id"].string();
    token.name = root["name"].string();
    token.secret_sha256 = root["sha256"].string();
    token.created = root["created"].integer().value_or(0);
    token.expires = root["expires"].integer().value_or(0);
    token.url_ok = root["url_ok"].boolean().value_or(false);
    const json::Value roles = root["roles"], topics = root["topics"], networks = root["networks"];
    for (json::Value v = roles.first(); v; v = v.next_in(roles))
        token.roles |= role_bit(v.string()).value_or(0);
    for (json::Value v = topics.first(); v; v = v.next_in(topics))
        token.topics.push_back(v.string());
    for (json::Value v = networks.first(); v; v = v.next_in(networks))
        token.networks.push_back(v.string());
    if (token.id.empty() || token.secret_sha256.empty()) return std::nullopt;
    return token;
}

}  // namespace anode::api::rest
