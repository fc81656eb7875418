#include <cmath>
#include <deque>
#include <map>

#include "app/demo/service.hpp"
#include "app/demo/talk.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// Documents that are asked for again and again.
namespace anode::app::demo {
namespace {

/// Answers with an entity tag, and 304 to whoever has it.
void answer_tagged(Wire& wire, const http::RequestHead& head, std::uint64_t version,
                   std::string_view type, const Bytes& body) {
    const std::string tag = "\"v" + std::to_string(version) + "\"";
    if (head.headers.get("if-none-match") == tag) return wire.answer(304, {{"ETag", tag}}, {});
    wire.answer(200, {{"Content-Type", std::string(type)}, {"ETag", tag}}, body);
}

/// The earthquakes of the last hour as GeoJSON: new ones come, magnitudes are corrected, a false alarm vanishes.
class Quakes final : public Service {
public:
    void asked(Wire& wire, const http::RequestHead& head) override {
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("type", "FeatureCollection")
            .key("metadata")
            .begin_object()
            .member("generated", now_ / 1000)
            .member("title", "Simulated earthquakes")
            .end_object();
        out.key("features").begin_array();
        for (auto quake = quakes_.rbegin(); quake != quakes_.rend(); ++quake) write(out, *quake);
        out.end_array().end_object();
        answer_tagged(wire, head, version_, "application/geo+json", json);
    }
    void beat(Now now, Rng& rng) override {
        now_ = now.wall;
        if (quakes_.empty())
            for (int i = 20; i > 0; --i) happen(now.wall - i * 150'000'000ll, rng);
        for (unsigned n = events_of(0.12, rng); n > 0; --n) happen(now.wall, rng);
        if (rng.chance(0.004)) revise(now, rng);
        if (rng.chance(0.0006) && quakes_.size() > 5) {
            quakes_.erase(quakes_.end() - 1 - static_cast<std::ptrdiff_t>(rng.below(4)));
            ++version_;
        }
        while (!quakes_.empty() && quakes_.front().at < now.wall - 3'600'000'000ll)
            quakes_.pop_front();
    }

private:
    struct Quake {
        std::string id, place;
        double magnitude, lat, lon, depth;
        std::int64_t at, updated;
        bool reviewed = false;
    };

    void happen(std::int64_t at, Rng& rng) {
        static constexpr std::string_view kWhere[] = {
            "Port Amber",   "Cape Lantern", "Grey Harbour", "Mount Otter",
            "Heron Island", "Silver Ridge", "Tern Bay",     "Windmill Plain"};
        static constexpr std::string_view kWinds[] = {"N", "NE", "E", "SE", "S", "SW", "W", "NW"};
        Quake quake;
        quake.id = "dm" + hex_word(rng, 8);
        quake.place = std::to_string(3 + rng.below(90)) + " km " +
                      std::string(kWinds[rng.below(8)]) + " of " +
                      std::string(kWhere[rng.below(8)]);
        quake.magnitude = 0.5 - std::log(1 - rng.unit()) * 0.9;
        quake.lat = -60 + 120 * rng.unit();
        quake.lon = -180 + 360 * rng.unit();
        quake.depth = 2 + 80 * rng.unit();
        quake.at = quake.updated = at;
        quakes_.push_back(std::move(quake));
        ++version_;
    }
    void revise(Now now, Rng& rng) {
        Quake& quake =
            quakes_[quakes_.size() - 1 - rng.below(std::min<std::size_t>(8, quakes_.size()))];
        quake.magnitude = std::max(0.1, quake.magnitude + (rng.unit() - 0.5) * 0.4);
        quake.reviewed = true;
        quake.updated = now.wall;
        ++version_;
    }
    static void write(json::Writer& out, const Quake& quake) {
        out.begin_object()
            .member("type", "Feature")
            .member("id", quake.id)
            .key("properties")
            .begin_object();
        out.key("mag")
            .raw(fixed(quake.magnitude, 1))
            .member("place", quake.place)
            .member("time", quake.at / 1000)
            .member("updated", quake.updated / 1000);
        out.member("status", quake.reviewed ? "reviewed" : "automatic").end_object();
        out.key("geometry").begin_object().member("type", "Point").key("coordinates").begin_array();
        out.raw(fixed(quake.lon, 3))
            .raw(fixed(quake.lat, 3))
            .raw(fixed(quake.depth, 1))
            .end_array()
            .end_object()
            .end_object();
    }

    std::deque<Quake> quakes_;
    std::uint64_t version_ = 0;
    std::int64_t now_ = 0;
};

/// `/weather/stations/NAME`: an observation that changes every ten seconds or so.
class Weather final : public Service {
public:
    void asked(Wire& wire, const http::RequestHead& head) override {
        const std::string name = head.segments.size() > 2 ? head.segments[2] : "";
        if (name.empty() || name.size() > 40 ||
            (stations_.size() > 200 && !stations_.contains(name)))
            return wire.answer(404, {{"Content-Type", "application/json"}},
                               R"({"error":"no such station"})");
        const Station& station = stations_.try_emplace(name, first(name, now_)).first->second;
        Bytes json;
        json::Writer out(json);
        out.begin_object()
            .member("station", name)
            .key("current")
            .begin_object()
            .member("time", text::rfc3339(station.at));
        out.key("temperature")
            .raw(fixed(station.temperature, 1))
            .key("humidity")
            .raw(fixed(station.humidity, 0))
            .key("pressure")
            .raw(fixed(station.pressure, 1));
        out.key("wind_speed")
            .raw(fixed(station.wind, 1))
            .key("wind_direction")
            .raw(fixed(station.direction, 0))
            .end_object()
            .end_object();
        answer_tagged(wire, head, station.version, "application/json", json);
    }
    void beat(Now now, Rng& rng) override {
        now_ = now.wall;
        for (auto& [name, station] : stations_) {
            if (!rng.chance(0.012)) continue;
            station.at = now.wall;
            ++station.version;
            station.temperature += (rng.unit() - 0.5) * 0.4;
            station.humidity = std::clamp(station.humidity + (rng.unit() - 0.5) * 3, 5.0, 100.0);
            station.pressure += (rng.unit() - 0.5) * 0.3;
            station.wind = std::max(0.0, station.wind + (rng.unit() - 0.5) * 1.5);
            station.direction = std::fmod(station.direction + (rng.unit() - 0.5) * 20 + 360, 360);
        }
    }

private:
    struct Station {
        double temperature = 15, humidity = 60, pressure = 1013, wind = 4, direction = 200;
        std::int64_t at = 0;
        std::uint64_t version = 0;
    };
    static Station first(const std::string& name, std::int64_t now) {
        Rng rng(std::hash<std::string>{}(name));
        Station station;
        station.at = now;
        station.temperature = -5 + 35 * rng.unit();
        station.humidity = 30 + 60 * rng.unit();
        station.pressure = 990 + 40 * rng.unit();
        station.direction = 360 * rng.unit();
        return station;
    }

