// People, their passwords and their sessions.
#include <openssl/crypto.h>

#include <algorithm>

#include "api/rest/access.hpp"
#include "api/rest/await.hpp"
#include "api/rest/password.hpp"
#include "api/rest/secret_text.hpp"
#include "base/log.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kUsersMax = 1'000;

Problem wrong_sign_in() {
    return {401, "unauthenticated", "name or password is wrong", {}, {}, {}};
}

Problem too_many(Duration wait) {
    Problem problem{429, "rate-limited", "too many wrong passwords", {}, {}, {}};
    problem.retry_ms =
        std::chrono::ceil<std::chrono::milliseconds>(std::max<Duration>(wait, 1s)).count();
    return problem;
}

Problem busy() {
    Problem problem{503, "overloaded", "others are signing in just now", {}, {}, {}};
    problem.retry_ms = 1000;
    return problem;
}

}  // namespace

Read<void> state_outcome(const std::optional<Result<void>>& answer) {
    if (!answer) return refuse({503, "not-ready", "the node did not answer in time", {}, 1000, {}});
    if (!*answer) return refuse(Problem::of(answer->error()));
    return {};
}

Caller caller_with(std::string name, std::uint8_t roles, const std::vector<std::string>& topics) {
    Caller caller;
    caller.name = std::move(name);
    caller.authenticated = true;
    caller.roles = roles;
    std::vector<Pattern> patterns;
    for (const std::string& text : topics)
        if (auto pattern = Pattern::parse(text)) patterns.push_back(std::move(*pattern));
    caller.all_topics = patterns.empty();
    caller.topics = PatternSet(std::move(patterns));
    return caller;
}

void Access::set_session_ends(Duration idle, Duration most) {
    const std::lock_guard lock(mutex_);
    sessions_.set_ends(idle, most);
}

/// Made, changed or removed, here or on another node. Sessions of who changed end with the fingerprint.
void Access::learn_user(const std::string& name, const Bytes* record) {
    auto user = record != nullptr ? decode_user(*record) : std::nullopt;
    if (record != nullptr && (!user || user->name != name)) {
        log::error("auth", "a user cannot be read by this version", {{"name", name}});
        user.reset();
    }
    const std::lock_guard lock(mutex_);
    if (user)
        users_[name] = {std::move(*user), fingerprint_of(*record)};
    else
        users_.erase(name);
    changes_.fetch_add(1);
}

/// What is no session stands by itself.
bool Access::basis_stands(const Credential& basis, WallTime now) const {
    if (basis.id == kBootstrapId) return !has_admin(now);
    if (basis.id.starts_with(kUserPrefix)) {
        const auto user = users_.find(basis.id.substr(kUserPrefix.size()));
        return user != users_.end() && user->second.fingerprint == basis.fingerprint;
    }
    const auto found = tokens_.find(basis.id);
    return found != tokens_.end() && found->second.fingerprint == basis.fingerprint &&
           (found->second.token.expires == 0 || found->second.token.expires > now);
}

std::optional<Caller> Access::by_session(std::string_view secret, WallTime now) {
    const std::lock_guard lock(mutex_);
    auto caller = sessions_.find(secret, now);
    if (!caller) return std::nullopt;
    const auto basis = sessions_.basis_of(caller->credential.id, now);
    if (basis && basis_stands(*basis, now)) return caller;
    sessions_.close(secret);
    return std::nullopt;
}

Read<Access::SignedIn> Access::sign_in(const SignIn& by, WallTime now, Instant mono) {
    if (by.name.empty() || by.password.size() > password::kBytesMax) return refuse(wrong_sign_in());
    if (const auto wait = attempts_.refuse(by.name, by.peer, mono)) return refuse(too_many(*wait));
    const std::string& of_nobody = password::of_nobody();  // made before anybody is timed
    std::optional<KnownUser> known;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = users_.find(by.name); found != users_.end()) known = found->second;
    }
    const auto right = password::matches(known ? known->user.password : of_nobody, by.password);
    if (!right) {
        attempts_.succeeded(by.name, by.peer);  // it was no guess: nothing was compared
        return refuse(busy());
    }
    if (!*right || !known) return refuse(wrong_sign_in());
    attempts_.succeeded(by.name, by.peer);
    SignedIn signed_in{rest::caller_of(known->user), {}};
    signed_in.caller.credential = {std::string(kUserPrefix) + by.name, known->fingerprint, 0};
    const std::lock_guard lock(mutex_);
    signed_in.secret = sessions_.open(signed_in.caller, now);
    if (const auto caller = sessions_.find(signed_in.secret, now)) signed_in.caller = *caller;
    return signed_in;
}

Read<Access::SignedIn> Access::sign_in_with_token(std::string_view token, std::string_view peer,
                                                  WallTime now) {
    auto caller = by_token(token, false, peer, now);
    if (!caller) return refuse(std::move(caller.error()));
    SignedIn signed_in{std::move(*caller), {}};
    const std::lock_guard lock(mutex_);
    signed_in.secret = sessions_.open(signed_in.caller, now);
    if (const auto opened = sessions_.find(signed_in.secret, now)) signed_in.caller = *opened;
    return signed_in;
}

bool Access::sign_out(std::string_view secret) {
    const std::lock_guard lock(mutex_);
    if (!sessions_.close(secret)) return false;
    changes_.fetch_add(1);
    return true;
}

std::vector<User> Access::users() const {
    const std::lock_guard lock(mutex_);
    std::vector<User> all;
    for (const auto& [name, known] : users_) all.push_back(known.user);
    std::ranges::sort(all, {}, &User::name);
    return all;
}

std::optional<User> Access::user(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = users_.find(std::string(name));
    return found == users_.end() ? std::nullopt : std::optional(found->second.user);
}

Read<User> Access::put_user(UserWish wish, WallTime now) {
    if (state_ == nullptr) return refuse({503, "not-ready", "no users are kept here", {}, {}, {}});
    if (!user(wish.user.name) && users().size() >= kUsersMax)
        return refuse(Problem::invalid("there are 1,000 users already"));
    if (wish.password) {
        auto digest = password::digest(*wish.password);
        OPENSSL_cleanse(wish.password->data(), wish.password->size());
        if (!digest) return refuse(busy());
        wish.user.password = std::move(*digest);
    }
    wish.user.changed = now;
    const auto kept = state_outcome(await<Result<void>>([&](auto reply) {
        state_->put_user(wish.user.name, encode_user(wish.user), std::move(reply));
    }));
    if (!kept) return refuse(kept.error());
    return std::move(wish.user);
}

Read<User> Access::remove_user(std::string_view name) {
    auto known = user(name);
    if (!known) return refuse(Problem::not_found("no user of this name"));
    const auto gone = state_outcome(await<Result<void>>(
        [&](auto reply) { state_->remove_user(known->name, std::move(reply)); }));
    if (!gone) return refuse(gone.error());
    return std::move(*known);
}

}  // namespace anode::api::rest
