#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace anode {

/// A position in the cluster's streams, opaque to clients. Exact on the store that issued it; elsewhere the
/// watermark says below which time everything had been delivered.
/// Source: interfaces, section 5.
struct Cursor {
    std::uint32_t store = 0;  ///< tag of the issuing store
    Arrival after;            ///< the last arrival that was delivered
    WallTime watermark = 0;   ///< every origin's messages below it were delivered
    struct Behind {           ///< an origin out of reach then
        LogKey log;
        Seq seq;
        friend bool operator==(const Behind&, const Behind&) = default;
    };
    std::vector<Behind> behind;
    friend bool operator==(const Cursor&, const Cursor&) = default;

    /// `c1.` and base64url; at most 512 bytes. That is room for ten logs in `behind`: of more, those of the latest runs
    /// are left out and the watermark goes back to where these began, so that still nothing is missed.
    [[nodiscard]] std::string text() const;
    /// Appends the text of a cursor without `behind`, fast.
    static void append_text(std::string& out, std::uint32_t store, Arrival after,
                            WallTime watermark);
    /// The same into room of kPlainBytes; returns one past the last byte.
    static char* put_text(char* at, std::uint32_t store, Arrival after,
                          WallTime watermark) noexcept;
    static constexpr std::size_t kPlainBytes = 35;
    static constexpr std::size_t kBytesMax = 512;
    /// Malformed unless it is one of ours, whole and unchanged (it carries a checksum).
    static Result<Cursor> parse(std::string_view text);
};

/// What `from` may say (interfaces, section 5).
struct StartAt {
    enum class At : std::uint8_t { Live, Last, Earliest, Cursor, Time };
    At at = At::Live;
    Cursor cursor;
    WallTime time = 0;
};
/// `live`, `last`, `earliest`, a cursor, RFC 3339, integer µs, an age such as `-15m`.
Result<StartAt> parse_start(std::string_view text, WallTime now);
/// A time as parse_start takes it (no words, no cursor).
Result<WallTime> parse_time(std::string_view text, WallTime now);

}  // namespace anode
