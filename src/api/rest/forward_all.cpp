#include "api/rest/forward_all.hpp"

#include <utility>

#include "api/rest/answer.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kAllBytesMax = 64u << 20;

/// A node's document, told whose it is if it does not say so itself. Empty if it is no object.
Bytes document_of(std::string_view node, Bytes body) {
    json::Document document;
    if (!document.parse(body) || !document.root().is_object()) return {};
    if (document.root()["node"]) return body;
    const bool bare = !document.root().first();
    const std::size_t brace = body.find('{');
    return "{\"node\":" + text::json_string(node) + (bare ? "" : ",") + body.substr(brace + 1);
}

std::string code_of(const ForwardedAnswer& answer) {
    json::Document document;
    std::string code;
    if (document.parse(answer.body)) code = document.root()["code"].string();
    return code.empty() ? "peer-failed" : code;
}

}  // namespace

AskAll::AskAll(Responder responder, std::vector<std::string> nodes, std::size_t self)
    : responder_(std::move(responder)), self_(self), open_(nodes.size()) {
    for (std::string& node : nodes) parts_.push_back({std::move(node), "peer-failed", {}});
}

void AskAll::answered(std::size_t index, ForwardedAnswer answer) {
    std::string code;
    Bytes document;
    if (answer.status != 200)
        code = code_of(answer);
    else if (document = document_of(parts_[index].node, std::move(answer.body)); document.empty())
        code = "peer-failed";
    std::unique_lock lock(mutex_);
    if (index == self_ && answer.status >= 400 && answer.status < 500) refusal_ = std::move(answer);
    if (code.empty() && bytes_ + document.size() > kAllBytesMax) code = "too-large";
    parts_[index].code = std::move(code);
    if (parts_[index].code.empty()) {
        bytes_ += document.size();
        parts_[index].document = std::move(document);
    }
    settle(std::move(lock));
}

void AskAll::failed(std::size_t index, std::string_view code) {
    std::unique_lock lock(mutex_);
    parts_[index].code = code;
    settle(std::move(lock));
}

void AskAll::settle(std::unique_lock<std::mutex> lock) {
    if (--open_ > 0) return;
    lock.unlock();  // nobody else comes any more
    send_from_node(std::move(responder_), refusal_ ? response_of(std::move(*refusal_)) : joined());
}

Response AskAll::joined() const {
    Bytes items, failures;
    for (const Part& part : parts_) {
        Bytes& list = part.code.empty() ? items : failures;
        if (!list.empty()) list += ',';
        if (part.code.empty())
            list += part.document;
        else
            list += "{\"node\":" + text::json_string(part.node) +
                    ",\"code\":" + text::json_string(part.code) + "}";
    }
    return Response::json("{\"items\":[" + items + "],\"failed\":[" + failures + "]}");
}

Response response_of(ForwardedAnswer answer) {
    Response response;
    response.status = answer.status;
    response.content_type = std::move(answer.content_type);
    response.etag = std::move(answer.etag);
    response.headers = std::move(answer.headers);
    response.body = std::move(answer.body);
    return response;
}

}  // namespace anode::api::rest
