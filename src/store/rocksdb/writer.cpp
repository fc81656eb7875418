#include "store/rocksdb/writer.hpp"

#include <algorithm>
#include <iterator>

#include "base/log.hpp"
#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

constexpr std::uint64_t kGroupBytes = 4ull << 20;  ///< a group of this size does not wait for more

}  // namespace

Writer::Writer(Database& database, Index& index, Reader& reader, Space& space, Meters& meters,
               Limits limits, Arrival first_free)
    : database_(database),
      index_(index),
      reader_(reader),
      space_(space),
      meters_(meters),
      limits_(limits),
      last_arrival_{first_free.value - 1},
      encoder_([this] { encode_loop(); }),
      committer_([this] { commit_loop(); }) {}

Writer::~Writer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    to_encode_.notify_all();
    to_commit_.notify_all();
}

// -- appending -----------------------------------------------------------------------------------

/// Its size in the queue, or what is wrong with it.
Result<std::uint64_t> Writer::check(const Append& batch) const {
    std::uint64_t bytes = 64;
    Arrival last = last_arrival_;
    for (const auto& block : batch.blocks) {
        if (!block || block->count() == 0) return fail(Errc::Malformed, "append of an empty block");
        if (block->first_arrival() <= last) {
            return fail(Errc::Conflict, "append of a block whose arrival does not rise");
        }
        last = block->last_arrival();
        bytes += block->raw_bytes();
    }
    for (const auto& record : batch.records) {
        if (record.space.find('\0') != std::string::npos) {
            return fail(Errc::Malformed, "record space with a zero byte");
        }
        bytes +=
            record.space.size() + record.key.size() + (record.value ? record.value->size() : 0);
    }
    return bytes;
}

Result<void> Writer::append(Append batch, Store::Done done) {
    if (const auto room = space_.check(); !room) {
        meters_.trouble(Meters::Trouble::NoSpace);
        return room;
    }
    {
        const std::lock_guard lock(mutex_);
        const auto bytes = check(batch);
        if (!bytes) return std::unexpected(bytes.error());
        if (stopping_) return fail(Errc::Closed, "the store is closing");
        // One append larger than the limit still passes, alone.
        if (queued_bytes_ > 0 && queued_bytes_ + *bytes > limits_.queue_bytes_max) {
            meters_.trouble(Meters::Trouble::Overloaded);
            return fail(Errc::Overloaded, "the store's queue is full");
        }
        if (!batch.blocks.empty()) last_arrival_ = batch.blocks.back()->last_arrival();
        queued_bytes_ += *bytes;
        ++appended_;
        fresh_.push_back({.append = std::move(batch), .done = std::move(done), .bytes = *bytes});
    }
    to_encode_.notify_one();
    return {};
}

std::uint64_t Writer::queued_bytes() const {
    const std::lock_guard lock(mutex_);
    return queued_bytes_;
}

Result<void> Writer::flush() {
    std::unique_lock lock(mutex_);
    if (appended_ == finished_) return {};
    last_failure_ = {};
    const std::uint64_t wanted = appended_;
    committed_.wait(lock, [&] { return finished_ >= wanted; });
    return last_failure_;
}

// -- encoding ------------------------------------------------------------------------------------

void Writer::encode(Job& job) {
    for (std::size_t i = 0; i < job.append.blocks.size(); ++i) {
        const BlockPtr& block = job.append.blocks[i];
        job.wires.push_back(i < job.append.wires.size() && job.append.wires[i]
                                ? job.append.wires[i]->bytes()
                                : std::make_shared<const Bytes>(encode_block(*block)));
        Bytes log;
        block->log().append_to(log);
        job.summaries.push_back(summarize(block, log.size() + job.wires.back()->size()));
        job.logs.push_back(std::move(log));
    }
}

