#include <deque>
#include <map>

#include "app/demo/service.hpp"
#include "app/demo/talk.hpp"
#include "base/text.hpp"
#include "core/codec/sse.hpp"
#include "core/json/json.hpp"

/// Streams that go on where a client left them.
namespace anode::app::demo {
namespace {

/// Posts and likes over WebSocket; the URL says which, and `cursor` (µs) where to go on. Connections end now and then.
class Skyline final : public Service {
public:
    void asked(Wire& wire, const http::RequestHead& head) override {
        Client& client = wires_[&wire];
        client.collection = head.parameter("wantedCollections").value_or("app.sky.post");
        wire.upgrade();
        const auto cursor = text::parse_i64(head.parameter("cursor").value_or(""));
        if (!cursor) return;
        for (const Post& post : posts_)
            if (post.at > *cursor && post.collection == client.collection) wire.text(post.json);
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void beat(Now now, Rng& rng) override {
        for (const auto& [collection, pace] :
             {std::pair("app.sky.post", 12.0), std::pair("app.sky.like", 16.0),
              std::pair("app.sky.follow", 4.0), std::pair("app.sky.repost", 6.0)})
            for (unsigned n = events_of(pace, rng); n > 0; --n) publish(collection, now, rng);
        for (auto& [wire, client] : wires_) {
            if (client.until == Instant{})
                client.until = now.mono + std::chrono::seconds(60 + rng.below(120));
            else if (now.mono > client.until)
                wire->end(1001, "moving to another host");
        }
    }

private:
    struct Client {
        std::string collection;
        Instant until{};
    };
    struct Post {
        std::int64_t at;
        std::string collection;
        Bytes json;
    };

    void publish(std::string_view collection, Now now, Rng& rng) {
        last_ = std::max(last_ + 1, now.wall);
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("did", "did:demo:" + person(rng))
            .member("time_us", last_)
            .member("kind", "commit")
            .key("commit")
            .begin_object();
        out.member("rev", hex_word(rng, 12))
            .member("operation", "create")
            .member("collection", collection)
            .member("rkey", hex_word(rng, 13));
        out.key("record").begin_object().member("createdAt", text::rfc3339(now.wall));
        if (collection == "app.sky.post")
            out.member("text", sentence(rng))
                .key("langs")
                .begin_array()
                .value(rng.chance(0.7) ? "en" : "pt")
                .end_array();
        else
            out.member("subject", "did:demo:" + person(rng));
        out.end_object().end_object().end_object();
        for (auto& [wire, client] : wires_)
            if (client.collection == collection) wire->text(json);
        posts_.push_back({last_, std::string(collection), std::move(json)});
        if (posts_.size() > 4000) posts_.pop_front();
    }

    std::map<Wire*, Client> wires_;
    std::deque<Post> posts_;
    std::int64_t last_ = 0;
};

/// Edits of an encyclopedia as an event stream a language, with ids; a stream ends after a minute or so.
class Edits final : public Service {
public:
    void asked(Wire& wire, const http::RequestHead& head) override {
        Client& client = wires_[&wire];
        client.wiki = head.segments.size() > 1 ? head.segments[1] : "en";
        wire.stream("text/event-stream");
        Bytes out;
        sse::append_retry(out, 500);
        const auto last = text::parse_u64(head.headers.get("last-event-id"));
        for (const Edit& edit : edits_)
            if (last && edit.id > *last && edit.wiki == client.wiki)
                sse::append_event(out, std::to_string(edit.id), {}, edit.json);
        wire.write(out);
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void beat(Now now, Rng& rng) override {
        if (next_ == 0) next_ = static_cast<std::uint64_t>(now.wall / 100);
        std::map<std::string, bool> languages;
        for (auto& [wire, client] : wires_) languages[client.wiki] = true;
        for (const auto& [wiki, ignored] : languages)
            for (unsigned n = events_of(wiki == "en" ? 5 : 1.8, rng); n > 0; --n)
                publish(wiki, now, rng);
        for (auto& [wire, client] : wires_) {
            if (client.until == Instant{})
                client.until = now.mono + std::chrono::seconds(50 + rng.below(40));
            else if (now.mono > client.until)
                wire->end();
            if (rng.chance(0.005)) {
                Bytes comment;
                sse::append_comment(comment, "still here");
                wire->write(comment);
            }
        }
    }

private:
    struct Client {
        std::string wiki;
        Instant until{};
    };
    struct Edit {
        std::uint64_t id;
        std::string wiki;
        Bytes json;
    };

    void publish(const std::string& wiki, Now now, Rng& rng) {
        const std::uint64_t id = next_++;
        const std::string title = article(rng);
        const auto length = static_cast<std::int64_t>(800 + rng.below(40'000));
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("id", id)
            .member("type", rng.chance(0.1) ? "new" : "edit")
            .member("wiki", wiki + "wiki")
            .member("title", title);
        out.member("user", person(rng))
            .member("bot", rng.chance(0.2))
            .member("minor", rng.chance(0.4))
            .member("timestamp", now.wall / 1'000'000);
        out.key("length")
            .begin_object()
            .member("old", length)
            .member("new", length + rng.between(-300, 900))
            .end_object()
            .end_object();
        Bytes event;
        sse::append_event(event, std::to_string(id), {}, json);
        for (auto& [wire, client] : wires_)
            if (client.wiki == wiki) wire->write(event);
        edits_.push_back({id, wiki, std::move(json)});
        if (edits_.size() > 2000) edits_.pop_front();
    }

    std::map<Wire*, Client> wires_;
    std::deque<Edit> edits_;
    std::uint64_t next_ = 0;
};

/// Positions of ships as JSON lines, an area a stream.
class Ships final : public Service {
public:
    void asked(Wire& wire, const http::RequestHead& head) override {
        const std::string area = head.segments.size() > 1 ? head.segments[1] : "north";
        wires_[&wire] = area;
        if (!areas_.contains(area)) areas_[area] = fleet(area);
        wire.stream("application/x-ndjson");
    }
    void gone(Wire& wire) override { wires_.erase(&wire); }
    void beat(Now now, Rng& rng) override {
        for (auto& [area, ships] : areas_)
            for (Ship& ship : ships) {
                ship.lat += ship.vy * 0.1;
                ship.lon += ship.vx * 0.1;
                if (rng.chance(0.01)) ship.vx += (rng.unit() - 0.5) * 1e-4;
            }
        for (auto& [wire, area] : wires_) {
            std::vector<Ship>& ships = areas_[area];
            Bytes lines;
            for (unsigned n = events_of(4, rng); n > 0; --n)
                append(lines, ships[rng.below(ships.size())], area, now, rng);
            wire->write(lines);
            if (rng.chance(0.01)) wire->write("\n");
        }
    }

private:
    struct Ship {
        std::uint64_t mmsi;
        std::string name, kind;
        double lat, lon, vx, vy;
    };

    static std::vector<Ship> fleet(const std::string& area) {
        Rng rng(std::hash<std::string>{}(area));
        static constexpr std::string_view kFirst[] = {"Northern", "Silver", "Amber", "Quiet",
                                                      "Morning",  "Coral",  "Grey",  "Lucky"};
        static constexpr std::string_view kSecond[] = {"Heron",   "Tern",  "Dolphin", "Lantern",
                                                       "Compass", "Otter", "Gull",    "Star"};
        static constexpr std::string_view kKinds[] = {"cargo", "tanker", "ferry", "fishing", "tug"};
        const double lat = 35 + 25 * rng.unit(), lon = -15 + 40 * rng.unit();
        std::vector<Ship> ships;
        for (int i = 0; i < 25; ++i) {
            Ship ship;
            ship.mmsi = 200'000'000 + rng.below(500'000'000);
            ship.name =
                std::string(kFirst[rng.below(8)]) + " " + std::string(kSecond[rng.below(8)]);
            ship.kind = kKinds[rng.below(5)];
            ship.lat = lat + rng.unit();
            ship.lon = lon + rng.unit();
            ship.vx = (rng.unit() - 0.5) * 6e-4;
            ship.vy = (rng.unit() - 0.5) * 6e-4;
            ships.push_back(std::move(ship));
        }
        return ships;
    }
    static void append(Bytes& lines, const Ship& ship, const std::string& area, Now now, Rng& rng) {
        json::Writer out(lines);
        out.begin_object()
            .member("mmsi", ship.mmsi)
            .member("name", ship.name)
            .member("type", ship.kind)
            .member("area", area);
        out.key("lat")
            .raw(fixed(ship.lat, 5))
            .key("lon")
            .raw(fixed(ship.lon, 5))
            .key("sog")
            .raw(fixed(4 + 14 * rng.unit(), 1));
        out.member("time", text::rfc3339(now.wall)).end_object();
        lines += '\n';
    }

    std::map<Wire*, std::string> wires_;
    std::map<std::string, std::vector<Ship>> areas_;
};

}  // namespace

std::unique_ptr<Service> make_skyline() { return std::make_unique<Skyline>(); }
std::unique_ptr<Service> make_edits() { return std::make_unique<Edits>(); }
std::unique_ptr<Service> make_ships() { return std::make_unique<Ships>(); }

}  // namespace anode::app::demo
