#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/time.hpp"
#include "core/json/json.hpp"
#include "core/message/message.hpp"
#include "core/source/continuity.hpp"
#include "core/source/dedupe.hpp"
#include "core/source/definition.hpp"

/// From a frame or a body to messages. Source: recipes, sections 3 and 6.
namespace anode::source {

inline constexpr std::size_t kDeadLetterRawMax = 4 << 10;

/// One row that goes out. Views point into the shaper, the definition or the frame given; they live
/// until the frame ends or recycle() is called, whichever is first.
struct Row {
    std::string_view topic, key, id, version;
    BytesView payload;              ///< compact JSON, or any bytes with `content_type`
    std::string_view content_type;  ///< empty: JSON
    Kind kind = Kind::Set;
    std::uint8_t flags = 0;
    std::optional<WallTime> source_time;
    std::optional<Hash128> cid;  ///< set where `dedupe` is
    std::string_view position;   ///< value of `resume.at`, if any
    std::string_view item;       ///< text of the item it belongs to, if bound or named
    Verdict verdict;             ///< continuity
    json::Value value;           ///< the row as read; ends with the next shape() already
};

/// What could not become a message. Views as those of Row.
struct DeadLetter {
    std::string_view reason;
    BytesView raw;     ///< at most kDeadLetterRawMax of what came
    bool cut = false;  ///< more came
};

/// A hole or a new beginning in a chain, of rows that went out or did not, and of heartbeats.
struct ChainBreak {
    std::string_view key;
    Verdict verdict;
    std::size_t row =
        0;  ///< place in `rows` of the row that came after it; may be one past the end
};

/// What a frame was. Everything counted: rows found = emitted + repeats + dropped + rejected +
/// rows_cut.
struct Shaped {
    FrameKind kind = FrameKind::Data;
    std::optional<Errc> undecoded;       ///< why `decode` failed; TooLarge beyond limits.frame
    const ClassifyRule* rule = nullptr;  ///< the rule that matched, if one did
    json::Value frame;       ///< absent for words and garbage. Ends with the next shape()
    std::string_view text;   ///< the decoded frame; ends with the next shape()
    std::string_view words;  ///< of `text_from`, or the reason of garbage
    std::size_t emitted = 0, repeats = 0, dropped = 0, rejected = 0;
    std::size_t rows_cut = 0;  ///< beyond `limits.rows_per_frame`; one dead letter tells of them
    std::span<const ChainBreak> breaks;  ///< usually none. Ends with the next shape()
};

/// One source's shaper: shared by its connections, because repeats and chains span them.
/// Thread: confined. Memory: reused from call to call; no allocation per row once warm.
class Shaper {
public:
    explicit Shaper(std::shared_ptr<const Definition> definition);
    ~Shaper();
    Shaper(Shaper&&) noexcept;
    Shaper& operator=(Shaper&&) noexcept;

    struct Input {
        BytesView bytes;
        bool binary = false;
        std::uint64_t connection = 0;
        WallTime wall = 0;
        std::uint8_t flags = 0;  ///< put on every row (backfill, …)
        bool data_only =
            false;  ///< a body of a poll, backfill or push: no `classify` rule means `data`
        const Item* item = nullptr;  ///< the item a poll was made for
        std::optional<Kind> kind;    ///< for snapshots: overrides what `map.kind` finds
        bool skip_dedupe = false, skip_continuity = false;
        std::string_view
            content_type;  ///< of a push; a body that is not JSON by its type becomes one raw row
    };
    /// Classifies and explodes; appends to `rows` and `letters` (whose capacity is the caller's to
    /// reuse). What earlier calls appended stays good. A frame that cannot be read is one dead
    /// letter.
    Shaped shape(const Input& input, std::vector<Row>& rows, std::vector<DeadLetter>& letters);
    /// Ends the views of all rows and letters so far and takes their memory back: once per step of
    /// the machine.
    void recycle() noexcept;

    /// Ties `value`, as later frames carry it, to an item on this connection (at most 100,000).
    void bind(std::uint64_t connection, std::string_view value, Item item);
    /// A connection ended: its bindings and chains are forgotten.
    void forget_connection(std::uint64_t connection);

    [[nodiscard]] Dedupe* dedupe() noexcept;  ///< null without `dedupe`
    [[nodiscard]] Continuity& continuity() noexcept;
    [[nodiscard]] const Definition& definition() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The payload of a dead letter: JSON with `source`, `reason`, and what came as `text`, or `b64` if
/// it is none.
void append_dead_letter(Bytes& out, std::string_view source, const DeadLetter& letter);

}  // namespace anode::source
