#include "core/source/machine_request.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "base/version.hpp"
#include "core/source/backoff.hpp"
#include "core/source/grammar.hpp"

namespace anode::source {

namespace {

bool mentions_item(const Definition& definition, const Filler& filler) {
    const auto* text = std::get_if<Template>(&filler.what);
    if (text == nullptr) return false;
    return std::any_of(definition.items.begin(), definition.items.end(),
                       [&](const ItemList& list) { return text->mentions(list.name); });
}

/// The values of one query parameter: an element that names an item stands for one per item.
Result<std::vector<std::string>> query_values(const Definition& definition, const QueryValue& query,
                                              Context context) {
    std::vector<std::string> values;
    const std::span<const Item> batch = context.items;
    for (const Filler& filler : query.of) {
        const bool each = query.list && mentions_item(definition, filler);
        const std::size_t rounds = each ? batch.size() : 1;
        for (std::size_t i = 0; i < rounds; ++i) {
            context.items = each ? batch.subspan(i, 1) : batch;
            auto value = filler.text(context);
            if (!value) return std::unexpected(value.error());
            values.push_back(std::move(*value));
        }
    }
    return values;
}

Result<void> add_query(const Definition& definition, const Context& context, std::string& url) {
    for (const QueryValue& query : definition.query) {
        const auto values = query_values(definition, query, context);
        if (!values) return std::unexpected(values.error());
        if (!query.join) {
            for (const std::string& value : *values) append_query(url, query.name, value);
            continue;
        }
        std::string joined;
        for (const std::string& value : *values) {
            if (!joined.empty()) joined += *query.join;
            joined += value;
        }
        append_query(url, query.name, joined);
    }
    return {};
}

bool has_header(const Headers& headers, std::string_view name) {
    return find_header(headers, name).has_value();
}

Result<void> add_headers(const Desk& desk, const Wanted& wanted, const Context& context,
                         Headers& headers) {
    if (wanted.with_headers) {
        for (const Header& header : desk.def->headers) {
            auto value = header.value.text(context);
            if (!value) return std::unexpected(value.error());
            headers.emplace_back(header.name, std::move(*value));
        }
    }
    for (const auto& [name, filler] : wanted.headers) {
        auto value = filler.text(context);
        if (!value) return std::unexpected(value.error());
        headers.emplace_back(name, std::move(*value));
    }
    if (!has_header(headers, "User-Agent")) {
        const std::string& named = desk.def->http.user_agent;
        headers.emplace_back("User-Agent",
                             named.empty() ? std::string("anode/") + kVersion : named);
    }
    return {};
}

}  // namespace

Context context_of(const Desk& desk, std::span<const Item> items, const Variables* variables,
                   Rng* rng, std::uint64_t* counter) {
    Context context;
    context.items = items;
    context.variables = variables;
    context.wall = desk.now.wall;
    context.rng = rng;
    context.counter = counter;
    context.secrets = &desk.secrets;
    return context;
}

Result<Outgoing> assemble(const Desk& desk, const Wanted& wanted, Rng& rng) {
    Variables variables = wanted.variables != nullptr ? *wanted.variables : Variables{};
    auto credentials = auth_variables(desk.def->auth, desk.secrets);
    if (!credentials) return std::unexpected(credentials.error());
    for (auto& [name, value] : *credentials) variables[name] = value;

    Context context = context_of(desk, wanted.items, &variables, &rng, wanted.counter);
    if (wanted.row != nullptr) context.row = *wanted.row;
    context.key = wanted.key;
    Outgoing outgoing;
    outgoing.method = wanted.method;
    if (wanted.url == nullptr) {
        outgoing.url = wanted.literal_url;
    } else if (const auto made = wanted.url->append(outgoing.url, context); !made) {
        return std::unexpected(made.error());
    }
    if (wanted.with_query) {
        if (const auto made = add_query(*desk.def, context, outgoing.url); !made) {
            return std::unexpected(made.error());
        }
    }
    if (const auto made = add_headers(desk, wanted, context, outgoing.headers); !made) {
        return std::unexpected(made.error());
    }
    if (wanted.body != nullptr) {
        if (const auto made = wanted.body->append(outgoing.body, context); !made) {
            return std::unexpected(made.error());
        }
        if (wanted.body->what.index() == 1 && !has_header(outgoing.headers, "Content-Type")) {
            outgoing.headers.emplace_back("Content-Type", "application/json");
        }
    }
    outgoing.variables = variables;
    if (const auto signed_ = sign(desk.def->auth, outgoing, context, wanted.oauth_token);
        !signed_) {
        return std::unexpected(signed_.error());
    }
    if (wanted.variables != nullptr) {
        for (const auto& [name, value] : outgoing.variables) (*wanted.variables)[name] = value;
    }
    return outgoing;
}

void add_position(const Definition& definition, const Bytes& position, Outgoing& outgoing) {
    if (position.empty()) return;
    const ResumeSpec resume = definition.resume.value_or(ResumeSpec{});
    if (const auto* header = std::get_if<ResumeSpec::Header>(&resume.as)) {
        outgoing.headers.emplace_back(header->name, position);
    } else if (const auto* query = std::get_if<ResumeSpec::Query>(&resume.as)) {
        append_query(outgoing.url, query->name, position);
    }
}

HttpRequest to_request(const Desk& desk, Outgoing outgoing) {
    const HttpSpec& http = desk.def->http;
    HttpRequest request;
    request.method = std::move(outgoing.method);
    request.url_shown = desk.secrets.hide(redacted_url(outgoing.url));
    request.url = std::move(outgoing.url);
    request.headers = std::move(outgoing.headers);
    request.body = std::move(outgoing.body);
    request.timeout = http.timeout;
    request.body_bytes_max = desk.def->limits.frame;
    request.proxy = http.proxy;
    request.tls = http.tls;
    return request;
}

// -- courier -------------------------------------------------------------------------------------

Courier::~Courier() {
    for (const auto& [id, sent] : sent_) {
        if (sent && desk_.budget.running > 0) --desk_.budget.running;
    }
}

RequestId Courier::ask(Purpose purpose, HttpRequest request) {
    const RequestId id{++last_id_};
    purposes_.emplace(id, std::move(purpose));
    sent_[id] = false;
    waiting_.push_back({id, std::move(request)});
    pump();
    return id;
}

void Courier::pump() {
    const RateSpec& rate = desk_.def->rate;
    Bucket& bucket = desk_.budget.requests;
    while (!waiting_.empty() && !armed_) {
        Duration wait{};
        if (rate.concurrency > 0 && desk_.budget.running >= rate.concurrency) {
            wait = 50ms;  // another source of this provider may hold the place: look again soon
        } else {
            const Rate part = Budgets::part(desk_.budget, rate.requests.value_or(Rate{0, 1s}));
            wait = bucket.take(part, desk_.now.mono);
        }
        if (wait > Duration::zero()) {
            timer_ = desk_.arm(TimerKind::Courier, 0, wait);
            armed_ = true;
            return;
        }
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        sent_[next.id] = true;
        ++desk_.budget.running;
        ++desk_.counters.requests;
        desk_.act(act::Request{next.id, std::move(next.request)});
    }
}

bool Courier::fired(TimerId id) {
    if (!armed_ || id != timer_) return false;
    armed_ = false;
    pump();
    return true;
}

void Courier::drop(RequestId id) {
    const auto found = sent_.find(id);
    if (found == sent_.end()) return;
    if (found->second && desk_.budget.running > 0) --desk_.budget.running;
    sent_.erase(found);
    purposes_.erase(id);
}

std::optional<Purpose> Courier::settle(RequestId id, HeaderView headers) {
    const auto found = purposes_.find(id);
    if (found == purposes_.end()) return std::nullopt;
    Purpose purpose = std::move(found->second);
    drop(id);
    obey(headers);
    armed_ = false;  // a place is free: the timer set for it means nothing any more
    pump();
    return purpose;
}

/// What the server says is left of our budget (`rate.remaining`).
void Courier::obey(HeaderView headers) {
    const RateSpec& rate = desk_.def->rate;
    if (rate.remaining.empty()) return;
    const auto header = find_header(headers, rate.remaining);
    const auto left = header ? text::parse_double(text::trim(*header)) : std::nullopt;
    if (!left || *left >= 1) return;
    if (!rate.retry_after.empty()) {
        if (const auto named = find_header(headers, rate.retry_after)) {
            if (const auto wait = parse_retry_after(*named, desk_.now.wall)) {
                desk_.budget.requests.hold_until(desk_.now.mono + *wait);
                return;
            }
        }
    }
    const Rate whole = rate.requests.value_or(Rate{1, 60s});
    desk_.budget.requests.hold_until(desk_.now.mono + whole.per);
}

void Courier::forget(Purpose::Kind kind, std::uint32_t owner) {
    std::vector<RequestId> gone;
    for (const auto& [id, purpose] : purposes_) {
        if (purpose.kind == kind && purpose.owner == owner) gone.push_back(id);
    }
    for (const RequestId id : gone) {
        std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.id == id; });
        if (sent_[id]) desk_.act(act::CancelRequest{id});
        drop(id);
    }
}

