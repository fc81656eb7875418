#include "runtime/http_transfer.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace anode {
namespace {

using source::ErrorClass;

constexpr std::uint64_t kRatioFreeBytes = 1 << 20;

bool clean(std::string_view value) {
    return std::none_of(value.begin(), value.end(),
                        [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string in_brackets(const IpAddress& ip) { return ip.v6 ? '[' + ip.text() + ']' : ip.text(); }

/// The address that curl is about to connect to.
std::optional<std::pair<IpAddress, std::uint16_t>> read_address(const curl_sockaddr& from) {
    sockaddr_storage storage{};
    std::memcpy(&storage, &from.addr, std::min<std::size_t>(from.addrlen, sizeof storage));
    if (from.family == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, &storage, sizeof address);
        return std::pair(IpAddress::v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port));
    }
    if (from.family != AF_INET6) return std::nullopt;
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    IpAddress ip{.v6 = true};
    std::memcpy(ip.bytes.data(), &address.sin6_addr, ip.bytes.size());
    return std::pair(ip, ntohs(address.sin6_port));
}

ErrorClass class_of(CURLcode code, CURL* easy) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return ErrorClass::Dns;
        case CURLE_OPERATION_TIMEDOUT:
            return ErrorClass::Timeout;
        case CURLE_COULDNT_CONNECT: {
            long error_number = 0;
            curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error_number);
            const ErrorClass kind = socket_error(static_cast<int>(error_number), "").kind;
            return kind == ErrorClass::Internal ? ErrorClass::Unreachable : kind;
        }
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
            return ErrorClass::Tls;
        case CURLE_GOT_NOTHING:
            return ErrorClass::Closed;
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_PARTIAL_FILE:
            return ErrorClass::Reset;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_HTTP2:
            return ErrorClass::Protocol;
        case CURLE_BAD_CONTENT_ENCODING:
            return ErrorClass::Decode;
        case CURLE_FILESIZE_EXCEEDED:
            return ErrorClass::TooLarge;
        default:
            return ErrorClass::Internal;
    }
}

void append(std::unique_ptr<curl_slist, HttpTransfer::FreeList>& list, const std::string& line) {
    list.reset(curl_slist_append(list.release(), line.c_str()));
}

}  // namespace

struct HttpTransfer::Callbacks {
    /// The last line of defence: whatever led here, the socket is opened only if this address is allowed.
    static curl_socket_t socket(void* self, curlsocktype, curl_sockaddr* address) {
        auto& transfer = *static_cast<HttpTransfer*>(self);
        const auto target = read_address(*address);
        const Result<void> allowed = target ? transfer.egress->check(target->first, target->second)
                                            : fail(Errc::Refused, "neither IPv4 nor IPv6");
        if (!allowed) {
            transfer.abort(ErrorClass::Blocked, allowed.error().what);
            return CURL_SOCKET_BAD;
        }
        return ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        address->protocol);
    }

    static std::size_t header(char* data, std::size_t size, std::size_t count, void* self) {
        auto& transfer = *static_cast<HttpTransfer*>(self);
        return transfer.header_line({data, size * count}) ? size * count : 0;
    }

    static std::size_t body(char* data, std::size_t size, std::size_t count, void* self) {
        auto& transfer = *static_cast<HttpTransfer*>(self);
        if (transfer.paused && !transfer.skip_body_) {
            transfer.held_by_curl = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        return transfer.take_body({data, size * count}) ? size * count : 0;
    }
};

void HttpTransfer::FreeEasy::operator()(void* handle) const noexcept { curl_easy_cleanup(handle); }
void HttpTransfer::FreeList::operator()(curl_slist* list) const noexcept {
    curl_slist_free_all(list);
}

HttpTransfer::HttpTransfer(HttpId name, HttpRequest what, std::shared_ptr<const EgressPolicy> rules)
    : id(name),
      request(std::move(what)),
      url(request.url),
      egress(std::move(rules)),
      easy(curl_easy_init()) {}

