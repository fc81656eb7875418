/// Fills a store before a node starts on it.
///   fill directory=D messages=10000000 topics=300 rare=10000    trades, every 10,000th of rare.one
///   fill directory=D gigabytes=1                                history that does not compress
#include <memory>

#include "load/net.hpp"
#include "load/run.hpp"
#include "load/trades.hpp"
#include "store/store.hpp"

namespace {

using namespace anode;

constexpr std::size_t kBlockMessages = 100;
/// Young enough for the standard retention of a day.
constexpr WallTime kAge = 1'800'000'000;

WallTime half_an_hour_ago() {
    timespec at{};
    ::clock_gettime(CLOCK_REALTIME, &at);
    return at.tv_sec * 1'000'000 - kAge;
}

class Filler {
public:
    explicit Filler(const std::string& directory) {
        auto opened = Store::open({.directory = directory, .min_free_fraction = 0.01});
        if (!opened) bench::die(opened.error().what.c_str());
        store_ = std::move(*opened);
        next_ = store_->first_free();
    }
    void add(std::string_view topic, std::string_view payload) {
        Draft draft;
        draft.topic = topic;
        draft.source = "bench";
        draft.payload = payload;
        builder_.add(Hlc::at(ts_ += 10), draft);
        if (builder_.count() == kBlockMessages || builder_.bytes() > 60'000) seal();
    }
    [[nodiscard]] WallTime ts() const { return ts_; }
    void finish() {
        if (!builder_.empty()) seal();
        if (!store_->flush() || !store_->compact()) bench::die("store");
    }

private:
    void seal() {
        const LogKey log{.node = {{1}}, .epoch = {1}, .lane = kDataLane};
        const std::uint32_t count = builder_.count();
        const BlockPtr block = builder_.seal(log, seq_, next_);
        seq_ += count;
        next_ = next_.plus(count);
        while (!store_->append({.blocks = {block}, .records = {}}, [](const auto&) {}))
            if (!store_->flush()) bench::die("store");
    }

    std::unique_ptr<Store> store_;
    BlockBuilder builder_;
    Arrival next_;
    Seq seq_ = 1;
    WallTime ts_ = half_an_hour_ago();
};

void fill_trades(Filler& filler, std::size_t messages, unsigned topics, std::size_t rare) {
    std::vector<bench::Trades> trades;
    std::vector<std::string> names;
    for (unsigned i = 0; i < topics; ++i) {
        trades.emplace_back(i);
        names.push_back("crypto.bench." + std::string(trades.back().symbol()) + ".trade");
    }
    std::uint64_t dice = 42;
    for (std::size_t i = 0; i < messages; ++i) {
        dice = dice * 6364136223846793005 + 1442695040888963407;
        const std::size_t which = (dice >> 33) % topics;
        filler.add(rare > 0 && i % rare == 0 ? std::string_view("rare.one") : names[which],
                   trades[which].next(static_cast<std::uint64_t>(filler.ts() / 1000)));
    }
}

void fill_noise(Filler& filler, double gigabytes) {
    std::uint64_t dice = 42;
    std::string payload(4002, '"');
    for (double bytes = 0; bytes < gigabytes * 1e9 * 4 / 3; bytes += 4000) {
        for (std::size_t i = 1; i <= 4000; ++i) {
            dice = dice * 6364136223846793005 + 1442695040888963407;
            payload[i] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[dice >> 58];
        }
        filler.add("bench.noise", payload);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::Args args(argc, argv);
    Filler filler(args.text("directory"));
    if (const double gigabytes = args.number("gigabytes", 0); gigabytes > 0)
        fill_noise(filler, gigabytes);
    else
        fill_trades(filler, static_cast<std::size_t>(args.number("messages", 1e7)),
                    args.count("topics", 300), args.count("rare", 10'000));
    filler.finish();
}
