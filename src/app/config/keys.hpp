#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace anode::app {

/// How a configuration value is written and checked.
enum class ValueKind : std::uint8_t {
    Text,
    Bool,
    Number,    ///< not negative
    Count,     ///< from 1 to 1,000
    Fraction,  ///< from 0 to 1
    Port,
    Duration,     ///< `5ms`
    Size,         ///< `1GiB`
    SizeOrShare,  ///< `1GiB` or `25%`
    Share,        ///< `5%`
    Address,      ///< `0.0.0.0:7946`, `[::1]:7946`
    Versions,     ///< `2.5.4`
    Choice,
    Ack,     ///< received, disk, copies:N
    Secret,  ///< { env = "NAME" } or { file = "/run/…" }
    SecretOrNone,
    TextList,
    AddressList,
    NetworkList,  ///< `10.3.0.0/16`
    OriginList,   ///< `https://hub.example.org`, never `*`
    PortList,
    GrantList,             ///< `S:public.>`
    CertificateGrantList,  ///< `ops.example.org=O`
    Level,                 ///< debug, info, warn, error; in a table per component
};

/// One row of the table from which reading, checking, the reference, the sample and the help come.
struct KeyRow {
    std::string_view key;  ///< dotted
    ValueKind kind;
    std::string_view fallback;  ///< as TOML writes it; empty: none
    bool live;                  ///< takes effect on reload
    std::string_view choices;   ///< `tokens|none`
    std::string_view meaning;
};

std::span<const KeyRow> config_keys() noexcept;
const KeyRow* find_key(std::string_view key) noexcept;
/// Words for a person: "a duration such as 5ms".
std::string_view describe(ValueKind kind) noexcept;

}  // namespace anode::app