NetResult<void> HttpTransfer::prepare(const std::vector<IpAddress>& addresses,
                                      bool fresh_connection) {
    CURL* const curl = easy.get();
    curl_easy_reset(curl);
    response = {};
    response.url = url;
    head_bytes_ = 0;
    head_complete_ = skip_body_ = held_by_curl = false;
    decoder_.reset();
    aborted_.reset();
    curl_easy_setopt(curl, CURLOPT_PRIVATE, this);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 128L << 10);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, fresh_connection ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, 60L);
    const auto patience =
        std::chrono::duration_cast<std::chrono::milliseconds>(request.connect_timeout).count();
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(patience));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Callbacks::header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Callbacks::body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &Callbacks::socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, proxy ? proxy->origin().c_str() : "");
    set_target(addresses);
    set_method();
    set_tls();
    return set_headers();
}

/// Ties the name to the checked addresses. Another TLS name stands in the URL's place, since curl takes SNI from there.
void HttpTransfer::set_target(const std::vector<IpAddress>& addresses) {
    Url shown = url;
    if (url.secure() && !request.tls.server_name.empty()) {
        shown.host = request.tls.server_name;
        shown.ip = IpAddress::parse(shown.host);
    }
    curl_easy_setopt(easy.get(), CURLOPT_URL, shown.text().c_str());
    const std::string& name = proxy ? proxy->host : shown.host;
    std::string line = '+' + name + ':' + std::to_string(first_hop().port) + ':';
    for (std::size_t i = 0; i < addresses.size(); ++i)
        line += (i > 0 ? "," : "") + in_brackets(addresses[i]);
    resolve_.reset();
    append(resolve_, line);
    curl_easy_setopt(easy.get(), CURLOPT_RESOLVE, resolve_.get());
}

void HttpTransfer::set_method() {
    CURL* const curl = easy.get();
    if (request.method == "HEAD") {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        return;
    }
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
        request.method == "PATCH") {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void HttpTransfer::set_tls() {
    CURL* const curl = easy.get();
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, request.tls.insecure ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, request.tls.insecure ? 0L : 2L);
    if (request.tls.ca.empty()) return;
    if (request.tls.ca.find("-----BEGIN") == std::string::npos) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, request.tls.ca.c_str());
        return;
    }
    curl_blob pem{request.tls.ca.data(), request.tls.ca.size(), CURL_BLOB_COPY};
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &pem);
}

NetResult<void> HttpTransfer::set_headers() {
    headers_.reset();
    bool coding = false, agent = false, host = false;
    for (const auto& [name, value] : request.headers) {
        if (name.empty() || !clean(name) || !clean(value) || name.find(':') != std::string::npos)
            return std::unexpected(net_error(ErrorClass::Definition, "a header holds a line end"));
        coding = coding || text::iequals(name, "accept-encoding");
        agent = agent || text::iequals(name, "user-agent");
        host = host || text::iequals(name, "host");
        append(headers_, value.empty() ? name + ';' : name + ": " + value);
    }
    if (!coding) append(headers_, "Accept-Encoding: gzip, br, zstd");
    if (!agent && !request.user_agent.empty() && clean(request.user_agent))
        append(headers_, "User-Agent: " + request.user_agent);
    if (!host && url.secure() && !request.tls.server_name.empty())
        append(headers_, "Host: " + url.authority());
    append(headers_, "Expect:");  // no waiting for 100 Continue
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers_.get());
    return {};
}

bool HttpTransfer::abort(ErrorClass kind, std::string what) {
    if (!aborted_) aborted_ = net_error(kind, std::move(what));
    return false;
}

bool HttpTransfer::header_line(std::string_view line) {
    if (head_complete_) return true;  // a trailer: nothing we ask for
    head_bytes_ += line.size();
    if (head_bytes_ > request.head_bytes_max)
        return abort(ErrorClass::TooLarge, "the answer's head is too large");
    if (line.starts_with("HTTP/")) {
        response.headers.clear();
        return true;
    }
    line = text::trim(line);
    if (line.empty()) return head_done();
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    response.headers.emplace_back(text::lower(line.substr(0, colon)),
                                  text::trim(line.substr(colon + 1)));
    return true;
}

