#include "app/demo/pushes.hpp"

#include "app/demo/service.hpp"
#include "app/demo/talk.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/source/egress.hpp"
#include "core/source/url.hpp"
#include "runtime/http_client.hpp"
#include "runtime/resolver.hpp"

namespace anode::app::demo {
namespace {

/// Only the node itself can be reached.
std::shared_ptr<const EgressPolicy> only(const std::string& url) {
    EgressOptions options;
    options.allow_private = {*IpNetwork::parse("127.0.0.0/8"), *IpNetwork::parse("::1")};
    const auto parsed = Url::parse(url);
    options.ports = {parsed ? parsed->port : std::uint16_t{0}};
    return std::make_shared<const EgressPolicy>(std::move(options));
}

Bytes build_event(Now now, Rng& rng) {
    static constexpr std::string_view kProjects[] = {"lighthouse", "tidewatch", "ferry-web",
                                                     "quay-api", "buoy-firmware"};
    static constexpr std::string_view kResults[] = {"success", "success", "success", "failure",
                                                    "cancelled"};
    Bytes json;
    json::Writer(json)
        .begin_object()
        .member("delivery", hex_word(rng, 16))
        .member("project", kProjects[rng.below(5)])
        .member("branch", rng.chance(0.6) ? "main" : "fix/" + hex_word(rng, 5))
        .member("commit", hex_word(rng, 10))
        .member("result", kResults[rng.below(5)])
        .member("seconds", 20 + rng.below(400))
        .member("author", person(rng))
        .member("at", text::rfc3339(now.wall))
        .end_object();
    return json;
}

Bytes order_event(Now now, Rng& rng) {
    static constexpr std::string_view kGoods[] = {"rope, 10 m",  "storm lamp", "chart of the north",
                                                  "wool jumper", "brass bell", "tea, 250 g"};
    Bytes json;
    json::Writer(json)
        .begin_object()
        .member("delivery", hex_word(rng, 16))
        .member("order", 100'000 + rng.below(900'000))
        .member("item", kGoods[rng.below(6)])
        .member("quantity", 1 + rng.below(4))
        .key("total")
        .raw(fixed(4 + 120 * rng.unit(), 2))
        .member("currency", "EUR")
        .member("at", text::rfc3339(now.wall))
        .end_object();
    return json;
}

Bytes door_event(Now now, Rng& rng) {
    static constexpr std::string_view kDoors[] = {"pier-1", "pier-2", "boathouse", "workshop",
                                                  "tower"};
    Bytes json;
    json::Writer(json)
        .begin_object()
        .member("delivery", hex_word(rng, 16))
        .member("door", kDoors[rng.below(5)])
        .member("event", rng.chance(0.5) ? "opened" : "closed")
        .member("badge", hex_word(rng, 6))
        .member("at", text::rfc3339(now.wall))
        .end_object();
    return json;
}

}  // namespace

Pushes::Pushes(Loop& loop, const std::string& url, const std::string& token,
               std::vector<std::string> sources)
    : url_(url),
      token_(token),
      sources_(std::move(sources)),
      resolver_(std::make_unique<Resolver>(loop, only(url))),
      http_(std::make_unique<HttpClient>(loop, *resolver_, 4)) {}

Pushes::~Pushes() = default;

void Pushes::beat(Now now, Rng& rng) {
    for (const std::string& source : sources_)
        for (unsigned n = events_of(0.5, rng); n > 0; --n) push(source, now, rng);
}

void Pushes::push(const std::string& source, Now now, Rng& rng) {
    auto url = Url::parse(url_ + "/v1/in/" + source);
    if (!url || waiting_ >= kWaitingMax) return;
    HttpRequest request;
    request.method = "POST";
    request.url = std::move(*url);
    request.headers = {{"Content-Type", "application/json"}};
    if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
    request.user_agent = "anode-demo";
    request.body = source.find("build") != source.npos  ? build_event(now, rng)
                   : source.find("shop") != source.npos ? order_event(now, rng)
                                                        : door_event(now, rng);
    ++waiting_;
    http_->fetch(std::move(request), [this](const NetResult<HttpResponse>&) { --waiting_; });
}

}  // namespace anode::app::demo
