/// What RocksDB by itself takes, WAL on, as a store without our blocks would use it, and with blocks.
///   rocks_raw mode=puts|blocks directory=D messages=1000000 [sync=1] [sources=300] [run=1]
/// puts: a record a message, key = source and number, 1,000 a batch, lz4. blocks: 100 messages a
/// record, made beforehand, 10 records a batch, lz4. Sources come by chance, `run` messages at a
/// time: the order of keys is what a store of single records pays for (performance, section 2.5).
/// Flushes in the background count; compaction may still be due.
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <vector>

#include "load/net.hpp"
#include "load/run.hpp"
#include "load/trades.hpp"

namespace {

constexpr std::size_t kBatchMessages = 1000, kBlockMessages = 100;
constexpr std::uint64_t kStartMs = 1'767'225'600'000;

struct Record {
    std::string key, value;
};

std::vector<Record> records(std::size_t messages, bool blocks, unsigned sources, unsigned run) {
    std::vector<bench::Trades> trades;
    for (unsigned i = 0; i < sources; ++i) trades.emplace_back(i);
    std::vector<std::uint64_t> numbers(sources);
    std::vector<Record> out;
    std::uint64_t dice = 42;
    std::size_t source = 0;
    char key[32];
    for (std::size_t i = 0; i < messages; ++i) {
        if (i % run == 0) {
            dice = dice * 6364136223846793005 + 1442695040888963407;
            source = (dice >> 33) % sources;
        }
        const std::string_view trade = trades[source].next(kStartMs + i / 1000);
        if (!blocks) {
            std::snprintf(key, sizeof key, "%06zu%014llx", source,
                          static_cast<unsigned long long>(++numbers[source]));
            out.push_back({key, std::string(trade)});
            continue;
        }
        if (i % kBlockMessages == 0) {
            std::snprintf(key, sizeof key, "%020zu", i);
            out.push_back({key, {}});
        }
        out.back().value += trade;
    }
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::Args args(argc, argv);
    const bool blocks = args.text("mode") == "blocks";
    const auto messages = static_cast<std::size_t>(args.number("messages", 1'000'000));
    const std::vector<Record> all =
        records(messages, blocks, args.count("sources", 300), args.count("run", 1));

    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kLZ4Compression;
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status status =
        rocksdb::DB::Open(options, args.text("directory", "/tmp/rocks-raw"), &opened);
    if (!status.ok()) bench::die(status.ToString().c_str());
    const std::unique_ptr<rocksdb::DB> db(opened);
    rocksdb::WriteOptions write;
    write.sync = !args.text("sync").empty();

    const std::size_t step = blocks ? kBatchMessages / kBlockMessages : kBatchMessages;
    const double cpu = bench::cpu_seconds(0);
    const std::int64_t began = bench::now_ns();
    for (std::size_t at = 0; at < all.size(); at += step) {
        rocksdb::WriteBatch batch;
        for (std::size_t i = at; i < std::min(at + step, all.size()); ++i)
            batch.Put(all[i].key, all[i].value);
        if (!db->Write(write, &batch).ok()) bench::die("write");
    }
    const double took = static_cast<double>(bench::now_ns() - began) / 1e9;
    (void)db->Flush({});
    const auto count = static_cast<double>(messages);
    bench::Answer()
        .with("per_second", count / took)
        .with("per_cpu_second", count / (bench::cpu_seconds(0) - cpu))
        .print();
}
