#include "core/membership/exchange.hpp"

#include <algorithm>
#include <utility>

namespace anode::membership {

using End = wire::StreamReader::End;

// -- wishes --------------------------------------------------------------------------------------

Result<void> Exchange::push_pull(const Address& to, bool join, Errand::For whom,
                                 std::uint64_t ticket) {
    if (dialled() >= kDialledMax) return fail(Errc::Overloaded, "too many streams");
    dial({Errand::Kind::PushPull, whom, ticket, to, join}, {},
         shared_.config.timing.stream_timeout);
    return {};
}

Result<void> Exchange::ping(const Address& to, std::string_view node, std::uint32_t seq,
                            Instant until) {
    if (dialled() >= kDialledMax) return fail(Errc::Overloaded, "too many streams");
    Bytes content;
    wire::encode(wire::Ping{.seq = seq,
                            .node = node,
                            .source = shared_.config.advertise,
                            .source_node = shared_.config.name},
                 content);
    dial({Errand::Kind::Ping, Errand::For::Anybody, seq, to, false}, std::move(content),
         std::max(until - shared_.now, Duration{}));
    return {};
}

Result<void> Exchange::user(const Address& to, BytesView payload, Errand::For whom,
                            std::uint64_t ticket) {
    if (payload.size() > kUserBytesMax) return fail(Errc::TooLarge, "user message over 20 MiB");
    if (waiting_.size() >= kWaitingMax || waiting_bytes_ + payload.size() > kWaitingBytesMax) {
        return fail(Errc::Overloaded, "too many user messages are waiting");
    }
    Bytes content;
    wire::encode_stream_user(payload, content);
    waiting_bytes_ += content.size();
    waiting_.push_back({{Errand::Kind::User, whom, ticket, to, false}, std::move(content)});
    dial_waiting();
    return {};
}

void Exchange::dial_waiting() {
    while (!waiting_.empty() && users_ < kUsersMax && dialled() < kDialledMax) {
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        users_++;
        dial(next.errand, std::move(next.content), shared_.config.timing.stream_timeout);
    }
}

void Exchange::dial(Errand errand, Bytes content, Duration timeout) {
    last_id_ += 2;
    const StreamId id{last_id_};
    // Dialled ones are read as an acceptor's answer.
    auto [stream, added] = streams_.try_emplace(id, shared_.envelope(), End::Acceptor);
    stream->second.errand = errand;
    stream->second.peer = errand.to;
    stream->second.content = std::move(content);
    stream->second.deadline = shared_.now + timeout;
    shared_.counters.streams_out++;
    shared_.push(Dial{.id = id, .to = errand.to.canonical(), .timeout = timeout});
}

// -- what the world tells ------------------------------------------------------------------------

void Exchange::opened(const StreamOpened& input) {
    if (membership::accepted(input.id)) return accept(input);
    const auto stream = streams_.find(input.id);
    if (stream == streams_.end() || stream->second.open) return;
    stream->second.open = true;
    speak(stream);
}

void Exchange::accept(const StreamOpened& input) {
    if (streams_.contains(input.id)) return;
    shared_.counters.streams_in++;
    if (accepted_ >= kAcceptedMax) {
        shared_.drop(Drop::Full, input.from, "too many streams at once", true);
        shared_.push(CloseStream{input.id});
        return;
    }
    auto [stream, added] = streams_.try_emplace(input.id, shared_.envelope(), End::Dialler);
    stream->second.peer = input.from;
    stream->second.open = true;
    stream->second.deadline = shared_.now + shared_.config.timing.stream_timeout;
    accepted_++;
}

void Exchange::bytes(const StreamBytes& input) {
    shared_.counters.stream_bytes_in += input.bytes.size();
    const auto stream = streams_.find(input.id);
    if (stream == streams_.end() || !stream->second.open) return;
    const Read read = stream->second.reader.add(input.bytes);
    if (read && !*read) {
        if (!membership::accepted(input.id)) return;
        const std::size_t held = stream->second.reader.held();
        held_bytes_ += held - stream->second.held;
        stream->second.held = held;
        return limit_held_bytes();
    }
    heard(stream, read, input.bytes);
}

void Exchange::closed(const StreamClosed& input) {
    const auto stream = streams_.find(input.id);
    if (stream == streams_.end()) return;
    stream->second.gone = true;
    if (membership::accepted(input.id)) return caller_left(stream);
    if (!stream->second.open) {
        return finish(stream, input.refused ? fail(Errc::Refused, "nobody listens there")
                                            : fail(Errc::Closed, "it cannot be reached"));
    }
    if (stream->second.reader.held() == 0) {
        return finish(stream, fail(Errc::Closed,
                                   "closed without an answer: another label (cluster name), or "
                                   "versions that do not fit"));
    }
    heard(stream, stream->second.reader.end());
}

/// Nobody is there to be answered any more; a message that was whole has been handled already.
void Exchange::caller_left(Streams::iterator stream) {
    if (stream->second.reader.held() != 0) {
        const Read read = stream->second.reader.end();
        if (!read) {
            shared_.drop(read.error().reason, stream->second.peer, read.error().what, true);
        }
    }
    forget(stream);
}

void Exchange::tick() {
    std::vector<StreamId> late;
    for (const auto& [id, stream] : streams_) {
        if (stream.deadline <= shared_.now) late.push_back(id);
    }
    for (const StreamId id : late) {
        const auto stream = streams_.find(id);
        if (stream != streams_.end()) fell_silent(stream);
    }
    dial_waiting();
}

void Exchange::fell_silent(Streams::iterator stream) {
    if (!membership::accepted(stream->first)) {
        return finish(stream, fail(Errc::Timeout, stream->second.open ? "no answer in time"
                                                                      : "no connection in time"));
    }
    shared_.drop(Drop::Truncated, stream->second.peer, "a stream that did not end in time", true);
    close(stream);
}

Instant Exchange::due() const noexcept {
    Instant first = Instant::max();
    for (const auto& [id, stream] : streams_) first = std::min(first, stream.deadline);
    return first;
}

// -- talking -------------------------------------------------------------------------------------

/// A dialled stream is up: say what it is for.
void Exchange::speak(Streams::iterator stream) {
    const Errand::Kind kind = stream->second.errand.kind;
    const Result<void> sent =
        kind == Errand::Kind::PushPull
            ? send_local_state(stream->first, End::Dialler, stream->second.errand.join)
            : send(stream->first, End::Dialler, stream->second.content);
    if (!sent || kind == Errand::Kind::User) return finish(stream, sent);
    stream->second.content = {};
    if (kind == Errand::Kind::PushPull) {
        stream->second.deadline = shared_.now + shared_.config.timing.stream_timeout;
    }
}

Result<void> Exchange::send_local_state(StreamId id, End sender, bool join) {
    port_.local_state(local_state_);
    local_state_.join = join;
    content_.clear();
    wire::encode_push_pull(local_state_, content_);
    return send(id, sender, content_);
}

Result<void> Exchange::send(StreamId id, End sender, BytesView content) {
    const wire::Envelope envelope = shared_.envelope();
    framed_.clear();
    const Result<void> framed =
        wire::frame_stream(envelope, sender, content, shared_.nonce(envelope), framed_);
    if (!framed) return framed;
    shared_.counters.stream_bytes_out += framed_.size();
    shared_.push(SendStream{id, shared_.out->store(framed_)});
    return {};
}

/// A message is whole, or the stream is spoilt.
void Exchange::heard(Streams::iterator stream, const Read& read, BytesView raw) {
    const bool ours = !membership::accepted(stream->first);
    if (read && *read) {
        return ours ? answer(stream, **read) : request(stream, **read);
    }
    if (read) {  // only at the end of a stream: nothing came
        return ours ? finish(stream, fail(Errc::Closed, "closed without an answer"))
                    : close(stream);
    }
    const wire::StreamReader::Failure& failure = read.error();
    shared_.drop(failure.reason, stream->second.peer, failure.what, true, raw);
    if (ours) return finish(stream, fail(Errc::Malformed, failure.what));
    if (failure.answer) {
        Bytes content;
        wire::encode_stream_error(failure.what, content);
        // An answer that cannot be framed is no loss: the close says enough.
        static_cast<void>(send(stream->first, End::Acceptor, content));
    }
    close(stream);
}

/// What a peer wants of us.
void Exchange::request(Streams::iterator stream, const wire::StreamMessage& message) {
    const Address peer = stream->second.peer;
    if (const auto* remote = std::get_if<wire::PushPull>(&message)) {
        return answer_push_pull(stream, *remote);
    }
    if (const auto* ping = std::get_if<wire::Ping>(&message)) {
        if (port_.answers_to(ping->node)) {
            Bytes content;
            wire::encode(wire::Ack{.seq = ping->seq, .payload = {}}, content);
            static_cast<void>(send(stream->first, End::Acceptor, content));
        } else {
            shared_.drop(Drop::Name, peer, ping->node, true);
        }
    } else if (const auto* user = std::get_if<wire::StreamUser>(&message)) {
        const bool sealed = stream->second.reader.key() != wire::Opened{}.key;
        if (!user->payload.empty()) port_.user_message(user->payload, sealed, peer);
    } else {
        shared_.drop(Drop::Type, peer, "an answer where a request belongs", true);
    }
    close(stream);
}

/// Answers before merging, so that the other side learns our view even if we refuse theirs.
void Exchange::answer_push_pull(Streams::iterator stream, const wire::PushPull& remote) {
    const Result<void> sent = send_local_state(stream->first, End::Acceptor, remote.join);
    if (!sent) {
        shared_.notice_once("our state is too large for a push/pull", stream->second.peer,
                            sent.error().what);
    }
    shared_.push(CloseStream{stream->first});
    const Result<void> merged = port_.merge(remote, remote.join, stream->second.peer);
    if (merged) {
        shared_.counters.push_pulls++;
    } else {
        shared_.counters.push_pull_failures++;
        shared_.drop(Drop::Versions, stream->second.peer, merged.error().what, true);
    }
    forget(stream);
}

/// What a peer we dialled says.
void Exchange::answer(Streams::iterator stream, const wire::StreamMessage& message) {
    const Errand& errand = stream->second.errand;
    if (const auto* remote = std::get_if<wire::PushPull>(&message);
        remote != nullptr && errand.kind == Errand::Kind::PushPull) {
        const Result<void> merged = port_.merge(*remote, errand.join, errand.to);
        if (!merged) shared_.drop(Drop::Versions, errand.to, merged.error().what, false);
        return finish(stream, merged);
    }
    if (const auto* ack = std::get_if<wire::Ack>(&message);
        ack != nullptr && errand.kind == Errand::Kind::Ping) {
        if (ack->seq == errand.ticket) return finish(stream, {});
        return finish(stream, fail(Errc::Malformed, "an ack of another ping"));
    }
    if (const auto* error = std::get_if<wire::StreamError>(&message)) {
        return finish(stream, fail(Errc::Unsupported, "it answered: " + Bytes(error->text)));
    }
    shared_.drop(Drop::Type, errand.to, "an answer of the wrong kind", false);
    finish(stream, fail(Errc::Malformed, "an answer of the wrong kind"));
}

// -- endings -------------------------------------------------------------------------------------

void Exchange::close(Streams::iterator stream) {
    shared_.push(CloseStream{stream->first});
    forget(stream);
}

/// A dialled stream is over.
void Exchange::finish(Streams::iterator stream, Result<void> how) {
    if (!stream->second.gone) shared_.push(CloseStream{stream->first});
    const Errand errand = stream->second.errand;
    forget(stream);
    if (errand.kind == Errand::Kind::PushPull) {
        (how ? shared_.counters.push_pulls : shared_.counters.push_pull_failures)++;
    }
    port_.ended(errand, how);
    dial_waiting();
}

void Exchange::forget(Streams::iterator stream) {
    if (membership::accepted(stream->first)) {
        accepted_--;
        held_bytes_ -= stream->second.held;
    } else if (stream->second.errand.kind == Errand::Kind::User) {
        users_--;
        waiting_bytes_ -= stream->second.content.size();
    }
    streams_.erase(stream);
}

/// Whoever floods us holds most, so that one goes first.
void Exchange::limit_held_bytes() {
    while (held_bytes_ > kHeldBytesMax) {
        const auto most = std::ranges::max_element(
            streams_, {}, [](const Streams::value_type& entry) { return entry.second.held; });
        shared_.drop(Drop::Full, most->second.peer, "unfinished streams hold too much", true);
        close(most);
    }
}

}  // namespace anode::membership
