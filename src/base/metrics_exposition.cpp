#include <charconv>
#include <cmath>

#include "base/metrics_state.hpp"
#include "base/text.hpp"

namespace anode::metrics {
namespace {

void append_number(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        char raw[32];
        out.append(raw, std::to_chars(raw, raw + sizeof raw, value).ptr);
    }
}

/// Bounds of buckets: OpenMetrics wants a point in whole numbers.
void append_bound(std::string& out, double value, Dialect dialect) {
    const std::size_t before = out.size();
    append_number(out, value);
    if (dialect == Dialect::OpenMetrics && out.find_first_of(".eIN", before) == std::string::npos)
        out += ".0";
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\')
            out += "\\\\";
        else if (c == '\n')
            out += "\\n";
        else if (c == '"' && quotes)
            out += "\\\"";
        else
            out += c;
    }
}

/// Both dialects side by side differ only in names of counters, bounds and the end mark.
class Writer {
public:
    Writer(std::string& out, Dialect dialect) : out_(out), dialect_(dialect) {}

    void family(std::string_view name, const Family& family) {
        constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
        std::string_view stem = name;
        if (open() && family.kind == SeriesKind::Counter && stem.ends_with("_total"))
            stem.remove_suffix(6);
        stem_ = stem;
        bool headed = false;
        for (const auto& [labels, series] : family.series) {
            if (series.removed) continue;
            if (!headed) head(stem, family.help, kTypes[static_cast<std::size_t>(family.kind)]);
            headed = true;
            std::visit([&](const auto& metric) { write(name, labels, metric); }, *series.metric);
        }
    }

private:
    [[nodiscard]] bool open() const { return dialect_ == Dialect::OpenMetrics; }

    void head(std::string_view name, std::string_view help, std::string_view type) {
        out_.append("# HELP ").append(name).append(" ");
        append_escaped(out_, help, open());
        out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
    }

    void label(std::string_view name, std::string_view value, bool& first) {
        out_ += first ? '{' : ',';
        first = false;
        out_.append(name).append("=\"");
        append_escaped(out_, value, true);
        out_ += '"';
    }

    void sample(std::string_view name, std::string_view suffix, const Labels& labels,
                std::string_view bound = {}) {
        out_.append(name).append(suffix);
        bool first = true;
        for (const auto& [key, value] : labels) label(key, value, first);
        if (!bound.empty()) label("le", bound, first);
        if (!first) out_ += '}';
        out_ += ' ';
    }

    void write(std::string_view name, const Labels& labels, const Counter& counter) {
        if (open())
            sample(stem_, "_total", labels);
        else
            sample(name, "", labels);
        text::append_u64(out_, counter.value());
        out_ += '\n';
    }

    void write(std::string_view name, const Labels& labels, const Gauge& gauge) {
        sample(name, "", labels);
        append_number(out_, gauge.value());
        out_ += '\n';
    }

    void write(std::string_view name, const Labels& labels, const Histogram& histogram) {
        const auto counts = histogram.counts();
        const auto& bounds = Histogram::bounds();
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            std::string bound;
            append_bound(bound, i < bounds.size() ? bounds[i] : INFINITY, dialect_);
            total += counts[i];
            sample(name, "_bucket", labels, bound);
            text::append_u64(out_, total);
            out_ += '\n';
        }
        sample(name, "_sum", labels);
        append_number(out_, histogram.sum());
        out_ += '\n';
        sample(name, "_count", labels);
        text::append_u64(out_, total);
        out_ += '\n';
    }

    std::string& out_;
    Dialect dialect_;
    std::string_view stem_;
};

}  // namespace

std::string exposition(const Families& families, Dialect dialect) {
    std::string out;
    Writer writer(out, dialect);
    for (const auto& [name, family] : families) writer.family(name, family);
    if (dialect == Dialect::OpenMetrics) out += "# EOF\n";
    return out;
}

}  // namespace anode::metrics