void Writer::encode_loop() {
    pthread_setname_np(pthread_self(), "store-encode");
    std::unique_lock lock(mutex_);
    for (;;) {
        to_encode_.wait(lock, [this] { return stopping_ || !fresh_.empty(); });
        if (fresh_.empty()) break;
        Job job = std::move(fresh_.front());
        fresh_.pop_front();
        encoding_ = true;
        lock.unlock();
        encode(job);
        lock.lock();
        encoding_ = false;
        encoded_bytes_ += job.bytes;
        encoded_.push_back(std::move(job));
        to_commit_.notify_one();
    }
    encoder_ended_ = true;
    to_commit_.notify_one();
}

// -- committing ----------------------------------------------------------------------------------

bool Writer::ripe() const {
    if (encoded_.empty()) return encoder_ended_;
    const bool more_comes = encoding_ || !fresh_.empty();
    return !more_comes || encoded_bytes_ >= kGroupBytes ||
           encoded_.front().queued.elapsed() >= limits_.sync_interval;
}

Writer::Group Writer::take_group() {
    Group group(std::make_move_iterator(encoded_.begin()), std::make_move_iterator(encoded_.end()));
    encoded_.clear();
    encoded_bytes_ = 0;
    return group;
}

void Writer::commit_loop() {
    pthread_setname_np(pthread_self(), "store-commit");
    std::unique_lock lock(mutex_);
    for (;;) {
        while (!ripe()) {
            if (encoded_.empty()) {
                to_commit_.wait(lock);
            } else {
                to_commit_.wait_for(lock, limits_.sync_interval);
            }
        }
        if (encoded_.empty()) return;  // the encoder has ended, and all is committed
        Group group = take_group();
        lock.unlock();
        commit(group);
        lock.lock();
        for (const auto& job : group) queued_bytes_ -= job.bytes;
        finished_ += group.size();
        committed_.notify_all();
    }
}

void Writer::commit(Group& group) {
    const Result<void> written = write(group);
    if (written) {
        publish(group);
    } else {
        const Errc code = written.error().code;
        meters_.trouble(code == Errc::NoSpace ? Meters::Trouble::NoSpace : Meters::Trouble::Io);
        log::error("store", "a group of appends was not written", {{"err", written.error().what}});
        const std::lock_guard lock(mutex_);
        last_failure_ = written;
    }
    for (auto& job : group) {
        meters_.wrote(job.queued.elapsed());
        if (job.done) job.done(written);
    }
}

Result<void> Writer::write(Group& group) {
    if (const auto room = space_.check(); !room) return room;
    Batch batch;
    for (auto& job : group) {
        for (std::size_t i = 0; i < job.wires.size(); ++i) {
            const Bytes key = block_key(job.append.blocks[i]->first_arrival());
            batch.put(Family::Blocks, key, job.logs[i], *job.wires[i]);
            reader_.put_hidden(batch, *job.append.blocks[i]);
        }
        for (const auto& record : job.append.records) {
            const Bytes key = record_key(record.space, record.key);
            if (record.value) {
                batch.put(Family::Main, key, *record.value);
            } else {
                batch.remove(Family::Main, key);
            }
        }
    }
    const Stopwatch watch;
    const auto written = database_.write(batch, true);
    meters_.synced(watch.elapsed());
    if (!written) space_.failed(written.error().code);
    return written;
}

/// Makes a committed group readable, and closes the segment once it is full.
void Writer::publish(Group& group) {
    const auto mutating = index_.mutating();
    for (auto& job : group) {
        for (const auto& block : job.append.blocks) reader_.cache().insert(block);
        index_.add(job.summaries);
    }
    const bool full = index_.read([](const IndexState& state) { return state.open.full(); });
    if (!full) return;
    if (const auto closed = index_.close_segment(false); !closed) {
        // Nothing is lost: the segment stays open in memory and is closed by a later group.
        log::warn("store", "a segment's index was not written", {{"err", closed.error().what}});
        space_.failed(closed.error().code);
    }
}

}  // namespace anode::rocks
