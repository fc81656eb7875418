#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo/wire.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"

/// What the simulator serves. Names of places and venues are made up; the shapes of what they say are those of real
/// feeds, so that a definition learnt here works elsewhere.
namespace anode::app::demo {

/// One simulated provider, under a path of its own.
class Service {
public:
    virtual ~Service() = default;
    virtual void asked(Wire& wire, const http::RequestHead& head) = 0;
    virtual void said(Wire&, BytesView) {}
    virtual void gone(Wire&) {}
    /// Ten times a second.
    virtual void beat(Now now, Rng& rng) = 0;
};

/// How many events of a pace fall into one beat.
unsigned events_of(double per_second, Rng& rng);
std::string fixed(double value, int digits);
std::string hex_word(Rng& rng, std::size_t digits);

class Market;

// Streams over WebSocket: each acknowledges subscriptions in another way.
std::unique_ptr<Service> make_north(
    Market& market);  ///< echoes the number of a request; order books with ranges
std::unique_ptr<Service> make_orion(Market& market);  ///< one event an item, and refuses some
std::unique_ptr<Service> make_brook(Market& market);  ///< one event a channel
std::unique_ptr<Service> make_kelp(
    Market& market);  ///< lists instead of objects, channels by number
std::unique_ptr<Service> make_gale(Market& market);  ///< gzip in binary frames, asks for pongs
std::unique_ptr<Service> make_skyline();             ///< nothing to send; goes on from a cursor

// Others.
std::unique_ptr<Service> make_quakes();   ///< a document with ETag
std::unique_ptr<Service> make_weather();  ///< a document a station
std::unique_ptr<Service> make_news();     ///< pages
std::unique_ptr<Service> make_edits();    ///< event streams that end now and then
std::unique_ptr<Service> make_ships();    ///< JSON lines

}  // namespace anode::app::demo
