#include <algorithm>

#include "app/cluster/members.hpp"

/// What the API asks: each question is answered on the protocol's own loop, with the view of that moment.
namespace anode::app {

using api::Belonging;
using membership::Member;
using membership::MemberState;

namespace {

std::unexpected<Error> has_left_already() {
    return fail(Errc::Conflict,
                "this node has left its cluster; it comes back when it is started again");
}

}  // namespace

api::MemberInfo Members::info(const Member& member, const std::vector<std::string>& keys) const {
    api::MemberInfo info;
    info.id = info.name = member.name;
    info.self = member.name == machine().config().name;
    info.state = member.state;
    info.address = member.address.text();
    info.incarnation = member.incarnation;
    info.rtt = member.rtt;
    if (member.key < keys.size()) info.key = keys[member.key];
    const Now now = loop_.now();
    const Duration age = std::max<Duration>(now.mono - member.since, 0ns);
    info.since = now.wall - std::chrono::duration_cast<std::chrono::microseconds>(age).count();
    const auto card = Card::decode(member.meta);
    info.foreign = !card;
    if (!card) return info;
    info.name = card->name;
    info.zone = card->meta.zone;
    info.version = card->meta.version;
    info.url = card->meta.url;
    info.epoch = card->meta.epoch.value;
    info.draining = (card->meta.flags & membership::NodeMeta::kDraining) != 0;
    return info;
}

void Members::keep_urls() {
    std::vector<std::string> urls;
    for (const Member& member : machine().members()) {
        const auto card = Card::decode(member.meta);
        if (!card || member.state != MemberState::Alive || card->meta.url.empty()) continue;
        if (card->meta.node == card_.meta.node) continue;
        if ((card->meta.flags & membership::NodeMeta::kDraining) != 0) continue;
        urls.push_back(card->meta.url);
    }
    const std::lock_guard lock(urls_mutex_);
    urls_ = std::move(urls);
}

std::vector<std::string> Members::urls() const {
    const std::lock_guard lock(urls_mutex_);
    return urls_;
}

void Members::view(Reply<api::ClusterView> reply) {
    loop_.post([this, reply = std::move(reply)]() mutable {
        api::ClusterView view;
        view.keys = machine().keys().fingerprints();
        for (const Member& member : machine().members())
            view.members.push_back(info(member, view.keys));
        view.belonging = belonging_.load();
        view.listen = driver_->bound().text();
        view.encrypted = !view.keys.empty();
        view.view_hash = machine().view_hash();
        view.counters = machine().counters();
        reply(std::move(view));
    });
}

void Members::join(std::vector<std::string> contacts, Reply<Result<void>> reply) {
    loop_.post([this, contacts = std::move(contacts), reply = std::move(reply)]() mutable {
        if (leaving()) return reply(has_left_already());
        for (std::string& contact : contacts)
            driver_->handle(membership::JoinContact{std::move(contact)});
        reply({});
    });
}

void Members::leave(Reply<Result<void>> reply) {
    loop_.post([this, reply = std::move(reply)]() mutable {
        if (leaving()) return reply(has_left_already());
        leavers_.push_back(std::move(reply));
        belonging_.store(Belonging::Leaving);
        driver_->handle(membership::Leave{});
    });
}

void Members::forget(std::string id, Reply<Result<void>> reply) {
    loop_.post([this, id = std::move(id), reply = std::move(reply)]() mutable {
        const auto member = machine().member(id);
        if (!member) return reply(fail(Errc::NotFound, "no member of this id"));
        if (member->state == MemberState::Alive || member->state == MemberState::Suspect)
            return reply(
                fail(Errc::Conflict,
                     id + " is alive: only a member that is dead or has left is forgotten"));
        driver_->handle(membership::Forget{std::move(id)});
        reply({});
    });
}

void Members::keys(membership::KeyRequest request, Reply<membership::KeyReport> reply) {
    loop_.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
        request.id = next_round_++;
        rounds_.emplace(request.id, std::move(reply));
        driver_->handle(request);
    });
}

}  // namespace anode::app
