#include "core/source/build.hpp"

namespace anode::source {

namespace {

DiffSpec diff_of(const json::Value& v) {
    DiffSpec made{.key = selector_of(v["key"])};
    set(v["version"], made.version);
    set(v["vanish"], made.vanish,
        {{"delete", DiffSpec::Vanish::Delete}, {"ignore", DiffSpec::Vanish::Ignore}});
    set(v["window"], made.window);
    return made;
}

PagesSpec pages_of(const json::Value& v) {
    PagesSpec made;
    const std::string next = v["next"].string();
    if (next.find('{') != std::string::npos)
        made.next = template_of(v["next"], Place::Url);
    else if (next != "link")
        made.next = selector_of(v["next"]);
    if (const json::Value until = v["until"]; !until.is_null() && !until.equals("known")) {
        made.until_known = false;
        made.until = program_of(until);
    }
    set(v["max"], made.max);
    made.oldest_first = v["order"].equals("oldest-first");
    return made;
}

}  // namespace

void build_poll(const json::Value& root, Definition& made) {
    const json::Value v = root["poll"];
    PollSpec& poll = made.poll;
    set(v["every"], poll.every);
    set(v["align"], poll.align);
    set(v["offset"], poll.offset);
    if (!v["jitter"].is_null())
        poll.jitter_percent = parse_percent(scalar_text(v["jitter"])).value_or(poll.jitter_percent);
    set(v["interval_header"], poll.interval_header);
    poll.same_body = v["same"].equals("body");
    if (!v["diff"].is_null()) poll.diff = diff_of(v["diff"]);
    if (!v["pages"].is_null()) poll.pages = pages_of(v["pages"]);
    set(v["batch"]["items"], poll.batch_items);
}

// -- budgets, errors, limits ------------------------------------------------------------------------------------

namespace {

void build_rate(const json::Value& v, RateSpec& made) {
    set(v["connects"], made.connects);
    set(v["messages"], made.messages);
    set(v["requests"], made.requests);
    set(v["concurrency"], made.concurrency);
    set(v["count_control"], made.count_control);
    set(v["remaining"], made.remaining);
    set(v["retry_after"], made.retry_after);
    set(v["per"], made.per,
        {{"source", RateSpec::Per::Source}, {"provider", RateSpec::Per::Provider}});
}

ErrorRule error_of(const json::Value& v) {
    ErrorRule made;
    if (const auto status = v["status"].integer())
        made.status = static_cast<std::uint32_t>(*status);
    set(v["match"], made.match);
    set(v["do"], made.what,
        {{"fail", ErrorRule::Do::Fail},
         {"limit", ErrorRule::Do::Limit},
         {"restart", ErrorRule::Do::Restart},
         {"ignore", ErrorRule::Do::Ignore}});
    return made;
}

}  // namespace

void build_care(const json::Value& root, Definition& made) {
    if (root["rate"].is_object()) build_rate(root["rate"], made.rate);
    const json::Value backoff = root["backoff"];
    set(backoff["min"], made.backoff.min);
    set(backoff["max"], made.backoff.max);
    set(backoff["reset_after"], made.backoff.reset_after,
        {{"data", BackoffSpec::ResetAfter::Data}, {"connect", BackoffSpec::ResetAfter::Connect}});
    set(backoff["auth_retries"], made.backoff.auth_retries);
    each(root["errors"], [&](const json::Value& v) { made.errors.push_back(error_of(v)); });
    const json::Value limits = root["limits"];
    set_size(limits["frame"], made.limits.frame);
    set_size(limits["queue"], made.limits.queue);
    set(limits["full"], made.limits.full,
        {{"stop", LimitsSpec::Full::Stop},
         {"drop", LimitsSpec::Full::Drop},
         {"conflate", LimitsSpec::Full::Conflate}});
    set(limits["rows_per_frame"], made.limits.rows_per_frame);
    const json::Value placement = root["placement"];
    set(placement["zone"], made.placement.zone);
    set(placement["node"], made.placement.node);
    set(placement["standby"], made.placement.standby,
        {{"none", Placement::Standby::None},
         {"warm", Placement::Standby::Warm},
         {"race", Placement::Standby::Race}});
    set(placement["on_isolation"], made.placement.on_isolation,
        {{"continue", Placement::OnIsolation::Continue}, {"pause", Placement::OnIsolation::Pause}});
    set(root["weakness"], made.weakness);
}

// -- the other types --------------------------------------------------------------------------------------------

namespace {

VerifySpec verify_of(const json::Value& v) {
    VerifySpec made{.header = v["header"].string(),
                    .secret = read_secret_form(v["secret"]).value()};
    made.over = v["over"].is_null() ? Template::parse("{$body}").value() : template_of(v["over"]);
    set(v["timestamp"], made.timestamp);
    set(v["prefix"], made.prefix);
    set(v["hash"], made.hash, {{"sha256", HashName::Sha256}, {"sha512", HashName::Sha512}});
    set(v["encode"], made.encode, {{"hex", Encode::Hex}, {"base64", Encode::Base64}});
    set(v["tolerance"], made.tolerance);
    return made;
}

void build_file(const json::Value& root, FileSpec& made) {
    set(root["path"], made.path);
    set(root["follow"], made.follow);
    const json::Value speed = root["speed"];
    if (speed.is_number()) made.speed = speed.number();
    if (speed.is_object()) {
        made.speed = speed["times"].number().value_or(1.0);
        if (!speed["at"].is_null()) made.speed_time = path_of(speed["at"]);
    }
}

}  // namespace

void build_other(const json::Value& root, Definition& made) {
    if (!root["verify"].is_null()) made.verify = verify_of(root["verify"]);
    made.events = texts_of(root["events"]);
    build_file(root, made.file);
    if (root["rate"].is_string()) made.test.rate = parse_rate(root["rate"].string()).value();
    set(root["keys"], made.test.keys);
    set(root["shape"], made.test.shape,
        {{"trade", TestSpec::Shape::Trade},
         {"sensor", TestSpec::Shape::Sensor},
         {"counter", TestSpec::Shape::Counter}});
    if (const auto seed = root["seed"].integer())
        made.test.seed = static_cast<std::uint64_t>(*seed);
}

}  // namespace anode::source
