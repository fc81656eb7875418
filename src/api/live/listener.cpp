#include "api/live/listener.hpp"

#include <sys/epoll.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "api/http/rates.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "core/codec/websocket.hpp"
#include "runtime/clock.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kSlicesMax = 64;
constexpr Duration kLinger = 2s;

}  // namespace

Listener::Listener(Hub& hub, Detached socket, Seat seat, Wire wire, EnvelopeStyle style,
                   std::string identity)
    : hub_(hub),
      wire_(wire),
      style_(style),
      identity_(std::move(identity)),
      last_sent_(hub.now().mono),
      last_heard_(hub.now().mono),
      socket_(std::move(socket.socket)),
      id_(hub.next_id()),
      seat_(std::move(seat)),
      since_(hub.now().wall) {
    if (!socket.unsent.empty()) outbox() = std::move(socket.unsent);
}

Listener::~Listener() = default;

void Listener::begin(Bytes pending) {
    if (!hub_.loop().watch(socket_.fd(), *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))
        return drop();
    if (!pending.empty()) on_input({pending.data(), pending.size()});
    if (!socket_.open()) return;
    read_input();
    if (!socket_.open()) return;
    flush();
    pump();
}

void Listener::ready(std::uint32_t events) {
    const auto self = shared_from_this();
    if (!socket_.open()) return;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return drop();
    if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) readable_ = true;
    if ((events & EPOLLRDHUP) != 0) half_closed_ = true;
    if ((events & EPOLLOUT) != 0) writable_ = true;
    read_input();
    if (!socket_.open()) return;
    flush();
    pump();
}

void Listener::read_input() {
    thread_local std::array<char, 64 << 10> buffer;
    while (readable_ && socket_.open() && (closing_ || wants_input())) {
        const ssize_t got = socket_.recv(buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            readable_ = false;
            return;
        }
        if (got <= 0) {
            readable_ = false;
            if (closing_) return drop();
            return on_half_close();
        }
        last_heard_ = hub_.now().mono;
        if (!closing_) on_input({buffer.data(), static_cast<std::size_t>(got)});
        const bool more_to_come = !half_closed_ && !socket_.ended();
        if (static_cast<std::size_t>(got) < buffer.size() && more_to_come) readable_ = false;
    }
}

/// After wants_input() has become true again.
void Listener::resume_input() {
    if (!readable_ || !socket_.open() || closing_) return;
    const auto self = shared_from_this();
    read_input();
    if (!socket_.open()) return;
    flush();
    pump();
}

// -- writing -------------------------------------------------------------------------------------

void Listener::flush() {
    if (!socket_.open() || flushing_) return;
    flushing_ = true;
    if (writable_ && !socket_.flush()) note_failed_send();
    while (writable_ && !gone_) {
        if (outbox_) {
            if (!write_outbox()) break;
        } else if (gap_) {
            report_gap();
        } else if (group && offset < group->ring().head()) {
            if (!write_ring()) break;
        } else {
            break;
        }
    }
    flushing_ = false;
    if (gone_) return hub_.look_after(*this);
    if (!writable_ && group && !closing_) mind_slowness();
    if (end_after_flush_ && !shut_ && !outbox_ && !socket_.pending()) {
        shut_ = true;
        socket_.shut();
        end_by_ = hub_.now().mono + kLinger;
    }
}

/// False if the socket takes no more.
bool Listener::send_bytes(const char* bytes, std::size_t size, std::size_t& sent) {
    for (;;) {
        const ssize_t taken = socket_.send(bytes, size);
        if (taken >= 0) {
            sent = static_cast<std::size_t>(taken);
            return true;
        }
        if (errno == EINTR) continue;
        note_failed_send();
        return false;
    }
}

/// The socket takes no more for now, or never again.
void Listener::note_failed_send() {
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        writable_ = false;
    else
        gone_ = true;
}

bool Listener::write_outbox() {
    Outbox& box = *outbox_;
    std::size_t sent = 0;
    if (box.sent < box.bytes.size() &&
        !send_bytes(box.bytes.data() + box.sent, box.bytes.size() - box.sent, sent))
        return false;
    box.sent += sent;
    std::uint64_t messages = 0;
    for (; box.marks_told < box.marks.size() && box.marks[box.marks_told].end <= box.sent;
         ++box.marks_told)
        messages += box.marks[box.marks_told].messages;
    written_ += messages;
    hub_.count_written(wire_.transport, messages, sent);
    last_sent_ = hub_.now().mono;
    if (box.sent == box.bytes.size()) outbox_.reset();
    return true;
}

bool Listener::write_ring() {
    fanout::Ring& ring = group->ring();
    std::array<BytesView, kSlicesMax> slices;
    const std::size_t count = ring.slices(offset, slices);
    std::size_t sent = 0;
    if (count == 1) {
        if (!send_bytes(slices[0].data(), slices[0].size(), sent)) return false;
    } else {
        std::array<iovec, kSlicesMax> vectors;
        for (std::size_t i = 0; i < count; ++i)
            vectors[i] = {const_cast<char*>(slices[i].data()), slices[i].size()};
        const ssize_t taken = socket_.send(std::span(vectors.data(), count));
        if (taken < 0) {
            if (errno == EINTR) return true;
            note_failed_send();
            return false;
        }
        sent = static_cast<std::size_t>(taken);
    }
    count_ring(offset, offset + sent);
    offset += sent;
    return true;
}

