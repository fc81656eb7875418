#include "api/dashboard/serve.hpp"

#include <array>

#include "api/dashboard/small_page.hpp"
#include "core/codec/inflate.hpp"

namespace anode::api::dashboard {

namespace {

constexpr std::string_view kFiles = "/ui/a/", kPage = "/index.html";

Response of_asset(const Asset& asset, const Request& request, bool for_ever) {
    Response response;
    response.content_type = asset.type;
    response.cache_control = for_ever ? "public, max-age=31536000, immutable" : "no-cache";
    response.compressible = false;
    response.headers.emplace_back("Vary", "Accept-Encoding");
    constexpr std::array kOurs{codec::Coding::Brotli, codec::Coding::Gzip};
    const auto accept = request.header("accept-encoding");
    const auto coding = accept ? codec::choose_coding(*accept, kOurs) : std::nullopt;
    if (!coding) {
        response.body = asset.plain;
        response.etag = asset.tag;
        return response;
    }
    response.body = *coding == codec::Coding::Brotli ? asset.brotli : asset.gzip;
    response.etag = std::string(asset.tag) + '-' + std::string(codec::http_name(*coding));
    response.headers.emplace_back("Content-Encoding", codec::http_name(*coding));
    return response;
}

/// What every page of ours carries.
void harden(Response& response) {
    response.headers.emplace_back("Content-Security-Policy", kPolicy);
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
}

}  // namespace

Response serve(const Assets& assets, const Request& request) {
    const bool file = request.path.starts_with(kFiles);
    const Asset* asset = assets.find(file ? std::string_view(request.path) : kPage);
    Response response;
    if (assets.empty()) {
        response = small_page(assets.why_empty(), request);
    } else if (asset != nullptr) {
        response = of_asset(*asset, request, file);
    } else {
        response = Response::text("no such file\n", 404);
    }
    harden(response);
    return response;
}

}  // namespace anode::api::dashboard
