#include <map>

#include "app/demo/market.hpp"
#include "app/demo/service.hpp"
#include "base/text.hpp"
#include "core/codec/inflate.hpp"
#include "core/json/json.hpp"

/// Venues whose items are channels.
namespace anode::app::demo {
namespace {

/// Trades, a channel an instrument. Asks its clients to come back after some minutes, before it ends their connection.
class Brook final : public Service {
public:
    explicit Brook(Market& market) : market_(market) {}

    void asked(Wire& wire, const http::RequestHead&) override {
        wires_[&wire];
        wire.upgrade();
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void said(Wire& wire, BytesView text) override {
        json::Document document;
        if (!document.parse(text)) return;
        if (document.root()["event"].equals("brook:heartbeat"))
            return wire.text(
                R"({"event":"brook:heartbeat","channel":"","data":{"status":"success"}})");
        const std::string channel = document.root()["data"]["channel"].string();
        const auto cut = channel.rfind('_');
        const Instrument* instrument =
            cut == channel.npos ? nullptr : market_.find(channel.substr(cut + 1));
        if (instrument == nullptr)
            return wire.text(
                R"({"event":"brook:error","channel":"","data":{"message":"no such channel"}})");
        wires_[&wire].channels.push_back({channel, instrument});
        Bytes json;
        json::Writer(json)
            .begin_object()
            .member("event", "brook:subscription_succeeded")
            .member("channel", channel)
            .key("data")
            .begin_object()
            .end_object()
            .end_object();
        wire.text(json);
    }
    void beat(Now now, Rng& rng) override {
        for (auto& [wire, client] : wires_) {
            if (client.leave == Instant{})
                client.leave = now.mono + std::chrono::seconds(150 + rng.below(240));
            if (now.mono > client.leave) {
                wire->text(R"({"event":"brook:request_reconnect","channel":"","data":""})");
                client.leave = now.mono + 10min;
            }
            for (const auto& [channel, instrument] : client.channels)
                for (unsigned n = events_of(instrument->pace, rng); n > 0; --n)
                    wire->text(trade(channel, *instrument, now, rng));
        }
    }

private:
    struct Client {
        std::vector<std::pair<std::string, const Instrument*>> channels;
        Instant leave{};
    };

    Bytes trade(const std::string& channel, const Instrument& one, Now now, Rng& rng) {
        const Trade trade = market_.trade(one, rng);
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("event", "trade")
            .member("channel", channel)
            .key("data")
            .begin_object();
        out.member("id", trade.id)
            .key("price")
            .raw(trade.price)
            .key("amount")
            .raw(trade.amount)
            .member("type", trade.sell ? 1 : 0);
        out.member("microtimestamp", std::to_string(now.wall)).end_object().end_object();
        return json;
    }

    Market& market_;
    std::map<Wire*, Client> wires_;
};

/// Trades as lists, `[340,[["97340.1","0.0021","1767225600.123456","s"]],"trade"]`: which instrument a channel number
/// stands for is told once, when it is subscribed.
class Kelp final : public Service {
public:
    explicit Kelp(Market& market) : market_(market) {}

