#include "app/cluster/forward_frames.hpp"

#include "base/varint.hpp"

namespace anode::app::forward_frames {

namespace {

using api::ForwardedAnswer;
using api::ForwardedRequest;
using Pairs = ForwardedRequest::Pairs;

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kPairsMax = 256;

void put_text(Bytes& out, BytesView text) {
    put_varint(out, text.size());
    out.append(text);
}

void put_pairs(Bytes& out, const Pairs& pairs) {
    put_varint(out, pairs.size());
    for (const auto& [name, value] : pairs) {
        put_text(out, name);
        put_text(out, value);
    }
}

/// Getters that note a failure instead of returning it, so that a structure reads like its shape.
class Reader {
public:
    explicit Reader(BytesView bytes) : in_(bytes) {}

    std::uint64_t number() { return in_.varint().value_or(0); }
    std::string text() { return std::string(in_.lp().value_or(BytesView{})); }
    Pairs pairs() {
        Pairs all;
        const std::uint64_t count = number();
        if (count > kPairsMax) bad_ = true;
        for (std::uint64_t i = 0; i < count && good(); ++i) {
            std::string name = text();
            all.emplace_back(std::move(name), text());
        }
        return all;
    }
    void refuse() { bad_ = true; }
    [[nodiscard]] bool good() const { return !bad_ && !in_.failed(); }
    [[nodiscard]] bool whole() const { return good() && in_.at_end(); }

private:
    ByteReader in_;
    bool bad_ = false;
};

void put_caller(Bytes& out, const api::Caller& caller) {
    put_text(out, caller.name);
    put_varint(out, caller.authenticated ? 1 : 0);
    put_varint(out, caller.roles);
    put_varint(out, caller.all_topics ? 1 : 0);
    put_text(out, caller.topics.text());
    put_varint(out, static_cast<std::uint64_t>(caller.expires));
}

api::Caller read_caller(Reader& in) {
    api::Caller caller;
    caller.name = in.text();
    caller.authenticated = in.number() != 0;
    caller.roles = static_cast<std::uint8_t>(in.number());
    caller.all_topics = in.number() != 0;
    const std::string patterns = in.text();
    if (!patterns.empty()) {
        auto set = PatternSet::parse(patterns, 1024);
        if (set)
            caller.topics = std::move(*set);
        else
            in.refuse();  // rather no answer than one for other topics
    }
    caller.expires = static_cast<WallTime>(in.number());
    return caller;
}

std::optional<ForwardedRequest> read_request(BytesView bytes) {
    Reader in(bytes);
    ForwardedRequest request;
    if (in.number() != kVersion) return std::nullopt;
    const auto method = api::parse_method(in.text());
    request.target = in.text();
    request.path = in.text();
    request.query = in.pairs();
    request.headers = in.pairs();
    request.content_type = in.text();
    request.id = in.text();
    request.peer = in.text();
    request.caller = read_caller(in);
    request.body = in.text();
    if (!method || !in.whole() || request.body.size() > api::kForwardedRequestMax)
        return std::nullopt;
    request.method = *method;
    return request;
}

}  // namespace

Bytes encode_request(std::uint64_t id, const ForwardedRequest& request) {
    Bytes out;
    put_varint(out, id);
    put_varint(out, kVersion);
    put_text(out, api::name(request.method));
    put_text(out, request.target);
    put_text(out, request.path);
    put_pairs(out, request.query);
    put_pairs(out, request.headers);
    put_text(out, request.content_type);
    put_text(out, request.id);
    put_text(out, request.peer);
    put_caller(out, request.caller);
    put_text(out, request.body);
    return out;
}

std::optional<Asked> decode_request(BytesView body) {
    ByteReader in(body);
    const auto id = in.varint();
    if (!id) return std::nullopt;
    return Asked{*id, read_request(in.rest())};
}

Bytes encode_answer(const ForwardedAnswer& answer) {
    Bytes out;
    put_varint(out, kVersion);
    put_varint(out, static_cast<std::uint64_t>(answer.status));
    put_text(out, answer.content_type);
    put_text(out, answer.etag);
    put_pairs(out, answer.headers);
    put_text(out, answer.body);
    return out;
}

std::optional<ForwardedAnswer> decode_answer(BytesView joined) {
    Reader in(joined);
    ForwardedAnswer answer;
    if (in.number() != kVersion) return std::nullopt;
    const std::uint64_t status = in.number();
    answer.content_type = in.text();
    answer.etag = in.text();
    answer.headers = in.pairs();
    answer.body = in.text();
    if (!in.whole() || status < 200 || status > 599) return std::nullopt;
    // What becomes part of our own answer's head must not begin another one.
    const auto breaks = [](std::string_view text) {
        return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
    };
    for (const auto& [name, value] : answer.headers)
        if (breaks(name) || breaks(value)) return std::nullopt;
    if (breaks(answer.content_type) || breaks(answer.etag)) return std::nullopt;
    answer.status = static_cast<int>(status);
    return answer;
}

Bytes encode_piece(std::uint64_t id, bool last, BytesView piece) {
    Bytes out;
    put_varint(out, id);
    out.push_back(last ? '\1' : '\0');
    out.append(piece);
    return out;
}

std::optional<Piece> decode_piece(BytesView body) {
    ByteReader in(body);
    const auto id = in.varint();
    const auto last = in.take(1);
    if (!id || !last) return std::nullopt;
    return Piece{*id, last->front() != '\0', in.rest()};
}

Bytes encode_number(std::uint64_t number) {
    Bytes out;
    put_varint(out, number);
    return out;
}

std::optional<std::uint64_t> decode_number(BytesView body) {
    ByteReader in(body);
    const auto number = in.varint();
    return number && in.at_end() ? number : std::nullopt;
}

}  // namespace anode::app::forward_frames
