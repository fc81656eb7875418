#include "api/http/origin.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::api {

namespace {

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

bool is_port(std::string_view text) {
    const auto port = text::parse_u64(text);
    return port && *port <= 65535;
}

/// `https://hub.example.org/path` → `https://hub.example.org`.
std::string origin_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    return text::lower(url.substr(0, url.find('/', scheme + 3)));
}

}  // namespace

std::optional<std::string> host_of(std::string_view authority) {
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        const std::string_view after = authority.substr(close + 1);
        if (!after.empty() && (after[0] != ':' || !is_port(after.substr(1)))) return std::nullopt;
        return text::lower(authority.substr(0, close + 1));
    }
    const std::size_t colon = authority.find(':');
    const std::string_view host = authority.substr(0, colon);
    if (host.empty() || !std::ranges::all_of(host, is_name_character)) return std::nullopt;
    if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1)))
        return std::nullopt;
    return text::lower(host);
}

OriginRules::OriginRules(std::vector<std::string> names, std::string_view public_url,
                         std::vector<std::string> allowed)
    : names_{"localhost", "127.0.0.1", "[::1]"}, public_origin_(origin_of(public_url)) {
    for (std::string& name : names) names_.push_back(text::lower(name));
    if (!public_origin_.empty())
        if (const auto host = host_of(public_origin_.substr(public_origin_.find("://") + 3)))
            names_.push_back(*host);
    set_allowed(std::move(allowed));
}

void OriginRules::set_allowed(std::vector<std::string> allowed) {
    for (std::string& origin : allowed) origin = text::lower(origin);
    const std::lock_guard lock(mutex_);
    allowed_ = std::move(allowed);
}

bool OriginRules::knows_host(std::string_view host, std::string_view local) const {
    const auto name = host_of(host);
    if (!name) return false;
    return *name == local || *name == '[' + std::string(local) + ']' ||
           std::ranges::find(names_, *name) != names_.end();
}

bool OriginRules::own(std::string_view origin, std::string_view host, bool secure) const {
    const std::string lower = text::lower(origin);
    // A browser leaves the scheme's own port out of an origin; in Host it may stand.
    const std::string_view usual = secure ? ":443" : ":80";
    if (host.ends_with(usual)) host.remove_suffix(usual.size());
    return lower == (secure ? "https://" : "http://") + text::lower(host) ||
           (!public_origin_.empty() && lower == public_origin_);
}

bool OriginRules::admits(std::string_view origin, std::string_view host, bool secure) const {
    return own(origin, host, secure) || listed(origin);
}

bool OriginRules::listed(std::string_view origin) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(allowed_, text::lower(origin)) != allowed_.end();
}

bool origin_matters(const Request& request) {
    if (request.method != Method::Get && request.method != Method::Head &&
        request.method != Method::Options)
        return true;
    const auto upgrade = request.header("upgrade");
    return (upgrade && text::lower(*upgrade).find("websocket") != std::string::npos) ||
           request.accepts_by_name("text/event-stream");
}

}  // namespace anode::api