    std::map<std::string, Station> stations_;
    std::int64_t now_ = 0;
};

/// `/news/DESK?page=N`: newest first, eight a page, the next page in the Link header.
class News final : public Service {
public:
    void asked(Wire& wire, const http::RequestHead& head) override {
        const std::string desk = head.segments.size() > 1 ? head.segments[1] : "harbour";
        const std::uint64_t page =
            text::parse_u64(head.parameter("page").value_or("1")).value_or(1);
        const std::deque<Item>& items = desks_[desk];
        Bytes json;
        json::Writer out(json);
        out.begin_array();
        for (std::size_t i = (page - 1) * kPage; i < items.size() && i < page * kPage; ++i) {
            out.begin_object()
                .member("id", items[i].id)
                .member("desk", desk)
                .member("title", items[i].title);
            out.member("published", text::rfc3339(items[i].at)).end_object();
        }
        out.end_array();
        HeaderList headers{{"Content-Type", "application/json"}};
        if (page * kPage < items.size())
            headers.emplace_back(
                "Link", "</news/" + desk + "?page=" + std::to_string(page + 1) + ">; rel=\"next\"");
        wire.answer(200, headers, json);
    }
    void beat(Now now, Rng& rng) override {
        if (next_ == 0) next_ = static_cast<std::uint64_t>(now.wall / 1'000'000) * 10;
        for (auto& [desk, items] : desks_) {
            for (unsigned n = events_of(items.empty() ? 80 : 0.7, rng); n > 0; --n)
                items.push_front({next_++, headline(rng), now.wall});
            while (items.size() > 200) items.pop_back();
        }
    }

private:
    static constexpr std::size_t kPage = 8;
    struct Item {
        std::uint64_t id;
        std::string title;
        std::int64_t at;
    };
    std::map<std::string, std::deque<Item>> desks_{
        {"harbour", {}}, {"science", {}}, {"sports", {}}};
    std::uint64_t next_ = 0;
};

}  // namespace

std::unique_ptr<Service> make_quakes() { return std::make_unique<Quakes>(); }
std::unique_ptr<Service> make_weather() { return std::make_unique<Weather>(); }
std::unique_ptr<Service> make_news() { return std::make_unique<News>(); }

}  // namespace anode::app::demo