void Listener::count_ring(std::uint64_t from, std::uint64_t to) {
    const fanout::Ring& ring = group->ring();
    const std::uint64_t messages = ring.messages_at(to) - ring.messages_at(from);
    written_ += messages;
    hub_.count_written(wire_.transport, messages, to - from);
    last_sent_ = hub_.now().mono;
}

Bytes& Listener::outbox() {
    if (!outbox_) {
        outbox_ = std::make_unique<Outbox>();
        finish_ring_frame();
    }
    return outbox_->bytes;
}

std::size_t Listener::outbox_bytes() const noexcept {
    return outbox_ ? outbox_->bytes.size() - outbox_->sent : 0;
}

bool Listener::all_told() const noexcept {
    return !outbox_ && !gap_ && (!group || offset == group->ring().head());
}

void Listener::queue_control(std::string_view event, std::string_view json) {
    if (closing_ || !takes_control()) return;
    append_control(outbox(), wire_, event, json);
}

void Listener::queue_gap(std::string_view reason, const std::vector<std::string>& names,
                         Arrival from, Arrival to, std::optional<std::uint64_t> lost) {
    Bytes members;
    json::Writer writer(members);
    writer.begin_object().key("topics").begin_array();
    for (const std::string& topic : names) writer.value(topic);
    writer.end_array();
    writer.member("from", hub_.cursor_text(from)).member("to", hub_.cursor_text(to)).key("lost");
    if (lost)
        writer.value(*lost);
    else
        writer.null();
    writer.end_object();
    const std::string inner = members.substr(1, members.size() - 2);
    ++gaps_;
    const std::string gap = hub_.parts().doors.node.record_gap("listener", reason, inner);
    queue_control("gap", "{\"op\":\"gap\",\"gap\":" + text::json_string(gap) +
                             ",\"reason\":" + text::json_string(reason) + ',' + inner + '}');
}

// -- the end -------------------------------------------------------------------------------------

void Listener::tick(Instant now) {
    if (now >= end_by_) return drop();
    if (std::ranges::any_of(subs_, [](const Subscription& sub) { return sub.to.has_value(); }))
        pump();
}

void Listener::drain(Duration grace) {
    std::string json = "{\"op\":\"drain\",\"in\":";
    text::append_u64(json, static_cast<std::uint64_t>(
                               std::chrono::duration_cast<std::chrono::seconds>(grace).count()));
    json += ",\"nodes\":[";
    for (char separator = 0; const std::string& url : hub_.parts().doors.cluster.urls()) {
        if (separator != 0) json += separator;
        json += text::json_string(url);
        separator = ',';
    }
    json += "],\"cursor\":" + text::json_string(hub_.cursor_text(hub_.tail().head())) + '}';
    queue_control("drain", json);
    flush();
}

std::optional<Problem> Listener::too_fast(std::size_t messages) const {
    RateLimits* rates = hub_.parts().doors.rates;
    if (rates == nullptr || seat_.address() == "unix") return std::nullopt;
    Caller caller;
    caller.credential = credential_;
    const auto verdict = rates->take(RateLimits::What::Messages, rate_key(caller, seat_.address()),
                                     messages, monotonic_now());
    if (verdict.admitted) return std::nullopt;
    return too_many("messages", verdict.retry_after);
}

bool Listener::credential_ended(Authenticator& auth, std::uint64_t changes, WallTime now) {
    if (closing_ || credential_.id.empty()) return false;
    const bool expired = credential_.expires != 0 && credential_.expires <= now;
    if (!expired && std::exchange(credential_checked_, changes) == changes) return false;
    return !auth.stands(credential_);
}

void Listener::close_with(std::uint16_t code, std::string_view reason) {
    if (closing_ || !socket_.open()) return;
    if (wire_.transport == Transport::WebSocket) {
        ws::append_close(outbox(), code, reason);
    } else {
        append_end(outbox(), wire_);
    }
    end_when_flushed(10s);
    flush();
}

/// Nothing more is said; what is queued still goes out, and then the connection ends.
void Listener::end_when_flushed(Duration grace) {
    if (closing_) return;
    outbox();
    closing_ = true;
    check_balance();
    auto& series = hub_.parts().metrics.transports[static_cast<std::size_t>(wire_.transport)];
    series.subscriptions->add(-static_cast<double>(subs_.size()));
    for (Subscription& sub : subs_)
        if (sub.reader && sub.reader->catching_up && sub.reader->sids.front() == sub.sid)
            hub_.parts().metrics.catching_up.add(-1);
    if (group) count_conflated(group->conflated() - ring_conflated_from_);
    subs_.clear();
    gap_.reset();
    if (!hub_.writing()) hub_.fanout().leave(*this);
    hub_.follow(*this, false);
    hub_.watch_clock(*this, true);
    end_after_flush_ = true;
    end_by_ = hub_.now().mono + grace;
    if (outbox_->bytes.empty()) outbox_.reset();
}

