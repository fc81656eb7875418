#include "core/source/ip.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace anode {
namespace {

std::optional<std::uint32_t> parse_v4(std::string_view text) {
    std::uint32_t value = 0;
    for (int part = 0; part < 4; ++part) {
        const std::size_t end = part < 3 ? text.find('.') : text.size();
        if (end == std::string_view::npos || end == 0 || end > 3) return std::nullopt;
        if (end > 1 && text[0] == '0') return std::nullopt;
        unsigned number = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + end, number);
        if (error != std::errc{} || stop != text.data() + end || number > 255) return std::nullopt;
        value = value << 8 | number;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return value;
}

/// Groups on one side of `::`. False if the text is no list of groups or has more than eight.
bool parse_groups(std::string_view text, bool v4_may_end, std::array<std::uint16_t, 8>& groups,
                  std::size_t& count) {
    count = 0;
    while (!text.empty()) {
        if (count == 8) return false;
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == std::string_view::npos && v4_may_end &&
            group.find('.') != std::string_view::npos) {
            const auto v4 = parse_v4(group);
            if (!v4 || count > 6) return false;
            groups[count++] = static_cast<std::uint16_t>(*v4 >> 16);
            groups[count++] = static_cast<std::uint16_t>(*v4 & 0xffff);
            return true;
        }
        if (group.empty() || group.size() > 4) return false;
        const auto [stop, error] =
            std::from_chars(group.data(), group.data() + group.size(), groups[count], 16);
        if (error != std::errc{} || stop != group.data() + group.size()) return false;
        ++count;
        if (colon == std::string_view::npos) return true;
        text.remove_prefix(colon + 1);
        if (text.empty()) return false;  // ends with a single colon
    }
    return true;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
    std::array<std::uint16_t, 8> head{}, tail{};
    std::size_t heads = 0, tails = 0;
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        if (!parse_groups(text, true, head, heads) || heads != 8) return std::nullopt;
    } else {
        if (!parse_groups(text.substr(0, gap), false, head, heads)) return std::nullopt;
        if (!parse_groups(text.substr(gap + 2), true, tail, tails)) return std::nullopt;
        if (heads + tails > 7) return std::nullopt;
    }
    std::copy_n(tail.begin(), tails, head.begin() + static_cast<std::ptrdiff_t>(8 - tails));
    IpAddress ip{.v6 = true};
    for (std::size_t i = 0; i < 8; ++i) {
        ip.bytes[2 * i] = static_cast<std::uint8_t>(head[i] >> 8);
        ip.bytes[2 * i + 1] = static_cast<std::uint8_t>(head[i]);
    }
    return ip;
}

std::string text_v6(const std::array<std::uint8_t, 16>& bytes) {
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i)
        groups[i] = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    std::size_t best = 8, best_length = 1;  // a single zero group is not shortened
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t length = 0;
        while (i + length < 8 && groups[i + length] == 0) ++length;
        if (length > best_length) best = i, best_length = length;
        i += length;
    }
    std::string out;
    char digits[8];
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == best) {
            out += "::";
            i += best_length - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':') out += ':';
        out.append(digits,
                   static_cast<std::size_t>(std::snprintf(digits, sizeof digits, "%x", groups[i])));
    }
    return out;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
    IpAddress ip;
    for (std::size_t i = 0; i < 4; ++i)
        ip.bytes[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return ip;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find(':') != std::string_view::npos) return parse_v6(text);
    const auto value = parse_v4(text);
    return value ? std::optional(v4(*value)) : std::nullopt;
}

std::string IpAddress::text() const {
    if (v6) return text_v6(bytes);
    return std::to_string(bytes[0]) + '.' + std::to_string(bytes[1]) + '.' +
           std::to_string(bytes[2]) + '.' + std::to_string(bytes[3]);
}

bool IpAddress::loopback() const noexcept {
    if (!v6) return bytes[0] == 127;
    return bytes[15] == 1 &&
           std::all_of(bytes.begin(), bytes.end() - 1, [](auto byte) { return byte == 0; });
}

bool IpAddress::unspecified() const noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const unsigned width = address->v6 ? 128 : 32;
    unsigned bits = width;
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto [stop, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (digits.empty() || error != std::errc{} || stop != digits.data() + digits.size() ||
            bits > width)
            return std::nullopt;
    }
    return IpNetwork{*address, static_cast<std::uint8_t>(bits)};
}

bool IpNetwork::contains(const IpAddress& ip) const noexcept {
    if (ip.v6 != address.v6) return false;
    for (unsigned bit = 0; bit < bits; bit += 8) {
        const unsigned keep = std::min(8u, bits - bit);
        const auto mask = static_cast<std::uint8_t>(0xff << (8 - keep));
        if ((ip.bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask)) return false;
    }
    return true;
}

}  // namespace anode
