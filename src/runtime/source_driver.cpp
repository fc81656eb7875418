#include "runtime/source_driver.hpp"

#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/source/url.hpp"
#include "runtime/http_client.hpp"
#include "runtime/loop.hpp"
#include "runtime/source_link.hpp"

namespace anode {
namespace {

namespace act = source::act;
namespace in = source::in;
using source::ConnId;
using source::ErrorClass;
using source::RequestId;

HttpRequest request_of(const source::HttpRequest& what, Url url) {
    HttpRequest request;
    request.method = what.method;
    request.url = std::move(url);
    request.headers = what.headers;
    for (const auto& header : what.headers) request.secret_headers.push_back(header.first);
    request.body = what.body;
    request.timeout = request.connect_timeout = what.timeout;
    request.body_bytes_max = what.body_bytes_max;
    request.proxy = what.proxy;
    request.tls = {
        .ca = what.tls.ca, .insecure = what.tls.insecure, .server_name = what.tls.server_name};
    return request;
}

}  // namespace

struct SourceDriver::State final : LinkOwner, std::enable_shared_from_this<SourceDriver::State> {
    State(SourceDriver& me, SourceWorld shared, std::string text,
          std::unique_ptr<source::Machine> runs, SourceSink& told)
        : driver(me), world(shared), name(std::move(text)), machine(std::move(runs)), sink(told) {}
    ~State() override;

    // -- LinkOwner
    void step(const source::Input& input) override;
    void batch_end() override;
    void link_closed(ConnId conn, source::Failure why) override;
    void link_ended(ConnId conn) override;
    void note(std::string_view kind, std::string detail) override;

    /// A step that a caller asks for: at once, or after the one that runs.
    void ask(source::Input input);
    void perform(act::Open& action) { links[action.conn] = open_link(world, *this, action); }
    void perform(act::OpenFile& action) { links[action.conn] = open_link(world, *this, action); }
    void perform(act::Send& action);
    void perform(act::Ping& action);
    void perform(act::CloseConn& action);
    void perform(act::Request& action);
    void perform(act::CancelRequest& action);
    void perform(act::Arm& action);
    void perform(act::Reading& action);
    void perform(act::StateChanged& action) { sink.on_state(driver, action); }
    void perform(act::GapFound& action) { sink.on_gap(driver, action); }
    void perform(act::Event& action) { sink.on_event(driver, action); }
    void perform(act::PushAnswered& action) { push_answer = std::move(action); }

    void answered(RequestId id, NetResult<HttpResponse> result);
    void not_sent(ConnId conn, const Result<void>& sent);
    SourceLink* find(ConnId conn);
    void bury(ConnId conn);

