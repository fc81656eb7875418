#include <simdjson.h>

#include <limits>

#include "core/json/json.hpp"
#include "core/json/scan.hpp"

// All of the parser is one loop: a call that is not inlined would push its cursor out of the registers.
#define ANODE_JSON_HOT [[gnu::always_inline]] inline

namespace anode::json {

namespace {

using scan::digits;
using scan::is_digit;
using scan::is_space;

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kNodesKept =
    1U << 16;  ///< an index larger than this is given back when texts become small

/// The first byte that is no part of well-formed UTF-8, or the size.
std::size_t first_bad_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        if (!simdjson::validate_utf8(text.substr(at, bytes))) return at;
        at += bytes;
    }
    return text.size();
}

/// The byte at `at`, as a person would name it.
std::string found(std::string_view text, std::size_t at) {
    if (at >= text.size()) return "the end of the text";
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte > 0x20 && byte < 0x7f) return std::string("`") + text[at] + "`";
    constexpr char kHex[] = "0123456789abcdef";
    return std::string("byte 0x") + kHex[byte >> 4] + kHex[byte & 15];
}

/// What is wrong and where.
struct Fault {
    Errc code;
    std::uint32_t offset;
    const char* what;
};

Error error_of(const Fault& fault, std::string_view text) {
    const std::string place = "byte " + std::to_string(fault.offset) + ": ";
    if (fault.code != Errc::Malformed) return {fault.code, place + fault.what};
    if (fault.offset == 0 && text.starts_with("\xef\xbb\xbf")) {
        return {fault.code, "byte 0: a byte order mark, which JSON does not allow"};
    }
    return {fault.code, place + fault.what + ", found " + found(text, fault.offset)};
}

bool is_hex(char c) noexcept {
    return is_digit(c) || static_cast<unsigned char>((c | 0x20) - 'a') < 6;
}

}  // namespace

/// One pass over one text. Open containers are chained through `next` of their nodes, so nesting costs no memory.
class Document::Parser {
public:
    Parser(std::string_view text, const Limits& limits, std::vector<Node>& nodes) noexcept
        : begin_(text.data()),
          end_(begin_ + text.size()),
          p_(begin_),
          limits_(limits),
          memory_(nodes),
          nodes_(nodes.data()),
          room_(static_cast<std::uint32_t>(nodes.size())) {}

    bool run() {
        skip_outer_space();
        Step step = Step::Value;
        while (step != Step::Done && step != Step::Failed) {
            step = step == Step::Value ? value() : after_value();
        }
        return step == Step::Done;
    }
    [[nodiscard]] bool beyond_ascii() const noexcept { return beyond_ascii_; }
    [[nodiscard]] Fault fault() const noexcept { return {code_, offset(), what_}; }

private:
    enum class Step : std::uint8_t { Value, AfterValue, Done, Failed };

    Step value();
    Step after_value();
    Step member();
    Step begin_container(Type type);
    Step close(Type type);
    Step word(Type type, std::string_view rest);
    Step number();
    Step scalar(Type type, std::uint32_t begin, std::uint32_t count = 0);
    bool string(std::uint32_t& escapes);
    bool escape();

    Step failed(const char* what, Errc code = Errc::Malformed) noexcept {
        what_ = what;
        code_ = code;
        return Step::Failed;
    }
    [[nodiscard]] std::uint32_t offset() const noexcept {
        return static_cast<std::uint32_t>(p_ - begin_);
    }
    void skip_outer_space() noexcept { p_ = scan::spaces(p_, end_); }
    /// Inside a container white space is remembered: compacting needs no second look at values without.
    void skip_space() noexcept {
        if (p_ == end_ || static_cast<unsigned char>(*p_) > 0x20 || !is_space(*p_)) return;
        p_ = scan::spaces(p_, end_);
        nodes_[open_].spaced = true;
    }
    Node& push(Type type, std::uint32_t begin, std::uint32_t end, std::uint32_t count) {
        if (used_ == room_) grow();
        Node& node = nodes_[used_];
        node = {begin, end, ++used_, count, type, false};
        return node;
    }
    [[gnu::noinline]] static Node* grow(std::vector<Node>& memory) {
        memory.resize(memory.size() < 32 ? 64 : memory.size() * 2);
        return memory.data();
    }
    void grow() {
        nodes_ = grow(memory_);
        room_ = room_ < 32 ? 64 : room_ * 2;
    }

    const char* begin_;
    const char* end_;
    const char* p_;
    const Limits& limits_;
    std::vector<Node>& memory_;
    Node* nodes_;
    std::uint32_t room_;
    std::uint32_t used_ = 0;
    std::uint32_t values_ = 0;
    std::uint32_t depth_ = 0;
    std::uint32_t open_ = kNone;  ///< the innermost open container
    bool beyond_ascii_ = false;
    Errc code_ = Errc::Malformed;
    const char* what_ = "";
};

ANODE_JSON_HOT Document::Parser::Step Document::Parser::value() {
    if (p_ == end_) return failed("a value was expected");
    if (++values_ > limits_.values_max) return failed("too many values", Errc::TooLarge);
    switch (*p_) {
        case '"': {
            const std::uint32_t begin = offset();
            std::uint32_t escapes = 0;
            ++p_;
            return string(escapes) ? scalar(Type::String, begin, escapes) : Step::Failed;
        }
        case '{':
            return begin_container(Type::Object);
        case '[':
            return begin_container(Type::Array);
        case 't':
            return word(Type::True, "rue");
        case 'f':
            return word(Type::False, "alse");
        case 'n':
            return word(Type::Null, "ull");
        default:
            return number();
    }
}

