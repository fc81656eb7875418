#include "runtime/resolver.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/loop.hpp"

namespace anode {
namespace {

using Addresses = std::vector<IpAddress>;
using Answer = std::move_only_function<void(Result<Addresses>)>;

Result<Addresses> ask_system(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* list = nullptr;
    if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0)
        return fail(error == EAI_NONAME ? Errc::NotFound : Errc::Io, gai_strerror(error));
    Addresses out;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET) {
            sockaddr_in address{};
            std::memcpy(&address, entry->ai_addr, sizeof address);
            out.push_back(IpAddress::v4(ntohl(address.sin_addr.s_addr)));
        } else if (entry->ai_family == AF_INET6) {
            sockaddr_in6 address{};
            std::memcpy(&address, entry->ai_addr, sizeof address);
            IpAddress ip{.v6 = true};
            std::memcpy(ip.bytes.data(), &address.sin6_addr, ip.bytes.size());
            out.push_back(ip);
        }
    }
    freeaddrinfo(list);
    return out;
}

/// Threads that may block. They own it together with the resolver, so that nobody waits for a dead name server.
struct Pool {
    std::mutex lock;
    std::condition_variable wake;
    std::deque<std::pair<std::string, Answer>> waiting;
    bool closed = false;
    Loop* loop = nullptr;
    std::function<Result<Addresses>(const std::string&)> lookup;

    void work() {
        std::unique_lock guard(lock);
        for (;;) {
            wake.wait(guard, [this] { return closed || !waiting.empty(); });
            if (closed) return;
            auto job = std::move(waiting.front());
            waiting.pop_front();
            guard.unlock();
            Result<Addresses> result = lookup(job.first);
            guard.lock();
            if (closed) return;
            loop->post([answer = std::move(job.second), result = std::move(result)]() mutable {
                answer(std::move(result));
            });
        }
    }
};

struct Waiter {
    std::uint16_t port = 0;
    Resolver::Reply reply;
};

struct Name {
    Addresses addresses;
    Instant answered{};
    std::optional<Error> failure;
    Instant failed{};
    bool asked = false;
    bool ever = false;  ///< `addresses` were an answer once
    TimerId patience{};
    std::vector<Waiter> waiters;
};

}  // namespace

struct Resolver::State : std::enable_shared_from_this<Resolver::State> {
    State(Loop& on, std::shared_ptr<const EgressPolicy> policy, ResolverOptions wishes)
        : loop(on),
          egress(std::move(policy)),
          options(std::move(wishes)),
          pool(std::make_shared<Pool>()) {
        pool->loop = &on;
        pool->lookup = options.lookup ? options.lookup : ask_system;
        for (unsigned i = 0; i < std::max(options.threads, 1u); ++i)
            std::thread([pool = pool] { pool->work(); }).detach();
    }

    void resolve(const std::string& host, std::uint16_t port, Reply reply);
    void ask(const std::string& host, Name& name);
    void be_patient(const std::string& host, Name& name);
    void answered(const std::string& host, Result<Addresses> result);
    void serve(Name& name);
    void make_room();
    NetResult<Addresses> known(const Name& name, std::uint16_t port) const;
    NetResult<Addresses> allowed(const Addresses& addresses, std::uint16_t port) const;
    void later(Reply reply, NetResult<Addresses> result);

    Loop& loop;
    std::shared_ptr<const EgressPolicy> egress;
    ResolverOptions options;
    std::shared_ptr<Pool> pool;
    std::map<std::string, Name> names;
};

NetResult<Addresses> Resolver::State::allowed(const Addresses& addresses,
                                              std::uint16_t port) const {
    Addresses out;
    std::string why = "the name has no address";
    for (const IpAddress& ip : addresses) {
        const Result<void> checked = egress->check(ip, port);
        if (checked)
            out.push_back(ip);
        else
            why = checked.error().what;
    }
    if (!out.empty()) return out;
    const auto kind = addresses.empty() ? source::ErrorClass::Dns : source::ErrorClass::Blocked;
    return std::unexpected(net_error(kind, std::move(why)));
}

/// What the cache says: a fresh answer, an old one in its grace time, or the failure.
NetResult<Addresses> Resolver::State::known(const Name& name, std::uint16_t port) const {
    if (name.ever && (!name.failure || loop.now().mono - name.answered <= options.grace))
        return allowed(name.addresses, port);
    const Error& why = *name.failure;
    const auto kind =
        why.code == Errc::Timeout ? source::ErrorClass::Timeout : source::ErrorClass::Dns;
    return std::unexpected(net_error(kind, why.what));
}

