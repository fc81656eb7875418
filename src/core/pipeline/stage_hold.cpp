#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "core/pipeline/stage.hpp"

namespace anode::pipeline {
namespace {

/// The newest message of each (topic, key) in each period.
class Conflate final : public Stage {
public:
    explicit Conflate(const ConflateStep& step) : step_(step) {}

    Fate handle(Flow& flow, Now now, std::string&) override {
        std::string name(flow.draft().topic);
        name += '\0';
        name += flow.draft().key;
        auto& held = held_[name];
        const Fate fate = held ? Fate::Conflated : Fate::Held;
        if (held)
            bytes_ -= held->bytes();
        else
            order_.push_back(name);
        held = std::make_unique<Flow>(flow);
        held->keep();
        bytes_ += held->bytes();
        if (!due_) due_ = now.mono + step_.every;
        return fate;
    }
    [[nodiscard]] std::optional<Instant> due() const override { return due_; }
    void tick(Now now, bool everything, std::vector<std::unique_ptr<Flow>>& out) override {
        if (!due_ || (!everything && *due_ > now.mono)) return;
        for (const std::string& name : order_) out.push_back(std::move(held_[name]));
        held_.clear();
        order_.clear();
        bytes_ = 0;
        due_.reset();
    }
    [[nodiscard]] std::size_t bytes() const override { return bytes_; }

private:
    const ConflateStep& step_;
    std::map<std::string, std::unique_ptr<Flow>> held_;
    std::vector<std::string> order_;
    std::optional<Instant> due_;
    std::size_t bytes_ = 0;
};

/// What a pane knows of one aggregate. Texts keep the digits of the numbers that were met.
struct Sum {
    std::uint64_t count = 0;
    long double total = 0;
    double least = 0, most = 0;
    Bytes least_text, most_text, last_text;

    void merge(const Sum& later) {
        if (later.count == 0) return;
        if (count == 0 || later.least < least) least = later.least, least_text = later.least_text;
        if (count == 0 || later.most > most) most = later.most, most_text = later.most_text;
        total += later.total;
        count += later.count;
        if (!later.last_text.empty()) last_text = later.last_text;
    }
};

struct Pane {
    std::int64_t number = 0;  ///< counted in slides since 1970
    std::uint64_t count = 0;
    std::vector<Sum> sums;
};

/// Groups of panes; every slide a message a group about the last `size`.
class Window final : public Stage {
public:
    explicit Window(const WindowStep& step)
        : step_(step), slide_us_(step.slide / 1us), panes_max_(step.size / step.slide) {}

    Fate handle(Flow& flow, Now now, std::string& words) override {
        std::string group;
        if (step_.by) {
            auto by = step_.by->text_of(flow);
            if (!by) {
                words = "`" + step_.by->text() + "` is no text";
                return Fate::Failed;
            }
            group = std::move(*by);
        } else {
            group = flow.draft().key;
        }
        const std::int64_t number = now.wall / slide_us_;
        auto& held = groups_[group];
        if (held.panes.empty() || held.panes.back().number != number)
            held.panes.push_back({number, 0, std::vector<Sum>(step_.fields.size())});
        if (!add(flow, held.panes.back(), words)) return Fate::Failed;
        if (!held.sample) {
            held.sample = std::make_unique<Flow>(flow);
            held.sample->keep();
        }
        if (!due_) arm(now);
        return Fate::Held;
    }

    [[nodiscard]] std::optional<Instant> due() const override { return due_; }

    void tick(Now now, bool everything, std::vector<std::unique_ptr<Flow>>& out) override {
        if (!due_ || (!everything && *due_ > now.mono)) return;
        const std::int64_t ended = everything ? now.wall / slide_us_ : now.wall / slide_us_ - 1;
        for (auto at = groups_.begin(); at != groups_.end();) {
            Group& group = at->second;
            std::erase_if(group.panes,
                          [&](const Pane& pane) { return pane.number <= ended - panes_max_; });
            if (auto told = tell(at->first, group, ended)) out.push_back(std::move(told));
            std::erase_if(group.panes,
                          [&](const Pane& pane) { return pane.number <= ended - panes_max_ + 1; });
            at = group.panes.empty() || everything ? groups_.erase(at) : std::next(at);
        }
        due_.reset();
        if (!groups_.empty()) arm(now);
    }

