#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/v1/view`: what this node runs, short enough to be asked for every second: with `?node=all` a table of all sources of the
/// cluster. However many ask, it is made once a second.
namespace anode::api::rest {

namespace {

class View : public std::enable_shared_from_this<View> {
public:
    explicit View(Context context) : context_(std::move(context)) {}

    void answer(Responder responder) {
        {
            const std::lock_guard lock(mutex_);
            if (monotonic_now() - made_ < kKept) return responder.json(json_);
            waiting_.push_back(std::move(responder));
            if (waiting_.size() > 1) return;
        }
        context_->doors.sources.act({}, "view", {}, {},
                                    [self = shared_from_this()](Outcome<Bytes> sources) mutable {
                                        self->made(std::move(sources));
                                    });
    }

private:
    static constexpr Duration kKept = 900ms;

    void made(Outcome<Bytes> sources) {
        std::vector<Responder> waiting;
        Bytes json;
        {
            const std::lock_guard lock(mutex_);
            std::swap(waiting, waiting_);
            if (sources) {
                json_ = written(*sources);
                made_ = monotonic_now();
                json = json_;
            }
        }
        for (Responder& responder : waiting) {
            if (sources)
                send_from_node(std::move(responder), Response::json(json));
            else
                responder.problem(Problem::of(sources.error()));
        }
    }

    [[nodiscard]] Bytes written(const Bytes& sources) const {
        Bytes json;
        json::Writer out(json);
        out.begin_object().member("node", context_->doors.node.facts().id_text);
        out.member("at", text::rfc3339(wall_now())).key("sources").raw(sources);
        out.end_object();
        return json;
    }

    Context context_;
    std::mutex mutex_;
    Instant made_{};
    Bytes json_;
    std::vector<Responder> waiting_;  ///< while one is being made
};

}  // namespace

void add_view(Router& router, const Context& context) {
    const auto view = std::make_shared<View>(context);
    router.add({.method = Method::Get,
                .pattern = "/v1/view",
                .role = Role::Viewer,
                .handler =
                    [view](Request& request, Responder responder) {
                        if (refused_form(request, responder)) return;
                        view->answer(std::move(responder));
                    },
                .summary = "What this node runs, in short: its sources with state and rate",
                .args = {"node"}});
}

}  // namespace anode::api::rest
