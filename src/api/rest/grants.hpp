#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/doors.hpp"
#include "api/http/request.hpp"

/// What the configuration grants without a token: to everybody (`auth.anonymous`), and to holders of client certificates
/// (`auth.certificates`).
namespace anode::api::rest {

/// Gathers grants such as `V`, `S:public.>`, `P:in.>`, `O`, `A`.
/// A caller has one set of patterns for all its roles, so reading and publishing can only be granted together where they are
/// granted alike; else reading alone is.
class Grants {
public:
    /// False if it is no grant.
    bool add(std::string_view grant);
    [[nodiscard]] Caller caller() const;

private:
    bool view_ = false, operate_ = false, administer_ = false;
    std::vector<Pattern> read_, publish_;
};

/// One row of `auth.certificates`: `NAME=GRANT`, where NAME is a common name, DNS name or URI of the certificate.
struct CertificateGrant {
    std::string name, grant;
    static std::optional<CertificateGrant> parse(std::string_view text);
};

/// The grants of a configuration, as `/v1/config` shows them.
struct ConfiguredGrants {
    std::vector<std::string> anonymous;
    std::vector<CertificateGrant> certificates;
    std::string fingerprint;  ///< of all of it
    static ConfiguredGrants read(BytesView config_json);
};

}  // namespace anode::api::rest
