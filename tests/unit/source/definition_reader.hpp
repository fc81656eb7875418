#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/source/grammar.hpp"

/// What specs of definitions share.
namespace anode::source::spec {

/// The complaints about `text`; empty if it is good.
inline std::vector<Complaint> complaints(std::string_view text) {
    auto parsed = parse(text);
    return parsed ? std::vector<Complaint>() : parsed.error();
}

inline std::vector<std::string> pointers(std::string_view text) {
    std::vector<std::string> all;
    for (const Complaint& complaint : complaints(text)) all.push_back(complaint.pointer);
    return all;
}

inline std::string all_words(std::string_view text) {
    std::string all;
    for (const Complaint& complaint : complaints(text))
        all += complaint.pointer + ": " + complaint.detail + "\n";
    return all;
}

/// A definition that must be good.
inline std::shared_ptr<const Definition> definition(std::string_view text) {
    auto parsed = parse(text);
    EXPECT_TRUE(parsed.has_value()) << all_words(text);
    return parsed ? std::make_shared<const Definition>(std::move(*parsed)) : nullptr;
}

/// `more` are further members: `"enabled":true`.
inline std::string websocket(std::string_view more = "") {
    std::string text =
        R"({"name":"spot","type":"websocket","url":"wss://example.org/ws","topic":"a.b")";
    if (!more.empty()) text += "," + std::string(more);
    return text + "}";
}
inline std::string rest(std::string_view more = "") {
    std::string text =
        R"({"name":"poll","type":"rest","url":"https://example.org/x","topic":"a.b")";
    if (!more.empty()) text += "," + std::string(more);
    return text + "}";
}

}  // namespace anode::source::spec
