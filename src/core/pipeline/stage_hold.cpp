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
    [[nodiscard]] std::size_t bytes() const {
        return sizeof(Sum) + least_text.size() + most_text.size() + last_text.size();
    }
};

struct Pane {
    std::int64_t number = 0;  ///< counted in slides since 1970
    std::uint64_t count = 0;
    std::vector<Sum> sums;

    [[nodiscard]] std::size_t bytes() const {
        std::size_t all = sizeof(Pane);
        for (const Sum& sum : sums) all += sum.bytes();
        return all;
    }
};

/// Groups of panes; every slide a message a group about the last `size`.
class Window final : public Stage {
public:
    explicit Window(const WindowStep& step)
        : step_(step), slide_us_(step.slide / 1us), panes_max_(step.size / step.slide) {}

    Fate handle(Flow& flow, Now now, std::string& words) override {
        std::string name;
        if (step_.by) {
            auto by = step_.by->text_of(flow);
            if (!by) {
                words = "`" + step_.by->text() + "` is no text";
                return Fate::Failed;
            }
            name = std::move(*by);
        } else {
            name = flow.draft().key;
        }
        auto values = read(flow, words);
        if (!values) return Fate::Failed;
        Group& group = group_of(name, flow);
        add(pane_of(group, now.wall / slide_us_), std::move(*values));
        if (!due_) arm(now);
        return Fate::Held;
    }

    [[nodiscard]] std::optional<Instant> due() const override { return due_; }

    /// A tick may be late, or the wall clock may have stepped: every window that ended since the last one is told.
    void tick(Now now, bool everything, std::vector<std::unique_ptr<Flow>>& out) override {
        if (!due_ || (!everything && *due_ > now.mono)) return;
        const std::int64_t ended = everything ? now.wall / slide_us_ : now.wall / slide_us_ - 1;
        const std::int64_t first = std::min(next_, ended);
        for (auto at = groups_.begin(); at != groups_.end();) {
            tell_all(at->first, at->second, first, ended, out);
            forget_old(at->second, ended);
            if (at->second.panes.empty() || everything) {
                for (const Pane& pane : at->second.panes) bytes_ -= pane.bytes();
                bytes_ -= weight(at->first, *at->second.sample);
                at = groups_.erase(at);
            } else {
                ++at;
            }
        }
        next_ = everything ? ended : ended + 1;  // what is let out early goes on in its window
        due_.reset();
        if (!groups_.empty()) arm(now);
    }

    [[nodiscard]] std::size_t bytes() const override { return bytes_; }

private:
    struct Group {
        std::vector<Pane> panes;
        std::unique_ptr<Flow> sample;  ///< topic, source and key of what comes out
    };

    static std::size_t weight(const std::string& name, const Flow& sample) {
        return sizeof(Group) + sizeof(Flow) + name.size() + sample.bytes();
    }

    Group& group_of(const std::string& name, const Flow& flow) {
        Group& group = groups_[name];
        if (!group.sample) {
            group.sample = std::make_unique<Flow>(flow);
            group.sample->stand_for_many();
            group.sample->keep();
            bytes_ += weight(name, *group.sample);
        }
        return group;
    }

    /// Usually the newest; an older one if the clock went back.
    Pane& pane_of(Group& group, std::int64_t number) {
        for (auto pane = group.panes.rbegin(); pane != group.panes.rend(); ++pane)
            if (pane->number == number) return *pane;
        group.panes.push_back({number, 0, std::vector<Sum>(step_.fields.size())});
        bytes_ += group.panes.back().bytes();
        return group.panes.back();
    }

    /// The texts of the fields, in their order; nothing and `words` if one cannot be counted.
    std::optional<std::vector<Bytes>> read(Flow& flow, std::string& words) const {
        std::vector<Bytes> values(step_.fields.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            const Aggregate& field = step_.fields[i];
            if (!field.of) continue;
            const auto written = field.of->write(flow, values[i]);
            const bool number =
                field.kind == Aggregate::Kind::Last || (written && text::parse_double(values[i]));
            if (written && number) continue;
            words = field.name + ": " +
                    (written ? "`" + text::printable(values[i].substr(0, 100)) + "` is no number"
                             : written.error().what);
            return std::nullopt;
        }
        return values;
    }

    void add(Pane& pane, std::vector<Bytes> values) {
        bytes_ -= pane.bytes();
        ++pane.count;
        for (std::size_t i = 0; i < values.size(); ++i) {
            Sum one;
            one.count = 1;
            one.least = one.most = text::parse_double(values[i]).value_or(0);
            one.total = one.least;
            const Aggregate::Kind kind = step_.fields[i].kind;
            if (kind == Aggregate::Kind::Min)
                one.least_text = std::move(values[i]);
            else if (kind == Aggregate::Kind::Max)
                one.most_text = std::move(values[i]);
            else if (kind == Aggregate::Kind::Last)
                one.last_text = std::move(values[i]);
            pane.sums[i].merge(one);
        }
        bytes_ += pane.bytes();
    }

    /// The windows from `first` to `ended` that hold something of this group, in their order.
    void tell_all(const std::string& name, const Group& group, std::int64_t first,
                  std::int64_t ended, std::vector<std::unique_ptr<Flow>>& out) const {
        if (group.panes.empty()) return;
        std::int64_t oldest = group.panes.front().number, newest = oldest;
        for (const Pane& pane : group.panes) {
            oldest = std::min(oldest, pane.number);
            newest = std::max(newest, pane.number);
        }
        const std::int64_t last = std::min(ended, newest + panes_max_ - 1);
        for (std::int64_t window = std::max(first, oldest); window <= last; ++window)
            if (auto told = tell(name, group, window)) out.push_back(std::move(told));
    }

    void forget_old(Group& group, std::int64_t ended) {
        std::erase_if(group.panes, [&](const Pane& pane) {
            const bool old = pane.number <= ended - panes_max_ + 1;
            if (old) bytes_ -= pane.bytes();
            return old;
        });
    }

    void arm(Now now) {
        const std::int64_t next = (now.wall / slide_us_ + 1) * slide_us_;
        due_ = now.mono + std::chrono::microseconds(next - now.wall);
    }

    std::unique_ptr<Flow> tell(const std::string& name, const Group& group,
                               std::int64_t ended) const {
        Pane whole{ended, 0, std::vector<Sum>(step_.fields.size())};
        for (const Pane& pane : group.panes) {
            if (pane.number > ended || pane.number <= ended - panes_max_) continue;
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
    std::int64_t next_ = 0;  ///< the first window that was not told yet
    std::size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Stage> make_window(const WindowStep& step) {
    return std::make_unique<Window>(step);
}
std::unique_ptr<Stage> make_conflate(const ConflateStep& step) {
    return std::make_unique<Conflate>(step);
}

}  // namespace anode::pipeline
