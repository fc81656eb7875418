#pragma once

#include <memory>
#include <string>

#include "runtime/net_error.hpp"
#include "runtime/tls.hpp"

struct ssl_ctx_st;

namespace anode {

/// The OpenSSL context of these options; kept, because reading the system's certificates takes milliseconds.
/// TLS 1.2 or newer, chain and host name verified (unless `insecure`), buffers released while idle. Thread: any.
NetResult<std::shared_ptr<ssl_ctx_st>> tls_client_context(const TlsOptions& options);

/// The newest words of OpenSSL's error queue, which is emptied.
std::string tls_words();

}  // namespace anode
