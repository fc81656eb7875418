#include "core/membership/types.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>

#include "base/text.hpp"

namespace anode::membership {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_mapped(const Address& address) noexcept {
    return address.size == 16 && std::equal(kMapped.begin(), kMapped.end(), address.ip.begin());
}

std::string v4_text(const std::uint8_t* ip) {
    std::array<char, 16> text{};
    const int size =
        std::snprintf(text.data(), text.size(), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    return {text.data(), static_cast<std::size_t>(size)};
}

std::uint16_t group(const Address& address, std::size_t i) noexcept {
    return static_cast<std::uint16_t>(address.ip[2 * i] << 8 | address.ip[2 * i + 1]);
}

/// The longest run of two or more zero groups, as [first, last); RFC 5952 folds it to `::`.
std::pair<std::size_t, std::size_t> zero_run(const Address& address) noexcept {
    std::pair<std::size_t, std::size_t> best{8, 8};
    for (std::size_t first = 0; first < 8;) {
        std::size_t last = first;
        while (last < 8 && group(address, last) == 0) ++last;
        if (last - first >= 2 && last - first > best.second - best.first) best = {first, last};
        first = std::max(last, first + 1);
    }
    return best;
}

std::string v6_text(const Address& address) {
    if (is_mapped(address)) return "::ffff:" + v4_text(address.ip.data() + 12);
    const auto [first, last] = zero_run(address);
    std::string text;
    for (std::size_t i = 0; i < 8;) {
        if (i == first) {
            text += "::";
            i = last;
            continue;
        }
        if (i > 0 && i != last) text += ':';
        std::array<char, 8> digits{};
        std::snprintf(digits.data(), digits.size(), "%x", group(address, i));
        text += digits.data();
        ++i;
    }
    return text;
}

bool parse_v4(std::string_view text, std::span<std::uint8_t, 4> ip) {
    const auto parts = text::split(text, '.');
    if (parts.size() != 4) return false;
    for (std::size_t i = 0; i < 4; ++i) {
        const auto number = text::parse_u64(parts[i]);
        const bool padded = parts[i].size() > 1 && parts[i].front() == '0';
        if (!number || *number > 255 || padded || parts[i].size() > 3) return false;
        ip[i] = static_cast<std::uint8_t>(*number);
    }
    return true;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
    if (text.empty() || text.size() > 4) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : text) {
        const std::string_view digits = "0123456789abcdef";
        const auto digit = digits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
        if (digit == std::string_view::npos) return std::nullopt;
        value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    return static_cast<std::uint16_t>(value);
}

/// Groups between colons into `ip`; the last may be a dotted quad. Returns the bytes written, or nothing.
std::optional<std::size_t> parse_groups(std::string_view text, std::span<std::uint8_t, 16> ip) {
    if (text.empty()) return 0;
    std::size_t size = 0;
    const auto parts = text::split(text, ':');
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (size + 4 <= 16 && i + 1 == parts.size() &&
            parts[i].find('.') != std::string_view::npos) {
            if (!parse_v4(parts[i], std::span<std::uint8_t, 4>(ip.data() + size, 4)))
                return std::nullopt;
            return size + 4;
        }
        const auto value = parse_group(parts[i]);
        if (!value || size + 2 > 16) return std::nullopt;
        ip[size++] = static_cast<std::uint8_t>(*value >> 8);
        ip[size++] = static_cast<std::uint8_t>(*value);
    }
    return size;
}

bool parse_v6(std::string_view text, std::span<std::uint8_t, 16> ip) {
    const auto fold = text.find("::");
    if (fold == std::string_view::npos) return parse_groups(text, ip) == 16;
    std::array<std::uint8_t, 16> tail{};
    const auto front = parse_groups(text.substr(0, fold), ip);
    const auto back = parse_groups(text.substr(fold + 2), tail);
    if (!front || !back || *front + *back > 14) return false;
    if (text.substr(0, fold).find('.') != std::string_view::npos) return false;
    std::fill(ip.begin() + static_cast<std::ptrdiff_t>(*front), ip.end(), std::uint8_t{0});
    std::copy_n(tail.begin(), *back, ip.end() - static_cast<std::ptrdiff_t>(*back));
    return true;
}

}  // namespace

Address Address::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                    std::uint16_t port) noexcept {
    return {{a, b, c, d}, 4, port};
}

Address Address::from(BytesView ip, std::uint16_t port) noexcept {
    Address address;
    if (ip.size() != 4 && ip.size() != 16) return address;
    std::copy(ip.begin(), ip.end(), address.ip.begin());
    address.size = static_cast<std::uint8_t>(ip.size());
    address.port = port;
    return address;
}

Address Address::canonical() const noexcept {
    if (!is_mapped(*this)) return *this;
    return v4(ip[12], ip[13], ip[14], ip[15], port);
}

bool Address::same_socket(const Address& other) const noexcept {
    return canonical() == other.canonical();
}

std::string Address::text() const {
    if (!set()) return "none";
    const std::string host = size == 4 ? v4_text(ip.data()) : '[' + v6_text(*this) + ']';
    return host + ':' + std::to_string(port);
}

Result<Address> Address::parse(std::string_view text) {
    const auto wrong = [&] {
        return fail(Errc::Malformed, "no address:port: " + text::printable(text.substr(0, 80)));
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong();
    const auto port = text::parse_u64(text.substr(colon + 1));
    if (!port || *port > 0xFFFF) return wrong();
    std::string_view host = text.substr(0, colon);
    Address address;
    address.port = static_cast<std::uint16_t>(*port);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        address.size = 16;
        if (!parse_v6(host, address.ip)) return wrong();
    } else {
        address.size = 4;
        if (!parse_v4(host, std::span<std::uint8_t, 4>(address.ip.data(), 4))) return wrong();
    }
    return address;
}

bool Address::may_be_sent_to() const noexcept {
    if (!set() || port == 0) return false;
    const Address real = canonical();
    if (real.size == 16) {
        const bool unspecified = std::ranges::all_of(real.ip, [](auto byte) { return byte == 0; });
        return !unspecified && real.ip[0] != 0xFF;
    }
    const bool broadcast =
        std::all_of(real.ip.begin(), real.ip.begin() + 4, [](auto byte) { return byte == 0xFF; });
    const bool multicast = (real.ip[0] & 0xF0) == 0xE0;
    return real.ip[0] != 0 && !multicast && !broadcast;  // 0.0.0.0/8 names this host only
}

bool Versions::valid() const noexcept {
    const auto [low, high, current, delegate_low, delegate_high, delegate] = bytes;
    return low >= 1 && low <= high && low <= current && current <= high;
}

}  // namespace anode::membership
