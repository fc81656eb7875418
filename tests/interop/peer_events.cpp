#include "interop/peer_events.hpp"

#include <cstdio>
#include <span>

#include "base/text.hpp"
#include "runtime/clock.hpp"

namespace anode::interop {

Events::Events() : started_(monotonic_now()), thread_([this] { work(); }) {}

void Events::tell(std::string_view event, const Fields& fields) {
    const std::lock_guard guard(lock_);
    const auto passed =
        std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now() - started_);
    json::Writer out(lines_);
    out.begin_object().member("event", event);
    out.member("t_ms", static_cast<double>(passed.count()) / 1e3);
    if (fields) fields(out);
    out.end_object();
    lines_ += '\n';
    news_.notify_one();
}

void Events::work() {
    std::unique_lock guard(lock_);
    for (;;) {
        news_.wait(guard, [this] { return closing_ || !lines_.empty(); });
        const std::string lines = std::exchange(lines_, {});
        const bool last = closing_;
        guard.unlock();
        std::fwrite(lines.data(), 1, lines.size(), stdout);
        std::fflush(stdout);
        guard.lock();
        if (last && lines_.empty()) break;
    }
    done_ = true;
    written_.notify_all();
}

void Events::close() {
    std::unique_lock guard(lock_);
    if (!thread_.joinable()) return;
    closing_ = true;
    news_.notify_one();
    const bool written = written_.wait_for(guard, 1s, [this] { return done_; });
    guard.unlock();
    if (written)
        thread_.join();
    else
        thread_.detach();  // a reader that reads not: the process ends all the same
}

void write_payload(json::Writer& out, BytesView payload) {
    out.member("payload_base64", text::base64(payload));
    out.member("bytes", static_cast<std::uint64_t>(payload.size()));
    if (text::is_utf8(payload)) out.member("payload", payload);
}

void write_member(json::Writer& out, const membership::Member& member) {
    const auto numbers = [&](std::string_view name, std::size_t first) {
        out.key(name).begin_array();
        for (std::size_t i = first; i < first + 3; ++i)
            out.value(static_cast<std::uint64_t>(member.versions.bytes[i]));
        out.end_array();
    };
    out.begin_object();
    out.member("name", member.name).member("addr", member.address.text());
    out.member("meta_base64", text::base64(member.meta));
    if (text::is_utf8(member.meta)) out.member("meta", member.meta);
    numbers("protocol", 0);
    numbers("delegate", 3);
    out.member("state", membership::name_of(member.state));
    out.member("incarnation", static_cast<std::uint64_t>(member.incarnation));
    out.member("fast", member.fast);
    out.end_object();
}

}  // namespace anode::interop
