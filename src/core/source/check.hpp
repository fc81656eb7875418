#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json/json.hpp"
#include "core/source/definition.hpp"
#include "core/source/grammar.hpp"
#include "core/source/keys.hpp"
#include "core/source/template.hpp"

/// Checking a definition against the table of keys. Only for this folder.
namespace anode::source {

/// A template of the definition: what it needs must come from somewhere.
struct TemplateUse {
    std::string pointer;
    std::size_t place = 0;  ///< in the text, for the order of complaints
    std::vector<std::string> fields, variables;
};

/// Collects complaints in the order of the text.
class Complaints {
public:
    explicit Complaints(const json::Value& root) : base_(root.raw().data()) {}
    /// `at` is the value, or the one around a missing one.
    void add(const json::Value& at, std::string pointer, std::string detail);
    void add_at(std::size_t place, std::string pointer, std::string detail);
    [[nodiscard]] std::size_t place_of(const json::Value& value) const {
        return static_cast<std::size_t>(value.raw().data() - base_);
    }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    [[nodiscard]] std::vector<Complaint> take();

private:
    struct Placed {
        std::pair<std::size_t, std::size_t> place;  ///< in the text, then in order of finding
        Complaint complaint;
    };
    const char* base_;
    std::vector<Placed> all_;
};

/// The bit of `type`, or 0 if it is missing or none.
std::uint8_t type_bit(const json::Value& definition);
/// `rest` or `websocket and sse`.
std::string type_names(std::uint8_t types);

std::string child_pointer(const std::string& pointer, std::string_view name);

/// Structure and values, key by key. Templates found are appended to `uses`.
void check_table(const json::Value& definition, std::uint8_t type, Complaints& complaints,
                 std::vector<TemplateUse>& uses);
/// What single keys cannot tell: keys that contradict or miss each other.
void check_sense(const json::Value& definition, std::uint8_t type,
                 const std::vector<TemplateUse>& uses, Complaints& complaints);

/// Why `text` is not of this form; nothing if it is. `found` gets the template, if it is one.
struct TextCheck {
    const Key& key;
    std::uint8_t type;
    std::optional<Template>& found;
};
std::optional<std::string> wrong_text(Form form, std::string_view text, const TextCheck& check);

/// Reads `{env}` or `{file}` where only a secret or little else may stand.
std::optional<SecretRef> read_secret_form(const json::Value& value);

/// `idle 25s`, `every 20s`.
std::optional<std::pair<PingSpec::When, Duration>> parse_when(std::string_view text);
/// `10 %`, `10%`, `10`.
std::optional<std::uint32_t> parse_percent(std::string_view text);

}  // namespace anode::source
