#include "core/pipeline/language.hpp"

extern "C" {
#include <jq.h>
#include <jv.h>
}

#include <array>
#include <cctype>

#include "base/text.hpp"

namespace anode::pipeline {
namespace {

constexpr std::size_t kProgramBytesMax = 4096;

/// Words of jq that read something, or may never end. Everything else is bounded by its input.
constexpr std::array<std::string_view, 19> kRefused{
    "input",  "inputs",  "env",  "debug",      "stderr",    "input_filename", "input_line_number",
    "import", "include", "def",  "repeat",     "while",     "until",          "range",
    "limit",  "label",   "halt", "halt_error", "modulemeta"};

/// The first refused word outside strings, if there is one.
std::string_view refused_word(std::string_view text) {
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) in_string = !in_string;
        if (in_string || (std::isalpha(static_cast<unsigned char>(text[i])) == 0 && text[i] != '$'))
            continue;
        std::size_t end = i + 1;
        while (end < text.size() &&
               (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
            ++end;
        const std::string_view word = text.substr(i, end - i);
        if (word == "$ENV" || word == "$__loc__") return word;
        const bool field = i > 0 && text[i - 1] == '.';
        for (const auto& refused : kRefused)
            if (!field && word == refused) return refused;
        i = end - 1;
    }
    return {};
}

/// The envelope as jq sees it.
Bytes envelope(Flow& flow) {
    const expr::Scope scope = flow.scope();
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("topic", scope.topic).member("id", scope.id).member("ts", scope.ts);
    out.member("src", scope.source).member("node", scope.node).member("kind", scope.kind);
    if (!scope.key.empty()) out.member("key", scope.key);
    if (scope.source_time) out.member("sts", *scope.source_time);
    out.key("tokens").begin_array();
    for (const auto& token : flow.tokens()) out.value(token);
    out.end_array();
    if (scope.root)
        out.key("data").raw(scope.root.raw());
    else
        out.member("b64", text::base64(scope.binary)).member("ct", scope.content_type);
    out.end_object();
    return json;
}

struct Value {
    jv held;
    explicit Value(jv v) : held(v) {}
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
    ~Value() { jv_free(held); }
    [[nodiscard]] bool valid() const { return jv_is_valid(held) != 0; }
    [[nodiscard]] std::string words() const {
        const jv message = jv_invalid_get_msg(jv_copy(held));
        std::string words = jv_get_kind(message) == JV_KIND_STRING ? jv_string_value(message) : "";
        jv_free(message);
        return words;
    }
};

}  // namespace

class Language::Jq {
public:
    static std::expected<std::shared_ptr<Jq>, std::string> compile(const std::string& text) {
        auto jq = std::make_shared<Jq>();
        jq_set_error_cb(jq->state_, &Jq::collect, jq.get());
        if (jq_compile(jq->state_, text.c_str()) == 0) {
            std::string words = jq->errors_.substr(0, jq->errors_.find('\n'));
            return std::unexpected(words.empty() ? "jq cannot compile it" : words);
        }
        return jq;
    }
    Jq() : state_(jq_init()) {}
    Jq(const Jq&) = delete;
    Jq& operator=(const Jq&) = delete;
    ~Jq() { jq_teardown(&state_); }

    /// The first result as jq value; NotFound without one.
    Result<jv> first(Flow& flow) {
        const Bytes input = envelope(flow);
        errors_.clear();
        jq_start(state_, jv_parse_sized(input.data(), static_cast<int>(input.size())), 0);
        const jv result = jq_next(state_);
        if (jv_is_valid(result) != 0) return result;
        const Value ended(result);
        const std::string words = ended.words();
        if (words.empty()) return fail(Errc::NotFound, "no result");
        return fail(Errc::Malformed, words);
    }

private:
    static void collect(void* self, jv message) {
        if (jv_get_kind(message) == JV_KIND_STRING)
            static_cast<Jq*>(self)->errors_ += jv_string_value(message);
        jv_free(message);
    }
    jq_state* state_;
    std::string errors_;
};

std::expected<Language, std::string> Language::compile(std::string_view text) {
    Language language;
    language.text_ = std::string(text);
    auto program = expr::Program::compile(text, kProgramBytesMax);
    if (program) {
        language.program_ = std::move(*program);
        return language;
    }
    const std::string compiled_says = program.error().detail + " at byte " +
                                      std::to_string(program.error().offset) + " of `" +
                                      language.text_ + "`";
    if (text.size() > kProgramBytesMax) return std::unexpected(compiled_says);
    if (const auto word = refused_word(text); !word.empty())
        return std::unexpected("`" + std::string(word) + "` is not allowed: " + compiled_says);
    auto jq = Jq::compile(language.text_);
    if (!jq) return std::unexpected(compiled_says);
    language.jq_ = std::move(*jq);
    return language;
}

Result<bool> Language::test(Flow& flow) const {
    if (program_) return program_->test(flow.scope());
    auto result = jq_->first(flow);
    if (!result) {
        if (result.error().code == Errc::NotFound) return false;
        return std::unexpected(std::move(result.error()));
    }
    const Value value(*result);
    const jv_kind kind = jv_get_kind(value.held);
    return kind != JV_KIND_FALSE && kind != JV_KIND_NULL;
}

Result<void> Language::write(Flow& flow, Bytes& out) const {
    if (program_) return program_->write(flow.scope(), out);
    auto result = jq_->first(flow);
    if (!result) return std::unexpected(std::move(result.error()));
    const Value text(jv_dump_string(*result, 0));
    out.append(jv_string_value(text.held),
               static_cast<std::size_t>(jv_string_length_bytes(jv_copy(text.held))));
    return {};
}

std::optional<std::string> Language::text_of(Flow& flow) const {
    if (program_) return program_->text_of(flow.scope());
    Bytes json;
    if (!write(flow, json)) return std::nullopt;
    json::Document document;
    if (!document.parse(json)) return std::nullopt;
    return document.root().scalar();
}

}  // namespace anode::pipeline
