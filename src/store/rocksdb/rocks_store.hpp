#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "store/rocksdb/directory.hpp"
#include "store/rocksdb/recovery.hpp"
#include "store/rocksdb/retention.hpp"
#include "store/rocksdb/writer.hpp"
#include "store/store.hpp"

namespace anode::rocks {

/// The store on RocksDB: wires the parts of this folder and keeps house on a thread of its own.
class RocksStore final : public Store {
public:
    static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
    ~RocksStore() override;

    std::uint32_t tag() const override { return identity_.tag; }
    Arrival first_free() const override { return {identity_.run << Arrival::kRunShift}; }
    Hlc last_hlc() const override;
    Arrival committed() const override;
    Arrival oldest() const override;

    Result<void> append(Append batch, Done done) override;
    std::uint64_t queued_bytes() const override { return writer_->queued_bytes(); }
    Result<void> flush() override { return writer_->flush(); }

    std::unique_ptr<Scan> scan(Query query) const override;
    Result<std::vector<Found>> last(const PatternSet& topics, std::size_t limit) const override;
    Result<std::vector<BlockPtr>> blocks(Arrival after, std::size_t bytes_max) const override;
    std::vector<LogHolding> logs() const override;
    Result<std::vector<LogBlock>> log_blocks(const LogKey& log, Seq from, Seq to,
                                             std::size_t bytes_max) const override;
    Result<void> forget_log(const LogKey& log) override;
    Arrival at_time(WallTime from) const override;
    bool removed_since(const PatternSet& topics, Arrival after) const override;
    std::vector<TopicInfo> topics(std::string_view prefix, std::string_view after,
                                  std::size_t limit) const override;
    std::optional<TopicInfo> topic(std::string_view name) const override;

    std::optional<Bytes> record(std::string_view space, std::string_view key) const override;
    std::vector<std::pair<std::string, Bytes>> records(std::string_view space) const override;
    Result<void> put(std::vector<Record> records) override;

    void set_retention(std::vector<RetentionRule> rules) override;
    void apply_retention(WallTime now) override;
    Result<void> purge(const PatternSet& topics, WallTime before) override;
    Result<void> compact() override;
    StoreStats stats() const override;

private:
    RocksStore(const StoreOptions& options, Directory directory,
               std::unique_ptr<Database> database);
    Result<void> start(const StoreOptions& options);
    void keep_house();
    void tidy();
    [[nodiscard]] bool clock_trusted(WallTime now);
    void measure() const;

    Directory directory_;
    mutable Meters meters_;
    std::unique_ptr<Database> database_;
    mutable Reader reader_;
    Index index_;
    Space space_;
    Retention retention_;
    Identity identity_;
    std::unique_ptr<Writer> writer_;

    std::mutex house_mutex_;
    std::condition_variable house_wakes_;
    bool closing_ = false;
    bool rules_changed_ = false;
    std::optional<WallTime> clock_offset_;  ///< wall clock less steady clock
    WallTime distrust_until_ = 0;           ///< by the steady clock
    std::jthread house_;
};

}  // namespace anode::rocks
