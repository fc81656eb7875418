#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/codec/inflate.hpp"
#include "core/source/arena.hpp"
#include "core/source/shaper.hpp"

/// The inside of the shaper. Only for this folder.
namespace anode::source {

/// A selector, with what is worth knowing before the first row comes.
struct Field {
    expr::Selector selector;
    std::string name;
    bool computed = false;  ///< an expression: its value may have to be made

    explicit Field(const expr::Selector& from)
        : selector(from), name(from.text()), computed(expr::is_expression(name)) {}
};

/// A Shape, prepared.
struct Plan {
    const Shape* shape = nullptr;
    std::vector<Field> key, id, version;
    std::optional<Field> time, kind;
    bool merges = false;  ///< expressions have to see the copied fields as members
};

/// One row while it is judged.
struct RowAt {
    json::Value value;  ///< as found, or made from columns
    json::Value seen;   ///< what expressions read: with the copied fields, if there are any
};

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash64(text); }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

struct Shaper::Impl {
    explicit Impl(std::shared_ptr<const Definition> definition);

    Shaped shape(const Input& input, std::vector<Row>& rows, std::vector<DeadLetter>& letters);

    // -- frames (shaper.cpp)
    void prepare();
    Plan plan_of(const Shape& shape) const;
    bool decode(const Input& input, Shaped& out, std::vector<DeadLetter>& letters);
    const ClassifyRule* word_rule(std::string_view text) const;
    const ClassifyRule* frame_rule(const json::Value& frame) const;
    void garbage(Shaped& out, std::string_view reason, std::vector<DeadLetter>& letters);
    void raw_row(const Input& input, Shaped& out, std::vector<Row>& rows,
                 std::vector<DeadLetter>& letters);
    void check_counter(const Input& input, Shaped& out, std::size_t row);
    const Item* item_of(const Input& input, const ClassifyRule* rule, const json::Value& frame);

    // -- rows of a frame (shaper_frame.cpp)
    void data(const Input& input, Shaped& out, std::vector<Row>& rows,
              std::vector<DeadLetter>& letters);
    bool find_rows(const Plan& plan, const Input& input, Shaped& out,
                   std::vector<DeadLetter>& letters);
    bool make_columns(const Plan& plan, Shaped& out, std::vector<DeadLetter>& letters);
    void copy_parents(const Plan& plan, const json::Value& frame);
    void merge_parents();

    // -- one row (shaper_row.cpp)
    enum class Fate : std::uint8_t { Emit, Repeat, Drop, Reject };
    Fate judge(const Plan& plan, const Input& input, const RowAt& at, Row& row, std::size_t index);
    std::optional<std::string_view> text_of(const Field& field, const RowAt& at,
                                            std::string& scratch) const;
    std::string_view joined(const std::vector<Field>& fields, const RowAt& at);
    void read_fields(const Plan& plan, const Input& input, const RowAt& at, Row& row);
    Kind kind_of(const Plan& plan, const RowAt& at);
    std::optional<Hash128> content_id(const Row& row, const RowAt& at);
    bool make_payload(const Plan& plan, const RowAt& at, Row& row, Fate& fate);
    bool make_topic(const Plan& plan, const Input& input, const RowAt& at, Row& row);
    Verdict check_chain(const Input& input, const RowAt& at, const Row& row, std::size_t index);
    Verdict keep(Verdict verdict);
    bool is_snapshot(const RowAt& at) const;
    void reject(std::string_view reason, BytesView raw, std::vector<DeadLetter>& letters);

    std::shared_ptr<const Definition> definition;
    std::vector<codec::Coding> chain;
    Plan plan;
    std::vector<std::optional<Plan>> rule_plans;  ///< by place of the rule
    std::vector<std::variant<DedupeSpec::Part, Field>> dedupe_by;
    std::optional<Field> at, first, last, previous, parent, position;
    std::uint64_t id_seed = 0;

    std::optional<Dedupe> dedupe;
    Continuity continuity;
    std::unordered_map<std::uint64_t, TextMap<Item>> bound;
    std::size_t bound_count = 0;

    // Work space, kept from call to call.
    Arena arena;
    Bytes decoded;
    json::Document frame_document, row_document, merged_document;
    std::vector<json::Value> found, merged;
    std::string built, merged_text;
    std::vector<NamedValue> parents;
    std::vector<std::string> parent_texts;
    std::vector<ChainBreak> breaks;
    std::string scratch, scratch_more, payload_scratch, topic_scratch, join_scratch, reason;
    std::array<std::string, 5> number_scratch;
    std::array<std::string, 256> known_topics;  ///< that were checked, by hash
    const Item* item = nullptr;                 ///< of the frame at hand
};

}  // namespace anode::source
