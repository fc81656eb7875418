#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace anode::app {

/// Exit codes of interfaces, section 11.
namespace exit_code {
inline constexpr int kDone = 0, kFailed = 1, kWrongUse = 2, kNotFound = 3, kUnreachable = 4,
                     kNotAllowed = 5, kConflict = 6, kPartly = 7, kTimedOut = 8, kBadConfig = 78;
}

/// Which node to talk to, and as whom.
struct Target {
    std::string url;     ///< `http://host:port`; empty with a socket
    std::string socket;  ///< path
    std::string token;
    Duration timeout = 10s;
};
/// `--url`, else ANODE_URL, else the local socket, else http://127.0.0.1:7945.
Target find_target(const std::string& url, const std::string& token, Duration timeout);

struct Answer {
    int status = 0;
    Bytes body;
    std::string etag;
};

/// What went wrong, ready to be printed, and the exit code for it.
struct Trouble {
    int code = exit_code::kFailed;
    std::string text;
    int status = 0;  ///< of HTTP; 0: there was no answer
};
template <class T>
using Tried = std::expected<T, Trouble>;

/// A blocking HTTP client for the command line.
class Client {
public:
    explicit Client(Target target) : target_(std::move(target)) {}

    using Headers = std::vector<std::pair<std::string, std::string>>;
    /// Any answer of 2xx; everything else is Trouble with the problem's words.
    Tried<Answer> call(const std::string& method, const std::string& path, BytesView body = {},
                       const Headers& headers = {}) const;
    Tried<Answer> get(const std::string& path) const { return call("GET", path); }
    /// Lines as they come, until the server ends, `on_line` returns false, or `total` (0: no end) has passed.
    /// Trouble if it could not begin or broke off.
    Tried<void> lines(const std::string& path, Duration total,
                      const std::function<bool(std::string_view)>& on_line) const;
    [[nodiscard]] const Target& target() const noexcept { return target_; }

private:
    Target target_;
};

/// `?a=b&c=d` of what is not empty.
std::string query(const std::vector<std::pair<std::string, std::string>>& parameters);
/// The words of a problem document, with its errors and pointers.
std::string problem_text(int status, BytesView body);

}  // namespace anode::app