ANODE_JSON_HOT Document::Parser::Step Document::Parser::after_value() {
    if (open_ == kNone) {
        skip_outer_space();
        return p_ == end_ ? Step::Done : failed("nothing but white space may follow the value");
    }
    skip_space();
    Node& container = nodes_[open_];
    const bool object = container.type == Type::Object;
    if (p_ != end_ && *p_ == ',') {
        if (++container.count > limits_.members_max && limits_.members_max != 0) {
            return failed("too many members or elements in one container", Errc::TooLarge);
        }
        ++p_;
        skip_space();
        return object ? member() : Step::Value;
    }
    if (object && p_ != end_ && *p_ == '}') return close(Type::Object);
    if (!object && p_ != end_ && *p_ == ']') return close(Type::Array);
    return failed(object ? "`,` or `}` was expected after a member"
                         : "`,` or `]` was expected after an element");
}

/// A name and its colon; the cursor ends at the value.
ANODE_JSON_HOT Document::Parser::Step Document::Parser::member() {
    if (p_ == end_ || *p_ != '"') return failed("a member name in quotes was expected");
    const std::uint32_t begin = offset();
    std::uint32_t escapes = 0;
    ++p_;
    if (!string(escapes)) return Step::Failed;
    push(Type::String, begin, offset(), escapes);
    skip_space();
    if (p_ == end_ || *p_ != ':') return failed("`:` was expected after a member name");
    ++p_;
    skip_space();
    return Step::Value;
}

ANODE_JSON_HOT Document::Parser::Step Document::Parser::begin_container(Type type) {
    if (++depth_ > limits_.depth_max) return failed("nested too deeply", Errc::TooDeep);
    Node& node = push(type, offset(), 0, 0);
    node.next = open_;
    open_ = used_ - 1;
    ++p_;
    skip_space();
    if (p_ != end_ && *p_ == (type == Type::Object ? '}' : ']')) return close(type);
    nodes_[open_].count = 1;
    return type == Type::Object ? member() : Step::Value;
}

ANODE_JSON_HOT Document::Parser::Step Document::Parser::close(Type) {
    ++p_;
    --depth_;
    Node& node = nodes_[open_];
    open_ = node.next;
    node.next = used_;
    node.end = offset();
    if (open_ != kNone) nodes_[open_].spaced |= node.spaced;
    return Step::AfterValue;
}

ANODE_JSON_HOT Document::Parser::Step Document::Parser::scalar(Type type, std::uint32_t begin,
                                                               std::uint32_t count) {
    push(type, begin, offset(), count);
    return Step::AfterValue;
}

ANODE_JSON_HOT Document::Parser::Step Document::Parser::word(Type type, std::string_view rest) {
    const std::uint32_t begin = offset();
    ++p_;
    for (const char c : rest) {
        if (p_ == end_ || *p_ != c) return failed("`true`, `false` or `null` was expected");
        ++p_;
    }
    return scalar(type, begin);
}

ANODE_JSON_HOT Document::Parser::Step Document::Parser::number() {
    const std::uint32_t begin = offset();
    if (*p_ == '-') ++p_;
    if (p_ == end_ || !is_digit(*p_)) {
        return failed(offset() == begin ? "a value was expected"
                                        : "a digit was expected after `-`");
    }
    if (*p_ == '0') {
        ++p_;
        if (p_ != end_ && is_digit(*p_))
            return failed("a number has no zeros before its first digit");
    } else {
        p_ = digits(p_, end_);
    }
    if (p_ != end_ && *p_ == '.') {
        ++p_;
        if (p_ == end_ || !is_digit(*p_))
            return failed("a digit was expected after the decimal point");
        p_ = digits(p_, end_);
    }
    if (p_ != end_ && (*p_ | 0x20) == 'e') {
        ++p_;
        if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
        if (p_ == end_ || !is_digit(*p_)) return failed("a digit was expected in the exponent");
        p_ = digits(p_, end_);
    }
    return scalar(Type::Number, begin);
}

/// The rest of a string after its opening quote.
ANODE_JSON_HOT bool Document::Parser::string(std::uint32_t& escapes) {
    for (;;) {
        p_ = scan::string_run(p_, end_, beyond_ascii_);
        if (p_ == end_) return failed("a string has no end"), false;
        if (*p_ == '"') break;
        if (*p_ != '\\') return failed("a control character must be escaped in a string"), false;
        escapes = 1;
        if (!escape()) return false;
    }
    ++p_;
    return true;
}

ANODE_JSON_HOT bool Document::Parser::escape() {
    ++p_;
    if (p_ == end_) return failed("a string has no end"), false;
    switch (*p_) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
            ++p_;
            return true;
        case 'u':
            break;
        default:
            return failed("an escape that JSON does not know"), false;
    }
    ++p_;
    for (int i = 0; i < 4; ++i, ++p_) {
        if (p_ == end_ || !is_hex(*p_))
            return failed("four hexadecimal digits were expected after `\\u`"), false;
    }
    return true;
}

Result<void> Document::parse(std::string_view text, const Limits& limits) {
    good_ = false;
    text_ = text;
    if (text.size() >= kNone) return fail(Errc::TooLarge, "a JSON text of 4 GiB or more");
    if (nodes_.size() > kNodesKept && text.size() < nodes_.size() / 4)
        std::vector<Node>().swap(nodes_);
    Parser parser(text, limits, nodes_);
    if (!parser.run()) return std::unexpected(error_of(parser.fault(), text));
    if (parser.beyond_ascii() && !simdjson::validate_utf8(text)) {
        return fail(Errc::Malformed,
                    "byte " + std::to_string(first_bad_utf8(text)) + ": no valid UTF-8");
    }
    good_ = true;
    return {};
}

Value Document::root() const noexcept { return good_ ? Value(this, 0) : Value(); }

}  // namespace anode::json
