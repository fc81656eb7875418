#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "core/expr/expr.hpp"
#include "core/json/json.hpp"
#include "core/source/secret.hpp"

/// Text with `{…}`, and JSON with such text in it. Source: recipes, section 1.
///
/// `{inst}` an item · `{place.lat}` a field of an item that is a table · `{$token}` a captured
/// variable · `{.s}` `{s}` a field of the row, or after it the mapped `key id version` ·
/// `{now:s|ms|us|ns|rfc3339}` (alone: ms) · `{uuid}` ·
/// `{n}` · `{tokens[2]}` a token of the topic · `{{` `}}` braces. After a colon a form: `number`
/// and `json` (whole strings of JSON templates only), `lower`, `upper`, `raw` (not escaped).
namespace anode::source {

/// One thing that is subscribed: one choice from each list of `items`.
struct Item {
    std::string text;  ///< as shown: the values of its lists joined by `/`
    std::vector<std::pair<std::string, std::string>>
        fields;  ///< `inst` → `BTC-USDT`, `place.lat` → `52.52`

    [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
    friend bool operator==(const Item&, const Item&) = default;
};

/// A field that was copied down to a row: a value of the frame, or computed text.
struct NamedValue {
    std::string_view name;
    json::Value value;
    std::string_view text;  ///< if `value` is absent
};

using Variables = std::map<std::string, std::string, std::less<>>;

/// What a template is filled from. Absent parts make the placeholders that need them fail by name.
struct Context {
    std::span<const Item> items = {};          ///< the batch; several are joined with `,` in text
    const Variables* variables = nullptr;      ///< captured on this connection
    json::Value row = {};                      ///< or the frame that is answered
    std::span<const NamedValue> parents = {};  ///< further fields of the row, asked after its own
    std::string_view key = {}, id = {}, version = {};
    std::span<const std::string_view> tokens = {};
    WallTime wall = 0;
    Rng* rng = nullptr;                ///< for `{uuid}`
    std::uint64_t* counter = nullptr;  ///< for `{n}`: the next number, counted up at each use
    const Secrets* secrets = nullptr;  ///< for secret references inside templates
};

struct TemplateError {
    std::size_t offset = 0;  ///< byte in the text
    std::string detail;
};

/// Where the text goes, which decides how values are escaped.
enum class Place : std::uint8_t {
    Text,   ///< as they are
    Topic,  ///< interfaces, section 3: `~XX`; an empty value is an error
    Url,    ///< percent-encoded, but as they are in front of the path
};

/// A compiled text template.
/// Thread: immutable. Errors of append(): NotFound (names the field), Malformed (an empty or
/// compound value where a text is needed); `out` then holds the part made so far.
class Template {
public:
    Template() = default;  ///< empty text
    static std::expected<Template, TemplateError> parse(std::string_view text,
                                                        Place place = Place::Text);

    Result<void> append(std::string& out, const Context& context) const;
    [[nodiscard]] Result<std::string> text(const Context& context) const;

    [[nodiscard]] const std::string& source() const noexcept { return source_; }
    [[nodiscard]] bool empty() const noexcept { return source_.empty(); }
    /// True if it holds no placeholder.
    [[nodiscard]] bool constant() const noexcept;
    /// Whether `{name}` or `{name.…}` stands in it.
    [[nodiscard]] bool mentions(std::string_view name) const noexcept;
    /// Names of captured variables (`{$token}` → `token`) that it needs.
    [[nodiscard]] std::vector<std::string_view> variables() const;
    /// Names and paths (`inst`, `data.s`) that it reads from items or the row.
    [[nodiscard]] std::vector<std::string_view> fields() const;

    struct Part {
        enum class Kind : std::uint8_t {
            Literal,
            Field,
            Variable,
            Now,
            Uuid,
            Counter,
            Token
        } kind = Kind::Literal;
        enum class Form : std::uint8_t {
            Plain,
            Number,
            Json,
            Lower,
            Upper,
            Raw
        } form = Form::Plain;
        bool explicit_row = false;  ///< `{.s}`: items are not asked
        bool raw = false;           ///< not escaped, because of its place
        std::uint32_t token = 0;
        std::string text;  ///< literal, name, or unit of `now`
        expr::Path path;
        std::size_t offset = 0;
    };
    [[nodiscard]] const std::vector<Part>& parts() const noexcept { return parts_; }

private:
    Result<void> append_part(std::string& out, const Part& part, const Context& context) const;
    Result<void> append_field(std::string& out, const Part& part, const Context& context) const;

    std::string source_;
    Place place_ = Place::Text;
    std::vector<Part> parts_;
};

/// A text template or a reference to a secret, as headers, queries and auth values may be. One line: Malformed if the
/// value holds a line end.
struct Filler {
    std::variant<Template, SecretRef> what;

    [[nodiscard]] bool secret() const noexcept { return std::holds_alternative<SecretRef>(what); }
    [[nodiscard]] Result<std::string> text(const Context& context) const;
};

/// A JSON tree whose strings are templates; `"{x:number}"` becomes a number; `{"$each": T}` inside
/// an array becomes one T per item of the batch; `{"env": "NAME"}` and `{"file": "/…"}` become the
/// secret. Thread: immutable.
class JsonTemplate {
public:
    JsonTemplate() = default;
    struct Fault {
        std::string pointer;  ///< below the template's own place
        TemplateError error;
    };
    static std::expected<JsonTemplate, Fault> parse(const json::Value& tree);

    /// Appends compact JSON. Errors as Template::append; NotFound for a secret.
    Result<void> append(std::string& out, const Context& context) const;
    /// Whether an item stands in it, so that it is sent for items: inside `$each`, once a batch;
    /// else once an item.
    [[nodiscard]] bool has_each() const noexcept;
    [[nodiscard]] bool mentions(std::string_view name) const noexcept;
    [[nodiscard]] std::vector<std::string_view> fields() const;
    [[nodiscard]] std::vector<std::string_view> variables() const;
    [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }

    struct Node;

private:
    std::shared_ptr<const Node> root_;
};

/// What a step or an answer says: text, or JSON.
struct MessageTemplate {
    std::variant<Template, JsonTemplate> what;

    Result<void> append(std::string& out, const Context& context) const;
    [[nodiscard]] bool mentions(std::string_view name) const noexcept;
    [[nodiscard]] bool has_each() const noexcept;  ///< text: never
};

}  // namespace anode::source
