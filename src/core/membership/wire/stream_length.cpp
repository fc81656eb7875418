#include "core/membership/wire/stream_length.hpp"

#include "core/membership/wire/messages.hpp"
#include "core/membership/wire/push_pull.hpp"

namespace anode::membership::wire {

using msgpack::Walk;

namespace {

bool is_stream_type(std::uint8_t type) noexcept {
    switch (static_cast<Type>(type)) {
        case Type::Ping:
        case Type::Ack:
        case Type::PushPull:
        case Type::User:
        case Type::Compressed:
        case Type::Error:
            return true;
        default:
            return false;
    }
}

}  // namespace

/// The header is whole: it tells what else comes.
Result<bool> StreamLength::begin(BytesView header) {
    begun_ = true;
    msgpack::Reader in(header);
    if (static_cast<Type>(type_) == Type::PushPull) {
        const auto told = read_push_pull_header(in);
        if (!told) return std::unexpected(told.error());
        left_ += told->nodes;
        tail_ = told->user_bytes;
    } else if (static_cast<Type>(type_) == Type::User) {
        const auto told = read_stream_user_header(in);
        if (!told) return std::unexpected(told.error());
        tail_ = *told;
    }
    return true;
}

Result<bool> StreamLength::value(BytesView content, std::uint64_t bytes_max) {
    switch (walk_.go(content.substr(at_))) {
        case Walk::Step::Whole:
            return true;
        case Walk::Step::Malformed:
            return fail(Errc::Malformed, "stream: reserved byte C1");
        case Walk::Step::TooDeep:
            return fail(Errc::TooDeep, "stream: values nested too deeply");
        case Walk::Step::More:
            break;
    }
    if (at_ + walk_.used() > bytes_max) return fail(Errc::TooLarge, "stream: more than may be");
    return false;
}

Result<bool> StreamLength::whole(BytesView content, std::uint64_t bytes_max) {
    if (content.empty()) return false;
    type_ = static_cast<std::uint8_t>(content.front());
    if (!is_stream_type(type_)) {
        return fail(Errc::Unsupported, "type " + std::to_string(type_) + " in a stream");
    }
    while (left_ > 0) {
        const auto ended = value(content, bytes_max);
        if (!ended || !*ended) return ended;
        if (!begun_) {
            const auto told = begin(content.substr(at_, walk_.used()));
            if (!told) return told;
        }
        at_ += walk_.used();
        walk_ = {};
        --left_;
    }
    if (bytes() > bytes_max) return fail(Errc::TooLarge, "stream: more than may be");
    return content.size() >= bytes();
}

}  // namespace anode::membership::wire
