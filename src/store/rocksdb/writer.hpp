#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "store/rocksdb/index.hpp"
#include "store/rocksdb/reader.hpp"
#include "store/rocksdb/space.hpp"

namespace anode::rocks {

/// Group commit. One thread encodes what is appended, another writes all that is ready as one
/// batch with one sync. A lone append is committed at once; under load a group grows until the
/// encoder has caught up or its oldest member has waited for the sync interval.
/// Thread: any. Limits: `queue_bytes_max` appended and not committed, then Overloaded.
class Writer {
public:
    struct Limits {
        std::chrono::nanoseconds sync_interval;
        std::uint64_t queue_bytes_max;
    };
    Writer(Database& database, Index& index, Reader& reader, Space& space, Meters& meters,
           Limits limits, Arrival first_free);
    /// Commits what was appended, then ends.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    Result<void> append(Append batch, Store::Done done);
    [[nodiscard]] std::uint64_t queued_bytes() const;
    /// Waits until everything appended before is committed or has failed.
    Result<void> flush();

private:
    struct Job {
        Append append;
        Store::Done done;
        std::uint64_t bytes = 0;
        Stopwatch queued;
        std::vector<Bytes> logs;  ///< of each block, once encoded
        std::vector<std::shared_ptr<const Bytes>> wires;
        std::vector<Summary> summaries;
    };
    using Group = std::vector<Job>;

    Result<std::uint64_t> check(const Append& batch) const;
    void encode_loop();
    void commit_loop();
    static void encode(Job& job);
    [[nodiscard]] bool ripe() const;  ///< with mutex_ held
    Group take_group();               ///< with mutex_ held
    void commit(Group& group);
    Result<void> write(Group& group);
    void publish(Group& group);

    Database& database_;
    Index& index_;
    Reader& reader_;
    Space& space_;
    Meters& meters_;
    Limits limits_;

    mutable std::mutex mutex_;
    std::condition_variable to_encode_, to_commit_, committed_;
    std::deque<Job> fresh_;    ///< appended
    std::deque<Job> encoded_;  ///< ready to be written
    std::uint64_t encoded_bytes_ = 0;
    bool encoding_ = false;
    bool encoder_ended_ = false;
    bool stopping_ = false;
    std::uint64_t queued_bytes_ = 0;
    std::uint64_t appended_ = 0, finished_ = 0;  ///< jobs ever
    Arrival last_arrival_;                       ///< of the last block appended
    Result<void> last_failure_;                  ///< of a job since the last flush() began to wait
    std::jthread encoder_, committer_;
};

}  // namespace anode::rocks
