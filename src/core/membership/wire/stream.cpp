#include "core/membership/wire/stream.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "base/varint.hpp"
#include "core/membership/wire/compressed.hpp"

namespace anode::membership::wire {

namespace {

constexpr std::size_t kSealHeadBytes = 5;

std::uint8_t byte_at(BytesView bytes, std::size_t i) noexcept {
    return static_cast<std::uint8_t>(bytes[i]);
}

bool is(BytesView bytes, Type type) noexcept {
    return !bytes.empty() && byte_at(bytes, 0) == static_cast<std::uint8_t>(type);
}

std::unexpected<StreamReader::Failure> broken(Drop reason, std::string what, bool answer = false) {
    return std::unexpected(StreamReader::Failure{reason, std::move(what), answer});
}

/// Why a message was no good; its framing was, so nobody is told (section 2.6).
std::unexpected<StreamReader::Failure> broken(Error error) {
    switch (error.code) {
        case Errc::Truncated:
            return broken(Drop::Truncated, std::move(error.what));
        case Errc::TooLarge:
            return broken(Drop::TooLarge, std::move(error.what));
        case Errc::TooDeep:
            return broken(Drop::Depth, std::move(error.what));
        case Errc::Unsupported:
            return broken(Drop::Type, std::move(error.what));
        default:
            return broken(Drop::Malformed, std::move(error.what));
    }
}

/// What is authenticated besides the content: the seal's own head, then the label.
struct Additional {
    std::array<char, kSealHeadBytes + 0xFF> bytes;
    std::size_t size;
    Additional(BytesView head, BytesView label) : size(head.size() + label.size()) {
        ANODE_ASSERT(head.size() == kSealHeadBytes && label.size() <= 0xFF);
        std::ranges::copy(label, std::ranges::copy(head, bytes.begin()).out);
    }
    [[nodiscard]] BytesView view() const noexcept { return {bytes.data(), size}; }
};

}  // namespace

StreamReader::StreamReader(const Envelope& envelope, End sender)
    : envelope_(envelope), label_(envelope.label) {
    ANODE_ASSERT(envelope.label.size() <= 0xFF);
    labelled_ = sender == End::Acceptor;
}

StreamReader::Step StreamReader::add(BytesView bytes) {
    if (phase_ == Phase::Over) return std::nullopt;
    raw_.append(bytes);
    return ended(step(false));
}

StreamReader::Step StreamReader::end() {
    if (phase_ == Phase::Over) return std::nullopt;
    // Whoever connects and goes away without a byte has done nothing wrong.
    if (raw_.empty()) {
        phase_ = Phase::Over;
        return std::nullopt;
    }
    return ended(step(true));
}

StreamReader::Step StreamReader::ended(Step step) {
    if (!step || *step) phase_ = Phase::Over;
    return step;
}

StreamReader::Step StreamReader::step(bool closed) {
    if (!labelled_) {
        if (const auto done = unlabel(); !done) return std::unexpected(done.error());
    }
    const BytesView rest = BytesView(raw_).substr(at_);
    if (labelled_ && !rest.empty()) {
        return is(rest, Type::Encrypted) ? sealed(rest, closed) : clear(rest, closed);
    }
    if (closed) return broken(Drop::Truncated, "the stream ended inside its label");
    return std::nullopt;
}

/// Reads the label off once all of it is there.
std::expected<void, StreamReader::Failure> StreamReader::unlabel() {
    const BytesView raw = raw_;
    if (raw.empty()) return {};
    if (!is(raw, Type::Label)) {
        if (!label_.empty()) return broken(Drop::Label, "no label");
        labelled_ = true;
        return {};
    }
    if (raw.size() < 2) return {};
    const std::size_t size = byte_at(raw, 1);
    if (size == 0) return broken(Drop::Label, "an empty label");
    // What has come must begin like ours; nobody is waited for in vain.
    const BytesView told = raw.substr(2, size);
    if (size != label_.size() || !label_.starts_with(told)) {
        return broken(Drop::Label, "another label");
    }
    if (told.size() < size) return {};
    labelled_ = true;
    at_ = 2 + size;
    return {};
}

StreamReader::Step StreamReader::sealed(BytesView rest, bool closed) {
    if (envelope_.keys == nullptr || envelope_.keys->empty()) {
        return broken(Drop::Sealed, "the stream is sealed and we have no key", true);
    }
    if (rest.size() >= kSealHeadBytes) {
        std::size_t size = 0;
        for (std::size_t i = 1; i < kSealHeadBytes; ++i) size = size << 8 | byte_at(rest, i);
        if (size > kSealedStreamMax)
            return broken(Drop::TooLarge, "a seal of too many bytes", true);
        const BytesView inside = rest.substr(kSealHeadBytes, size);
        if (inside.size() == size) return unseal(rest.substr(0, kSealHeadBytes), inside);
        if (!inside.empty() && byte_at(inside, 0) > 1) {
            return broken(Drop::Sealed, "sealed: an unknown format", true);
        }
    }
    if (closed) return broken(Drop::Truncated, "the stream ended inside its seal", true);
    return std::nullopt;
}

StreamReader::Step StreamReader::unseal(BytesView head, BytesView inside) {
    const auto key = envelope_.keys->open(inside, Additional(head, label_).view(), content_);
    if (!key) {
        const bool refused = key.error().code == Errc::Refused;
        return broken(refused ? Drop::Key : Drop::Sealed, key.error().what, true);
    }
    key_ = *key;
    Bytes().swap(raw_);
    at_ = 0;
    return finish(content_);
}

StreamReader::Step StreamReader::clear(BytesView rest, bool closed) {
    if (envelope_.keys != nullptr && !envelope_.keys->empty() && envelope_.verify_incoming) {
        return broken(Drop::Clear, "clear text, but we have keys", true);
    }
    const auto whole = length_.whole(rest, kOpenedStreamMax);
    if (!whole) {
        auto failure = broken(whole.error());
        failure.error().answer = is(rest, Type::Compressed);
        return failure;
    }
    if (*whole) return finish(rest.substr(0, length_.bytes()));
    if (!closed) return std::nullopt;
    return broken(Drop::Truncated, "the stream ended inside its message",
                  is(rest, Type::Compressed));
}

/// The unsealed content is whole: inflate it if need be, and read its message.
StreamReader::Step StreamReader::finish(BytesView content) {
    if (is(content, Type::Compressed)) {
        if (const auto done = inflate(content.substr(1), kOpenedStreamMax, opened_); !done) {
            const bool large = done.error().code == Errc::TooLarge;
            return broken(large ? Drop::TooLarge : Drop::Compression, done.error().what, true);
        }
        Bytes().swap(raw_);
        Bytes().swap(content_);
        content = opened_;
    }
    auto message = decode_stream(content, true);
    if (!message) return broken(std::move(message.error()));
    return std::move(*message);
}

Result<void> frame_stream(const Envelope& envelope, StreamReader::End sender, BytesView content,
                          std::span<const std::uint8_t, KeyRing::kNonceBytes> nonce, Bytes& out) {
    ANODE_ASSERT(!content.empty() && envelope.label.size() <= 0xFF);
    if (content.size() > kOpenedStreamMax)
        return fail(Errc::TooLarge, "a stream of too many bytes");
    Bytes scratch;
    Bytes packed;
    if (envelope.compression && append_compressed(content, scratch, packed)) content = packed;
    if (envelope.seals() && content.size() > kSealedStreamMax - KeyRing::kOverhead) {
        return fail(Errc::TooLarge, "a sealed stream of too many bytes");
    }
    if (sender == StreamReader::End::Dialler && !envelope.label.empty()) {
        out.push_back(static_cast<char>(Type::Label));
        out.push_back(static_cast<char>(envelope.label.size()));
        out.append(envelope.label);
    }
    if (!envelope.seals()) {
        out.append(content);
        return {};
    }
    const std::size_t head = out.size();
    out.push_back(static_cast<char>(Type::Encrypted));
    put_be(out, static_cast<std::uint32_t>(KeyRing::kOverhead + content.size()));
    const Additional additional(BytesView(out).substr(head), envelope.label);
    envelope.keys->seal(content, additional.view(), nonce, out);
    return {};
}

}  // namespace anode::membership::wire
