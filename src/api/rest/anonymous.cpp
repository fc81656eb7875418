#include "api/rest/anonymous.hpp"

#include <algorithm>

#include "runtime/tls_server.hpp"

namespace anode::api::rest {

namespace {

constexpr WallTime kKept = 5'000'000;

}  // namespace

void Anonymous::refresh(WallTime now) {
    if (read_at_ != 0 && now >= read_at_ && now - read_at_ <= kKept) return;
    read_at_ = now;
    auto next = ConfiguredGrants::read(node_.config());
    if (changes_ != 0 && next.fingerprint == grants_.fingerprint) return;
    grants_ = std::move(next);
    ++changes_;
    Grants granted;
    for (const std::string& grant : grants_.anonymous) granted.add(grant);
    caller_ = granted.caller();
    caller_.all_topics = false;  // nobody runs a node for everybody
    caller_.roles &= static_cast<std::uint8_t>(
        ~(1U << static_cast<unsigned>(Role::Operator) | 1U << static_cast<unsigned>(Role::Admin)));
}

Caller Anonymous::caller(std::string_view peer, WallTime now) {
    const std::lock_guard lock(mutex_);
    refresh(now);
    Caller caller = caller_;
    if (caller.roles != 0)
        caller.credential = {std::string(kId).append(peer), grants_.fingerprint, 0};
    return caller;
}

std::optional<Caller> Anonymous::certificate(const TlsPeer& peer, WallTime now) {
    const std::lock_guard lock(mutex_);
    refresh(now);
    Grants granted;
    std::string name;
    for (const CertificateGrant& row : grants_.certificates) {
        if (std::ranges::find(peer.names, row.name) == peer.names.end()) continue;
        if (granted.add(row.grant) && name.empty()) name = row.name;
    }
    if (name.empty()) return std::nullopt;
    Caller caller = granted.caller();
    caller.name = std::string(kCertificateId) + name;
    caller.authenticated = true;
    caller.credential = {caller.name, grants_.fingerprint, 0};
    return caller;
}

bool Anonymous::stands(const Credential& credential, WallTime now) {
    const std::lock_guard lock(mutex_);
    refresh(now);
    return credential.fingerprint == grants_.fingerprint;
}

std::uint64_t Anonymous::changes(WallTime now) {
    const std::lock_guard lock(mutex_);
    refresh(now);
    return changes_;
}

}  // namespace anode::api::rest
