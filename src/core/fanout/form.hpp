#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "core/fanout/selector.hpp"
#include "core/message/envelope.hpp"

/// How messages look on their way out. A message is encoded once for each form, whatever the number
/// of listeners.
namespace anode::fanout {

/// One message (or several, joined by line ends) ready to be wrapped for its transport.
struct Line {
    BytesView text;
    bool binary = false;  ///< a payload that is no text
    BytesView cursor;     ///< filled if the framing wants it
};

/// Wraps lines for one transport. Thread: any number at a time.
class Framing {
public:
    virtual ~Framing() = default;
    virtual void append(Bytes& out, const Line& line) const = 0;
    /// Several lines go into one frame when messages are gathered.
    [[nodiscard]] virtual bool joins_lines() const noexcept { return false; }
    [[nodiscard]] virtual bool wants_cursor() const noexcept { return false; }
};

struct Form {
    EnvelopeStyle style;
    const Framing* framing = nullptr;  ///< lives as long as the process's listeners
    friend bool operator==(const Form&, const Form&) = default;
};

/// Appends the message under the judge's eye as a Line to `out.text` and wraps it.
class Encoder {
public:
    explicit Encoder(std::uint32_t store) : store_(store) {}
    /// Only the message, no frame. The views live until the next call.
    Line line(const Judge& judge, const Form& form, std::uint8_t extra_flags = 0);
    void framed(Bytes& out, const Judge& judge, const Form& form, std::uint8_t extra_flags = 0) {
        form.framing->append(out, line(judge, form, extra_flags));
    }
    [[nodiscard]] std::uint32_t store() const noexcept { return store_; }

private:
    std::uint32_t store_;
    Bytes text_, cursor_;
};

}  // namespace anode::fanout
