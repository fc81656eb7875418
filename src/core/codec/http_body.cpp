#include <algorithm>

#include "core/codec/http.hpp"

namespace anode::http {
namespace {

constexpr std::uint8_t kSizeDigitsMax = 16;

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

BodyReader::BodyReader(Framing framing, std::uint64_t content_length,
                       std::uint64_t bytes_max) noexcept
    : bytes_max_(bytes_max), framing_(framing) {
    switch (framing) {
        case Framing::None:
            state_ = State::Done;
            break;
        case Framing::Length:
            state_ = content_length > 0 ? State::Data : State::Done;
            left_ = content_length;
            if (content_length > bytes_max) refuse(413, "body is too large");
            break;
        case Framing::Chunked:
            state_ = State::Size;
            break;
        case Framing::UntilClose:
            state_ = State::Rest;
            break;
    }
}

Progress BodyReader::refuse(int status, std::string_view why) noexcept {
    state_ = State::Refused;
    refusal_ = {status, why};
    return Progress::Refused;
}

Progress BodyReader::read(BytesView& input, Bytes& out) {
    while (!input.empty() && state_ != State::Done && state_ != State::Refused) {
        if (state_ == State::Data || state_ == State::Rest) {
            const std::uint64_t room = state_ == State::Data ? left_ : input.size();
            const BytesView piece = input.substr(0, std::min<std::uint64_t>(room, input.size()));
            if (piece.size() > bytes_max_ - total_) return refuse(413, "body is too large");
            out.append(piece);
            input.remove_prefix(piece.size());
            total_ += piece.size();
            if (state_ == State::Rest) continue;
            left_ -= piece.size();
            if (left_ == 0) state_ = framing_ == Framing::Chunked ? State::DataCr : State::Done;
            continue;
        }
        const char byte = input.front();
        if (step(byte) == Progress::Refused) return Progress::Refused;
        input.remove_prefix(1);
    }
    if (state_ == State::Refused) return Progress::Refused;
    return state_ == State::Done ? Progress::Done : Progress::More;
}

/// One byte of what stands between the data of chunks.
Progress BodyReader::step(char byte) noexcept {
    const auto expect = [&](char wanted, State then, std::string_view why) {
        if (byte != wanted) return refuse(400, why);
        state_ = then;
        return Progress::More;
    };
    switch (state_) {
        case State::Size: {
            const int value = hex_value(byte);
            if (value >= 0) {
                if (++digits_ > kSizeDigitsMax)
                    return refuse(400, "chunk size has too many digits");
                left_ = left_ << 4U | static_cast<unsigned>(value);
                return Progress::More;
            }
            if (digits_ == 0 || byte != '\r') return refuse(400, "bad chunk size");
            digits_ = 0;
            state_ = State::SizeEnd;
            return Progress::More;
        }
        case State::SizeEnd:
            if (left_ > bytes_max_ - total_) return refuse(413, "body is too large");
            return expect('\n', left_ > 0 ? State::Data : State::LastCr, "bad chunk size");
        case State::DataCr:
            return expect('\r', State::DataLf, "chunk is longer than its size");
        case State::DataLf:
            return expect('\n', State::Size, "chunk does not end with CR LF");
        case State::LastCr:
            return expect('\r', State::LastLf, "trailers are not taken");
        case State::LastLf:
            return expect('\n', State::Done, "body does not end with CR LF");
        case State::Data:
        case State::Rest:
        case State::Done:
        case State::Refused:
            break;
    }
    return Progress::More;
}

}  // namespace anode::http
