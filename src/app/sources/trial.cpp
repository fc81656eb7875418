#include "app/sources/trial.hpp"

#include <utility>

#include "app/sources/view.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/random.hpp"

namespace anode::app {
namespace {

constexpr std::size_t kMessagesMax = 20;
constexpr Duration kLongest = 30s;
constexpr Duration kQuiet = 2s;  ///< after the first message: long enough to see whether more come
constexpr Duration kLook = 50ms;

Bytes message_json(const source::Row& row) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("topic", row.topic);
    if (!row.key.empty()) out.member("key", row.key);
    if (!row.id.empty()) out.member("id", row.id);
    if (row.kind != Kind::Set) out.member("kind", name(row.kind));
    if (row.source_time) out.member("sts", *row.source_time);
    if (row.content_type.empty())
        out.key("data").raw(row.payload);
    else
        out.member("b64", text::base64(row.payload)).member("ct", row.content_type);
    out.end_object();
    return json;
}

}  // namespace

std::weak_ptr<Look> Trial::start(RunnerWorld& world, BytesView body, const EgressPolicy& egress,
                                 Done done) {
    json::Document document;
    if (const auto parsed = document.parse(body); !parsed) {
        done(std::unexpected(api::Failure{api::Failure::Why::Invalid,
                                          parsed.error().what,
                                          {{"", "bad-json", parsed.error().what}}}));
        return {};
    }
    auto definition = check_definition(document.root(), egress);
    if (!definition) {
        done(std::unexpected(std::move(definition.error())));
        return {};
    }
    const auto trial = std::make_shared<Trial>(world, std::move(*definition), std::move(done));
    trial->begin();
    return trial;
}

Trial::Trial(RunnerWorld& world, std::shared_ptr<const source::Definition> definition, Done done)
    : world_(world), definition_(std::move(definition)), done_(std::move(done)) {}

void Trial::begin() {
    auto machine = source::make_machine(definition_, {}, world_.secrets, budgets_, seeded_rng());
    driver_ = std::make_unique<SourceDriver>(world_.world, "trial " + definition_->name,
                                             std::move(machine), *this);
    began_ = last_news_ = world_.world.loop.now().mono;
    driver_->start();
    look_again(kLongest);
}

void Trial::look_again(Duration left) {
    world_.world.loop.after(kLook, [self = shared_from_this(), left] {
        if (!self->driver_) return;  // given up meanwhile
        const Instant now = self->world_.world.loop.now().mono;
        const bool enough = self->messages_.size() >= kMessagesMax;
        const bool quiet = !self->messages_.empty() && now - self->last_news_ > kQuiet;
        if (enough || quiet || self->failed_ || left <= kLook)
            self->finish();
        else
            self->look_again(left - kLook);
    });
}

void Trial::finish() {
    if (!driver_) return;
    const source::Status status = driver_->machine().status();
    driver_.reset();
    Bytes json;
    json::Writer out(json);
    out.begin_object()
        .member("name", definition_->name)
        .member("state", source::name(status.state))
        .member("why", status.why);
    write_steps(out, status);
    out.key("items").begin_array();
    for (const auto& item : status.items)
        out.begin_object()
            .member("item", item.item)
            .member("state", source::name(item.state))
            .member("reason", item.reason)
            .end_object();
    out.end_array().key("samples").begin_array();
    for (const auto& sample : status.samples)
        out.begin_object().member("kind", sample.kind).member("frame", sample.frame).end_object();
    out.end_array().key("messages").begin_array();
    for (const Bytes& message : messages_) out.raw(message);
    out.end_array().key("rejected").begin_array();
    for (const Bytes& letter : letters_) out.raw(letter);
    out.end_array().key("timeline").begin_array();
    for (const Bytes& line : timeline_) out.raw(line);
    out.end_array().key("warnings").begin_array();
    for (const std::string& warning : status.warnings) out.value(warning);
    out.end_array().key("errors").begin_array();
    for (const auto& error : status.errors)
        out.begin_object()
            .member("class", source::name(error.error))
            .member("count", error.count)
            .member("sample", error.sample)
            .end_object();
    out.end_array().end_object();
    std::exchange(done_, nullptr)(std::move(json));
}

void Trial::on_rows(SourceDriver&, std::span<const source::Row> rows,
                    std::span<const source::DeadLetter> dead_letters) {
    last_news_ = world_.world.loop.now().mono;
    for (const source::Row& row : rows)
        if (messages_.size() < kMessagesMax) messages_.push_back(message_json(row));
    for (const source::DeadLetter& letter : dead_letters) {
        if (letters_.size() >= kMessagesMax) break;
        letters_.emplace_back();
        source::append_dead_letter(letters_.back(), definition_->name, letter);
    }
}

void Trial::on_batch_end(SourceDriver&) {}

void Trial::on_state(SourceDriver&, const source::act::StateChanged& change) {
    failed_ = change.to == source::State::Failed;
    if (timeline_.size() >= 100) return;
    Bytes line;
    json::Writer out(line);
    out.begin_object().member(
        "after_ms",
        std::chrono::duration<double, std::milli>(world_.world.loop.now().mono - began_).count());
    out.member("state", source::name(change.to)).member("why", change.why).end_object();
    timeline_.push_back(std::move(line));
}

void Trial::on_gap(SourceDriver&, const source::act::GapFound& gap) {
    if (timeline_.size() >= 100) return;
    Bytes line;
    json::Writer out(line);
    out.begin_object()
        .member("gap", gap.cause)
        .member("from", gap.from)
        .member("to", gap.to)
        .member("lost", gap.lost)
        .end_object();
    timeline_.push_back(std::move(line));
}

void Trial::on_event(SourceDriver&, const source::act::Event& event) {
    if (timeline_.size() >= 100) return;
    Bytes line;
    json::Writer out(line);
    out.begin_object().member("event", event.kind).member("detail", event.detail).end_object();
    timeline_.push_back(std::move(line));
}

}  // namespace anode::app
