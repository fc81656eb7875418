#include "core/pipeline/flow.hpp"

#include "base/text.hpp"

namespace anode::pipeline {

void Flow::begin(const Input& input) {
    draft_ = input.draft;
    draft_.cid.reset();           // the content id is the input's
    draft_.source_position = {};  // and so is the position
    id_ = input.id;
    ts_ = input.ts;
    node_ = input.node;
    id_text_.clear();
    read_ = routed_ = false;
}

void Flow::keep() {
    const auto hold = [](std::string& store, std::string_view& view) {
        if (view.data() != store.data()) store.assign(view);
        view = store;
    };
    hold(payload_, draft_.payload);
    hold(key_, draft_.key);
    hold(topic_, draft_.topic);
    hold(source_, draft_.source);
    hold(content_type_, draft_.content_type);
    hold(trace_, draft_.trace);
    hold(node_text_, node_);
    document_ =
        json::Document();  // its index may be larger than the text; it is made again when asked for
    read_ = false;
}

json::Value Flow::value() {
    if (!read_) {
        read_ = true;
        readable_ = draft_.content_type.empty() && document_.parse(draft_.payload).has_value();
    }
    return readable_ ? document_.root() : json::Value();
}

expr::Scope Flow::scope() {
    if (id_text_.empty()) id_text_ = id_.text();
    expr::Scope scope;
    scope.root = value();
    scope.envelope = true;
    scope.topic = draft_.topic;
    scope.source = draft_.source;
    scope.node = node_;
    scope.key = draft_.key;
    scope.id = id_text_;
    scope.kind = name(draft_.kind);
    scope.content_type = draft_.content_type;
    scope.ts = ts_;
    scope.source_time = draft_.source_time;
    if (!draft_.content_type.empty()) scope.binary = draft_.payload;
    return scope;
}

std::vector<std::string_view> Flow::tokens() const { return text::split(draft_.topic, '.'); }

void Flow::stand_for_many() {
    set_payload({});
    draft_.kind = Kind::Set;
    draft_.flags = 0;
    draft_.source_time.reset();
    draft_.trace = {};
}

void Flow::set_payload(Bytes payload) {
    payload_ = std::move(payload);
    draft_.payload = payload_;
    draft_.content_type = {};
    read_ = false;
}

void Flow::set_key(std::string key) {
    key_ = std::move(key);
    draft_.key = key_;
}

void Flow::set_topic(std::string topic) {
    topic_ = std::move(topic);
    draft_.topic = topic_;
}

}  // namespace anode::pipeline
