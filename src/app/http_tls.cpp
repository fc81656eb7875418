#include "app/http_tls.hpp"

#include <sys/stat.h>

#include "app/cluster/key_file.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "runtime/clock.hpp"

namespace anode::app {
namespace {

constexpr Duration kLook = 10s;
constexpr WallTime kDay = 86'400'000'000, kSoon = 14 * kDay;

std::unexpected<Error> about(const Error& error) {
    return fail(error.code, "http.tls: " + error.what);
}

}  // namespace

Result<std::shared_ptr<const TlsServer>> HttpTls::open(const Config& config) const {
    if (!config.given("http.tls.cert")) return std::shared_ptr<const TlsServer>();
    const auto key = ConfigSecret::read(config, "http.tls.key", secrets_);
    if (!key) return std::unexpected(key.error());
    TlsServerOptions options{config.text("http.tls.cert"), key->text,
                             config.text("http.tls.client_ca")};
    auto server = TlsServer::make(options, wall_now());
    if (!server) return about(server.error());
    return server;
}

Result<void> HttpTls::reload(const Config& next) {
    if (next.given("http.tls.cert") != config_.given("http.tls.cert"))
        return {};  // needs a restart
    const auto server = open(next);
    if (!server) return std::unexpected(server.error());
    {
        const std::lock_guard lock(mutex_);
        config_ = next;
    }
    if (*server != nullptr) hand_out(*server);
    return {};
}

std::vector<std::string> HttpTls::files() const {
    std::vector<std::string> files{config_.text("http.tls.cert"),
                                   config_.text("http.tls.client_ca")};
    if (const auto key = ConfigSecret::read(config_, "http.tls.key", secrets_))
        files.push_back(key->path);
    return files;
}

/// What tells one version of the files from another.
std::string HttpTls::stamp() const {
    std::string text;
    for (const std::string& file : files()) {
        struct stat about{};
        if (file.empty() || ::stat(file.c_str(), &about) != 0) continue;
        text += file + ' ' + std::to_string(about.st_ino) + ' ' + std::to_string(about.st_size) +
                ' ' + std::to_string(about.st_mtim.tv_sec) + '.' +
                std::to_string(about.st_mtim.tv_nsec) + '\n';
    }
    return text;
}

void HttpTls::hand_out(const std::shared_ptr<const TlsServer>& server) {
    const std::lock_guard lock(mutex_);
    stamp_ = stamp();
    expires_ = server->expires();
    if (give_) give_(server);
}

void HttpTls::stop() {
    const std::lock_guard lock(mutex_);
    give_ = {};
}

void HttpTls::watch(Loop& loop, Give give) {
    loop_ = &loop;
    if (const auto server = open(config_); server && *server) hand_out(*server);
    {
        const std::lock_guard lock(mutex_);
        give_ = std::move(give);
    }
    loop_->after(kLook, [this] { look(); });
}

void HttpTls::look() {
    loop_->after(kLook, [this] { look(); });
    Config config;
    {
        const std::lock_guard lock(mutex_);
        if (!give_ || !config_.given("http.tls.cert")) return;
        std::string now = stamp();
        if (now == stamp_) return;
        stamp_ = std::move(now);  // files that are wrong are complained about once
        config = config_;
    }
    const auto server = open(config);
    if (!server) {
        log::error("http", "the new certificate is not used; the one before stays",
                   {{"err", server.error().what}});
        return;
    }
    hand_out(*server);
    log::info("http", "the certificate was read again",
              {{"expires", text::rfc3339((*server)->expires())}});
}

api::Check HttpTls::health() const {
    const std::lock_guard lock(mutex_);
    api::Check check{"certificate", "ok", {}, 0};
    if (expires_ == 0 || expires_ - wall_now() > kSoon) return check;
    check.status = "warn";
    check.detail = "the certificate of the HTTP port ends at " + text::rfc3339(expires_);
    return check;
}

}  // namespace anode::app
