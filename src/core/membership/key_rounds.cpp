#include "core/membership/key_rounds.hpp"

#include <algorithm>
#include <utility>

namespace anode::membership {
namespace {

constexpr std::size_t kNamedMax = 8;

bool has(const std::vector<std::string>& fingerprints, std::string_view one) {
    return std::ranges::find(fingerprints, one) != fingerprints.end();
}

/// Names for a person: the first few, and how many more there are.
class Names {
public:
    void add(std::string_view name) {
        if (count_++ >= kNamedMax) return;
        if (!text_.empty()) text_ += ", ";
        text_ += name;
    }
    [[nodiscard]] bool any() const noexcept { return count_ != 0; }
    [[nodiscard]] std::string text() const {
        if (count_ <= kNamedMax) return text_;
        return text_ + " and " + std::to_string(count_ - kNamedMax) + " more";
    }

private:
    std::string text_;
    std::size_t count_ = 0;
};

}  // namespace

// -- an operator's wish --------------------------------------------------------------------------

void KeyRounds::request(const KeyRequest& request) {
    if (!round_) return begin(request);
    if (waiting_.size() >= kWaitingMax) {
        return shared_.push(KeyReport{.id = request.id,
                                      .done = fail(Errc::Overloaded, "too many key rounds wait"),
                                      .rows = {}});
    }
    waiting_.push_back(request);
}

void KeyRounds::begin(KeyRequest request) {
    round_ = Round{};
    round_->request = std::move(request);
    for (Member& member : port_.others()) {
        std::string name = member.name;
        round_->others[std::move(name)].member = std::move(member);
    }
    const KeyRequest& wish = round_->request;
    if (const Result<void> allowed = possible(wish); !allowed) return report(allowed);
    if (wish.op != KeyOp::Install) return ask(KeyOp::List);
    if (const Result<void> ours = change_ours(KeyOp::Install, wish.key, {}); !ours) {
        return report(ours);
    }
    ask(KeyOp::Install);
}

/// What can be refused before anybody is asked.
Result<void> KeyRounds::possible(const KeyRequest& request) const {
    if (request.op == KeyOp::List) return {};
    if (!shared_.envelope().seals()) {
        return fail(Errc::Refused,
                    shared_.keys.empty()
                        ? "this node has no key yet: a key would travel in clear text"
                        : "this node sends clear text (verify_outgoing is off)");
    }
    if (request.op == KeyOp::Install) return {};
    const auto fingerprints = shared_.keys.fingerprints();
    if (request.op == KeyOp::Use && !has(fingerprints, request.fingerprint)) {
        return fail(Errc::NotFound, "this node has no key " + request.fingerprint);
    }
    if (request.op == KeyOp::Remove && fingerprints.front() == request.fingerprint) {
        return fail(Errc::Refused, "it is the primary key of this node (" + shared_.config.name +
                                       "); use another first");
    }
    return {};
}

void KeyRounds::ask(KeyOp op) {
    round_->asking = op;
    round_->id = shared_.rng.next();
    round_->until = shared_.now + kPatience;
    const Bytes payload =
        encode(PeerKeyRequest{.id = round_->id,
                              .reply_to = shared_.config.name,
                              .op = op,
                              .key = op == KeyOp::Install ? round_->request.key : Bytes{},
                              .fingerprint = round_->request.fingerprint});
    for (auto& [name, asked] : round_->others) {
        if (!asked.member.ours) continue;
        const Result<void> sent = port_.send_keys(asked.member.address, payload, round_->id);
        asked.pending = sent.has_value();
        asked.answered = false;
        asked.error = sent ? "" : sent.error().what;
    }
    settle();
}

void KeyRounds::sent(std::uint64_t ticket, const Result<void>& how) {
    if (!round_ || round_->id != ticket) return;
    // Many members are asked a few at a time: patience counts from the last one that was reached.
    if (how) round_->until = shared_.now + kPatience;
}

void KeyRounds::answered(const PeerKeyAnswer& answer) {
    if (!round_ || round_->id != answer.id) return;
    const auto asked = round_->others.find(answer.from);
    if (asked == round_->others.end() || !asked->second.pending) return;
    asked->second.pending = false;
    asked->second.answered = true;
    asked->second.error = answer.error;
    asked->second.fingerprints = answer.fingerprints;
    settle();
}

void KeyRounds::tick() {
    if (!round_ || round_->until > shared_.now) return;
    for (auto& [name, asked] : round_->others) {
        if (!std::exchange(asked.pending, false)) continue;
        asked.error = "no answer";
    }
    settle();
}

Instant KeyRounds::due() const noexcept { return round_ ? round_->until : Instant::max(); }

/// Goes on once nobody is waited for.
void KeyRounds::settle() {
    for (const auto& [name, asked] : round_->others) {
        if (asked.pending) return;
    }
    if (round_->asking != KeyOp::List) return changed();
    if (round_->request.op == KeyOp::List) return report(everybody_answered());
    surveyed();
}

/// Everybody's keys are known: may they be changed?
void KeyRounds::surveyed() {
    const KeyOp op = round_->request.op;
    const std::string fingerprint = round_->request.fingerprint;
    const Result<void> allowed =
        op == KeyOp::Use ? everybody_has(fingerprint) : nobody_needs(fingerprint);
    if (!allowed) return report(allowed);
    const Result<void> ours = change_ours(op, {}, fingerprint);
    const bool absent = !ours && op == KeyOp::Remove && ours.error().code == Errc::NotFound;
    if (!ours && !absent) return report(ours);
    ask(op);
}

/// The change was asked for; who has not made it?
void KeyRounds::changed() {
    if (const Result<void> answered = everybody_answered(); !answered) return report(answered);
    Names failing;
    for (const auto& [name, asked] : round_->others) {
        if (!asked.error.empty()) failing.add(name + " (" + asked.error + ")");
    }
    report(failing.any() ? fail(Errc::Refused, "not everywhere: " + failing.text())
                         : Result<void>{});
}

Result<void> KeyRounds::everybody_answered() const {
    Names silent;
    for (const auto& [name, asked] : round_->others) {
        if (asked.member.ours && !asked.answered) silent.add(name);
    }
    if (silent.any()) return fail(Errc::Timeout, "no answer from " + silent.text());
    return {};
}

Result<void> KeyRounds::everybody_has(std::string_view fingerprint) const {
    if (const Result<void> answered = everybody_answered(); !answered) return answered;
    Names lacking;
    for (const auto& [name, asked] : round_->others) {
        if (asked.member.ours && !has(asked.fingerprints, fingerprint)) lacking.add(name);
    }
    if (lacking.any()) return fail(Errc::Refused, "the key is not on " + lacking.text());
    return {};
}

Result<void> KeyRounds::nobody_needs(std::string_view fingerprint) const {
    const auto ours = shared_.keys.fingerprints();
    Names lacking, silent, primary, foreign;
    bool found = has(ours, fingerprint);
    for (const auto& [name, asked] : round_->others) {
        if (!asked.member.ours) {
            const bool seals =
                asked.member.key < ours.size() && ours[asked.member.key] == fingerprint;
            if (seals) foreign.add(name);
        } else if (!asked.answered) {
            silent.add(name);
        } else {
            found = found || has(asked.fingerprints, fingerprint);
            if (!has(asked.fingerprints, ours.front())) lacking.add(name);
            if (!asked.fingerprints.empty() && asked.fingerprints.front() == fingerprint) {
                primary.add(name);
            }
        }
    }
    if (silent.any()) return fail(Errc::Refused, "no answer from " + silent.text());
    if (lacking.any()) return fail(Errc::Refused, "the primary key is not on " + lacking.text());
    if (primary.any()) return fail(Errc::Refused, "still the primary key of " + primary.text());
    if (foreign.any()) return fail(Errc::Refused, "still sealed with it: " + foreign.text());
    if (!found) return fail(Errc::NotFound, "no node has a key " + std::string(fingerprint));
    return {};
}

void KeyRounds::report(Result<void> done) {
    const Round round = std::move(*round_);
    round_.reset();
    const auto ours = shared_.keys.fingerprints();
    KeyReport out{.id = round.request.id, .done = std::move(done), .rows = {}};
    out.rows.push_back({.name = shared_.config.name,
                        .answered = true,
                        .foreign = false,
                        .fingerprints = ours,
                        .error = {}});
    for (const auto& [name, asked] : round.others) {
        KeyReport::Row row{.name = name,
                           .answered = asked.answered,
                           .foreign = !asked.member.ours,
                           .fingerprints = asked.fingerprints,
                           .error = asked.error};
        if (row.foreign && asked.member.key < ours.size()) {
            row.fingerprints.push_back(ours[asked.member.key]);
        }
        out.rows.push_back(std::move(row));
    }
    shared_.push(std::move(out));
    if (waiting_.empty()) return;
    KeyRequest next = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(next));
}