void Listener::drop() {
    if (!socket_.open()) return;
    if (hub_.writing()) {
        gone_ = true;
        return hub_.look_after(*this);
    }
    const auto self = shared_from_this();
    end_when_flushed(0s);
    hub_.fanout().leave(*this);
    hub_.loop().forget(socket_.fd());
    socket_.close();
    hub_.remove(*this);
}

void Listener::attend() {
    if (!socket_.open()) return;
    if (gone_) return drop();
    if (closing_) return hub_.fanout().leave(*this);
    if (!group || writable_) return;
    const EdgeLimits& limits = hub_.parts().doors.limits;
    const fanout::Ring& ring = group->ring();
    if (ring.head() - offset <= limits.queue_bytes_max &&
        ring.messages() - ring.messages_at(offset) <= limits.queue_messages_max)
        return;
    bool any_closes = false, all_drop = true;
    for (const Subscription& sub : subs_) {
        if (!sub.on_ring) continue;
        any_closes |= sub.slow == SlowPolicy::Close;
        all_drop &= sub.slow == SlowPolicy::Drop;
    }
    if (any_closes) {
        finish_ring_frame();
        const Arrival at = std::max(ring.mark_at(offset).arrival, ring_since_);
        skipped_ += ring.messages() - ring.messages_at(offset);
        offset = ring.head();
        std::string reason = "{\"code\":\"slow\",\"cursor\":\"" + hub_.cursor_text(at) + "\"}";
        if (reason.size() > 123) reason = R"({"code":"slow"})";
        if (wire_.transport == Transport::WebSocket) ws::append_close(outbox(), 4408, reason);
        end_when_flushed(60s);
        return flush();
    }
    if (all_drop) return drop_oldest();
    begin_catchup();
}

void Listener::mind_slowness() {
    const EdgeLimits& limits = hub_.parts().doors.limits;
    const fanout::Ring& ring = group->ring();
    if (ring.head() - offset > limits.queue_bytes_max ||
        ring.messages() - ring.messages_at(offset) > limits.queue_messages_max)
        hub_.look_after(*this);
}

/// Double entry: whatever matched was written, waits, was skipped and told, or was conflated.
void Listener::check_balance() {
    std::uint64_t matched = matched_, queued = 0, conflated = conflated_;
    if (outbox_) queued += outbox_->messages();
    if (group) {
        matched += group->matched() - ring_matched_from_;
        conflated += group->conflated() - ring_conflated_from_;
        queued += group->ring().messages() - group->ring().messages_at(offset) + group->waiting();
    }
    if (matched == written_ + queued + skipped_ + conflated) return;
    hub_.parts().metrics.balance_errors.add();
    log::error("live", "a listener's counts do not balance",
               {{"listener", info().id},
                {"matched", matched},
                {"written", written_},
                {"queued", queued},
                {"skipped", skipped_},
                {"conflated", conflated}});
}

ListenerInfo Listener::info() const {
    ListenerInfo info;
    info.id = "l-" + std::to_string(id_);
    info.transport = name(wire_.transport);
    info.address = seat_.address();
    info.identity = identity_;
    info.topics = topics();
    info.mode = "all";
    for (const Subscription& sub : subs_) {
        if (sub.selector->mode == fanout::Mode::Latest) info.mode = "latest";
        if (sub.selector->mode == fanout::Mode::Sample) info.mode = "sample";
        info.catching_up |= sub.reader && sub.reader->catching_up;
    }
    info.queue_bytes = outbox_bytes() + (group ? group->ring().head() - offset : 0);
    info.lag = lag();
    info.sent = written_;
    info.skipped = skipped_;
    info.conflated = conflated_ + (group ? group->conflated() - ring_conflated_from_ : 0);
    info.gaps = gaps_;
    info.since = since_;
    return info;
}

std::vector<std::string> Listener::topics() const {
    std::vector<std::string> names;
    for (const Subscription& sub : subs_)
        for (const Pattern& pattern : sub.selector->topics.patterns())
            if (std::ranges::find(names, pattern.text()) == names.end())
                names.push_back(pattern.text());
    return names;
}

std::uint64_t Listener::lag() const {
    std::uint64_t messages = 0;
    if (outbox_) messages += outbox_->messages();
    if (group) messages += group->ring().messages() - group->ring().messages_at(offset);
    std::uint64_t behind = 0;
    for (const Subscription& sub : subs_) {
        if (!sub.reader) continue;
        const Arrival head = hub_.tail().head();
        const Arrival at = sub.reader->handed;
        if (head > at)
            behind = std::max<std::uint64_t>(
                behind, head.run() == at.run() ? head.value - at.value
                                               : head.value & ((1ULL << Arrival::kRunShift) - 1));
    }
    return messages + behind;
}

}  // namespace anode::api