void Courier::forget_all() {
    while (!purposes_.empty()) {
        const RequestId id = purposes_.begin()->first;
        if (sent_[id]) desk_.act(act::CancelRequest{id});
        drop(id);
    }
    waiting_.clear();
}

// -- tokens --------------------------------------------------------------------------------------

TokenKeeper::TokenKeeper(Desk& desk, Courier& courier)
    : desk_(desk), courier_(courier), spec_(std::get_if<AuthOAuth2>(&desk.def->auth)) {}

std::optional<std::string_view> TokenKeeper::want() {
    if (spec_ == nullptr) return std::string_view{};
    const WallTime wall = desk_.now.wall;
    const bool expired = token_.expires != 0 && token_.expires <= wall;
    const bool good = !token_.token.empty() && !expired;
    if (!good || (token_.renew_at != 0 && token_.renew_at <= wall)) start();
    if (good) return std::string_view(token_.token);
    return std::nullopt;
}

void TokenKeeper::start() {
    if (asking_) return;
    const Context context = context_of(desk_, {}, nullptr, &desk_.rng, nullptr);
    auto outgoing = token_request(*spec_, context);
    if (!outgoing) {
        desk_.error(ErrorClass::Definition, outgoing.error().what);
        return;
    }
    asking_ = true;
    courier_.ask({Purpose::Kind::Token, 0, {}}, to_request(desk_, std::move(*outgoing)));
}

bool TokenKeeper::refused() {
    token_ = {};
    return ++refusals_ <= 1;
}

bool TokenKeeper::answered(int status, BytesView body) {
    asking_ = false;
    if (status >= 200 && status < 300) {
        if (auto token = parse_token(body, desk_.now.wall)) {
            token_ = std::move(*token);
            desk_.secrets.remember(token_.token);
            return true;
        } else {
            desk_.error(ErrorClass::Auth, "token: " + token.error().what);
            return false;
        }
    }
    desk_.error(ErrorClass::Auth, "the token endpoint answered " + std::to_string(status));
    return false;
}

void TokenKeeper::failed(const Failure& why) {
    asking_ = false;
    desk_.error(why.error, "token: " + why.detail);
}

}  // namespace anode::source
