#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/fanout/form.hpp"
#include "core/fanout/ring.hpp"
#include "core/fanout/selector.hpp"

namespace anode::fanout {

/// A selector that counts for messages behind `since` only.
struct Clause {
    SelectorPtr selector;
    Arrival since;
};

/// Ready bytes for one listener.
struct Piece {
    Bytes bytes;
    std::vector<Mark> marks;  ///< `end` within bytes, `messages` from the beginning of this piece
    [[nodiscard]] std::uint64_t messages() const noexcept {
        return marks.empty() ? 0 : marks.back().messages;
    }
};

/// Chooses and encodes messages for one listener that reads by itself: from the store, or from the
/// tail of recent blocks. Whatever order its two sources are read in, it keeps the listener's own.
/// Thread: one owner at a time.
class Picker {
public:
    struct Want {
        std::vector<Clause> pass;    ///< a message is wanted if one of these passes it …
        std::vector<Clause> except;  ///< … and none of these does: it was or will be sent otherwise
        std::optional<WallTime> from, to;  ///< inclusive, exclusive
        Form form;
        bool gather = false;  ///< lines may be joined into one frame
        std::uint8_t extra_flags = 0;
    };

    Picker(Want want, std::uint32_t store) : want_(std::move(want)), encoder_(store) {}

    /// Looks at one message and appends it to `piece` if it is wanted.
    void take(const Block& block, std::uint32_t index, Judge& judge, Piece& piece);
    /// Appends what was gathered or conflated. Call it at the end of each piece.
    void finish(Piece& piece);

    [[nodiscard]] Want& want() noexcept { return want_; }
    [[nodiscard]] std::uint64_t conflated() const noexcept { return conflated_; }
    /// Messages taken into the open piece, the ones not yet appended among them.
    [[nodiscard]] std::uint64_t open_messages(const Piece& piece) const noexcept {
        return piece.messages() + gathered_messages_ + latest_.size();
    }

private:
    struct Newest {
        Arrival arrival;
        Bytes frame;
    };
    enum class Verdict : std::uint8_t { No, Yes, Newest };
    Verdict judge_message(Judge& judge);
    void append(const Judge& judge, Piece& piece);
    void keep_newest(const Judge& judge);
    void mark(Piece& piece, Arrival arrival, std::uint64_t messages);
    void append_gathered(Piece& piece);

    Want want_;
    Encoder encoder_;
    std::vector<std::uint64_t> sampled_;  ///< per clause
    Bytes gathered_;
    std::uint64_t gathered_messages_ = 0;
    Arrival gathered_last_;
    std::map<std::string, Newest, std::less<>> latest_;  ///< by topic and key
    std::uint64_t conflated_ = 0;
};

}  // namespace anode::fanout
