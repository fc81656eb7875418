#include "app/ingest_series.hpp"

namespace anode::app {
namespace {

constexpr std::size_t kSourcesMax = 2000;
constexpr std::size_t kSpacesMax = 100;

}  // namespace

IngestSeries::IngestSeries(metrics::Registry& registry)
    : balance_errors(registry.counter("anode_balance_errors_total",
                                      "Checks of the double entry of messages that failed.")),
      registry_(registry) {}

void IngestSeries::taken(const Draft& draft) {
    if (draft.topic.starts_with('$')) return;
    const std::string_view space = draft.topic.substr(0, draft.topic.find('.'));
    scratch_.assign(draft.source);
    scratch_.push_back('\0');
    scratch_.append(space);
    if (last_ == nullptr || scratch_ != last_key_) {
        // Series bear the names themselves unless there were too many names.
        const auto known = taken_.find(scratch_);
        last_ = known != taken_.end() ? &known->second : &series_of(draft.source, space);
        last_key_ = scratch_;
    }
    last_->messages->add();
    last_->bytes->add(draft.payload.size());
}

IngestSeries::Taken& IngestSeries::series_of(std::string_view source, std::string_view space) {
    const std::string source_label(bounded(sources_, kSourcesMax, source));
    const std::string space_label(bounded(spaces_, kSpacesMax, space));
    const auto [entry, is_new] = taken_.try_emplace(source_label + '\0' + space_label);
    if (is_new) {
        const metrics::Labels labels{{"source", source_label}, {"ns", space_label}};
        entry->second = {
            &registry_.counter("anode_ingest_messages_total", "Messages taken in.", labels),
            &registry_.counter("anode_ingest_bytes_total", "Payload bytes taken in.", labels)};
    }
    return entry->second;
}

metrics::Counter& IngestSeries::rejected(std::string_view source, std::string_view reason) {
    std::string key(source);
    key.push_back('\0');
    key.append(reason);
    auto& counter = rejected_[key];
    if (counter == nullptr) {
        counter = &registry_.counter(
            "anode_ingest_rejected_total", "Input that did not become a message.",
            {{"source", std::string(bounded(sources_, kSourcesMax, source))},
             {"reason", std::string(reason)}});
    }
    return *counter;
}

void IngestSeries::forget(std::string_view source) {
    const std::string begin = std::string(source) + '\0';
    const auto of_source = [&](const auto& entry) { return entry.first.starts_with(begin); };
    std::erase_if(taken_, of_source);
    std::erase_if(rejected_, of_source);
    sources_.erase(std::string(source));
    last_ = nullptr;
}

std::string_view IngestSeries::bounded(std::unordered_set<std::string>& seen, std::size_t max,
                                       std::string_view value) {
    if (seen.contains(std::string(value))) return value;
    if (seen.size() >= max) return "other";
    seen.emplace(value);
    return value;
}

}  // namespace anode::app