    void asked(Wire& wire, const http::RequestHead&) override {
        wires_[&wire];
        wire.upgrade();
        wire.text(R"({"event":"systemStatus","status":"online","version":"1.9"})");
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void said(Wire& wire, BytesView text) override {
        json::Document document;
        if (!document.parse(text)) return;
        const json::Value pairs = document.root()["pair"];
        for (json::Value pair = pairs.first(); pair; pair = pair.next_in(pairs)) {
            std::string name = pair.string();
            std::erase(name, '/');
            const Instrument* instrument = market_.find(name);
            const std::uint64_t channel = 300 + 16 * next_channel_++;
            Bytes json;
            json::Writer out(json);
            out.begin_object();
            if (instrument != nullptr)
                out.member("channelID", channel).member("channelName", "trade");
            else
                out.member("errorMessage", "Currency pair not supported");
            out.member("event", "subscriptionStatus")
                .key("pair")
                .raw(pair.raw())
                .member("status", instrument != nullptr ? "subscribed" : "error")
                .end_object();
            wire.text(json);
            if (instrument != nullptr) wires_[&wire].emplace_back(channel, instrument);
        }
    }
    void beat(Now now, Rng& rng) override {
        const bool pulse = now.mono - pulse_ > 1s;
        if (pulse) pulse_ = now.mono;
        for (auto& [wire, channels] : wires_) {
            if (pulse) wire->text(R"({"event":"heartbeat"})");
            for (const auto& [channel, instrument] : channels)
                if (const unsigned n = events_of(instrument->pace * 0.8, rng); n > 0)
                    wire->text(trades(channel, *instrument, n, now, rng));
        }
    }

private:
    Bytes trades(std::uint64_t channel, const Instrument& one, unsigned count, Now now, Rng& rng) {
        Bytes json;
        json::Writer out(json);
        out.begin_array().value(channel).begin_array();
        for (unsigned i = 0; i < count; ++i) {
            const Trade trade = market_.trade(one, rng);
            out.begin_array()
                .value(trade.price)
                .value(trade.amount)
                .value(fixed(static_cast<double>(now.wall) / 1e6, 6));
            out.value(trade.sell ? "s" : "b").end_array();
        }
        out.end_array().value("trade").end_array();
        return json;
    }

    Market& market_;
    std::map<Wire*, std::vector<std::pair<std::uint64_t, const Instrument*>>> wires_;
    std::uint64_t next_channel_ = 2;
    Instant pulse_{};
};

/// Everything is gzip in binary frames, acknowledgements and pings too. A client that answers no ping is dropped.
class Gale final : public Service {
public:
    explicit Gale(Market& market) : market_(market) {}

    void asked(Wire& wire, const http::RequestHead&) override {
        wires_[&wire];
        wire.upgrade();
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void said(Wire& wire, BytesView text) override {
        json::Document document;
        if (!document.parse(text)) return;
        Client& client = wires_[&wire];
        if (document.root()["pong"]) return void(client.unanswered = 0);
        const std::string channel = document.root()["sub"].string();  // market.btcusd.detail
        const auto words = text::split(channel, '.');
        const Instrument* instrument = words.size() == 3 ? market_.find(words[1]) : nullptr;
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("id", document.root()["id"].scalar().value_or(""))
            .member("status", instrument != nullptr ? "ok" : "error");
        if (instrument != nullptr)
            out.member("subbed", channel);
        else
            out.member("err-msg", "invalid topic " + channel);
        out.end_object();
        say(wire, json);
        if (instrument != nullptr) client.channels.emplace_back(channel, instrument);
    }
    void beat(Now now, Rng& rng) override {
        const bool pulse = now.mono - pulse_ > 5s;
        if (pulse) pulse_ = now.mono;
        for (auto& [wire, client] : wires_) {
            if (pulse && ++client.unanswered > 3) wire->end(1000, "ping timeout");
            if (pulse) say(*wire, "{\"ping\":" + std::to_string(now.wall / 1000) + "}");
            for (const auto& [channel, instrument] : client.channels)
                for (unsigned n = events_of(3, rng); n > 0; --n)
                    say(*wire, detail(channel, *instrument, now, rng));
        }
    }

private:
    struct Client {
        std::vector<std::pair<std::string, const Instrument*>> channels;
        unsigned unanswered = 0;
    };

    static void say(Wire& wire, BytesView json) {
        wire.binary(codec::compress(codec::Coding::Gzip, json, 1));
    }
    static Bytes detail(const std::string& channel, const Instrument& one, Now now, Rng& rng) {
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("ch", channel)
            .member("ts", now.wall / 1000)
            .key("tick")
            .begin_object();
        out.key("open")
            .raw(fixed(one.open, one.digits))
            .key("close")
            .raw(Market::near(one, 0, rng));
        out.key("bid")
            .raw(Market::near(one, -3e-5, rng))
            .key("ask")
            .raw(Market::near(one, 3e-5, rng));
        out.member("count", 40'000 + rng.below(500)).end_object().end_object();
        return json;
    }

    Market& market_;
    std::map<Wire*, Client> wires_;
    Instant pulse_{};
};

}  // namespace

std::unique_ptr<Service> make_brook(Market& market) { return std::make_unique<Brook>(market); }
std::unique_ptr<Service> make_kelp(Market& market) { return std::make_unique<Kelp>(market); }
std::unique_ptr<Service> make_gale(Market& market) { return std::make_unique<Gale>(market); }

}  // namespace anode::app::demo
