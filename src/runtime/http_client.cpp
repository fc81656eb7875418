#include "runtime/http_client.hpp"

#include <curl/curl.h>

#include <map>
#include <mutex>
#include <utility>

#include "runtime/http_transfer.hpp"
#include "runtime/loop.hpp"
#include "runtime/resolver.hpp"

namespace anode {
namespace {

using source::ErrorClass;

constexpr Duration kForgetTime =
    65s;  // longer than CURLOPT_MAXAGE_CONN: afterwards nobody reuses an older connection

void start_curl_once() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

struct HttpClient::State : std::enable_shared_from_this<HttpClient::State> {
    /// A socket of curl's, ready.
    struct Socket final : Loop::Watcher {
        Socket(State& owner_, curl_socket_t fd_) : owner(owner_), fd(fd_) {}
        void on_ready(std::uint32_t events) override { owner.socket_ready(fd, events); }
        State& owner;
        curl_socket_t fd;
        bool watched = false;
    };

    State(Loop& on, Resolver& names, unsigned connections_max);
    ~State();

    HttpId add(HttpRequest request, Reply reply, HttpStreamHandler* handler);
    void look_up(HttpTransfer& transfer);
    void begin(HttpId id, NetResult<std::vector<IpAddress>> addresses);
    void socket_ready(curl_socket_t fd, std::uint32_t events);
    void kick(curl_socket_t fd, int events);
    void collect();
    void ended(HttpTransfer& transfer, CURLcode code);
    void finish(HttpId id, NetResult<void> result);
    void fail_later(HttpId id, NetError error);
    void remove(HttpId id);
    HttpTransfer* find(HttpId id);

    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* known);
    static int on_timer(CURLM* multi, long after_ms, void* self);

    Loop& loop;
    Resolver& resolver;
    CURLM* multi;
    std::map<HttpId, std::unique_ptr<HttpTransfer>> transfers;
    std::map<curl_socket_t, std::unique_ptr<Socket>> sockets;
    std::vector<std::unique_ptr<Socket>> gone;  ///< may still be on the stack
    TimerId timer{};
    std::uint64_t last_id = 0;
    Instant fresh_until{};
};

HttpClient::State::State(Loop& on, Resolver& names, unsigned connections_max)
    : loop(on), resolver(names) {
    start_curl_once();
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(connections_max));
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(connections_max));
}

HttpClient::State::~State() {
    for (auto& [id, transfer] : transfers) {
        loop.cancel(transfer->deadline);
        transfer->cancelled = true;
        if (transfer->in_multi) curl_multi_remove_handle(multi, transfer->easy.get());
    }
    transfers.clear();
    curl_multi_cleanup(multi);
    for (auto& [fd, socket] : sockets)
        if (socket->watched) loop.unwatch(fd, *socket);
    loop.cancel(timer);
}

int HttpClient::State::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& state = *static_cast<State*>(self);
    auto& slot = state.sockets[fd];
    if (!slot) slot = std::make_unique<Socket>(state, fd);
    if (what == CURL_POLL_REMOVE) {
        if (slot->watched) state.loop.unwatch(fd, *slot);
        state.gone.push_back(std::move(slot));
        state.sockets.erase(fd);
        return 0;
    }
    const std::uint32_t events = (what & CURL_POLL_IN ? std::uint32_t{Loop::Readable} : 0u) |
                                 (what & CURL_POLL_OUT ? std::uint32_t{Loop::Writable} : 0u);
    const Result<void> set =
        slot->watched ? state.loop.rewatch(fd, events, *slot) : state.loop.watch(fd, events, *slot);
    slot->watched = set.has_value();
    return set ? 0 : -1;
}

int HttpClient::State::on_timer(CURLM*, long after_ms, void* self) {
    auto& state = *static_cast<State*>(self);
    state.loop.cancel(std::exchange(state.timer, TimerId{}));
    if (after_ms < 0) return 0;
    state.timer =
        state.loop.after(std::chrono::milliseconds(after_ms), [weak = state.weak_from_this()] {
            const auto alive = weak.lock();
            if (!alive) return;
            alive->timer = {};
            alive->kick(CURL_SOCKET_TIMEOUT, 0);
        });
    return 0;
}

void HttpClient::State::socket_ready(curl_socket_t fd, std::uint32_t events) {
    const auto self = shared_from_this();
    kick(fd, (events & Loop::Readable ? CURL_CSELECT_IN : 0) |
                 (events & Loop::Writable ? CURL_CSELECT_OUT : 0) |
                 (events & Loop::Broken ? CURL_CSELECT_ERR : 0));
}

void HttpClient::State::kick(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi, fd, events, &running);
    collect();
    if (gone.empty()) return;
    loop.defer([weak = weak_from_this()] {
        if (const auto state = weak.lock()) state->gone.clear();
    });
}

/// Takes what curl has finished. Callbacks come from here, never from inside curl, but for the parts of a stream.
void HttpClient::State::collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        void* owner = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        auto& transfer = *static_cast<HttpTransfer*>(owner);
        const CURLcode code = message->data.result;
        curl_multi_remove_handle(multi, transfer.easy.get());
        transfer.in_multi = false;
        if (!transfer.cancelled) ended(transfer, code);
    }
}

void HttpClient::State::ended(HttpTransfer& transfer, CURLcode code) {
    const NetResult<void> result = transfer.verdict(code);
    if (!result) return finish(transfer.id, result);
    auto next = transfer.redirect();
    if (!next) return finish(transfer.id, std::unexpected(next.error()));
    if (!*next) return finish(transfer.id, {});
    transfer.follow(std::move(**next));
    look_up(transfer);
}