// -- our own ring --------------------------------------------------------------------------------

void KeyRounds::asked(const PeerKeyRequest& request, bool sealed, const Address& from) {
    // Fingerprints are no secret; where clear streams come through at all, they may be asked for.
    if (!sealed && request.op != KeyOp::List) {
        return shared_.drop(Drop::Clear, from, "a change of keys in clear text", true);
    }
    const std::optional<Member> asker = port_.find(request.reply_to);
    if (!asker) return shared_.drop(Drop::Name, from, "a key request of no member", true);
    const Result<void> done = change_ours(request.op, request.key, request.fingerprint);
    const bool absent = !done && request.op == KeyOp::Remove && done.error().code == Errc::NotFound;
    const Bytes payload = encode(PeerKeyAnswer{.id = request.id,
                                               .from = shared_.config.name,
                                               .error = done || absent ? "" : done.error().what,
                                               .fingerprints = shared_.keys.fingerprints()});
    // An answer that finds no stream is missed by the asker, who says so.
    static_cast<void>(port_.send_keys(asker->address, payload, 0));
}

Result<void> KeyRounds::change_ours(KeyOp op, BytesView key, std::string_view fingerprint) {
    if (op == KeyOp::List) return {};
    const auto before = shared_.keys.fingerprints();
    const Result<void> done = op == KeyOp::Install ? shared_.keys.add(key)
                              : op == KeyOp::Use   ? shared_.keys.use(fingerprint)
                                                   : shared_.keys.remove(fingerprint);
    if (shared_.keys.fingerprints() == before) return done;
    port_.keys_changed();
    shared_.push(KeysChanged{});
    return done;
}

}  // namespace anode::membership
