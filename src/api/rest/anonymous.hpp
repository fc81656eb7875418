#pragma once

#include <mutex>

#include "api/rest/grants.hpp"

namespace anode {
struct TlsPeer;
}

namespace anode::api::rest {

/// What callers without a credential of ours may do: everybody, and holders of a client certificate. Reads the
/// configuration again every ten seconds, so that a reload takes hold without a restart, on open connections too.
/// Thread: any.
class Anonymous {
public:
    /// Beginnings of the ids of what lets such callers in; behind them an address, or a certificate's name, so that limits
    /// count each for itself.
    static constexpr std::string_view kId = "anonymous:", kCertificateId = "certificate:";

    explicit Anonymous(const NodeControl& node) : node_(node) {}

    Caller caller(std::string_view peer, WallTime now);
    /// None if nothing is granted to this certificate.
    std::optional<Caller> certificate(const TlsPeer& peer, WallTime now);
    /// Whether what let such a caller in is still granted.
    bool stands(const Credential& credential, WallTime now);
    /// Grows whenever the grants change.
    std::uint64_t changes(WallTime now);

private:
    void refresh(WallTime now);

    const NodeControl& node_;
    std::mutex mutex_;  ///< guards what follows
    WallTime read_at_ = 0;
    std::uint64_t changes_ = 0;
    ConfiguredGrants grants_;
    Caller caller_;
};

}  // namespace anode::api::rest