    SourceDriver& driver;
    SourceWorld world;
    std::string name;
    std::unique_ptr<source::Machine> machine;
    SourceSink& sink;
    source::Effects effects;
    bool stepping = false;
    bool batch_open = false;  ///< something was told since the last on_batch_end()
    std::vector<source::Input> asked;
    std::map<ConnId, std::unique_ptr<SourceLink>> links;
    std::vector<std::unique_ptr<SourceLink>> buried;  ///< may still be on the stack
    std::map<RequestId, HttpId> requests;
    std::map<std::uint64_t, TimerId> timers;
    std::uint64_t timer_number = 0;
    std::uint64_t bytes_of_closed = 0;
    std::optional<act::PushAnswered> push_answer;
};

SourceDriver::State::~State() {
    for (const auto& [id, request] : requests) world.http.cancel(request);
    for (const auto& [number, timer] : timers) world.loop.cancel(timer);
}

void SourceDriver::State::step(const source::Input& input) {
    effects.clear();
    stepping = true;
    machine->handle(input, world.loop.now(), effects);
    if (!effects.rows.empty() || !effects.dead_letters.empty()) {
        batch_open = true;
        sink.on_rows(driver, effects.rows, effects.dead_letters);
    }
    for (source::Action& action : effects.actions)
        std::visit([this](auto& what) { perform(what); }, action);
    stepping = false;
    while (!asked.empty()) {
        const std::vector<source::Input> next = std::exchange(asked, {});
        for (const source::Input& more : next) step(more);
    }
}

void SourceDriver::State::batch_end() {
    if (std::exchange(batch_open, false)) sink.on_batch_end(driver);
}

void SourceDriver::State::ask(source::Input input) {
    if (stepping) {
        asked.push_back(std::move(input));
        return;
    }
    step(input);
    batch_end();
}

SourceLink* SourceDriver::State::find(ConnId conn) {
    const auto found = links.find(conn);
    return found == links.end() || found->second->muted ? nullptr : found->second.get();
}

/// Lets go of a link that may be calling us right now.
void SourceDriver::State::bury(ConnId conn) {
    const auto found = links.find(conn);
    if (found == links.end()) return;
    found->second->muted = true;
    bytes_of_closed += found->second->bytes_in();
    buried.push_back(std::move(found->second));
    links.erase(found);
    world.loop.defer([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->buried.clear();
    });
}

void SourceDriver::State::link_closed(ConnId conn, source::Failure why) {
    const bool wanted = find(conn) != nullptr;
    bury(conn);
    if (wanted) step(in::Closed{conn, std::move(why)});
    batch_end();
}

void SourceDriver::State::link_ended(ConnId conn) { bury(conn); }

void SourceDriver::State::note(std::string_view kind, std::string detail) {
    sink.on_event(driver, {kind, std::move(detail)});
}

void SourceDriver::State::not_sent(ConnId conn, const Result<void>& sent) {
    if (sent || sent.error().code == Errc::Closed)
        return;  // Closed: that news is under way already
    world.loop.defer([weak = weak_from_this(), conn, error = sent.error()] {
        const auto self = weak.lock();
        if (self && self->find(conn) != nullptr)
            self->link_closed(conn, failure(ErrorClass::Overflow, error.what));
    });
}

void SourceDriver::State::perform(act::Send& action) {
    if (SourceLink* const link = find(action.conn))
        not_sent(action.conn, link->send(action.data, action.binary));
}

void SourceDriver::State::perform(act::Ping& action) {
    if (SourceLink* const link = find(action.conn))
        not_sent(action.conn, link->ping(action.payload));
}

void SourceDriver::State::perform(act::CloseConn& action) {
    SourceLink* const link = find(action.conn);
    if (link == nullptr) return;
    link->muted = true;
    if (!link->close(action.code, action.reason)) bury(action.conn);
}

void SourceDriver::State::perform(act::Reading& action) {
    if (SourceLink* const link = find(action.conn)) link->reading(action.on);
}

void SourceDriver::State::perform(act::Arm& action) {
    const std::uint64_t number = ++timer_number;
    timers[number] =
        world.loop.after(action.after, [weak = weak_from_this(), number, id = action.timer] {
            const auto self = weak.lock();
            if (!self) return;
            self->timers.erase(number);
            self->step(in::TimerFired{id});
            self->batch_end();
        });
}

void SourceDriver::State::perform(act::Request& action) {
    auto url = Url::parse(action.what.url);
    if (!url) {
        world.loop.defer([weak = weak_from_this(), id = action.id, error = url.error()] {
            if (const auto self = weak.lock())
                self->answered(id, std::unexpected(net_error(ErrorClass::Definition, error.what)));
        });
        requests[action.id] = HttpId{};
        return;
    }
    requests[action.id] =
        world.http.fetch(request_of(action.what, std::move(*url)),
                         [weak = weak_from_this(), id = action.id](NetResult<HttpResponse> result) {
                             if (const auto self = weak.lock())
                                 self->answered(id, std::move(result));
                         });
}

void SourceDriver::State::perform(act::CancelRequest& action) {
    const auto found = requests.find(action.id);
    if (found == requests.end()) return;
    world.http.cancel(found->second);
    requests.erase(found);
}

void SourceDriver::State::answered(RequestId id, NetResult<HttpResponse> result) {
    if (requests.erase(id) == 0) return;
    if (result) {
        const std::string url = result->url.text();
        step(in::Answered{id, result->status, result->headers, result->body, url});
    } else {
        step(in::RequestFailed{id, failure(result.error().kind, result.error().what)});
    }
    batch_end();
}

SourceDriver::SourceDriver(SourceWorld world, std::string name,
                           std::unique_ptr<source::Machine> machine, SourceSink& sink)
    : state_(std::make_shared<State>(*this, world, std::move(name), std::move(machine), sink)) {}

SourceDriver::~SourceDriver() = default;

void SourceDriver::start() { state_->ask(in::Start{}); }
void SourceDriver::stop(bool drain) { state_->ask(in::Stop{drain}); }
void SourceDriver::restart() { state_->ask(in::Restart{}); }
void SourceDriver::set_isolated(bool isolated) { state_->ask(in::Isolated{isolated}); }
void SourceDriver::set_pressure(bool full) { state_->ask(in::Pressure{full}); }

Result<void> SourceDriver::push(std::span<const std::pair<std::string, std::string>> headers,
                                BytesView body) {
    state_->push_answer.reset();
    state_->ask(in::Pushed{headers, body});
    const auto answer = std::exchange(state_->push_answer, std::nullopt);
    if (!answer) return fail(Errc::Internal, "the source did not answer");
    if (answer->accepted) return {};
    return fail(answer->why, answer->detail);
}

const std::string& SourceDriver::name() const noexcept { return state_->name; }
const source::Machine& SourceDriver::machine() const noexcept { return *state_->machine; }
bool SourceDriver::quiet() const noexcept {
    return state_->links.empty() && state_->requests.empty();
}

std::uint64_t SourceDriver::bytes_in() const noexcept {
    std::uint64_t bytes = state_->bytes_of_closed;
    for (const auto& [conn, link] : state_->links) bytes += link->bytes_in();
    return bytes;
}

}  // namespace anode