HttpTransfer* HttpClient::State::find(HttpId id) {
    const auto found = transfers.find(id);
    return found == transfers.end() || found->second->cancelled ? nullptr : found->second.get();
}

HttpId HttpClient::State::add(HttpRequest request, Reply reply, HttpStreamHandler* handler) {
    const HttpId id{++last_id};
    auto made = std::make_unique<HttpTransfer>(id, std::move(request), resolver.egress());
    HttpTransfer& transfer = *made;
    transfers.emplace(id, std::move(made));
    transfer.reply = std::move(reply);
    transfer.handler = handler;
    transfer.began = loop.now().mono;
    transfer.deadline = loop.after(transfer.request.timeout, [weak = weak_from_this(), id] {
        const auto state = weak.lock();
        HttpTransfer* const late = state ? state->find(id) : nullptr;
        if (late == nullptr || (late->streaming() && late->response.status != 0)) return;
        state->finish(
            id, std::unexpected(net_error(ErrorClass::Timeout, "no complete answer in time")));
    });
    if (transfer.url.websocket()) {
        fail_later(id,
                   net_error(ErrorClass::Definition, "an HTTP request needs an http or https URL"));
        return id;
    }
    if (!transfer.request.proxy.empty()) {
        auto proxy = Url::parse(transfer.request.proxy);
        if (!proxy || proxy->scheme != Url::Scheme::Http) {
            fail_later(id, net_error(ErrorClass::Definition, "http.proxy is not http://host:port"));
            return id;
        }
        transfer.proxy = std::move(*proxy);
    }
    if (const Result<void> allowed = transfer.egress->check(transfer.url); !allowed)
        fail_later(id, net_error(ErrorClass::Blocked, allowed.error().what));
    else
        look_up(transfer);
    return id;
}

void HttpClient::State::fail_later(HttpId id, NetError error) {
    loop.defer([weak = weak_from_this(), id, error = std::move(error)] {
        if (const auto state = weak.lock()) state->finish(id, std::unexpected(error));
    });
}

void HttpClient::State::look_up(HttpTransfer& transfer) {
    const Url& hop = transfer.first_hop();
    resolver.resolve(
        hop.host, hop.port,
        [weak = weak_from_this(), id = transfer.id](NetResult<std::vector<IpAddress>> addresses) {
            if (const auto state = weak.lock()) state->begin(id, std::move(addresses));
        });
}

void HttpClient::State::begin(HttpId id, NetResult<std::vector<IpAddress>> addresses) {
    HttpTransfer* const transfer = find(id);
    if (transfer == nullptr) return;
    if (!addresses) return finish(id, std::unexpected(addresses.error()));
    const auto ready = transfer->prepare(*addresses, loop.now().mono < fresh_until);
    if (!ready) return finish(id, std::unexpected(ready.error()));
    transfer->in_multi = curl_multi_add_handle(multi, transfer->easy.get()) == CURLM_OK;
    if (!transfer->in_multi)
        finish(id, std::unexpected(net_error(ErrorClass::Internal, "curl refuses the request")));
}

void HttpClient::State::finish(HttpId id, NetResult<void> result) {
    HttpTransfer* const transfer = find(id);
    if (transfer == nullptr) return;
    transfer->response.took = loop.now().mono - transfer->began;
    Reply reply = std::move(transfer->reply);
    HttpStreamHandler* const handler = transfer->handler;
    HttpResponse response = std::move(transfer->response);
    remove(id);
    if (handler != nullptr) return handler->on_end(result);
    if (result)
        reply(std::move(response));
    else
        reply(std::unexpected(std::move(result.error())));
}

void HttpClient::State::remove(HttpId id) {
    const auto found = transfers.find(id);
    if (found == transfers.end()) return;
    const auto transfer = std::move(found->second);
    transfers.erase(found);
    loop.cancel(transfer->deadline);
    if (transfer->in_multi) curl_multi_remove_handle(multi, transfer->easy.get());
}

HttpClient::HttpClient(Loop& loop, Resolver& resolver, unsigned connections_max)
    : state_(std::make_shared<State>(loop, resolver, connections_max)) {}

HttpClient::~HttpClient() = default;

HttpId HttpClient::fetch(HttpRequest request, Reply reply) {
    return state_->add(std::move(request), std::move(reply), nullptr);
}

HttpId HttpClient::stream(HttpRequest request, HttpStreamHandler& handler) {
    return state_->add(std::move(request), nullptr, &handler);
}

void HttpClient::pause(HttpId id) {
    if (HttpTransfer* const transfer = state_->find(id)) transfer->paused = true;
}

void HttpClient::resume(HttpId id) {
    HttpTransfer* const transfer = state_->find(id);
    if (transfer == nullptr || !std::exchange(transfer->paused, false)) return;
    // Outside of curl's own calls only.
    state_->loop.defer([weak = state_->weak_from_this(), id] {
        const auto state = weak.lock();
        HttpTransfer* const held = state ? state->find(id) : nullptr;
        if (held == nullptr || held->paused || !std::exchange(held->held_by_curl, false)) return;
        curl_easy_pause(held->easy.get(), CURLPAUSE_CONT);
        state->collect();
    });
}

void HttpClient::cancel(HttpId id) {
    HttpTransfer* const transfer = state_->find(id);
    if (transfer == nullptr) return;
    transfer->cancelled = true;
    transfer->handler = nullptr;
    transfer->reply = nullptr;
    state_->loop.defer([weak = state_->weak_from_this(), id] {
        if (const auto state = weak.lock()) state->remove(id);
    });
}

void HttpClient::forget_connections() {
    state_->fresh_until = state_->loop.now().mono + kForgetTime;
}
std::size_t HttpClient::active() const noexcept { return state_->transfers.size(); }

}  // namespace anode