    [[nodiscard]] std::size_t bytes() const override {
        return groups_.size() * (512 + step_.fields.size() * sizeof(Sum));
    }

private:
    struct Group {
        std::vector<Pane> panes;
        std::unique_ptr<Flow> sample;  ///< topic, source and key of what comes out
    };

    bool add(Flow& flow, Pane& pane, std::string& words) {
        std::vector<Bytes> values(step_.fields.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            const Aggregate& field = step_.fields[i];
            if (!field.of) continue;
            const auto written = field.of->write(flow, values[i]);
            const bool number =
                field.kind == Aggregate::Kind::Last || (written && text::parse_double(values[i]));
            if (!written || !number) {
                words = field.name + ": " +
                        (written ? "`" + values[i].substr(0, 100) + "` is no number"
                                 : written.error().what);
                return false;
            }
        }
        ++pane.count;
        for (std::size_t i = 0; i < values.size(); ++i) {
            Sum one;
            one.count = 1;
            one.last_text = one.least_text = one.most_text = std::move(values[i]);
            one.least = one.most = text::parse_double(one.last_text).value_or(0);
            one.total = one.least;
            pane.sums[i].merge(one);
        }
        return true;
    }

    void arm(Now now) {
        const std::int64_t next = (now.wall / slide_us_ + 1) * slide_us_;
        due_ = now.mono + std::chrono::microseconds(next - now.wall);
    }

    std::unique_ptr<Flow> tell(const std::string& name, const Group& group,
                               std::int64_t ended) const {
        Pane whole{ended, 0, std::vector<Sum>(step_.fields.size())};
        for (const Pane& pane : group.panes) {
            if (pane.number > ended) continue;
            whole.count += pane.count;
            for (std::size_t i = 0; i < whole.sums.size(); ++i) whole.sums[i].merge(pane.sums[i]);
        }
        if (whole.count == 0) return nullptr;
        auto told = std::make_unique<Flow>(*group.sample);
        told->keep();
        told->set_key(name);
        told->set_payload(payload(name, whole, ended));
        return told;
    }

    [[nodiscard]] Bytes payload(const std::string& name, const Pane& whole,
                                std::int64_t ended) const {
        Bytes json;
        json::Writer out(json);
        const WallTime to = (ended + 1) * slide_us_;
        out.begin_object()
            .member("key", name)
            .member("from", text::rfc3339(to - step_.size / 1us))
            .member("to", text::rfc3339(to));
        for (std::size_t i = 0; i < step_.fields.size(); ++i) {
            const Sum& sum = whole.sums[i];
            out.key(step_.fields[i].name);
            switch (step_.fields[i].kind) {
                case Aggregate::Kind::Count:
                    out.value(whole.count);
                    break;
                case Aggregate::Kind::Sum:
                    out.value(static_cast<double>(sum.total));
                    break;
                case Aggregate::Kind::Mean:
                    out.value(static_cast<double>(sum.total / static_cast<long double>(sum.count)));
                    break;
                case Aggregate::Kind::Min:
                    out.raw(sum.least_text);
                    break;
                case Aggregate::Kind::Max:
                    out.raw(sum.most_text);
                    break;
                case Aggregate::Kind::Last:
                    out.raw(sum.last_text);
                    break;
            }
        }
        out.end_object();
        return json;
    }

    const WindowStep& step_;
    std::int64_t slide_us_, panes_max_;
    std::map<std::string, Group> groups_;
    std::optional<Instant> due_;
};

}  // namespace

std::unique_ptr<Stage> make_window(const WindowStep& step) {
    return std::make_unique<Window>(step);
}
std::unique_ptr<Stage> make_conflate(const ConflateStep& step) {
    return std::make_unique<Conflate>(step);
}

}  // namespace anode::pipeline
