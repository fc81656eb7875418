#include <map>

#include "app/demo/market.hpp"
#include "app/demo/service.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// Venues whose frames are objects and whose items have names.
namespace anode::app::demo {
namespace {

constexpr double kGapChance = 1.0 / 2500;

/// Trades and books. `{"method":"SUBSCRIBE","params":["btcusd@trade"],"id":1}` is answered by `{"result":null,"id":1}`.
/// Books carry ranges `U`…`u` that follow one another, and now and then a few are missing.
class North final : public Service {
public:
    explicit North(Market& market) : market_(market) {}

    void asked(Wire& wire, const http::RequestHead&) override {
        wires_[&wire];
        wire.upgrade();
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void said(Wire& wire, BytesView text) override {
        json::Document document;
        if (!document.parse(text) || !document.root()["method"].equals("SUBSCRIBE"))
            return wire.text(R"({"error":{"code":2,"msg":"not understood"}})");
        const json::Value params = document.root()["params"];
        for (json::Value param = params.first(); param; param = param.next_in(params)) {
            const std::string stream = param.string();
            const auto at = stream.find('@');
            const Instrument* instrument = market_.find(stream.substr(0, at));
            if (instrument != nullptr)
                wires_[&wire].push_back(
                    {instrument, at != stream.npos && stream.substr(at) == "@depth", 0});
        }
        Bytes answer;
        json::Writer(answer)
            .begin_object()
            .key("result")
            .null()
            .key("id")
            .raw(document.root()["id"].present() ? document.root()["id"].raw() : "null")
            .end_object();
        wire.text(answer);
    }
    void beat(Now now, Rng& rng) override {
        for (auto& [wire, streams] : wires_)
            for (Stream& stream : streams) {
                const double pace = stream.book ? 6 : stream.instrument->pace * 2;
                for (unsigned n = events_of(pace, rng); n > 0; --n)
                    wire->text(stream.book ? depth(stream, now, rng) : trade(stream, now, rng));
            }
    }

private:
    struct Stream {
        const Instrument* instrument;
        bool book;
        std::uint64_t last;
    };

    Bytes trade(const Stream& stream, Now now, Rng& rng) {
        const Trade trade = market_.trade(*stream.instrument, rng);
        const std::int64_t ms = now.wall / 1000;
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("e", "trade")
            .member("E", ms)
            .member("s", stream.instrument->joined(""))
            .member("t", trade.id);
        out.member("p", trade.price)
            .member("q", trade.amount)
            .member("T", ms)
            .member("m", trade.sell)
            .end_object();
        return json;
    }
    Bytes depth(Stream& stream, Now now, Rng& rng) {
        if (stream.last == 0) stream.last = static_cast<std::uint64_t>(now.wall / 1000);
        if (rng.chance(kGapChance)) stream.last += 1 + rng.below(9);
        const std::uint64_t first = stream.last + 1;
        stream.last = first + rng.below(4);
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("e", "depthUpdate")
            .member("E", now.wall / 1000)
            .member("s", stream.instrument->joined(""));
        out.member("U", first).member("u", stream.last);
        side(out, "b", -1, *stream.instrument, rng);
        side(out, "a", 1, *stream.instrument, rng);
        out.end_object();
        return json;
    }
    static void side(json::Writer& out, std::string_view name, int sign,
                     const Instrument& instrument, Rng& rng) {
        out.key(name).begin_array();
        for (std::uint64_t n = rng.below(4); n > 0; --n) {
            const double away = sign * (1e-4 + rng.unit() * 2e-3);
            const double amount =
                rng.chance(0.2) ? 0 : (100 + 5000 * rng.unit()) / instrument.price;
            out.begin_array()
                .value(fixed(instrument.price * (1 + away), instrument.digits))
                .value(fixed(amount, 4))
                .end_array();
        }
        out.end_array();
    }

    Market& market_;
    std::map<Wire*, std::vector<Stream>> wires_;
};

/// Tickers. Each item is confirmed by an event of its own; one that is not listed is refused by an event that names it.
class Orion final : public Service {
public:
    explicit Orion(Market& market) : market_(market) {}

    void asked(Wire& wire, const http::RequestHead&) override {
        wires_[&wire];
        wire.upgrade();
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void said(Wire& wire, BytesView text) override {
        if (text == "ping") return wire.text("pong");
        json::Document document;
        if (!document.parse(text)) return;
        const json::Value args = document.root()["args"];
        for (json::Value arg = args.first(); arg; arg = arg.next_in(args)) {
            std::string name = arg["instId"].string();
            std::erase(name, '-');
            const Instrument* instrument = market_.find(name);
            Bytes json;
            json::Writer out(json);
            out.begin_object().member("event", instrument != nullptr ? "subscribe" : "error");
            if (instrument == nullptr)
                out.member("code", "60018")
                    .member("msg", arg["instId"].string() + " is not listed here");
            out.key("arg").raw(arg.raw()).end_object();
            wire.text(json);
            if (instrument != nullptr) wires_[&wire].push_back(instrument);
        }
    }
    void beat(Now now, Rng& rng) override {
        for (auto& [wire, instruments] : wires_)
            for (const Instrument* instrument : instruments)
                for (unsigned n = events_of(2, rng); n > 0; --n)
                    wire->text(ticker(*instrument, now, rng));
    }

private:
    Bytes ticker(const Instrument& one, Now now, Rng& rng) {
        const Trade trade = market_.trade(one, rng);
        Bytes json;
        json::Writer out(json);
        const std::string name = one.joined("-");
        out.begin_object()
            .key("arg")
            .begin_object()
            .member("channel", "tickers")
            .member("instId", name)
            .end_object();
        out.key("data")
            .begin_array()
            .begin_object()
            .member("instType", "SPOT")
            .member("instId", name)
            .member("last", trade.price);
        out.member("lastSz", trade.amount)
            .member("askPx", Market::near(one, 4e-5, rng))
            .member("bidPx", Market::near(one, -4e-5, rng));
        out.member("open24h", fixed(one.open, one.digits))
            .member("vol24h", fixed(2e6 / one.price * (1 + 0.01 * rng.unit()), 2));
        out.member("ts", std::to_string(now.wall / 1000)).end_object().end_array().end_object();
        return json;
    }

    Market& market_;
    std::map<Wire*, std::vector<const Instrument*>> wires_;
};

}  // namespace

std::unique_ptr<Service> make_north(Market& market) { return std::make_unique<North>(market); }
std::unique_ptr<Service> make_orion(Market& market) { return std::make_unique<Orion>(market); }

}  // namespace anode::app::demo
