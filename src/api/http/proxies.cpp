#include "api/http/proxies.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::api {

namespace {

/// `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]`, `"[2001:db8::1]:4711"`, `2001:db8::1`; none for `unknown` and names.
std::optional<IpAddress> address_of(std::string_view text) {
    text = text::trim(text);
    if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
        text = text.substr(1, text.size() - 2);
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        return close == std::string_view::npos ? std::nullopt
                                               : IpAddress::parse(text.substr(1, close - 1));
    }
    if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
    return IpAddress::parse(text);
}

/// The value of `name` in one element of Forwarded.
std::string_view part_of(std::string_view element, std::string_view name) {
    for (std::string_view pair : text::split(element, ';')) {
        pair = text::trim(pair);
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && text::iequals(pair.substr(0, equals), name))
            return pair.substr(equals + 1);
    }
    return {};
}

/// All values of a header that may be sent more than once, in order.
std::vector<std::string_view> elements_of(const Request& request, std::string_view name) {
    std::vector<std::string_view> all;
    for (const auto& [header, value] : request.headers) {
        if (header != name) continue;
        for (const std::string_view one : text::split(value, ',')) all.push_back(text::trim(one));
    }
    return all;
}

}  // namespace

ProxyRules::ProxyRules(const std::vector<std::string>& networks) {
    for (const std::string& text : networks)
        if (const auto network = IpNetwork::parse(text)) networks_.push_back(*network);
}

bool ProxyRules::trusts(std::string_view address) const {
    if (networks_.empty()) return false;
    const auto parsed = IpAddress::parse(address);
    return parsed && std::ranges::any_of(networks_, [&](const IpNetwork& network) {
               return network.contains(*parsed);
           });
}

void ProxyRules::apply(Request& request) const {
    if (!trusts(request.peer)) return;
    auto hops = elements_of(request, "x-forwarded-for");
    auto protocols = elements_of(request, "x-forwarded-proto");
    if (hops.empty()) {
        for (const std::string_view element : elements_of(request, "forwarded")) {
            hops.push_back(part_of(element, "for"));
            if (const auto proto = part_of(element, "proto"); !proto.empty())
                protocols.push_back(proto);
        }
    }
    for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
        const auto address = address_of(*hop);
        if (!address) break;  // what stands before it cannot be believed either
        request.peer = address->text();
        if (!trusts(request.peer)) break;
    }
    if (!protocols.empty()) request.secure = text::iequals(protocols.back(), "https");
}

}  // namespace anode::api
