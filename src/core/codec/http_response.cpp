#include <algorithm>

#include "core/codec/http.hpp"
#include "core/codec/http_rules.hpp"

namespace anode::http {
namespace {

std::expected<void, Refusal> read_status_line(ResponseHead& head, std::string_view line) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool shaped =
        line.size() >= 12 && (line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ")) &&
        std::ranges::all_of(line.substr(9, 3), digit) && (line.size() == 12 || line[12] == ' ');
    if (!shaped) return std::unexpected(Refusal{400, "bad status line"});
    head.minor_version = line[7] - '0';
    head.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    if (line.size() > 13) head.reason = line.substr(13);
    if (head.status < 100) return std::unexpected(Refusal{400, "bad status"});
    return {};
}

std::expected<void, Refusal> read_head(ResponseHead& head, BytesView bytes) {
    if (auto line = read_status_line(head, rules::take_line(bytes)); !line) return line;
    auto headers = rules::read_headers(bytes);
    if (!headers) return std::unexpected(headers.error());
    head.headers = std::move(*headers);
    if (head.status < 200 || head.status == 204 || head.status == 304) {
        head.framing = Framing::None;
        return {};
    }
    // A refusal's status and headers (Retry-After) matter more than a body that is framed doubtfully: that one is left.
    const auto body = rules::read_framing(head.headers, head.minor_version);
    if (!body) {
        head.framing = Framing::None;
        return {};
    }
    head.framing = body->framing == Framing::None ? Framing::UntilClose : body->framing;
    head.content_length = body->length;
    return {};
}

}  // namespace

Progress ResponseReader::read(BytesView& input) {
    while (!body_reader_) {
        const Progress progress = rules::collect(input, buffer_, lines_, limits_, refusal_);
        // What is no HTTP at all may never end its head: it is told from its first bytes.
        const std::string_view start = "HTTP/";
        if (!std::string_view(buffer_).starts_with(start.substr(0, buffer_.size()))) {
            refusal_ = {400, "the answer is no HTTP"};
            return Progress::Refused;
        }
        if (progress != Progress::Done) return progress;
        head_ = {};
        if (const auto outcome = read_head(head_, buffer_); !outcome) {
            refusal_ = outcome.error();
            return Progress::Refused;
        }
        // 100 Continue and 103 Early Hints announce another head.
        if (head_.status < 200 && head_.status != 101) {
            buffer_.clear();
            lines_ = 0;
            continue;
        }
        body_reader_.emplace(head_.framing, head_.content_length, UINT64_MAX);
    }
    // The body is only shown to a person: what does not fit, or is badly framed, ends it.
    const Progress progress = body_reader_->read(input, body_);
    if (body_.size() >= body_bytes_max_ && head_.framing != Framing::None) {
        body_.resize(body_bytes_max_);
        return Progress::Done;
    }
    return progress == Progress::More ? Progress::More : Progress::Done;
}

Progress ResponseReader::closed() {
    if (body_reader_) return Progress::Done;
    refusal_ = {400, "connection closed inside the head"};
    return Progress::Refused;
}

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
        case 100:
            return "Continue";
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 426:
            return "Upgrade Required";
        case 428:
            return "Precondition Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return {};
    }
}

}  // namespace anode::http
