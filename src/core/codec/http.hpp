#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

/// Strict HTTP/1.1, sans-IO: request heads, bodies, and the response heads that a WebSocket client
/// sees. Why not Boost.Beast's parser: it takes several forms that other servers read differently
/// (repeated equal lengths, bare line feeds, folded lines, codings beside chunked, chunk
/// extensions, trailers merged into the header), and a request that two programs in a row read
/// differently is how requests are smuggled. Here anything doubtful is refused. Errors:  a Refusal
/// carries the status to answer; the connection must then be closed. Limits:  interfaces,
/// section 16. Deadlines (408) belong to whoever owns the clock. Source:  RFC 9112 (HTTP/1.1), RFC
/// 9110 (semantics).
namespace anode::http {

struct Refusal {
    int status = 400;
    std::string_view why;  ///< a literal
};

struct Limits {
    std::size_t head_bytes_max = 16 * 1024;  ///< start line and headers; over it 431
    std::size_t headers_max = 100;           ///< over it 431
};

struct Header {
    std::string name;  ///< in lower case
    std::string value;
};

/// Headers in the order they came.
class Headers {
public:
    /// The first value under this lower-case name.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
        return find(name).value_or("");
    }
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
    /// All values under this name, joined by `, `: one list (RFC 9110, section 5.3).
    [[nodiscard]] std::string joined(std::string_view name) const;
    /// Does the comma list under this name hold `token`, case aside?
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept;

    [[nodiscard]] const std::vector<Header>& all() const noexcept { return all_; }
    void add(std::string name, std::string value) {
        all_.push_back({std::move(name), std::move(value)});
    }

private:
    std::vector<Header> all_;
};

/// How a body is framed.
enum class Framing : std::uint8_t { None, Length, Chunked, UntilClose /* responses only */ };

struct RequestHead {
    std::string method;  ///< as sent; methods are case-sensitive
    std::string target;  ///< as sent
    std::string path;    ///< as sent, without the query; `*` for OPTIONS *
    std::vector<std::string>
        segments;       ///< of the path, percent-decoded UTF-8: `/v1/a%2Fb/` is {"v1", "a/b", ""}
    std::string query;  ///< as sent, without `?`
    std::vector<std::pair<std::string, std::string>>
        parameters;  ///< of the query, form-decoded, in order
    Headers headers;
    int minor_version = 1;   ///< HTTP/1.0 or 1.1
    bool keep_alive = true;  ///< may another request follow on this connection?
    bool expect_continue = false;
    Framing framing = Framing::None;
    std::uint64_t content_length = 0;

    /// The first parameter of this name.
    [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

enum class Progress : std::uint8_t { More, Done, Refused };

/// Reads one request head. Make a new one for every request of a connection.
class RequestReader {
public:
    explicit RequestReader(const Limits& limits = {}) : limits_(limits) {}

    /// Uses `input` up to the end of the head; what is left belongs to the body or to the next
    /// request. Control bytes and bare line ends are refused when they arrive, not when the head is
    /// complete.
    Progress read(BytesView& input);

    [[nodiscard]] RequestHead& head() noexcept { return head_; }  ///< after Done
    [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
    [[nodiscard]] bool begun() const noexcept { return !buffer_.empty(); }

private:
    Limits limits_;
    Bytes buffer_;
    std::size_t lines_ = 0;
    RequestHead head_;
    Refusal refusal_;
};

/// Decodes a body as it arrives: fixed length, or chunked without extensions and trailers.
class BodyReader {
public:
    /// `bytes_max` of decoded body; over it 413, for a declared length at the first read().
    BodyReader(Framing framing, std::uint64_t content_length, std::uint64_t bytes_max) noexcept;

    /// Uses `input` up to the end of the body and appends what it held to `out`.
    Progress read(BytesView& input, Bytes& out);

    [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_; }

private:
    enum class State : std::uint8_t {
        Size,
        SizeEnd,
        Data,
        DataCr,
        DataLf,
        LastCr,
        LastLf,
        Rest,
        Done,
        Refused
    };
    Progress refuse(int status, std::string_view why) noexcept;
    Progress step(char byte) noexcept;

    std::uint64_t bytes_max_;
    std::uint64_t left_ = 0;
    std::uint64_t total_ = 0;
    Refusal refusal_;
    Framing framing_;
    State state_;
    std::uint8_t digits_ = 0;
};

struct ResponseHead {
    int status = 0;
    std::string reason;
    Headers headers;
    int minor_version = 1;
    Framing framing = Framing::UntilClose;
    std::uint64_t content_length = 0;
};

/// Reads the answer to a WebSocket handshake: the head and, unless it is 101, the beginning of the
/// body, which may say why.
class ResponseReader {
public:
    explicit ResponseReader(const Limits& limits = {}, std::size_t body_bytes_max = 4096)
        : limits_(limits), body_bytes_max_(body_bytes_max) {}

    /// After Done with 101, what is left of `input` are the first frames.
    Progress read(BytesView& input);
    /// The server closed: a body that ends there is Done.
    Progress closed();

    [[nodiscard]] const ResponseHead& head() const noexcept { return head_; }
    [[nodiscard]] BytesView body() const noexcept { return body_; }  ///< cut at body_bytes_max
    [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }

private:
    Limits limits_;
    std::size_t body_bytes_max_;
    Bytes buffer_;
    std::size_t lines_ = 0;
    ResponseHead head_;
    std::optional<BodyReader> body_reader_;
    Bytes body_;
    Refusal refusal_;
};

/// `OK`, `Not Found`, …; empty for a status we never use.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace anode::http