bool HttpTransfer::redirects(int status) const noexcept {
    const bool moved =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    return moved && (request.method == "GET" || request.method == "HEAD") &&
           std::any_of(response.headers.begin(), response.headers.end(),
                       [](const auto& header) { return header.first == "location"; });
}

bool HttpTransfer::head_done() {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return true;  // 100 Continue, 103 Early Hints: the answer is still to come
    head_complete_ = true;
    response.status = static_cast<int>(status);
    skip_body_ = redirects(response.status);
    if (skip_body_) return true;
    for (const auto& [name, value] : response.headers) {
        if (name != "content-encoding" || value.empty() || text::iequals(value, "identity"))
            continue;
        const auto coding = codec::coding_of_http(value);
        if (!coding || decoder_)
            return abort(ErrorClass::Decode, "unknown content coding " + text::printable(value));
        decoder_.emplace(*coding,
                         codec::InflateLimits{streaming() ? UINT64_MAX : request.body_bytes_max,
                                              static_cast<std::uint32_t>(request.inflate_ratio_max),
                                              kRatioFreeBytes});
    }
    if (handler != nullptr) handler->on_head(response);
    return !cancelled;
}

bool HttpTransfer::take_body(BytesView raw) {
    if (cancelled) return false;
    if (skip_body_) return true;
    decoded_.clear();
    if (decoder_) {
        if (const Result<void> fed = decoder_->feed(raw, decoded_); !fed)
            return abort(
                fed.error().code == Errc::TooLarge ? ErrorClass::TooLarge : ErrorClass::Decode,
                fed.error().what);
        raw = decoded_;
    }
    if (handler != nullptr) {
        if (!raw.empty()) handler->on_data(raw);
        return !cancelled;
    }
    if (response.body.size() + raw.size() > request.body_bytes_max)
        return abort(ErrorClass::TooLarge, "the answer's body is too large");
    response.body += raw;
    return true;
}

NetResult<std::optional<Url>> HttpTransfer::redirect() const {
    if (!redirects(response.status)) return std::nullopt;
    if (hops >= request.redirects_max)
        return std::unexpected(
            net_error(ErrorClass::Protocol,
                      "more than " + std::to_string(request.redirects_max) + " redirects"));
    const auto location =
        std::find_if(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return header.first == "location"; });
    auto to = url.resolve(location->second);
    if (!to)
        return std::unexpected(net_error(ErrorClass::Protocol, "redirect: " + to.error().what));
    if (to->websocket())
        return std::unexpected(net_error(ErrorClass::Blocked, "redirect to another kind of URL"));
    if (url.secure() && !to->secure())
        return std::unexpected(net_error(ErrorClass::Blocked, "redirect from https to http"));
    if (const Result<void> allowed = egress->check(*to); !allowed)
        return std::unexpected(net_error(ErrorClass::Blocked, "redirect: " + allowed.error().what));
    return std::move(*to);
}

void HttpTransfer::follow(Url to) {
    ++hops;
    if (!to.same_origin(url)) {
        std::erase_if(request.headers, [this](const auto& header) {
            const auto named = [&](std::string_view name) {
                return text::iequals(header.first, name);
            };
            return named("authorization") || named("cookie") || named("proxy-authorization") ||
                   named("host") ||
                   std::any_of(request.secret_headers.begin(), request.secret_headers.end(), named);
        });
        request.tls.server_name.clear();
    }
    url = std::move(to);
}

NetResult<void> HttpTransfer::verdict(int number) {
    const auto code = static_cast<CURLcode>(number);
    if (aborted_) return std::unexpected(*aborted_);
    if (code != CURLE_OK) {
        NetError error = net_error(class_of(code, easy.get()), curl_easy_strerror(code));
        return std::unexpected(std::move(error));
    }
    if (decoder_ && !skip_body_ && request.method != "HEAD") {
        if (const Result<void> whole = decoder_->finish(); !whole)
            return std::unexpected(net_error(ErrorClass::Decode, whole.error().what));
    }
    return {};
}

}  // namespace anode