void Resolver::State::later(Reply reply, NetResult<Addresses> result) {
    loop.defer(
        [self = weak_from_this(), reply = std::move(reply), result = std::move(result)]() mutable {
            if (!self.expired()) reply(std::move(result));
        });
}

void Resolver::State::resolve(const std::string& host, std::uint16_t port, Reply reply) {
    if (const auto literal = IpAddress::parse(host))
        return later(std::move(reply), allowed({*literal}, port));
    make_room();
    Name& name = names[host];
    const Instant now = loop.now().mono;
    const bool fresh = name.ever && !name.failure && now - name.answered <= options.fresh;
    const bool freshly_failed = name.failure && now - name.failed <= options.failure_fresh;
    if (fresh || freshly_failed) return later(std::move(reply), known(name, port));
    name.waiters.push_back({port, std::move(reply)});
    if (!name.asked)
        ask(host, name);
    else if (name.patience == TimerId{})
        be_patient(host,
                   name);  // the lookup is late already; this caller waits as long as the first did
}

void Resolver::State::ask(const std::string& host, Name& name) {
    bool full = false;
    {
        const std::lock_guard guard(pool->lock);
        full = pool->waiting.size() >= options.waiting_max;
        if (!full) {
            pool->waiting.emplace_back(host,
                                       [self = weak_from_this(), host](Result<Addresses> result) {
                                           if (const auto state = self.lock())
                                               state->answered(host, std::move(result));
                                       });
        }
    }
    if (full) {
        Reply reply = std::move(name.waiters.back().reply);
        name.waiters.pop_back();
        return later(std::move(reply), std::unexpected(net_error(source::ErrorClass::Overflow,
                                                                 "too many names wait")));
    }
    pool->wake.notify_one();
    name.asked = true;
    be_patient(host, name);
}

void Resolver::State::be_patient(const std::string& host, Name& name) {
    name.patience = loop.after(options.timeout, [self = weak_from_this(), host] {
        const auto state = self.lock();
        if (!state) return;
        Name& late = state->names[host];
        late.patience = {};
        late.failure = Error{Errc::Timeout, "the name server does not answer"};
        late.failed = state->loop.now().mono;
        state->serve(late);
    });
}

void Resolver::State::answered(const std::string& host, Result<Addresses> result) {
    Name& name = names[host];
    loop.cancel(std::exchange(name.patience, {}));
    name.asked = false;
    if (result) {
        name.addresses = std::move(*result);
        name.answered = loop.now().mono;
        name.ever = true;
        name.failure.reset();
    } else {
        name.failure = result.error();
        name.failed = loop.now().mono;
    }
    serve(name);
}

void Resolver::State::serve(Name& name) {
    std::vector<Waiter> waiters = std::exchange(name.waiters, {});
    for (Waiter& waiter : waiters) later(std::move(waiter.reply), known(name, waiter.port));
}

/// Forgets the name that was answered longest ago, once there are too many.
void Resolver::State::make_room() {
    if (names.size() < options.names_max) return;
    auto oldest = names.end();
    for (auto it = names.begin(); it != names.end(); ++it)
        if (!it->second.asked &&
            (oldest == names.end() || it->second.answered < oldest->second.answered))
            oldest = it;
    if (oldest != names.end()) names.erase(oldest);
}

Resolver::Resolver(Loop& loop, std::shared_ptr<const EgressPolicy> egress, ResolverOptions options)
    : state_(std::make_shared<State>(loop, std::move(egress), std::move(options))) {}

Resolver::~Resolver() {
    Pool& pool = *state_->pool;
    std::deque<std::pair<std::string, Answer>> dropped;
    {
        const std::lock_guard guard(pool.lock);
        pool.closed = true;
        dropped.swap(pool.waiting);
    }
    pool.wake.notify_all();
}

void Resolver::resolve(const std::string& host, std::uint16_t port, Reply reply) {
    state_->resolve(host, port, std::move(reply));
}

void Resolver::set_egress(std::shared_ptr<const EgressPolicy> egress) {
    state_->egress = std::move(egress);
}
const std::shared_ptr<const EgressPolicy>& Resolver::egress() const noexcept {
    return state_->egress;
}

std::size_t Resolver::failing_names() const noexcept {
    std::size_t count = 0;
    for (const auto& [host, name] : state_->names) count += name.ever && name.failure ? 1 : 0;
    return count;
}

}  // namespace anode
