#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "core/codec/websocket_deflate.hpp"

namespace anode::ws {
namespace {

constexpr std::string_view kName = "permessage-deflate";

struct Parameter {
    std::string_view name;
    std::optional<std::string_view> value;
};
struct Extension {
    std::string_view name;
    std::vector<Parameter> parameters;
    bool sound = true;
};

/// `"15"` means 15 (RFC 6455, section 9.1). Escapes make no sense in our values and leave the quotes on.
std::string_view unquoted(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"' &&
        value.find('\\') == std::string_view::npos)
        return value.substr(1, value.size() - 2);
    return value;
}

Extension read_extension(std::string_view text) {
    Extension extension;
    bool first = true;
    for (const std::string_view raw : text::split(text, ';')) {
        const std::string_view part = text::trim(raw);
        if (first) {
            extension.name = part;
            first = false;
            continue;
        }
        const std::size_t equals = part.find('=');
        Parameter parameter{text::trim(part.substr(0, equals)), std::nullopt};
        if (equals != std::string_view::npos)
            parameter.value = unquoted(text::trim(part.substr(equals + 1)));
        const auto same = [&](const Parameter& other) { return other.name == parameter.name; };
        if (parameter.name.empty() || std::ranges::any_of(extension.parameters, same))
            extension.sound = false;
        extension.parameters.push_back(parameter);
    }
    return extension;
}

/// 8 to 15, without leading zeros.
std::optional<std::uint8_t> window_bits(std::string_view value) {
    if (value == "8" || value == "9") return static_cast<std::uint8_t>(value[0] - '0');
    if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
        return static_cast<std::uint8_t>(10 + value[1] - '0');
    return std::nullopt;
}

std::optional<DeflateAgreed> accept_offer(const Extension& offer, std::uint8_t window_bits_min) {
    if (!offer.sound || !text::iequals(offer.name, kName)) return std::nullopt;
    DeflateAgreed agreed;
    for (const Parameter& parameter : offer.parameters) {
        const auto& [name, value] = parameter;
        if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
            if (value) return std::nullopt;
        } else if (name == "server_max_window_bits") {
            const auto bits = value ? window_bits(*value) : std::nullopt;
            if (!bits || *bits < window_bits_min) return std::nullopt;
            agreed.server_window_bits = *bits;
        } else if (name == "client_max_window_bits") {
            // A hint about the client's own window: we inflate with the largest one.
            if (value && !window_bits(*value)) return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    return agreed;
}

}  // namespace

std::optional<DeflateAgreed> accept_deflate(std::string_view offers, std::uint8_t window_bits_min) {
    constexpr std::uint8_t kSmallestOfZlib = 9;
    for (const std::string_view offer : text::split(offers, ',')) {
        const auto agreed =
            accept_offer(read_extension(offer), std::max(window_bits_min, kSmallestOfZlib));
        if (agreed) return agreed;
    }
    return std::nullopt;
}

std::string deflate_answer(const DeflateAgreed& agreed) {
    std::string answer(kName);
    if (!agreed.server_keeps_context) answer += "; server_no_context_takeover";
    if (!agreed.client_keeps_context) answer += "; client_no_context_takeover";
    if (agreed.server_window_bits != 15)
        answer += "; server_max_window_bits=" + std::to_string(agreed.server_window_bits);
    return answer;
}

Result<std::optional<DeflateAgreed>> read_deflate_answer(std::string_view answer) {
    answer = text::trim(answer);
    if (answer.empty()) return std::optional<DeflateAgreed>();
    const Extension extension = read_extension(answer);
    if (answer.find(',') != std::string_view::npos || !text::iequals(extension.name, kName))
        return fail(Errc::Malformed, "server names an extension we did not offer");
    if (!extension.sound)
        return fail(Errc::Malformed, "server repeats a parameter of permessage-deflate");
    DeflateAgreed agreed{.server_keeps_context = true, .client_keeps_context = true};
    for (const auto& [name, value] : extension.parameters) {
        const auto bits = value ? window_bits(*value) : std::nullopt;
        if (name == "server_no_context_takeover" && !value) {
            agreed.server_keeps_context = false;
        } else if (name == "client_no_context_takeover" && !value) {
            agreed.client_keeps_context = false;
        } else if (name == "server_max_window_bits" && bits) {
            agreed.server_window_bits = *bits;
        } else if (name == "client_max_window_bits" && bits) {
            agreed.client_window_bits = *bits;
        } else {
            return fail(Errc::Malformed,
                        "server answers permessage-deflate with a parameter we did not offer");
        }
    }
    return std::optional(agreed);
}

}  // namespace anode::ws
