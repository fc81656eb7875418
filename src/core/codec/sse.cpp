#include "core/codec/sse.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::sse {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_one_line(std::string_view text) {
    return text.find_first_of("\r\n") == std::string_view::npos;
}

/// Readers ignore an id with a NUL.
bool is_id(std::string_view text) {
    return is_one_line(text) && text.find('\0') == std::string_view::npos;
}

}  // namespace

std::optional<Item> Parser::next(BytesView& input) {
    while (!ended_ && !input.empty()) {
        BytesView text;
        if (!take_line(input, text)) {
            // The byte order mark is no part of the line, wherever a read happens to end.
            const bool marked = !begun_ && partial_.starts_with(kByteOrderMark);
            const std::size_t mark = marked ? kByteOrderMark.size() : 0;
            if (partial_.size() > limits_.line_bytes_max + mark) return failed("line too long");
            break;
        }
        auto item = text.size() > limits_.line_bytes_max ? failed("line too long") : line(text);
        if (item) return item;
    }
    if (ended_) input = {};
    return std::nullopt;
}

/// Takes one line off `input`, completing what came before; false if its end has not come. A line lives until the next call.
bool Parser::take_line(BytesView& input, BytesView& line) {
    if (line_taken_) partial_.clear();
    line_taken_ = false;
    if (after_cr_) {
        after_cr_ = false;
        if (input.front() == '\n') input.remove_prefix(1);
        if (input.empty()) return false;
    }
    const std::size_t end = input.find_first_of("\r\n");
    line = input.substr(0, end);
    if (end == BytesView::npos) {
        partial_.append(line);
        input = {};
        return false;
    }
    after_cr_ = input[end] == '\r';
    input.remove_prefix(end + 1);
    if (!partial_.empty()) {
        partial_.append(line);
        line = partial_;
        line_taken_ = true;
    }
    if (!begun_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    begun_ = true;
    return true;
}

std::optional<Item> Parser::line(BytesView text) {
    if (text.empty()) return dispatch();
    const std::size_t colon = text.find(':');
    const BytesView name = text.substr(0, colon);
    BytesView value = colon == BytesView::npos ? BytesView() : text.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (colon == 0) {
        shown_data_ = value;
        return Item{.kind = Item::Kind::Comment, .type = {}, .id = {}, .data = shown_data_};
    }
    if (name == "data") {
        if (data_.size() + value.size() > limits_.event_bytes_max) return failed("event too large");
        data_.append(value).push_back('\n');
    } else if (name == "event") {
        type_ = value;
    } else if (name == "id") {
        if (value.find('\0') == BytesView::npos) id_ = value;
    } else if (name == "retry") {
        const bool digits =
            !value.empty() && value.find_first_not_of("0123456789") == BytesView::npos;
        const auto milliseconds = digits ? text::parse_u64(value) : std::nullopt;
        if (milliseconds)
            return Item{.kind = Item::Kind::Retry,
                        .type = {},
                        .id = {},
                        .data = {},
                        .retry_ms = *milliseconds};
    }
    return std::nullopt;
}

/// An empty line ends the event. One without data only moves the last event id.
std::optional<Item> Parser::dispatch() {
    last_id_ = id_;
    if (data_.empty()) {
        type_.clear();
        return std::nullopt;
    }
    data_.pop_back();
    shown_data_.swap(data_);
    shown_type_.swap(type_);
    data_.clear();
    type_.clear();
    return Item{
        .kind = Item::Kind::Event,
        .type = shown_type_.empty() ? std::string_view("message") : std::string_view(shown_type_),
        .id = last_id_,
        .data = shown_data_};
}

std::optional<Item> Parser::failed(std::string_view why) {
    ended_ = true;
    return Item{.kind = Item::Kind::Failed, .type = {}, .id = {}, .data = why};
}

void Parser::set_last_event_id(std::string_view id) {
    last_id_ = id;
    id_ = id;
}

void Parser::reset() {
    Parser fresh(limits_);
    fresh.set_last_event_id(last_id_);
    *this = std::move(fresh);
}

void append_event(Bytes& out, std::string_view id, std::string_view type, BytesView data) {
    if (!id.empty() && is_id(id)) out.append("id: ").append(id).push_back('\n');
    if (!type.empty() && is_one_line(type)) out.append("event: ").append(type).push_back('\n');
    for (;;) {
        const std::size_t end = data.find_first_of("\r\n");
        out.append("data: ").append(data.substr(0, end)).push_back('\n');
        if (end == BytesView::npos) break;
        data.remove_prefix(data.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
    }
    out.push_back('\n');
}

void append_comment(Bytes& out, std::string_view text) {
    out.append(": ").append(is_one_line(text) ? text : std::string_view()).append("\n\n");
}

void append_retry(Bytes& out, std::uint64_t milliseconds) {
    out.append("retry: ");
    text::append_u64(out, milliseconds);
    out.append("\n\n");
}

}  // namespace anode::sse
