#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/config/config.hpp"
#include "core/source/secret.hpp"
#include "runtime/loop.hpp"
#include "runtime/tls_server.hpp"

namespace anode::app {

/// The certificate of the HTTP port: read at the start, again when its files change, and at a reload. What is wrong with new
/// files is told, and the certificate in use stays.
/// Thread: any; watch() once, before the main loop runs.
class HttpTls {
public:
    HttpTls(Config config, const source::Secrets& secrets)
        : secrets_(secrets), config_(std::move(config)) {}

    /// Null if TLS is not configured. Errors: Malformed, NotFound, naming the key of the configuration and the file.
    Result<std::shared_ptr<const TlsServer>> open(const Config& config) const;
    /// Takes over a new configuration; `give` gets the certificate. Errors as of open(): nothing has changed then.
    Result<void> reload(const Config& next);
    /// Looks at the files every ten seconds.
    using Give = std::function<void(std::shared_ptr<const TlsServer>)>;
    void watch(Loop& loop, Give give);
    /// Nothing is given from now on.
    void stop();
    /// Warns of a certificate whose time is nearly over. Any thread.
    [[nodiscard]] api::Check health() const;

private:
    void look();
    [[nodiscard]] std::vector<std::string> files() const;
    [[nodiscard]] std::string stamp() const;
    void hand_out(const std::shared_ptr<const TlsServer>& server);

    const source::Secrets& secrets_;
    mutable std::mutex mutex_;  ///< guards config_, stamp_, expires_, give_
    Config config_;
    std::string stamp_;
    WallTime expires_ = 0;
    Loop* loop_ = nullptr;
    Give give_;
};

}  // namespace anode::app
