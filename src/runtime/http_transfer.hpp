#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/codec/inflate.hpp"
#include "core/source/egress.hpp"
#include "runtime/http_client.hpp"
#include "runtime/loop.hpp"

/// The inside of HttpClient: one exchange, over all its redirects. http_client.cpp owns the transfers and drives curl.
struct curl_slist;

namespace anode {

struct HttpTransfer {
    HttpTransfer(HttpId name, HttpRequest what, std::shared_ptr<const EgressPolicy> rules);
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;

    /// Prepares the handle for `url` at the given addresses (of the proxy, if there is one).
    NetResult<void> prepare(const std::vector<IpAddress>& addresses, bool fresh_connection);
    /// Where the answer at hand leads, if it is a redirect to be followed; an error if it may not be.
    NetResult<std::optional<Url>> redirect() const;
    /// Goes on to `to`: credentials stay behind if the origin is another one.
    void follow(Url to);
    /// What curl's verdict (a CURLcode) means; the head and body are ready if it is none.
    NetResult<void> verdict(int code);

    [[nodiscard]] bool streaming() const noexcept { return handler != nullptr; }
    /// Whose address is looked up and connected to.
    [[nodiscard]] const Url& first_hop() const noexcept { return proxy ? *proxy : url; }

    HttpId id;
    HttpRequest request;
    Url url;
    std::optional<Url> proxy;
    std::shared_ptr<const EgressPolicy> egress;
    HttpClient::Reply reply;
    HttpStreamHandler* handler = nullptr;
    TimerId deadline{};
    Instant began{};
    unsigned hops = 0;
    bool in_multi = false;
    bool cancelled = false;
    bool paused = false;        ///< by the owner
    bool held_by_curl = false;  ///< curl was told to wait
    HttpResponse response;

    struct FreeEasy {
        void operator()(void* handle) const noexcept;
    };
    struct FreeList {
        void operator()(curl_slist* list) const noexcept;
    };
    std::unique_ptr<void, FreeEasy> easy;  ///< curl's handle

private:
    struct Callbacks;  ///< what curl calls

    NetResult<void> set_headers();
    void set_target(const std::vector<IpAddress>& addresses);
    void set_method();
    void set_tls();
    bool header_line(std::string_view line);
    bool head_done();
    bool take_body(BytesView raw);
    bool abort(source::ErrorClass kind, std::string what);
    [[nodiscard]] bool redirects(int status) const noexcept;

    std::unique_ptr<curl_slist, FreeList> headers_;
    std::unique_ptr<curl_slist, FreeList> resolve_;
    std::size_t head_bytes_ = 0;
    bool head_complete_ = false;
    bool skip_body_ = false;
    std::optional<codec::Decompressor> decoder_;
    Bytes decoded_;
    std::optional<NetError> aborted_;
};

}  // namespace anode
