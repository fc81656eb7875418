#include "app/cluster/members.hpp"

#include <algorithm>

#include "app/cluster/key_file.hpp"
#include "app/cluster/options.hpp"
#include "base/log.hpp"
#include "core/json/json.hpp"

namespace anode::app {

using api::Belonging;
using membership::Member;
using membership::MemberState;

namespace {

constexpr std::string_view kLog = "gossip";

/// JSON members of an object, without its braces.
template <class Write>
std::string json_members(Write&& write) {
    std::string json;
    json::Writer out(json);
    out.begin_object();
    write(out);
    out.end_object();
    return json.substr(1, json.size() - 2);
}

std::string name_for_people(const Member& member) {
    const auto card = Card::decode(member.meta);
    return card ? card->name : member.name;
}

}  // namespace

// -- life ----------------------------------------------------------------------------------------------

Members::Members(const Config& config, World world)
    : config_(config),
      world_(std::move(world)),
      loop_(LoopOptions{.name = "gossip"}),
      metrics_(world_.metrics),
      has_contacts_(!config.list("gossip.join").empty()),
      belonging_(has_contacts_ ? Belonging::Joining : Belonging::Alone) {
    loop_.set_lag_metric(&world_.metrics.histogram("anode_loop_lag_seconds", "Lateness of timers.",
                                                   {{"loop", "gossip"}}));
}

Members::~Members() {
    loop_.stop();
    loop_.join();
    if (driver_) driver_->close();
}

Result<std::unique_ptr<Members>> Members::open(const Config& config, const Identity& identity,
                                               World world) {
    std::unique_ptr<Members> members(new Members(config, std::move(world)));
    if (auto bound = members->bind(config, identity); !bound)
        return std::unexpected(std::move(bound.error()));
    return members;
}

Result<void> Members::bind(const Config& config, const Identity& identity) {
    auto key_file = KeyFile::read(config, world_.secrets);
    if (!key_file) return std::unexpected(std::move(key_file.error()));
    key_path_ = key_file->path;
    card_.name = world_.facts.name;
    card_.meta.node = identity.node;
    card_.meta.epoch = identity.epoch;
    card_.meta.data_port = world_.data_port;
    card_.meta.capabilities = membership::NodeMeta::kFast;
    if (world_.data_port != 0) card_.meta.capabilities |= membership::NodeMeta::kData;
    card_.meta.zone = world_.facts.zone;
    card_.meta.version = world_.facts.version;

    GossipOptions options = gossip_options(config, identity, key_file->ring);
    options.config.meta = card_.encode();
    const auto on_output = [this](const membership::Output& output, const membership::Outbox&) {
        this->on_output(output);
    };
    auto opened = GossipDriver::open(loop_, options, on_output);
    if (!opened && config.settings().at("gossip.listen").origin == "default") {
        // Nobody chose this port, so nobody is hurt: a second node on one machine starts without a word of configuration.
        options.listen = "127.0.0.1:0";
        opened = GossipDriver::open(loop_, options, on_output);
        if (opened)
            log::info(kLog, "the default port is taken, a free one is used",
                      {{"listen", (*opened)->bound().text()}});
    }
    if (!opened)
        return fail(opened.error().code,
                    "gossip.listen = \"" + options.listen + "\": " + opened.error().what);
    driver_ = std::move(*opened);
    return {};
}

void Members::start(const std::vector<std::string>& listening) {
    if (!listening.empty()) card_.meta.http_port = port_of(listening.front());
    card_.meta.url = url_for_others(config_, listening, driver_->advertised());
    log::info(kLog, "member of the cluster",
              {{"cluster", world_.facts.cluster},
               {"listen", driver_->bound().text()},
               {"advertise", driver_->advertised().text()},
               {"keys", std::uint64_t{machine().keys().size()}}});
    loop_.post([this] {
        driver_->start();
        tell();
        tick();
    });
    loop_.start();
}

void Members::tell() { driver_->handle(membership::SetMeta{card_.encode()}); }

void Members::link_lost(const NodeId& node) { driver_->post(membership::LinkLost{node.text()}); }

void Members::set_draining(bool on) {
    loop_.post([this, on] {
        using membership::NodeMeta;
        std::uint8_t& flags = card_.meta.flags;
        flags = static_cast<std::uint8_t>(on ? flags | NodeMeta::kDraining
                                             : flags & ~NodeMeta::kDraining);
        tell();
    });
}

bool Members::leaving() const noexcept {
    const Belonging now = belonging_.load();
    return now == Belonging::Leaving || now == Belonging::Left;
}

void Members::begin_to_leave() {
    loop_.post([this] {
        if (leaving()) return;
        belonging_.store(Belonging::Leaving);
        driver_->handle(membership::Leave{});
    });
}

void Members::has_left() {
    if (belonging_.exchange(Belonging::Left) == Belonging::Left) return;
    log::info(kLog, "left the cluster", {{"cluster", world_.facts.cluster}});
    left_.set_value();
    for (auto& reply : std::exchange(leavers_, {})) reply({});
}

void Members::end(Duration patience) {
    if (left_future_.wait_for(patience) != std::future_status::ready)
        log::warn(kLog, "the goodbye was not heard by all in time");
    loop_.stop();
    loop_.join();
    driver_->close();
}

// -- what the protocol says ----------------------------------------------------------------------------

void Members::on_output(const membership::Output& output) {
    if (const auto* changed = std::get_if<membership::MemberChanged>(&output))
        on(*changed);
    else if (const auto* trip = std::get_if<membership::RoundTrip>(&output))
        metrics_.round_trip(trip->rtt);
    else if (const auto* conflict = std::get_if<membership::NameConflict>(&output))
        on(*conflict);
    else if (const auto* report = std::get_if<membership::KeyReport>(&output))
        on(*report);
    else if (const auto* notice = std::get_if<membership::Notice>(&output))
        on(*notice);
    else if (std::holds_alternative<membership::KeysChanged>(output))
        keep_keys();
    else if (std::holds_alternative<membership::HasLeft>(output))
        has_left();
}

void Members::on(const membership::MemberChanged& changed) {
    using membership::Change;
    const Member& member = changed.member;
    if (world_.changed) world_.changed(changed);
    if (changed.change == Change::Died && member.ours)
        lost_.insert(member.name);
    else if (changed.change != Change::Suspected && changed.change != Change::Updated)
        lost_.erase(member.name);
    const std::string name = name_for_people(member), address = member.address.text();
    const std::string_view change = name_of(changed.change), state = name_of(member.state);
    const auto level = changed.change == Change::Died      ? log::Level::Warn
                       : changed.change == Change::Updated ? log::Level::Debug
                                                           : log::Level::Info;
    log::write(level, kLog, "a member changed",
               {{"member", member.name},
                {"name", name},
                {"change", change},
                {"state", state},
                {"address", address}});
    world_.ledger.event("member", json_members([&](json::Writer& out) {
                            out.member("id", member.name).member("name", name);
                            out.member("change", change).member("state", state);
                            out.member("address", address);
                        }));
    if (std::exchange(look_due_, true)) return;
    loop_.defer([this] {  // one look for all that changes in a round
        look_due_ = false;
        look_around();
    });
}

void Members::on(const membership::NameConflict& conflict) {
    const std::string here = conflict.existing.address.text(), there = conflict.other.text();
    log::error(kLog, "two members use one id: one of them runs on a copied data directory",
               {{"member", conflict.existing.name}, {"address", here}, {"other", there}});
    world_.ledger.event("member", json_members([&](json::Writer& out) {
                            out.member("id", conflict.existing.name);
                            out.member("name", name_for_people(conflict.existing));
                            out.member("change", "conflict");
                            out.member("state", name_of(conflict.existing.state));
                            out.member("address", here).member("other", there);
                        }));
}

void Members::on(const membership::KeyReport& report) {
    const auto round = rounds_.extract(report.id);
    if (!round.empty()) round.mapped()(report);
}

void Members::on(const membership::Notice& notice) const {
    const bool info = notice.level == membership::Notice::Level::Info;
    log::write(info ? log::Level::Info : log::Level::Warn, kLog, notice.what,
               {{"address", notice.address.set() ? notice.address.text() : ""},
                {"detail", notice.detail},
                {"cluster", world_.facts.cluster}});
}

void Members::keep_keys() {
    const membership::KeyRing& ring = machine().keys();
    if (world_.keys_changed) world_.keys_changed(ring.keys());
    const std::string primary = ring.empty() ? "" : ring.fingerprints().front();
    log::info(kLog, "the key ring changed",
              {{"keys", std::uint64_t{ring.size()}}, {"primary", primary}});
    if (key_path_.empty()) {
        log::warn(kLog, "the key ring came from no file: the change is lost with the next start");
        return;
    }
    world_.aside([path = key_path_, ring] {
        if (const auto written = KeyFile::write(path, ring); !written)
            log::error(kLog, "the key ring cannot be kept", {{"err", written.error().what}});
    });
}

void Members::tick() {
    metrics_.refresh(machine(), driver_->traffic());
    health_score_.store(machine().counters().health_score, std::memory_order_relaxed);
    look_around();
    loop_.after(1s, [this] { tick(); });
}

void Members::look_around() {
    metrics_.count_members(machine());
    keep_urls();
    const std::size_t alive = machine().alive();
    alive_.store(alive);
    if (const bool minority = alive < lost_.size();
        minority != std::exchange(minority_, minority)) {
        log::warn(kLog,
                  minority ? "more nodes are lost than are with us: what comes in is marked"
                           : "most nodes are with us again",
                  {{"alive", std::uint64_t{alive}}, {"lost", std::uint64_t{lost_.size()}}});
        if (world_.minority) world_.minority(minority);
    }
    const Belonging now = belonging_.load();
    if (alive < 2 || (now != Belonging::Alone && now != Belonging::Joining)) return;
    belonging_.store(Belonging::Joined);
    log::info(kLog, "joined the cluster",
              {{"cluster", world_.facts.cluster}, {"alive", std::uint64_t{alive}}});
}

api::Check Members::health() const {
    const std::size_t others = std::max<std::size_t>(alive_.load(), 1) - 1;
    api::Check check{"cluster", "ok", {}, world_.facts.started};
    switch (belonging_.load()) {
        case Belonging::Alone:
            check.detail = "alone by configuration";
            break;
        case Belonging::Joining:
            check.status = "fail";
            check.detail = "no contact has answered yet";
            break;
        case Belonging::Joined:
            if (others == 0 && has_contacts_) check.status = "warn";
            check.detail = others == 0 ? "no other member is alive"
                                       : std::to_string(others) + " other members are alive";
            break;
        case Belonging::Leaving:
        case Belonging::Left:
            check.status = "warn";
            check.detail = "the node has left its cluster";
            break;
    }
    return check;
}

}  // namespace anode::app
