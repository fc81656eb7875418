#include "app/config/values.hpp"

#include <array>

#include "base/text.hpp"
#include "base/time.hpp"
#include "core/json/json.hpp"
#include "core/message/topic.hpp"
#include "core/source/ip.hpp"

namespace anode::app {
namespace {

using Type = TomlNode::Type;

std::string quoted(std::string_view text) { return "`" + text::printable(text) + "`"; }

std::vector<std::string_view> choices_of(const KeyRow& row) {
    return text::split(row.choices, '|');
}

std::string check_choice(const KeyRow& row, std::string_view value) {
    const auto choices = choices_of(row);
    for (const auto& choice : choices)
        if (choice == value) return {};
    std::string detail = quoted(value) + " is none of its choices: ";
    for (const auto& choice : choices)
        detail.append(&choice == &choices.front() ? "" : ", ").append(choice);
    if (const auto near = text::nearest(value, choices); !near.empty())
        detail += "; did you mean " + std::string(near) + "?";
    return detail;
}

std::string check_share(std::string_view value) {
    const bool per_cent = value.ends_with('%');
    const auto number = text::parse_double(per_cent ? value.substr(0, value.size() - 1) : value);
    if (!per_cent || !number) return quoted(value) + " is no share such as 25%";
    if (*number < 0 || *number > 100) return quoted(value) + " is not between 0% and 100%";
    return {};
}

std::string check_address(std::string_view value) {
    const auto colon = value.rfind(':');
    std::string_view host = value.substr(0, colon);
    if (colon == std::string_view::npos ||
        (host.find(':') != std::string_view::npos && !host.ends_with(']')))
        return quoted(value) + " has no port; an address is written like 127.0.0.1:7946";
    const auto port = text::parse_u64(value.substr(colon + 1));
    if (!port || *port > 65535) return quoted(value) + ": the port is not between 0 and 65535";
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!IpAddress::parse(host) && host != "localhost")
        return quoted(value) + ": " + quoted(host) + " is no IP address";
    return {};
}

std::string check_ack(std::string_view value) {
    if (value == "received" || value == "disk") return {};
    if (value.starts_with("copies:")) {
        const auto copies = text::parse_u64(value.substr(7));
        if (copies && *copies >= 2 && *copies <= 100) return {};
    }
    return quoted(value) + " is none of received, disk, copies:N (N from 2)";
}

std::string check_origin(std::string_view value) {
    if (value == "*") return "`*` would let every web page in; name the origins";
    const auto scheme = value.find("://");
    const bool good = (value.starts_with("http://") || value.starts_with("https://")) &&
                      scheme + 3 < value.size() &&
                      value.find('/', scheme + 3) == std::string_view::npos;
    return good ? std::string() : quoted(value) + " is no origin such as https://example.org";
}

std::string check_grant(std::string_view value) {
    const auto colon = value.find(':');
    if (colon != 1 || std::string_view("VSP").find(value[0]) == std::string_view::npos)
        return quoted(value) + " is no grant such as S:public.>";
    const auto pattern = check_pattern(value.substr(2));
    return pattern ? std::string() : quoted(value) + ": " + pattern.error().what;
}

/// `NAME=GRANT`; here an operator's and an administrator's role can be granted too.
std::string check_certificate_grant(std::string_view value) {
    const auto equals = value.rfind('=');
    if (equals == std::string_view::npos || equals == 0)
        return quoted(value) + " is no grant such as ops.example.org=O";
    const std::string_view grant = value.substr(equals + 1);
    return grant == "V" || grant == "O" || grant == "A" ? std::string() : check_grant(grant);
}

std::string check_text(const KeyRow& row, std::string_view value) {
    switch (row.kind) {
        case ValueKind::Duration:
            if (text::parse_duration(value)) return {};
            return quoted(value) + " is no duration such as " +
                   (row.fallback.empty()
                        ? "5s"
                        : std::string(row.fallback.substr(1, row.fallback.size() - 2)));
        case ValueKind::Size:
            return text::parse_size(value) ? std::string()
                                           : quoted(value) + " is no size such as 64KiB or 20GiB";
        case ValueKind::SizeOrShare:
            if (value.ends_with('%')) return check_share(value);
            return text::parse_size(value)
                       ? std::string()
                       : quoted(value) + " is no size such as 1GiB and no share such as 25%";
        case ValueKind::Share:
            return check_share(value);
        case ValueKind::Address:  // one without a default may be left out in words too
            return value.empty() && row.fallback.empty() ? std::string() : check_address(value);
        case ValueKind::Versions:
            return parse_versions(value) ? std::string()
                                         : quoted(value) +
                                               " is not three versions such as 2.5.4, "
                                               "the last one between the others";
        case ValueKind::Choice:
            return check_choice(row, value);
        case ValueKind::Level:
            return check_choice(row, value);
        case ValueKind::Ack:
            return check_ack(value);
        default:
            return {};
    }
}

std::string check_item(const KeyRow& row, const TomlNode& item) {
    if (row.kind == ValueKind::PortList) {
        const auto port = text::parse_u64(item.text);
        return item.type == Type::Integer && port && *port >= 1 && *port <= 65535
                   ? std::string()
                   : quoted(item.text) + " is no port from 1 to 65535";
    }
    if (item.type != Type::String)
        return "expects " + std::string(describe(row.kind)) + ", not " +
               std::string(item.type_name()) + " in it";
    switch (row.kind) {
        case ValueKind::AddressList:
            return check_address(item.text);
        case ValueKind::NetworkList:
            return IpNetwork::parse(item.text)
                       ? std::string()
                       : quoted(item.text) + " is no network such as 10.3.0.0/16";
        case ValueKind::OriginList:
            return check_origin(item.text);
        case ValueKind::GrantList:
            return check_grant(item.text);
        case ValueKind::CertificateGrantList:
            return check_certificate_grant(item.text);
        default:
            return item.text.empty() ? "an empty string in the list" : "";
    }
}

std::string wrong_type(const KeyRow& row, const TomlNode& value) {
    return "expects " + std::string(describe(row.kind)) + ", not " + std::string(value.type_name());
}

/// Of the right type it is shown, of another the type is named.
std::string wrong_range(const KeyRow& row, const TomlNode& value) {
    const bool number = value.type == Type::Integer || value.type == Type::Float;
    if (!number) return wrong_type(row, value);
    return quoted(value.text) + " is not " + std::string(describe(row.kind));
}

bool is_list(ValueKind kind) {
    switch (kind) {
        case ValueKind::TextList:
        case ValueKind::AddressList:
        case ValueKind::NetworkList:
        case ValueKind::OriginList:
        case ValueKind::PortList:
        case ValueKind::GrantList:
        case ValueKind::CertificateGrantList:
            return true;
        default:
            return false;
    }
}

std::string check_secret(const KeyRow& row, const TomlNode& value) {
    if (value.type != Type::Table)
        return "a secret is written as a reference: { file = \"/path\" } or { env = \"NAME\" }, "
               "never in plain text";
    if (value.members.size() != 1 ||
        (value.members[0].name != "env" && value.members[0].name != "file") ||
        value.members[0].value.type != Type::String)
        return wrong_type(row, value);
    return {};
}

std::optional<ValueFault> check_levels(const KeyRow& row, const TomlNode& table) {
    for (const auto& member : table.members) {
        if (member.value.type != Type::String)
            return ValueFault{wrong_type(row, member.value), member.value.spot};
        if (auto detail = check_choice(row, member.value.text); !detail.empty())
            return ValueFault{std::move(detail), member.value.spot};
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::array<std::uint8_t, 3>> parse_versions(std::string_view text) {
    const auto parts = text::split(text, '.');
    std::array<std::uint8_t, 3> versions{};
    if (parts.size() != versions.size()) return std::nullopt;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto number = text::parse_u64(parts[i]);
        if (!number || *number > 255) return std::nullopt;
        versions[i] = static_cast<std::uint8_t>(*number);
    }
    const bool ordered = versions[0] <= versions[2] && versions[2] <= versions[1];
    return ordered ? std::optional(versions) : std::nullopt;
}

std::optional<ValueFault> check_value(const KeyRow& row, const TomlNode& value) {
    const auto fault = [&value](std::string detail) -> std::optional<ValueFault> {
        if (detail.empty()) return std::nullopt;
        return ValueFault{std::move(detail), value.spot};
    };
    if (is_list(row.kind)) {
        if (value.type != Type::Array) return fault(wrong_type(row, value));
        for (const TomlNode& item : value.items)
            if (auto detail = check_item(row, item); !detail.empty())
                return ValueFault{std::move(detail), item.spot};
        return std::nullopt;
    }
    switch (row.kind) {
        case ValueKind::Bool:
            return fault(value.type == Type::Bool ? "" : wrong_type(row, value));
        case ValueKind::Number:
            return fault(value.type == Type::Integer && !value.text.starts_with('-')
                             ? ""
                             : wrong_type(row, value));
        case ValueKind::Count: {
            const auto count = text::parse_u64(value.text);
            const bool good = value.type == Type::Integer && count && *count >= 1 && *count <= 1000;
            return fault(good ? "" : wrong_range(row, value));
        }
        case ValueKind::Fraction: {
            const bool number = value.type == Type::Integer || value.type == Type::Float;
            const auto part = text::parse_double(value.text);
            return fault(number && part && *part >= 0 && *part <= 1 ? "" : wrong_range(row, value));
        }
        case ValueKind::Secret:
        case ValueKind::SecretOrNone:
            return fault(check_secret(row, value));
        case ValueKind::Level:
            if (value.type == Type::Table) return check_levels(row, value);
            [[fallthrough]];
        default:
            if (value.type != Type::String) return fault(wrong_type(row, value));
            return fault(check_text(row, value.text));
    }
}

std::optional<TomlNode> value_from_text(const KeyRow& row, std::string_view text) {
    TomlNode node;
    node.type = Type::String;
    node.text = std::string(text);
    if (row.kind == ValueKind::Bool) node.type = Type::Bool;
    if (row.kind == ValueKind::Bool && text != "true" && text != "false") return std::nullopt;
    if (row.kind == ValueKind::Number || row.kind == ValueKind::Count) {
        node.type = Type::Integer;
        if (!text::parse_u64(text)) return std::nullopt;
    }
    if (row.kind == ValueKind::Fraction) {
        node.type = Type::Float;
        json::Document number;  // the text goes into JSON as it stands
        if (!number.parse(text) || !number.root().is_number()) return std::nullopt;
    }
    if (row.kind != ValueKind::Secret && row.kind != ValueKind::SecretOrNone && !is_list(row.kind))
        return node;

    // JSON reads the same as a TOML value in braces or brackets here.
    json::Document document;
    const std::string_view trimmed = text::trim(text);
    if (trimmed.starts_with('[') || trimmed.starts_with('{')) {
        if (!document.parse(trimmed)) return std::nullopt;
        const json::Value root = document.root();
        node = TomlNode{};
        node.type = root.is_array() ? Type::Array : Type::Table;
        for (json::Value item = root.first(); item; item = item.next_in(root)) {
            TomlNode child;
            child.type = item.is_number() ? Type::Integer : Type::String;
            child.text = item.scalar().value_or("");
            if (root.is_array())
                node.items.push_back(std::move(child));
            else
                node.members.push_back({item.name(), {}, std::move(child)});
        }
        return node;
    }
    if (!is_list(row.kind)) return node;  // a secret in plain text: the check says so
    node = TomlNode{};
    node.type = Type::Array;
    for (const std::string_view part : text::split(trimmed, ',')) {
        const std::string_view item = text::trim(part);
        if (item.empty()) continue;
        TomlNode child;
        child.type = row.kind == ValueKind::PortList ? Type::Integer : Type::String;
        child.text = std::string(item);
        node.items.push_back(std::move(child));
    }
    return node;
}

}  // namespace anode::app
