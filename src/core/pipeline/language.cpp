#include "core/pipeline/language.hpp"

extern "C" {
#include <jq.h>
#include <jv.h>
#include <oniguruma.h>
}

#include <algorithm>
#include <array>
#include <cctype>
#include <new>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/pipeline/jq_guard.hpp"

namespace anode::pipeline {
namespace {

constexpr std::size_t kProgramBytesMax = 4096;

/// Words of jq that read something, or whose work is not bounded by the message: libjq has no budget of steps.
constexpr auto kRefused = std::to_array<std::string_view>({
    "input",        "inputs",  "input_filename", "input_line_number",
    "import",       "include", "modulemeta",     "get_search_list",
    "env",          "$ENV",    "$__loc__",       "$__prog_args",
    "debug",        "stderr",  "halt",           "halt_error",
    "def",          "label",   "repeat",         "while",
    "until",        "range",   "limit",          "recurse",
    "combinations", "implode",  // which ends the process on a number that is no character
});

bool is_word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Walks a program and meets every word of its code: also inside `\(…)` of strings, never in a string's own text or in
/// a comment.
class Words {
public:
    explicit Words(std::string_view text) : text_(text) {}

    /// The next word, `$` and all; empty at the end. `field`: it stands behind a dot.
    std::string_view next(bool& field) {
        while (at_ < text_.size()) {
            if (in_string_) {
                pass_string();
                continue;
            }
            const char c = text_[at_];
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$') {
                const std::size_t begin = at_++;
                while (at_ < text_.size() && is_word_char(text_[at_])) ++at_;
                field = begin > 0 && text_[begin - 1] == '.';
                return text_.substr(begin, at_ - begin);
            } else {
                pass_mark(c);
            }
        }
        return {};
    }

private:
    void pass_mark(char c) {
        ++at_;
        if (c == '"') in_string_ = true;
        if (c == '(' && !depth_.empty()) ++depth_.back();
        if (c == ')' && !depth_.empty() && depth_.back()-- == 0) {
            depth_.pop_back();  // back in the string that this code stands in
            in_string_ = true;
        }
    }
    void pass_string() {
        const char c = text_[at_++];
        if (c == '"') {
            in_string_ = false;
        } else if (c == '\\' && at_ < text_.size()) {
            if (text_[at_++] == '(') {
                depth_.push_back(0);
                in_string_ = false;
            }
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool in_string_ = false;
    std::vector<std::size_t> depth_;  ///< open parentheses in each `\(…)` around us
};

/// The first refused word, if there is one.
std::string_view refused_word(std::string_view text) {
    Words words(text);
    bool field = false;
    for (std::string_view word = words.next(field); !word.empty(); word = words.next(field))
        if (!field && std::ranges::find(kRefused, word) != kRefused.end()) return word;
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

/// A program of libjq and its memory.
class Language::Jq {
public:
    static std::expected<std::shared_ptr<Jq>, std::string> compile(const std::string& text) {
        auto jq = std::make_shared<Jq>(text);
        if (jq->make()) return jq;
        std::string words = jq->errors_.substr(0, jq->errors_.find('\n'));
        return std::unexpected(words.empty() ? "jq cannot compile it" : words);
    }
    explicit Jq(std::string text) : text_(std::move(text)) { meet_libjq(); }
    Jq(const Jq&) = delete;
    Jq& operator=(const Jq&) = delete;

    /// Gives the first result to `take`; NotFound without one, TooLarge if the program did not end within its limits.
    template <class Take>
    Result<void> first(Flow& flow, Take take) {
        meet_libjq();  // the thread may be another than the one that compiled
        const Bytes input = envelope(flow);
        if (state_ == nullptr && !make()) return fail(Errc::Malformed, "jq cannot compile it");
        JqUse use(memory_, state_, kLimits);
        try {
            errors_.clear();
            const Result<void> done = run(input, take);
            if (!use.stopped()) return done;
            jq_start(state_, jv_null(),
                     0);  // frees what was under way, before the next message needs room
        } catch (const JqGivenUp&) {
            forget();
        } catch (const std::bad_alloc&) {
            forget();
        }
        return fail(Errc::TooLarge, "the program needs too much memory or too many steps");
    }

private:
    static constexpr JqLimits kLimits{};

    bool make() {
        JqUse use(memory_, nullptr, kLimits);
        try {
            state_ = jq_init();
            ANODE_ASSERT(memory_.bytes() >
                         0);  // else libjq's own allocator is in use, and bounds nothing
            jq_set_error_cb(state_, &Jq::collect, this);
            if (jq_compile(state_, text_.c_str()) != 0) return true;
        } catch (const std::exception&) {
            errors_ = "jq cannot compile it: it needs too much memory";
        }
        forget();
        return false;
    }
    /// What libjq holds for this program is freed as memory, not as values.
    void forget() noexcept {
        state_ = nullptr;
        memory_.drop();
    }
    template <class Take>
    Result<void> run(const Bytes& input, Take& take) {
        jv parsed = jv_parse_sized(input.data(), static_cast<int>(input.size()));
        if (jv_is_valid(parsed) == 0) {
            const Value broken(parsed);
            return fail(Errc::Malformed, broken.words());
        }
        jq_start(state_, parsed, 0);
        const Value result(jq_next(state_));
        if (result.valid()) {
            take(result.held);
            return {};
        }
        const std::string words = result.words();
        if (words.empty()) return fail(Errc::NotFound, "no result");
        return fail(Errc::Malformed, words);
    }
    /// What libjq and its regular expressions keep for each thread must not be memory of a program: let them make it now.
    static void meet_libjq() {
        // Kept as long as the thread: libjq ends a program with malloc's own free(), which does not know our memory.
        thread_local jq_state* state = nullptr;
        if (state != nullptr) return;
        onig_set_retry_limit_in_match(kRetriesMax);
        onig_set_retry_limit_in_search(kRetriesMax);
        state = jq_init();
        jq_compile(state, R"([(1.5 | tostring), ("1" | tonumber), ("a" | test("a")), now])");
        jq_start(state, jv_parse("{\"a\":1.25}"), 0);
        jv_free(jv_dump_string(jq_next(state), 0));
    }
    static void collect(void* self, jv message) {
        if (jv_get_kind(message) == JV_KIND_STRING)
            static_cast<Jq*>(self)->errors_ += jv_string_value(message);
        jv_free(message);
    }

    static constexpr unsigned long kRetriesMax =
        1'000'000;  ///< of a regular expression that backtracks
    std::string text_;
    JqMemory memory_;
    jq_state* state_ = nullptr;
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
    bool passes = false;
    auto ran = jq_->first(flow, [&passes](const jv& result) {
        const jv_kind kind = jv_get_kind(result);
        passes = kind != JV_KIND_FALSE && kind != JV_KIND_NULL;
    });
    if (!ran && ran.error().code != Errc::NotFound) return std::unexpected(std::move(ran.error()));
    return passes;
}

Result<void> Language::write(Flow& flow, Bytes& out) const {
    if (program_) return program_->write(flow.scope(), out);
    const std::size_t before = out.size();
    auto ran = jq_->first(flow, [&out](const jv& result) {
        const Value text(jv_dump_string(jv_copy(result), 0));
        out.append(jv_string_value(text.held),
                   static_cast<std::size_t>(jv_string_length_bytes(jv_copy(text.held))));
    });
    if (!ran) out.resize(before);
    return ran;
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
