#include "app/demo/definitions.hpp"

#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace anode::app::demo {
namespace {

constexpr std::string_view kHead =
    R"(# Sources of `anode demo`, written anew at each start. Everything on 127.0.0.1 is simulated.
# The providers are made up, but each speaks like a kind of real ones: what works here works there.

[[retention]]
name = "demo"
topics = "demo.>"
age = "6h"
bytes = "2GiB"
)";

// Trades; a request is acknowledged by its number.
constexpr std::string_view kNorthTrades = R"(
[[source]]
name = "north-trades-<<sym>>"
type = "websocket"
url = "ws://127.0.0.1:<<port>>/north"
topic = "demo.crypto.{.s}.trade"
labels = { provider = "north" }
classify = [{ match = 'has("result")', as = "ack" }, { match = 'has("error")', as = "error.fatal", text_from = "error.msg" }]
map = { key = "s", id = "t", time = "T", unit = "ms" }
dedupe = { by = ["key", "id"] }
[source.items]
stream = ["<<sym>>@trade"]
[[source.connect]]
send = { method = "SUBSCRIBE", params = [{ "$each" = "{stream}" }], id = "{n:number}" }
[[source.connect]]
expect = '(has("result"))'
[source.alive]
stale = "2m"
)";

// Changes of an order book; their ranges tell when some are missing.
constexpr std::string_view kNorthBook = R"(
[[source]]
name = "north-book-<<sym>>"
type = "websocket"
url = "ws://127.0.0.1:<<port>>/north"
topic = "demo.crypto.{.s}.book"
labels = { provider = "north" }
classify = [{ match = 'has("result")', as = "ack" }]
map = { key = "s", id = ["U", "u"], time = "E", unit = "ms" }
continuity = { rule = "range", first = "U", last = "u" }
[source.items]
stream = ["<<sym>>@depth"]
[[source.connect]]
send = { method = "SUBSCRIBE", params = [{ "$each" = "{stream}" }], id = "{n:number}" }
[[source.connect]]
expect = '(has("result"))'
)";

// Tickers; each item is confirmed by an event of its own, and one that is not listed is refused.
constexpr std::string_view kOrion = R"(
[[source]]
name = "orion-tickers-<<n>>"
type = "websocket"
url = "ws://127.0.0.1:<<port>>/orion"
topic = "demo.crypto.{.instId}.ticker"
labels = { provider = "orion" }
rows = "data"
classify = [
  { text = "pong", as = "heartbeat" },
  { match = '.event == "subscribe"', as = "ack" },
  { match = '.event == "error"', as = "error.item", item = "arg.instId", text_from = "msg" },
]
map = { key = "instId", time = "ts", unit = "ms" }
[source.items]
inst = [<<list>>]
[[source.connect]]
send = { op = "subscribe", args = [{ "$each" = { channel = "tickers", instId = "{inst}" } }] }
[[source.connect]]
expect = '.event == "subscribe"'
item = "arg.instId"
within = "5s"
[source.alive]
ping = { when = "every 20s", text = "ping", expect = "pong" }
)";

// Trades by channel; the server says when it wants its clients to move.
constexpr std::string_view kBrook = R"(
[[source]]
name = "brook-trades-<<sym>>"
type = "websocket"
url = "ws://127.0.0.1:<<port>>/brook"
topic = "demo.crypto.<<sym:upper>>.fill"
labels = { provider = "brook" }
rows = "data"
classify = [
  { match = '.event == "brook:subscription_succeeded"', as = "ack" },
  { match = '.event == "brook:heartbeat"', as = "heartbeat" },
  { match = '.event == "brook:request_reconnect"', as = "notice" },
  { match = '.event == "brook:error"', as = "error.fatal", text_from = "data.message" },
]
parent = ["channel"]
map = { key = "channel", id = "id", time = "microtimestamp", unit = "us" }
dedupe = { by = ["id"] }
[source.items]
sym = ["<<sym>>"]
[[source.connect]]
send = { event = "brook:subscribe", data = { channel = "live_trades_{sym}" } }
[[source.connect]]
expect = '.event == "brook:subscription_succeeded"'
item = "channel"
item_as = "live_trades_{sym}"
[source.alive]
ping = { when = "idle 15s", send = { event = "brook:heartbeat" }, expect = '.event == "brook:heartbeat"' }
)";

