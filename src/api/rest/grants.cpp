#include "api/rest/grants.hpp"

#include "base/hash.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

std::uint8_t bit(Role role) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role)); }

}  // namespace

bool Grants::add(std::string_view grant) {
    if (grant == "V") return view_ = true;
    if (grant == "O") return operate_ = true;
    if (grant == "A") return administer_ = true;
    if (grant.size() < 3 || grant[1] != ':') return false;
    auto pattern = Pattern::parse(grant.substr(2));
    if (!pattern) return false;
    if (grant[0] == 'V') return view_ = true;
    if (grant[0] != 'S' && grant[0] != 'P') return false;
    (grant[0] == 'S' ? read_ : publish_).push_back(std::move(*pattern));
    return true;
}

Caller Grants::caller() const {
    Caller caller;
    if (view_) caller.roles |= bit(Role::Viewer);
    if (operate_) caller.roles |= bit(Role::Operator);
    if (administer_) caller.roles |= bit(Role::Admin);
    caller.all_topics = operate_ || administer_;
    if (caller.all_topics) return caller;
    if (!read_.empty()) caller.roles |= bit(Role::Subscriber);
    if (!publish_.empty() && (read_.empty() || read_ == publish_))
        caller.roles |= bit(Role::Publisher);
    caller.topics = PatternSet(read_.empty() ? publish_ : read_);
    return caller;
}

std::optional<CertificateGrant> CertificateGrant::parse(std::string_view text) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    CertificateGrant row{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
    if (!Grants().add(row.grant)) return std::nullopt;
    return row;
}

ConfiguredGrants ConfiguredGrants::read(BytesView config_json) {
    ConfiguredGrants grants;
    json::Document document;
    if (!document.parse(config_json)) return grants;
    Bytes all;
    const json::Value items = document.root()["items"];
    for (json::Value item = items.first(); item; item = item.next_in(items)) {
        const bool anonymous = item["key"].equals("auth.anonymous");
        if (!anonymous && !item["key"].equals("auth.certificates")) continue;
        const json::Value list = item["value"];
        all.append(list.raw());
        for (json::Value v = list.first(); v; v = v.next_in(list)) {
            if (anonymous)
                grants.anonymous.push_back(v.string());
            else if (auto row = CertificateGrant::parse(v.string()))
                grants.certificates.push_back(std::move(*row));
        }
    }
    const Hash128 hash = hash128(all);
    grants.fingerprint = text::hex({reinterpret_cast<const char*>(&hash), sizeof hash});
    return grants;
}

}  // namespace anode::api::rest
