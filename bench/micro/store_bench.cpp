/// What the store does beside what RocksDB does, in one run on one machine (performance, goals 3a,
/// 3c, 3d and 7). Prints a line for each figure.
///   store_bench [DIRECTORY] [MILLIONS of messages] [TOPICS]
#include <malloc.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "store/store.hpp"

namespace anode {
namespace {

std::size_t topics_wanted = 300;
constexpr std::size_t kBlockMessages = 100;
constexpr WallTime kStart = 1'767'225'600'000'000;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}
double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto of = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

void report(const char* what, double value, const char* unit, const char* goal = "") {
    std::printf("%-52s %12.1f %-10s %s\n", what, value, unit, goal);
    std::fflush(stdout);
}

/// Trades as an exchange sends them, 209 bytes on average: prices walk, numbers rise.
class Trades {
public:
    Trades() {
        for (std::size_t i = 0; i < topics_wanted; ++i) {
            symbols_.push_back("C" + std::to_string(1000 + i) + "USDT");
            topics_.push_back("crypto.binance." + symbols_.back() + ".trade");
            prices_.push_back(10.0 + 90'000.0 * rng_.unit() * rng_.unit());
        }
    }
    std::size_t pick() { return rng_.below(topics_wanted); }
    const std::string& topic(std::size_t i) const { return topics_[i]; }
    std::string next(std::size_t i, WallTime ts) {
        prices_[i] *= 1 + (rng_.unit() - 0.5) * 1e-4;
        char text[512];
        const int length = std::snprintf(
            text, sizeof text,
            R"({"stream":"%s@trade","data":{"e":"trade","E":%lld,"s":"%s","t":%llu,"p":"%.8f",)"
            R"("q":"%.8f","b":%llu,"a":%llu,"T":%lld,"m":%s,"M":true}})",
            symbols_[i].c_str(), static_cast<long long>(ts / 1000 + 3), symbols_[i].c_str(),
            static_cast<unsigned long long>(3'000'000'000 + trade_), prices_[i],
            std::round(rng_.unit() * 1e5) / 1e5,
            static_cast<unsigned long long>(28'457'000'000 + trade_ * 3 + rng_.below(3)),
            static_cast<unsigned long long>(28'457'000'000 + trade_ * 3 + rng_.below(3)),
            static_cast<long long>(ts / 1000), rng_.chance(0.5) ? "true" : "false");
        ++trade_;
        return {text, static_cast<std::size_t>(length)};
    }

private:
    Rng rng_{42};
    std::vector<std::string> symbols_, topics_;
    std::vector<double> prices_;
    std::uint64_t trade_ = 0;
};

/// Blocks made beforehand, so that the making is not measured.
std::vector<BlockPtr> make_blocks(Trades& trades, std::size_t messages, Arrival& next, Seq& seq,
                                  WallTime& ts, std::size_t rare_every, double* mean = nullptr) {
    const LogKey log{.node = {{1}}, .epoch = {1}, .lane = kDataLane};
    std::vector<BlockPtr> blocks;
    std::size_t bytes = 0;
    for (std::size_t done = 0; done < messages;) {
        BlockBuilder builder;
        for (std::size_t i = 0; i < kBlockMessages; ++i, ++done) {
            const std::size_t which = trades.pick();
            const std::string payload = trades.next(which, ts);
            Draft draft;
            draft.topic = rare_every > 0 && seq % rare_every == i ? std::string_view("rare.one")
                                                                  : trades.topic(which);
            draft.source = "binance-spot";
            draft.payload = payload;
            bytes += payload.size();
            builder.add(Hlc::at(ts += 10), draft);
        }
        blocks.push_back(builder.seal(log, seq, next));
        seq += kBlockMessages;
        next = next.plus(kBlockMessages);
    }
    if (mean != nullptr) *mean = static_cast<double>(bytes) / static_cast<double>(messages);
    return blocks;
}

std::uint64_t directory_bytes(const std::string& path) {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_regular_file() && name.ends_with(".sst")) bytes += entry.file_size();
    }
    return bytes;
}

// -- RocksDB by itself ---------------------------------------------------------------------------

rocksdb::DB* open_plain(const std::string& path, rocksdb::CompressionType compression) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = compression;
    options.write_buffer_size = 16 << 20;
    rocksdb::DB* db = nullptr;
    if (!rocksdb::DB::Open(options, path, &db).ok()) std::abort();
    return db;
}

/// One record a message, as a store without blocks would do: key = source and sequence.
double plain_puts(const std::string& path, std::size_t messages) {
    std::unique_ptr<rocksdb::DB> db(open_plain(path, rocksdb::kLZ4Compression));
    Trades trades;
    std::vector<std::pair<std::string, std::string>> records;
    std::vector<std::uint64_t> seqs(topics_wanted);
    for (std::size_t i = 0; i < messages; ++i) {
        const std::size_t which = trades.pick();
        char key[32];
        std::snprintf(key, sizeof key, "%06zu%014llx", which,
                      static_cast<unsigned long long>(++seqs[which]));
        records.emplace_back(std::string(key, 20), trades.next(which, kStart));
    }
    const auto start = Clock::now();
    const double cpu = cpu_seconds();
    for (std::size_t i = 0; i < messages; i += 1000) {
        rocksdb::WriteBatch batch;
        for (std::size_t n = i; n < std::min(i + 1000, messages); ++n) {
            batch.Put(records[n].first, records[n].second);
        }
        db->Write({}, &batch);
    }
    const double rate = static_cast<double>(messages) / seconds_since(start);
    report("plain RocksDB puts, batch 1,000: per CPU-second",
           static_cast<double>(messages) / (cpu_seconds() - cpu) / 1e3, "k msg/s");
    return rate;
}

double bare_blocks(const std::string& path, const std::vector<BlockPtr>& blocks, bool sync) {
    std::unique_ptr<rocksdb::DB> db(open_plain(path, rocksdb::kNoCompression));
    rocksdb::WriteOptions options;
    options.sync = sync;
    const auto start = Clock::now();
    std::size_t messages = 0;
    for (std::size_t i = 0; i < blocks.size(); i += 10) {
        rocksdb::WriteBatch batch;
        for (std::size_t n = i; n < std::min(i + 10, blocks.size()); ++n) {
            std::string key;
            for (int shift = 56; shift >= 0; shift -= 8) {
                key.push_back(static_cast<char>(blocks[n]->first_arrival().value >>
                                                static_cast<unsigned>(shift)));
            }
            batch.Put(key, encode_block(*blocks[n], BlockCodec::Zstd));
            messages += blocks[n]->count();
        }
        db->Write(options, &batch);
    }
    return static_cast<double>(messages) / seconds_since(start);
}

// -- the store -----------------------------------------------------------------------------------

std::unique_ptr<Store> open_store(const std::string& path) {
    auto opened = Store::open({.directory = path, .min_free_fraction = 0.01});
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().what.c_str());
        std::exit(1);
    }
    return std::move(*opened);
}

struct Ingest {
    double rate = 0, cpu_rate = 0, p50_ms = 0, p99_ms = 0;
};

/// Appends as fast as the queue takes it; a message counts once its block was synced.
class Ingester {
public:
    explicit Ingester(Store& store) : store_(store) {}
    void push(const std::vector<BlockPtr>& blocks) {
        for (const auto& block : blocks) {
            const auto appended = Clock::now();
            while (!store_.append({.blocks = {block}, .records = {}},
                                  [this, appended](const auto& done) {
                                      if (!done) std::abort();
                                      const std::lock_guard lock(mutex_);
                                      waits_.push_back(seconds_since(appended));
                                      told_.notify_one();
                                  })) {
                std::unique_lock lock(mutex_);
                told_.wait(lock);
            }
            ++pushed_;
            // So many blocks on their way, as a node's lanes would have, or the wait is the queue's.
            std::unique_lock lock(mutex_);
            told_.wait(lock, [this] { return pushed_ - waits_.size() < 256; });
        }
    }
    void finish() {
        std::unique_lock lock(mutex_);
        told_.wait(lock, [this] { return pushed_ == waits_.size(); });
        std::ranges::sort(waits_);
    }
    double quantile(double q) const {
        return 1e3 * waits_[static_cast<std::size_t>(q * static_cast<double>(waits_.size() - 1))];
    }

private:
    Store& store_;
    std::mutex mutex_;
    std::condition_variable told_;
    std::vector<double> waits_;
    std::size_t pushed_ = 0;
};

void replay(const Store& store, std::size_t messages) {
    const auto start = Clock::now();
    const double cpu = cpu_seconds();
    Query everything;
    everything.topics = *PatternSet::parse(">");
    const auto scan = store.scan(everything);
    std::vector<Found> found;
    std::size_t seen = 0;
    std::uint64_t bytes = 0;
    while (*scan->next(found, 10'000, 4 << 20)) {
        for (const auto& one : found) bytes += one.block->entry(one.index).payload.size();
        seen += found.size();
        found.clear();
    }
    if (seen != messages) std::printf("!! replay saw %zu of %zu\n", seen, messages);
    report("replay of everything", static_cast<double>(seen) / seconds_since(start) / 1e6,
           "M msg/s", "goal >= 3");
    report("  per CPU-second", static_cast<double>(seen) / (cpu_seconds() - cpu) / 1e6, "M msg/s");
    report("  payload", static_cast<double>(bytes) / static_cast<double>(seen), "B/msg");
}

void newest(const Store& store, const char* topic) {
    for (const char* when : {"first", "again"}) {
        const auto start = Clock::now();
        Query query;
        query.topics = *PatternSet::parse(topic);
        query.order = Order::Descending;
        const auto scan = store.scan(query);
        std::vector<Found> found;
        while (found.size() < 100 && *scan->next(found, 100 - found.size(), 1 << 20)) {
        }
        const double ms = seconds_since(start) * 1e3;
        const std::string what = std::string("newest 100 of ") + topic + ", " + when;
        report(what.c_str(), ms, "ms", "goal <= 10");
        if (found.size() != 100) std::printf("!! found %zu\n", found.size());
    }
}

void timed_open(const std::string& path, const char* what) {
    const auto start = Clock::now();
    const auto store = open_store(path);
    report(what, seconds_since(start) * 1e3, "ms", "goal <= 100");
}

/// Without what was freed and the allocator keeps.
double resident_mb() {
    ::malloc_trim(0);
    double pages = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        double all = 0;
        if (std::fscanf(file, "%lf %lf", &all, &pages) != 2) pages = 0;
        std::fclose(file);
    }
    return pages * 4096 / 1e6;
}

int run(const std::string& root, std::size_t messages) {
    std::filesystem::remove_all(root);
    std::filesystem::create_directories(root);
    const double empty_mb = resident_mb();
    timed_open(root + "/empty", "open of a new store");
    timed_open(root + "/empty", "open of an empty store");
    report("resident memory an empty store adds", resident_mb() - empty_mb, "MB");

    const double puts = plain_puts(root + "/plain", 1'000'000);
    report("plain RocksDB puts, batch 1,000", puts / 1e3, "k msg/s");
    Trades trades;
    Arrival next{std::uint64_t{1} << Arrival::kRunShift};
    Seq seq = 1;
    WallTime ts = kStart;
    double bare = 0;
    {
        Arrival apart = next;
        Seq apart_seq = 1;
        double mean = 0;
        const auto blocks = make_blocks(trades, 1'000'000, apart, apart_seq, ts, 0, &mean);
        report("mean payload", mean, "B");
        bare = bare_blocks(root + "/bare", blocks, false);
        report("bare RocksDB, blocks of 100, zstd", bare / 1e3, "k msg/s");
        report("  synced each 1,000", bare_blocks(root + "/bare-sync", blocks, true) / 1e3,
               "k msg/s");
    }

    const std::string path = root + "/store";
    {
        const auto store = open_store(path);
        next = store->first_free();
        double took = 0, cpu = 0;
        std::vector<double> p50, p99;
        for (std::size_t done = 0; done < messages; done += 500'000) {
            const auto blocks = make_blocks(trades, 500'000, next, seq, ts, 10'000);
            Ingester ingester(*store);
            const auto start = Clock::now();
            const double cpu_start = cpu_seconds();
            ingester.push(blocks);
            ingester.finish();
            took += seconds_since(start);
            cpu += cpu_seconds() - cpu_start;
            p50.push_back(ingester.quantile(0.5));
            p99.push_back(ingester.quantile(0.99));
        }
        const double count = static_cast<double>(messages);
        report("store, synced before done", count / took / 1e3, "k msg/s", "goal >= 500");
        report("  per CPU-second", count / cpu / 1e3, "k msg/s", "goal >= 600");
        report("  times plain puts", count / took / puts, "x", "goal >= 3");
        report("  times bare blocks", count / took / bare, "x", "goal >= 0.7");
        std::ranges::sort(p50);
        std::ranges::sort(p99);
        report("  stored latency p50, median", p50[p50.size() / 2], "ms");
        report("  stored latency p99, median", p99[p99.size() / 2], "ms", "goal <= 50");
        newest(*store, "rare.one");
        report("resident memory", resident_mb(), "MB", "goal <= 160");
    }
    timed_open(path, "reopen with history");
    {
        const auto store = open_store(path);
        newest(*store, "rare.one");
        newest(*store, trades.topic(7).c_str());
        replay(*store, messages);
        replay(*store, messages);
        if (!store->compact()) return 1;
        report("disk after compaction",
               static_cast<double>(directory_bytes(path)) / static_cast<double>(messages), "B/msg",
               "goal <= 45");
        newest(*store, "rare.one");
        report("resident memory", resident_mb(), "MB", "goal <= 160");
    }
    timed_open(path, "reopen after compaction");
    std::filesystem::remove_all(root);
    return 0;
}

}  // namespace
}  // namespace anode

int main(int argc, char** argv) {
    const std::string root = argc > 1 ? argv[1] : "/tmp/anode-store-bench";
    const std::size_t millions = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10;
    if (argc > 3) anode::topics_wanted = std::max(std::strtoul(argv[3], nullptr, 10), 8ul);
    return anode::run(root, std::max<std::size_t>(millions, 1) * 1'000'000);
}