// Lists instead of objects; what a channel number stands for is learnt from the acknowledgement.
constexpr std::string_view kKelp = R"(
[[source]]
name = "kelp-trades-<<n>>"
type = "websocket"
url = "ws://127.0.0.1:<<port>>/kelp"
topic = "demo.crypto.{pair}.print"
labels = { provider = "kelp" }
classify = [
  { match = '.event == "heartbeat"', as = "heartbeat" },
  { match = '.event == "systemStatus"', as = "ignore" },
  { match = '.event == "subscriptionStatus" and .status == "error"', as = "error.item", item = "pair", text_from = "errorMessage" },
  { match = '.event == "subscriptionStatus"', as = "ack" },
  { match = '.[2] == "trade"', as = "data", by = "0", rows = "1", columns = ["price", "volume", "time", "side"] },
]
map = { time = "time", unit = "s" }
[source.items]
pair = [<<list>>]
[[source.connect]]
send = { event = "subscribe", pair = [{ "$each" = "{pair}" }], subscription = { name = "trade" } }
[[source.connect]]
expect = '.event == "subscriptionStatus" and .status == "subscribed"'
item = "pair"
bind = "channelID"
)";

// Everything is gzip; the server asks for pongs.
constexpr std::string_view kGale = R"(
[[source]]
name = "gale-detail-<<sym>>"
type = "websocket"
url = "ws://127.0.0.1:<<port>>/gale"
topic = "demo.crypto.<<sym:upper>>.quote"
labels = { provider = "gale" }
decode = ["gzip"]
rows = "tick"
parent = ["ch", "ts"]
classify = [
  { match = '.ping', as = "heartbeat" },
  { match = '.status == "ok"', as = "ack" },
  { match = '.status == "error"', as = "error.fatal", text_from = "err-msg" },
]
map = { time = "ts", unit = "ms" }
[source.items]
sym = ["<<sym>>"]
[[source.connect]]
send = { sub = "market.{sym}.detail", id = "{n}" }
[[source.connect]]
expect = '.status == "ok"'
item = "subbed"
item_as = "market.{sym}.detail"
[source.alive]
reply = [{ match = ".ping", send = { pong = "{ping:number}" } }]
)";

// Nothing to send: the URL says it all, and where to go on from.
constexpr std::string_view kSkyline = R"(
[[source]]
name = "skyline-<<kind>>"
type = "websocket"
url = "ws://127.0.0.1:<<port>>/skyline/subscribe"
topic = "demo.social.{.did}.<<kind>>"
labels = { provider = "skyline" }
query = { wantedCollections = "app.sky.<<kind>>" }
map = { key = "did", id = ["did", "commit.rkey"], time = "time_us", unit = "us" }
dedupe = { by = ["id"] }
resume = { at = "time_us", as = { query = "cursor" }, rewind = "2s" }
)";

constexpr std::string_view kQuakes = R"(
[[source]]
name = "quakes"
type = "rest"
url = "http://127.0.0.1:<<port>>/quakes/feed.geojson"
topic = "demo.earth.quakes.event"
rows = "features"
map = { key = "id", id = "id", version = "properties.updated", time = "properties.time", unit = "ms" }
poll = { every = "5s", diff = { key = "id", version = "properties.updated", vanish = "delete", window = "50m" } }
)";

constexpr std::string_view kWeather = R"(
[[source]]
name = "weather-<<city>>"
type = "rest"
url = "http://127.0.0.1:<<port>>/weather/stations/<<city>>"
topic = "demo.weather.{.station}.now"
labels = { provider = "weather" }
map = { key = "station", time = "current.time", unit = "rfc3339" }
poll = { every = "5s", same = "body" }
)";

constexpr std::string_view kNews = R"(
[[source]]
name = "news-<<desk>>"
type = "rest"
url = "http://127.0.0.1:<<port>>/news/<<desk>>"
topic = "demo.news.{.desk}.item"
rows = ""
map = { key = "desk", id = "id", time = "published", unit = "rfc3339" }
dedupe = { by = ["id"], keep = "1h" }
poll = { every = "4s", pages = { next = "link", until = "known", max = 5, order = "oldest-first" } }
)";

constexpr std::string_view kEdits = R"(
[[source]]
name = "edits-<<wiki>>"
type = "sse"
url = "http://127.0.0.1:<<port>>/edits/<<wiki>>"
topic = "demo.wiki.<<wiki>>.edit"
labels = { provider = "edits" }
map = { key = "title", id = "id", time = "timestamp", unit = "s" }
dedupe = { by = ["id"] }
drop = [".bot and .minor"]
)";

constexpr std::string_view kShips = R"(
[[source]]
name = "ships-<<area>>"
type = "sse"
url = "http://127.0.0.1:<<port>>/ships/<<area>>"
headers = { Accept = "application/x-ndjson" }
topic = "demo.sea.<<area>>.position"
labels = { provider = "ships" }
map = { key = "mmsi", time = "time", unit = "rfc3339" }
)";

constexpr std::string_view kHook = R"(
[[source]]
name = "<<kind>>-<<n>>"
type = "webhook"
topic = "demo.<<domain>>.<<kind>><<n>>.event"
map = { id = "delivery", time = "at", unit = "rfc3339" }
dedupe = { by = ["id"] }
)";

