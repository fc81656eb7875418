#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "core/json/json.hpp"
#include "core/membership/member.hpp"

namespace anode::interop {

/// JSON lines on stdout in the order told; a thread of its own writes, so that a slow reader stalls no member.
/// Thread: any.
class Events {
public:
    using Fields = std::function<void(json::Writer&)>;

    Events();
    ~Events() { close(); }
    /// One line: `event`, `t_ms` since the start, and what `fields` adds.
    void tell(std::string_view event, const Fields& fields = {});
    /// Writes what waits, for a second at most.
    void close();

private:
    void work();

    std::mutex lock_;
    std::condition_variable news_, written_;
    std::string lines_;
    bool closing_ = false;
    bool done_ = false;
    Instant started_;
    std::thread thread_;
};

/// `payload_base64`, `bytes`, and `payload` where it is valid UTF-8.
void write_payload(json::Writer& out, BytesView payload);
/// The fields of a member, as a value.
void write_member(json::Writer& out, const membership::Member& member);

}  // namespace anode::interop
