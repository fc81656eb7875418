#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "core/json/json.hpp"

// Our verdict on a text against simdjson's, and what must hold of every text that is accepted: slices cover their
// values, walking and finding agree, compacting loses nothing and is done once.

namespace {

using namespace anode;

/// simdjson refuses numbers beyond its types and surrogates that stand alone, and skips a byte order mark.
bool must_agree(std::string_view text, simdjson::error_code error) {
    const bool lone_surrogate = error == simdjson::STRING_ERROR && text.find("\\u") != text.npos;
    return error != simdjson::NUMBER_ERROR && error != simdjson::CAPACITY &&
           error != simdjson::MEMALLOC && error != simdjson::DEPTH_ERROR && !lone_surrogate &&
           !text.starts_with("\xef\xbb\xbf");
}

std::size_t walk(const json::Value& value) {
    std::size_t values = 1;
    std::uint32_t children = 0;
    for (json::Value child = value.first(); child; child = child.next_in(value)) {
        ANODE_ASSERT(child.raw().data() >= value.raw().data());
        ANODE_ASSERT(child.raw().data() + child.raw().size() <
                     value.raw().data() + value.raw().size());
        if (value.is_object()) ANODE_ASSERT(value.find(child.name()).present());
        values += walk(child);
        ++children;
    }
    ANODE_ASSERT(children == value.size());
    if (value.is_number()) ANODE_ASSERT(value.number().has_value());
    if (value.is_string()) ANODE_ASSERT(value.equals(value.string()));
    return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static simdjson::dom::parser reference;
    static json::Document document;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const bool good = document.parse(text).has_value();
    const auto error = reference.parse(text).error();
    if (must_agree(text, error)) {
        if (good) ANODE_ASSERT(error == simdjson::SUCCESS);
        if (error == simdjson::SUCCESS) {
            ANODE_ASSERT(good ||
                         document.parse(text, {.depth_max = 2000, .members_max = 0}).has_value());
        }
    }
    if (!good) return 0;
    walk(document.root());
    Bytes once;
    document.root().append_compact(once);
    json::Document again;
    ANODE_ASSERT(again.parse(once).has_value());
    ANODE_ASSERT(again.root().raw() == once);
    const auto twice = json::compact(once);
    ANODE_ASSERT(twice.has_value() && *twice == once);
    const Bytes merged = json::merge_patch(again.root(), document.root());
    ANODE_ASSERT(json::compact(merged).has_value());
    return 0;
}
