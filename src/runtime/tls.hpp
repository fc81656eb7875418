#pragma once

#include <compare>
#include <string>

namespace anode {

/// `http.tls` of a source.
struct TlsOptions {
    std::string ca;           ///< PEM text or the path of a PEM file; empty: the system's store
    bool insecure = false;    ///< neither chain nor name are checked
    std::string server_name;  ///< for SNI and the name check; empty: the URL's host
    friend auto operator<=>(const TlsOptions&, const TlsOptions&) = default;
};

}  // namespace anode
