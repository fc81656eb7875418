#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

/// JSON that keeps its digits: a text is validated once and indexed; values are slices of it.
namespace anode::json {

enum class Type : std::uint8_t { Null, False, True, Number, String, Array, Object };

struct Limits {
    std::uint32_t depth_max = 64;
    std::uint32_t values_max = 4'000'000;  ///< values in all, members and elements included
    std::uint32_t members_max = 100'000;   ///< members or elements of one container (0 = no limit)
};

class Value;

/// The index of one JSON text.
/// Ownership: refers to the text given to parse(), which must outlive it and every Value.
/// Thread:    confined; a parsed document may be read by one thread at a time.
/// Errors:    Malformed (with byte offset in words), TooDeep, TooLarge. Never throws on input; no recursion.
/// Source:    RFC 8259 whole (any number grammar allows is legal), UTF-8 per RFC 3629, no byte order mark.
class Document {
public:
    /// Validates `text` and indexes it. Reuses its memory from call to call.
    Result<void> parse(std::string_view text, const Limits& limits = {});
    /// The top value; an absent Value before the first good parse and after a failed one.
    [[nodiscard]] Value root() const noexcept;

private:
    friend class Value;
    struct Node {
        std::uint32_t begin;  ///< first byte of the value
        std::uint32_t end;    ///< one past its last byte
        std::uint32_t next;   ///< node after this value and all it holds
        std::uint32_t count;  ///< members or elements; for a string: 1 if it holds an escape
        Type type;
        bool spaced;  ///< white space stands between tokens inside
    };
    class Parser;
    std::string_view text_;
    std::vector<Node>
        nodes_;  ///< members are a key node followed by a value node; longer than what is in use
    bool good_ = false;  ///< the last parse() succeeded
};

/// A value of a Document, or "absent". Cheap to copy.
class Value {
public:
    Value() = default;

    [[nodiscard]] bool present() const noexcept { return document_ != nullptr; }
    explicit operator bool() const noexcept { return present(); }
    [[nodiscard]] Type type() const noexcept;  ///< Null if absent
    [[nodiscard]] bool is(Type type) const noexcept { return present() && this->type() == type; }
    [[nodiscard]] bool is_null() const noexcept {
        return type() == Type::Null;
    }  ///< true if absent too
    [[nodiscard]] bool is_object() const noexcept { return is(Type::Object); }
    [[nodiscard]] bool is_array() const noexcept { return is(Type::Array); }
    [[nodiscard]] bool is_string() const noexcept { return is(Type::String); }
    [[nodiscard]] bool is_number() const noexcept { return is(Type::Number); }
    [[nodiscard]] bool is_bool() const noexcept { return is(Type::True) || is(Type::False); }

    /// The text of the value, as it stands.
    [[nodiscard]] std::string_view raw() const noexcept;
    /// Members or elements.
    [[nodiscard]] std::uint32_t size() const noexcept;

    /// The member of this name (the last one, if repeated); absent if there is none or this is no object.
    [[nodiscard]] Value find(std::string_view name) const;
    [[nodiscard]] Value operator[](std::string_view name) const { return find(name); }
    /// The element at `index`; absent if there is none or this is no array. O(index).
    [[nodiscard]] Value at(std::uint32_t index) const;

    /// The text of a string, escapes resolved. Empty if this is none.
    [[nodiscard]] std::string string() const;
    /// The text of a string if it holds no escape: no copy.
    [[nodiscard]] std::optional<std::string_view> plain() const noexcept;
    /// String as text, number as its source text, true and false as words; none for others.
    [[nodiscard]] std::optional<std::string> scalar() const;
    /// Like scalar(), but points into the text where it can and into `scratch` otherwise.
    [[nodiscard]] std::optional<std::string_view> scalar_view(std::string& scratch) const;
    [[nodiscard]] std::optional<std::int64_t> integer()
        const noexcept;  ///< a number without fraction or exponent
    /// The nearest double; beyond its range the largest finite one.
    [[nodiscard]] std::optional<double> number() const noexcept;
    [[nodiscard]] std::optional<bool> boolean() const noexcept;
    /// Whether a string equals `text`, escapes resolved.
    [[nodiscard]] bool equals(std::string_view text) const;

    /// Walks elements: `for (Value v = array.first(); v; v = v.next_in(array))`. For objects, first() is the first
    /// member's *value*; name() tells its name.
    [[nodiscard]] Value first() const noexcept;
    [[nodiscard]] Value next_in(const Value& parent) const noexcept;
    /// The member name of a value reached through first()/next_in() or find(), escapes resolved.
    [[nodiscard]] std::string name() const;
    /// The same as it stands in the text, with its quotes.
    [[nodiscard]] std::string_view raw_name() const noexcept;
    /// Whether name() equals `text`; no copy unless the name holds an escape.
    [[nodiscard]] bool is_named(std::string_view text) const;
    /// name() if it holds no escape: no copy.
    [[nodiscard]] std::optional<std::string_view> plain_name() const noexcept;

    /// Appends the text without the white space between its tokens; nothing else changes.
    void append_compact(Bytes& out) const;

private:
    friend class Document;
    Value(const Document* document, std::uint32_t index) noexcept
        : document_(document), index_(index) {}
    [[nodiscard]] const Document::Node& node() const noexcept { return document_->nodes_[index_]; }

    const Document* document_ = nullptr;
    std::uint32_t index_ = 0;
};

/// Validates and removes white space in one go.
Result<Bytes> compact(std::string_view text, const Limits& limits = {});

/// Builds JSON text. Commas and quotes are its business, structure is the caller's (asserted).
class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    Writer& begin_object();
    Writer& end_object();
    Writer& begin_array();
    Writer& end_array();
    Writer& key(std::string_view name);
    Writer& value(std::string_view text);
    Writer& value(const char* text) { return value(std::string_view(text)); }
    Writer& value(const std::string& text) { return value(std::string_view(text)); }
    Writer& value(bool flag);
    Writer& value(std::uint64_t number);
    Writer& value(std::int64_t number);
    Writer& value(int number) { return value(static_cast<std::int64_t>(number)); }
    Writer& value(unsigned number) { return value(static_cast<std::uint64_t>(number)); }
    Writer& value(double number);  ///< shortest form that reads back the same; null if not finite
    Writer& null();
    Writer& raw(std::string_view json);  ///< a finished JSON value
    template <class T>
    Writer& member(std::string_view name, const T& v) {
        key(name);
        return value(v);
    }

private:
    void separate();
    void open(char kind);
    void close(char kind);
    std::string& out_;
    std::string
        open_;  ///< a letter a level: `o` object, `a` array, a capital once something was written in it
    bool after_key_ = false;
};

/// RFC 7396 merge patch: `target` changed by `patch`, as compact text.
Bytes merge_patch(const Value& target, const Value& patch);

}  // namespace anode::json
