#include <algorithm>

#include "base/assert.hpp"
#include "sim/world_parts.hpp"

/// Streams of World: dialling as TCP does it, pieces in order, silence and resets.
namespace anode::sim {
namespace {

constexpr Duration kKnockAgain = 1s;
constexpr unsigned kKnocksMax = 6;
constexpr Duration kPieceAgain = 200ms;
constexpr unsigned kPieceTriesMax = 7;  ///< 200 ms doubling: 25 s of silence end a connection
constexpr Duration kNameServerMax = 20ms;
constexpr std::size_t kPieceBytesMax = 64 * 1024;

}  // namespace

void World::Calls::resolve(const std::string& contact) {
    std::vector<Address> found;
    if (const auto literal = Address::parse(contact)) {
        found.push_back(*literal);
    } else if (world_.names_answer_) {
        const auto colon = contact.rfind(':');
        if (const auto named = world_.names_.find(contact); named != world_.names_.end())
            found = named->second;
        else if (const auto bare = world_.names_.find(contact.substr(0, colon));
                 bare != world_.names_.end())
            found = bare->second;
    }
    Event event{.kind = Kind::Names, .host = host_};
    event.script = [&world = world_, host = host_, process = world_.at(host_).process, contact,
                    found = std::move(found)] {
        if (world.at(host).process == process)
            world.deliver(host, {GotAddresses{contact, found}, {}});
    };
    const Duration takes{world_.network_.rng().between(1, kNameServerMax.count())};
    world_.queue_.push(world_.now_ + takes, std::move(event));
}

World::Link* World::find_link(std::uint32_t link, std::uint64_t serial) {
    Link* found = links_[link].get();
    return found->serial == serial ? found : nullptr;
}

void World::dial(HostId host, StreamNumber stream, const Address& to, Duration timeout) {
    Host& own = at(host);
    if ((stream & 1) != 0 || own.streams.contains(stream))
        return Calls(*this, host).misuse("dialled a stream with a number that is not its own");
    ++traffic_.dials;
    if (free_links_.empty()) {
        free_links_.push_back(static_cast<std::uint32_t>(links_.size()));
        links_.push_back(std::make_unique<Link>());
    }
    const std::uint32_t number = free_links_.back();
    free_links_.pop_back();
    Link& link = *links_[number];
    link.serial = ++links_made_;
    link.to = to;
    link.from = own.address;
    link.from.port = own.ephemeral = own.ephemeral == 65'535
                                         ? std::uint16_t{40'000}
                                         : static_cast<std::uint16_t>(own.ephemeral + 1);
    link.ends[0] = {.host = host, .process = own.process, .stream = stream, .open = true};
    own.streams.emplace(stream, number);
    queue_.push(now_ + timeout,
                {.kind = Kind::GiveUp, .host = host, .link = number, .serial = link.serial});
    Event event{.kind = Kind::Knock, .host = host, .link = number, .serial = link.serial};
    const auto target = find(to);
    Duration takes = kKnockAgain;
    if (const auto passage = target ? network_.pass(host, *target, 60, now_) : std::nullopt)
        takes = passage->delay;
    else
        event.tries = 1;
    queue_.push(now_ + takes, std::move(event));
}

/// A knock that was sent (tries even) arrives; one that was lost (odd) is sent again.
void World::knock(Event& event) {
    Link* link = find_link(event.link, event.serial);
    if (!link || link->ends[1].open || link->established) return;
    const auto target = find(link->to);
    const HostId from = link->ends[0].host;
    const auto again = [&] {
        if (event.tries / 2 >= kKnocksMax) return;
        const Duration wait = kKnockAgain * (1u << (event.tries / 2));
        event.tries = (event.tries / 2) * 2 + 2;
        Event next{.kind = Kind::Knock,
                   .host = event.host,
                   .link = event.link,
                   .tries = event.tries,
                   .serial = event.serial};
        queue_.push(now_ + wait, std::move(next));
    };
    if ((event.tries & 1) != 0) return again();
    const bool heard = target && at(*target).powered && network_.open(from, *target);
    const auto back = heard ? network_.pass(*target, from, 60, now_) : std::nullopt;
    if (!back) return again();
    Event answer{.kind = Kind::Knocked, .host = from, .link = event.link, .serial = event.serial};
    Host& other = at(*target);
    if (!other.machine) {
        answer.end = 1;
    } else {
        if (other.paused && other.held_streams >= kBacklogMax) return again();
        const StreamNumber number = other.accepted;
        other.accepted += 2;
        link->ends[1] = {.host = *target, .process = other.process, .stream = number, .open = true};
        other.streams.emplace(number, event.link);
        note(Kind::Knock, *target, {});
        deliver(*target, {GotStream{number, link->from, link->to}, {}});
        link = find_link(event.link, event.serial);
        if (!link) return;
    }
    queue_.push(now_ + back->delay, std::move(answer));
}

void World::answer_knock(Event& event) {
    Link* link = find_link(event.link, event.serial);
    if (!link) return;
    note(event.kind, event.host, {});
    if (event.end == 1) {
        ++traffic_.dials_refused;
        lose(event.link, 0, true);
        return drop_link(event.link);
    }
    link->established = true;
    if (link->ends[0].open)
        deliver(link->ends[0].host, {GotStream{link->ends[0].stream, link->to, {}}, {}});
}

void World::write(HostId host, StreamNumber stream, BytesView bytes) {
    const auto found = at(host).streams.find(stream);
    if (found == at(host).streams.end()) return;  // it was lost in this very moment, as sockets are
    Link& link = *links_[found->second];
    const unsigned end = link.ends[0].host == host && link.ends[0].stream == stream ? 0 : 1;
    if (end == 0 && !link.established)
        return Calls(*this, host).misuse("wrote to a stream that is not open yet");
    traffic_.stream_bytes += bytes.size();
    // Readers see pieces, never messages.
    while (!bytes.empty()) {
        std::size_t size = std::min(bytes.size(), kPieceBytesMax);
        if (size > 1 && size < 4096 && network_.rng().chance(0.3))
            size = 1 + network_.rng().below(size);
        carry(found->second, 1 - end, Bytes(bytes.substr(0, size)), false);
        bytes.remove_prefix(size);
    }
}

void World::close(HostId host, StreamNumber stream) {
    Host& own = at(host);
    const auto found = own.streams.find(stream);
    if (found == own.streams.end()) return;
    const std::uint32_t number = found->second;
    own.streams.erase(found);
    Link& link = *links_[number];
    const unsigned end = link.ends[0].host == host && link.ends[0].stream == stream ? 0 : 1;
    link.ends[end].open = false;
    link.ends[end].coming.clear();
    if (link.ends[1 - end].open)
        carry(number, 1 - end, {}, true);
    else
        drop_link(number);
}

void World::carry(std::uint32_t number, unsigned to_end, Bytes bytes, bool end) {
    Link& link = *links_[number];
    Link::End& target = link.ends[to_end];
    target.coming.push_back(end ? std::nullopt : std::optional(std::move(bytes)));
    target.last =
        std::max(target.last, now_ + network_.carry(link.ends[1 - to_end].host, target.host));
    queue_.push(target.last, {.kind = Kind::Piece,
                              .host = target.host,
                              .link = number,
                              .end = to_end,
                              .serial = link.serial});
}

void World::stream_arrives(Event& event) {
    Link* link = find_link(event.link, event.serial);
    if (!link || link->ends[event.end].coming.empty()) return;
    Link::End& target = link->ends[event.end];
    Link::End& source = link->ends[1 - event.end];
    if (!network_.open(source.host, target.host) || !at(target.host).powered) {
        if (event.tries >= kPieceTriesMax) {
            // Both kernels give up, each for itself.
            ++traffic_.resets;
            for (const unsigned end : {0u, 1u})
                if (link->ends[end].open) lose(event.link, end, false);
            return drop_link(event.link);
        }
        Event next{.kind = Kind::Piece,
                   .host = event.host,
                   .link = event.link,
                   .end = event.end,
                   .tries = event.tries + 1,
                   .serial = event.serial};
        queue_.push(now_ + kPieceAgain * (1u << event.tries), std::move(next));
        return;
    }
    std::optional<Bytes> piece = std::move(target.coming.front());
    target.coming.pop_front();
    if (!target.open) {  // a kernel that knows nothing of this connection says so
        if (source.coming.empty()) {
            lose(event.link, 1 - event.end, false);
            if (find_link(event.link, event.serial) != nullptr) drop_link(event.link);
        }
        return;
    }
    note(event.kind, target.host, piece ? BytesView(*piece) : BytesView{});
    if (piece) return deliver(target.host, {GotBytes{target.stream, {}}, std::move(*piece)});
    lose(event.link, event.end, false);
    if (find_link(event.link, event.serial) != nullptr && !source.open) drop_link(event.link);
}

/// This end learns that its stream is over.
void World::lose(std::uint32_t number, unsigned end, bool refused) {
    Link::End& lost = links_[number]->ends[end];
    if (!lost.open) return;
    lost.open = false;
    Host& own = at(lost.host);
    own.streams.erase(lost.stream);
    if (own.process == lost.process) deliver(lost.host, {LostStream{lost.stream, refused}, {}});
}

void World::drop_link(std::uint32_t number) {
    Link& link = *links_[number];
    if (link.serial == 0) return;
    for (Link::End& end : link.ends)
        if (end.open) at(end.host).streams.erase(end.stream);
    link = Link{};
    free_links_.push_back(number);
}

void World::reset_streams(HostId host) {
    for (const auto& [stream, number] : std::map(at(host).streams)) {
        const auto still = at(host).streams.find(stream);
        if (still == at(host).streams.end() || still->second != number) continue;
        ++traffic_.resets;
        const std::uint64_t serial = links_[number]->serial;
        for (const unsigned end : {0u, 1u})
            if (find_link(number, serial) != nullptr) lose(number, end, false);
        if (find_link(number, serial) != nullptr) drop_link(number);
    }
}

}  // namespace anode::sim
