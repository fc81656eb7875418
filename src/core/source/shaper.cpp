#include "core/source/shaper.hpp"

#include "base/text.hpp"
#include "core/source/shaper_impl.hpp"

namespace anode::source {

namespace {

constexpr std::size_t kBoundMax = 100'000;

codec::Coding coding_of(Decode step) {
    switch (step) {
        case Decode::Gzip:
            return codec::Coding::Gzip;
        case Decode::Zlib:
            return codec::Coding::Zlib;
        case Decode::Deflate:
            return codec::Coding::Deflate;
        case Decode::Zstd:
            return codec::Coding::Zstd;
        case Decode::Base64:
            break;
    }
    return codec::Coding::Base64;
}

std::vector<Field> fields_of(const std::vector<expr::Selector>& selectors) {
    return {selectors.begin(), selectors.end()};
}

std::optional<Field> field_of(const std::optional<expr::Selector>& selector) {
    if (!selector) return std::nullopt;
    return Field(*selector);
}

bool is_json_type(std::string_view type) {
    type = text::trim(type.substr(0, type.find(';')));
    return type.empty() || text::iequals(type, "application/json") ||
           text::iequals(type, "text/json") || text::lower(type).ends_with("+json");
}

}  // namespace

Shaper::Impl::Impl(std::shared_ptr<const Definition> from)
    : definition(std::move(from)), continuity(definition->continuity) {
    prepare();
}

Plan Shaper::Impl::plan_of(const Shape& shape) const {
    Plan made{&shape,
              fields_of(shape.map.key),
              fields_of(shape.map.id),
              fields_of(shape.map.version),
              field_of(shape.map.time),
              field_of(shape.map.kind)};
    bool computed = !shape.require.empty() || !shape.drop.empty() || shape.map.data.has_value();
    for (const auto* fields : {&made.key, &made.id, &made.version}) {
        for (const Field& field : *fields) computed = computed || field.computed;
    }
    for (const auto* field : {&made.time, &made.kind})
        computed = computed || (*field && (*field)->computed);
    computed = computed || (definition->snapshot && definition->snapshot->in_band);
    made.merges = !shape.parent.empty() && (computed || shape.keep_parent);
    return made;
}

void Shaper::Impl::prepare() {
    for (const Decode step : definition->decode) chain.push_back(coding_of(step));
    plan = plan_of(definition->shape);
    for (const ClassifyRule& rule : definition->classify) {
        rule_plans.push_back(rule.shape ? std::optional(plan_of(*rule.shape)) : std::nullopt);
    }
    const ContinuitySpec& c = definition->continuity;
    at = field_of(c.at), first = field_of(c.first), last = field_of(c.last),
    previous = field_of(c.previous), parent = field_of(c.parent);
    if (definition->resume) position = field_of(definition->resume->at);
    id_seed = hash64(definition->name);
    if (!definition->dedupe) return;
    dedupe.emplace(definition->dedupe->keep, definition->dedupe->max);
    for (const auto& part : definition->dedupe->by) {
        if (const auto* selector = std::get_if<expr::Selector>(&part)) {
            dedupe_by.emplace_back(Field(*selector));
        } else {
            dedupe_by.emplace_back(std::get<DedupeSpec::Part>(part));
        }
    }
}

void Shaper::Impl::reject(std::string_view why, BytesView raw, std::vector<DeadLetter>& letters) {
    letters.push_back({arena.copy(why), arena.copy(raw.substr(0, kDeadLetterRawMax)),
                       raw.size() > kDeadLetterRawMax});
}

void Shaper::Impl::garbage(Shaped& out, std::string_view why, std::vector<DeadLetter>& letters) {
    out.kind = FrameKind::Garbage;
    ++out.rejected;
    reject(why, out.text, letters);
    out.words = letters.back().reason;
}

bool Shaper::Impl::decode(const Input& input, Shaped& out, std::vector<DeadLetter>& letters) {
    out.text = input.bytes;
    if (chain.empty()) return true;
    const codec::InflateLimits limits{.bytes_max = definition->limits.frame};
    if (auto done = codec::decode_frame(chain, input.bytes, decoded, limits); !done) {
        out.undecoded = done.error().code;
        garbage(out, "decode: " + done.error().what, letters);
        return false;
    }
    out.text = decoded;
    return true;
}

const ClassifyRule* Shaper::Impl::word_rule(std::string_view text) const {
    for (const ClassifyRule& rule : definition->classify) {
        const auto* word = std::get_if<std::string>(&rule.match);
        if (word != nullptr && *word == text) return &rule;
    }
    return nullptr;
}

const ClassifyRule* Shaper::Impl::frame_rule(const json::Value& frame) const {
    for (const ClassifyRule& rule : definition->classify) {
        const auto* program = std::get_if<expr::Program>(&rule.match);
        if (program != nullptr && program->holds(expr::Scope{.root = frame})) return &rule;
    }
    return nullptr;
}

const Item* Shaper::Impl::item_of(const Input& input, const ClassifyRule* rule,
                                  const json::Value& frame) {
    if (rule == nullptr || !rule->by) return input.item;
    const auto connection = bound.find(input.connection);
    if (connection == bound.end()) return input.item;
    const json::Value value = rule->by->value(frame);
    std::optional<std::string_view> text = value.scalar_view(scratch);
    if (!text) {
        auto computed = rule->by->text_of(frame);
        if (!computed) return input.item;
        scratch = std::move(*computed);
        text = scratch;
    }
    const auto at_item = connection->second.find(*text);
    return at_item == connection->second.end() ? input.item : &at_item->second;
}

/// A payload that is no JSON and is not meant to be, or a word that counts as data.
void Shaper::Impl::raw_row(const Input& input, Shaped& out, std::vector<Row>& rows,
                           std::vector<DeadLetter>& letters) {
    Row row{.flags = input.flags};
    item = input.item;
    if (item != nullptr) row.item = arena.copy(item->text);
    if (out.rule != nullptr) {
        row.payload = arena.copy(text::json_string(out.text));
    } else {
        row.payload = arena.copy(out.text);
        row.content_type = arena.copy(input.content_type);
    }
    const auto refuse = [&](std::string_view why) {
        ++out.rejected;
        reject(why, out.text, letters);
    };
    if (row.payload.size() > kPayloadBytesMax) return refuse("the payload is larger than 1 MiB");
    if (definition->dedupe && definition->dedupe->body && !input.skip_dedupe) {
        row.cid = hash128(row.payload, id_seed);
        if (!dedupe->insert(*row.cid, input.wall)) {
            ++out.repeats;
            return;
        }
    }
    if (!make_topic(plan, input, {}, row)) return refuse(reason);
    ++out.emitted;
    rows.push_back(row);
}

void Shaper::Impl::check_counter(const Input& input, Shaped& out, std::size_t row) {
    if (definition->continuity.rule != ContinuitySpec::Rule::Counter || !at ||
        input.skip_continuity)
        return;
    const auto number = text_of(*at, {out.frame, out.frame}, number_scratch[0]);
    if (!number) return;
    const Verdict verdict = keep(continuity.check({}, input.connection, {.at = number}));
    if (verdict.flow == Flow::Gap || verdict.flow == Flow::Reset)
        breaks.push_back({{}, verdict, row});
}

Shaped Shaper::Impl::shape(const Input& input, std::vector<Row>& rows,
                           std::vector<DeadLetter>& letters) {
    Shaped out;
    breaks.clear();
    parents.clear();
    if (!decode(input, out, letters)) return out;
    if (!is_json_type(input.content_type)) {
        raw_row(input, out, rows, letters);
        return out;
    }
    if ((out.rule = word_rule(out.text)) != nullptr) {
        out.kind = out.rule->as;
        out.words = arena.copy(out.text);
        if (out.kind == FrameKind::Data) raw_row(input, out, rows, letters);
        return out;
    }
    if (auto parsed = frame_document.parse(out.text, {.members_max = 0}); !parsed) {
        garbage(out, parsed.error().what, letters);
        return out;
    }
    out.frame = frame_document.root();
    out.rule = frame_rule(out.frame);
    if (out.rule != nullptr) out.kind = out.rule->as;
    if (out.rule != nullptr && out.rule->text_from) {
        if (const auto words = out.rule->text_from->text_of(out.frame))
            out.words = arena.copy(*words);
    }
    check_counter(input, out, rows.size());
    if (out.kind == FrameKind::Data) data(input, out, rows, letters);
    out.breaks = breaks;
    return out;
}

// -- the door -------------------------------------------------------------------------------------------------

Shaper::Shaper(std::shared_ptr<const Definition> definition)
    : impl_(std::make_unique<Impl>(std::move(definition))) {}
Shaper::~Shaper() = default;
Shaper::Shaper(Shaper&&) noexcept = default;
Shaper& Shaper::operator=(Shaper&&) noexcept = default;

Shaped Shaper::shape(const Input& input, std::vector<Row>& rows, std::vector<DeadLetter>& letters) {
    return impl_->shape(input, rows, letters);
}

void Shaper::recycle() noexcept { impl_->arena.recycle(); }

void Shaper::bind(std::uint64_t connection, std::string_view value, Item item) {
    auto& items = impl_->bound[connection];
    if (const auto at = items.find(value); at != items.end()) {
        at->second = std::move(item);
        return;
    }
    if (impl_->bound_count >= kBoundMax) return;
    items.emplace(std::string(value), std::move(item));
    ++impl_->bound_count;
}

void Shaper::forget_connection(std::uint64_t connection) {
    if (const auto at = impl_->bound.find(connection); at != impl_->bound.end()) {
        impl_->bound_count -= at->second.size();
        impl_->bound.erase(at);
    }
    impl_->continuity.forget_connection(connection);
}

Dedupe* Shaper::dedupe() noexcept { return impl_->dedupe ? &*impl_->dedupe : nullptr; }
Continuity& Shaper::continuity() noexcept { return impl_->continuity; }
const Definition& Shaper::definition() const noexcept { return *impl_->definition; }

void append_dead_letter(Bytes& out, std::string_view source, const DeadLetter& letter) {
    json::Writer writer(out);
    writer.begin_object().member("source", source).member("reason", letter.reason);
    BytesView raw = letter.raw;
    // A cut may have gone through a character: up to three bytes of it are left.
    for (int i = 0; letter.cut && i < 3 && !text::is_utf8(raw) && !raw.empty(); ++i)
        raw.remove_suffix(1);
    if (text::is_utf8(raw)) {
        writer.member("text", raw);
    } else {
        writer.member("b64", text::base64(letter.raw));
    }
    if (letter.cut) writer.member("cut", true);
    writer.end_object();
}

}  // namespace anode::source
