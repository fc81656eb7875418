#include "app/replay_sends.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

bool is_volatile(std::string_view name) {
    static constexpr auto kNames = std::to_array<std::string_view>(
        {"access_token", "api_key",   "apikey", "cid",   "connectid",  "expires",
         "id",           "jwt",       "key",    "nonce", "passphrase", "ping",
         "pong",         "rand",      "req_id", "reqid", "request_id", "sig",
         "sign",         "signature", "ticket", "time",  "timestamp",  "token",
         "ts",           "uuid"});
    const std::string lower = text::lower(name);
    return std::ranges::binary_search(kNames, std::string_view(lower));
}

std::string canonical(const json::Value& value, bool loose) {
    std::string out;
    if (value.is_object()) {
        std::map<std::string, std::string> members;
        for (json::Value member = value.first(); member; member = member.next_in(value)) {
            const std::string name = member.name();
            const bool scalar = !member.is_object() && !member.is_array();
            if (loose && scalar && is_volatile(name)) continue;
            members[name] = canonical(member, loose);
        }
        for (const auto& [name, text] : members) {
            out += out.empty() ? '{' : ',';
            text::append_json_string(out, name);
            out.append(":").append(text);
        }
        return out.empty() ? "{}" : out + "}";
    }
    if (value.is_array()) {
        std::vector<std::string> elements;
        for (json::Value element = value.first(); element; element = element.next_in(value))
            elements.push_back(canonical(element, loose));
        if (loose) std::ranges::sort(elements);
        for (const std::string& element : elements)
            out.append(out.empty() ? "[" : ",").append(element);
        return out.empty() ? "[]" : out + "]";
    }
    if (value.is_string()) return text::json_string(value.string());
    return std::string(value.raw());
}

/// Names of the scalar members whose values differ, of two messages that are the same loosely.
void differences(const json::Value& a, const json::Value& b, std::set<std::string>& names) {
    if (a.is_object() && b.is_object()) {
        for (json::Value member = a.first(); member; member = member.next_in(a)) {
            const json::Value other = b[member.name()];
            if (member.is_object() || member.is_array())
                differences(member, other, names);
            else if (canonical(member, false) != canonical(other, false))
                names.insert(member.name());
        }
        for (json::Value member = b.first(); member; member = member.next_in(b))
            if (!a[member.name()]) names.insert(member.name());
    } else if (a.is_array() && b.is_array() && canonical(a, false) != canonical(b, false)) {
        names.insert("the order of a list");
    }
}

std::string words_of(BytesView said, BytesView recorded) {
    json::Document a, b;
    std::set<std::string> names;
    if (a.parse(said) && b.parse(recorded)) differences(a.root(), b.root(), names);
    std::string words;
    for (const std::string& name : names) words.append(words.empty() ? "" : ", ").append(name);
    return text::printable(said) + " (differs in " + words + ")";
}

/// Pairs what is equal under `form` and takes it out of both lists.
template <class Form, class Told>
void pair_off(std::vector<Bytes>& recorded, std::vector<Bytes>& said, const Form& form,
              const Told& told) {
    std::multimap<std::string, Bytes> open;
    for (Bytes& message : recorded) open.emplace(form(message), std::move(message));
    std::vector<Bytes> left;
    for (Bytes& message : said) {
        const auto found = open.find(form(message));
        if (found == open.end()) {
            left.push_back(std::move(message));
        } else {
            told(message, found->second);
            open.erase(found);
        }
    }
    recorded.clear();
    for (auto& [ignored, message] : open) recorded.push_back(std::move(message));
    said = std::move(left);
}

}  // namespace

std::string canonical_message(BytesView message, bool loose) {
    json::Document document;
    if (document.parse(message)) return canonical(document.root(), loose);
    return std::string(text::trim(message));
}

std::string canonical_target(std::string_view url, bool loose) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
        const auto path = url.find_first_of("/?", scheme + 3);
        url = path == std::string_view::npos ? "/" : url.substr(path);
    }
    url = url.substr(0, url.find('#'));
    const auto mark = url.find('?');
    std::string out(url.substr(0, mark));
    if (out.empty()) out = "/";
    if (mark == std::string_view::npos) return out;
    std::vector<std::string> parameters;
    for (const std::string_view parameter : text::split(url.substr(mark + 1), '&')) {
        if (loose && is_volatile(parameter.substr(0, parameter.find('=')))) continue;
        const auto decoded = text::percent_decode(parameter, true);
        parameters.push_back(decoded.value_or(std::string(parameter)));
    }
    std::ranges::sort(parameters);
    for (std::size_t i = 0; i < parameters.size(); ++i)
        out.append(i == 0 ? "?" : "&").append(parameters[i]);
    return out;
}

SendComparison compare_sends(const std::vector<Bytes>& recorded, const std::vector<Bytes>& said) {
    SendComparison result;
    std::vector<Bytes> left_recorded = recorded, left_said = said;
    pair_off(
        left_recorded, left_said,
        [](const Bytes& message) { return canonical_message(message, false); },
        [](const Bytes&, const Bytes&) {});
    pair_off(
        left_recorded, left_said,
        [](const Bytes& message) { return canonical_message(message, true); },
        [&](const Bytes& ours, const Bytes& theirs) {
            result.tolerated.push_back(words_of(ours, theirs));
        });
    for (const Bytes& message : left_recorded) result.missing.push_back(text::printable(message));
    for (const Bytes& message : left_said) result.unexpected.push_back(text::printable(message));
    return result;
}

}  // namespace anode::app