constexpr auto kSymbols = std::to_array<std::string_view>(
    {"btcusd", "ethusd", "solusd",  "xrpusd",  "adausd",  "dogeusd", "avaxusd", "linkusd",
     "dotusd", "ltcusd", "uniusd",  "atomusd", "xlmusd",  "algousd", "nearusd", "filusd",
     "arbusd", "opusd",  "aaveusd", "grtusd",  "sandusd", "xtzusd",  "eosusd",  "zecusd"});

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

/// `"BTC-USD", "ETH-USD"` of some symbols from `first` on.
std::string listed(std::size_t first, std::size_t count, char between) {
    std::string list;
    for (std::size_t i = first; i < first + count; ++i) {
        const std::string_view symbol = kSymbols[i % kSymbols.size()];
        list.append(list.empty() ? "\"" : ", \"")
            .append(upper(symbol.substr(0, symbol.size() - 3)));
        list.append(1, between).append("USD\"");
    }
    return list;
}

class Writer {
public:
    explicit Writer(std::uint16_t port) : port_(std::to_string(port)) { made_.toml = kHead; }

    using Marks = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    void add(std::string_view pattern, Marks marks) {
        std::string text(pattern);
        replace(text, "port", port_);
        for (const auto& [mark, value] : marks) replace(text, mark, value);
        made_.toml += text;
        ++made_.count;
    }
    void add_hook(std::string_view domain, std::string_view kind, int n) {
        add(kHook, {{"domain", domain}, {"kind", kind}, {"n", std::to_string(n)}});
        made_.webhooks.push_back(std::string(kind) + "-" + std::to_string(n));
    }
    DemoSources take() { return std::move(made_); }

private:
    static void replace(std::string& text, std::string_view mark, std::string_view value) {
        const std::string wanted = "<<" + std::string(mark) + ">>";
        for (std::size_t at = 0; (at = text.find(wanted, at)) != std::string::npos;
             at += value.size())
            text.replace(at, wanted.size(), value);
    }

    std::string port_;
    DemoSources made_;
};

void add_markets(Writer& writer) {
    for (const std::string_view symbol : kSymbols) writer.add(kNorthTrades, {{"sym", symbol}});
    for (std::size_t i = 0; i < 8; ++i) writer.add(kNorthBook, {{"sym", kSymbols[i]}});
    for (std::size_t i = 0; i < 8; ++i) {
        std::string list = listed(i * 3, 3, '-');
        if (i == 0)
            list += ", \"LUNA-USD\"";  // not listed there: shows what a refused item looks like
        writer.add(kOrion, {{"n", std::to_string(i + 1)}, {"list", list}});
    }
    for (std::size_t i = 0; i < 12; ++i)
        writer.add(kBrook, {{"sym", kSymbols[i]}, {"sym:upper", upper(kSymbols[i])}});
    for (std::size_t i = 0; i < 12; ++i)
        writer.add(kKelp, {{"n", std::to_string(i + 1)}, {"list", listed(i * 2, 2, '/')}});
    for (std::size_t i = 0; i < 12; ++i)
        writer.add(kGale, {{"sym", kSymbols[i]}, {"sym:upper", upper(kSymbols[i])}});
}

void add_world(Writer& writer) {
    for (const std::string_view kind : {"post", "like", "follow", "repost"})
        writer.add(kSkyline, {{"kind", kind}});
    writer.add(kQuakes, {});
    for (const std::string_view city :
         {"bergen", "bilbao", "bristol", "cadiz", "cork", "dakar", "faro", "genoa", "halifax",
          "kiel", "lagos", "lima", "oslo", "palermo", "riga", "tallinn"})
        writer.add(kWeather, {{"city", city}});
    for (const std::string_view desk : {"harbour", "science", "sports"})
        writer.add(kNews, {{"desk", desk}});
    for (const std::string_view wiki :
         {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "ja", "ko", "tr"})
        writer.add(kEdits, {{"wiki", wiki}});
    for (const std::string_view area :
         {"north-sea", "baltic", "biscay", "channel", "aegean", "adriatic", "irish-sea",
          "skagerrak", "kattegat", "ligurian", "alboran", "celtic"})
        writer.add(kShips, {{"area", area}});
    for (int n = 1; n <= 4; ++n) writer.add_hook("builds", "build", n);
    for (int n = 1; n <= 3; ++n) writer.add_hook("shops", "shop", n);
    for (int n = 1; n <= 3; ++n) writer.add_hook("doors", "door", n);
}

}  // namespace

DemoSources simulated_sources(std::uint16_t port) {
    Writer writer(port);
    add_markets(writer);
    add_world(writer);
    return writer.take();
}

}  // namespace anode::app::demo
