#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

/// The table of the grammar: every key of a source definition, with what it takes, its default and its meaning.
/// Checking (check.cpp), schema (schema.cpp), reference (reference.cpp) and redaction (redact.cpp) read it; nothing about
/// keys is written twice. Only for this folder.
namespace anode::source {

/// What a value may look like; several make alternatives.
enum class Form : std::uint32_t {
    Bool = 1u << 0,
    Number = 1u << 1,  ///< a whole number within `low` and `high`
    Float = 1u << 2,
    Text = 1u << 3,
    Word = 1u << 4,  ///< one of `words`
    Name = 1u << 5,  ///< name of a source
    Duration = 1u << 6,
    Jitter = 1u << 7,  ///< a duration with `±`
    Size = 1u << 8,
    Rate = 1u << 9,
    Percent = 1u << 10,
    When = 1u << 11,  ///< `idle 25s`, `every 20s`
    Path = 1u << 12,
    Selector = 1u << 13,  ///< a path or an expression
    Expr = 1u << 14,
    Expect = 1u << 15,  ///< a bare word or an expression
    Template = 1u << 16,
    Topic = 1u << 17,
    Url = 1u << 18,
    PlainUrl = 1u << 19,  ///< without placeholders
    Secret = 1u << 20,
    Json = 1u << 21,    ///< a tree with templates in it: object or array
    Table = 1u << 22,   ///< with the members of `table`
    List = 1u << 23,    ///< of `element`
    Map = 1u << 24,     ///< any names, each an `element`
    Scalar = 1u << 25,  ///< a number or truth value that is taken as text
    Next = 1u << 26,    ///< `link`, a path, or a URL template
};
using Forms = std::uint32_t;
constexpr Forms operator|(Form a, Form b) { return static_cast<Forms>(a) | static_cast<Forms>(b); }
constexpr Forms operator|(Forms a, Form b) { return a | static_cast<Forms>(b); }

/// Types of sources that a key is for.
enum TypeBit : std::uint8_t {
    kWebsocket = 1,
    kRest = 2,
    kSse = 4,
    kWebhook = 8,
    kFile = 16,
    kTest = 32
};
inline constexpr std::uint8_t kStreams = kWebsocket | kSse;
inline constexpr std::uint8_t kPulled = kWebsocket | kSse | kRest;
inline constexpr std::uint8_t kAllTypes = 63;

struct Key {
    std::string_view name;
    Forms forms = 0;
    std::string_view fallback;  ///< as the reference shows it; empty: none
    std::string_view meaning;

    std::vector<Key> table;              ///< members of the table form
    std::shared_ptr<const Key> element;  ///< of lists and maps
    std::string_view words;              ///< of the word form, with spaces between
    std::int64_t low = 0, high = INT64_MAX;
    std::uint8_t types = kAllTypes;
    bool required = false;
    std::string_view
        belongs;  ///< the choices of the table around it that this key goes with; empty: all
    std::string_view one_of;   ///< table: exactly one of these members makes the choice
    std::string_view chooser;  ///< table: the word of this member makes the choice

    Key of(Key e) && {
        element = std::make_shared<const Key>(std::move(e));
        return std::move(*this);
    }
    Key with(std::vector<Key> members) && {
        table = std::move(members);
        return std::move(*this);
    }
    Key one_from(std::string_view w) && {
        words = w;
        return std::move(*this);
    }
    Key range(std::int64_t l, std::int64_t h) && {
        low = l, high = h;
        return std::move(*this);
    }
    Key only(unsigned t) && {
        types = static_cast<std::uint8_t>(t);
        return std::move(*this);
    }
    Key must() && {
        required = true;
        return std::move(*this);
    }
    Key in(std::string_view b) && {
        belongs = b;
        return std::move(*this);
    }
    Key choice(std::string_view names) && {
        one_of = names;
        return std::move(*this);
    }
    Key chosen_by(std::string_view member) && {
        chooser = member;
        return std::move(*this);
    }

    [[nodiscard]] bool has(Form form) const noexcept {
        return (forms & static_cast<Forms>(form)) != 0;
    }
};

/// Makes a key; an element has neither name nor meaning.
inline Key key(std::string_view name, Forms forms, std::string_view fallback,
               std::string_view meaning) {
    return Key{.name = name, .forms = forms, .fallback = fallback, .meaning = meaning};
}
inline Key key(std::string_view name, Form form, std::string_view fallback,
               std::string_view meaning) {
    return key(name, static_cast<Forms>(form), fallback, meaning);
}
inline Key element(Forms forms) { return Key{.forms = forms}; }
inline Key element(Form form) { return element(static_cast<Forms>(form)); }

/// The whole definition, as one table. Made once.
const Key& root_key();

// The parts, by the sections of the reference.
std::vector<Key> connection_keys();
std::vector<Key> stream_keys();
std::vector<Key> shape_keys();    ///< of a definition
std::vector<Key> shaping_keys();  ///< those that a `classify` rule may have of its own
std::vector<Key> flow_keys();
std::vector<Key> poll_keys();
std::vector<Key> care_keys();
std::vector<Key> auth_keys();
std::vector<Key> other_keys();

/// Whether `word` is among `words` (with spaces between).
bool among(std::string_view words, std::string_view word);
/// The member of this name, or null.
const Key* find_key(const std::vector<Key>& table, std::string_view name);

}  // namespace anode::source
