#include "app/vitals.hpp"

#include <sys/resource.h>

#include <cmath>

#include "base/log.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/limits.hpp"

namespace anode::app {

Vitals::Vitals(Loop& loop, Engine& engine, Sources& sources, Store& store,
               metrics::Registry& metrics, const api::NodeFacts& facts, std::uint64_t memory_limit)
    : loop_(loop),
      engine_(engine),
      sources_(sources),
      store_(store),
      metrics_(metrics),
      facts_(facts),
      memory_limit_(memory_limit),
      pulse_(metrics) {
    metrics.gauge("anode_build_info", "1; the labels tell the build.", {{"version", facts.version}})
        .set(1);
    metrics
        .gauge("anode_node_info", "1; the labels tell the node.",
               {{"id", facts.id_text},
                {"name", facts.name},
                {"cluster", facts.cluster},
                {"zone", facts.zone}})
        .set(1);
    metrics.gauge("anode_up_since_seconds", "When the process started, Unix time.")
        .set(static_cast<double>(facts.started) / 1e6);
    metrics.gauge("anode_fd_limit", "Descriptors that may be open.")
        .set(static_cast<double>(raise_fd_limit(1'048'576).soft));
    metrics.gauge("anode_config_restart_required", "Keys that wait for a restart.").set(0);
    metrics.on_scrape([this] { refresh(); });
}

void Vitals::refresh() {
    metrics_.gauge("anode_memory_bytes", "Memory in use.", {{"area", "resident"}})
        .set(static_cast<double>(resident_bytes()));
    metrics_
        .gauge("anode_memory_shed_level",
               "0: none, 1: no new listeners, 2: caches dropped, 3: no intake.")
        .set(shed_level());
    metrics_.gauge("anode_open_fds", "Descriptors open.").set(static_cast<double>(open_fds()));
    const StoreStats stats = store_.stats();
    metrics_.gauge("anode_disk_free_bytes", "Free bytes of the data directory's disk.")
        .set(static_cast<double>(stats.disk_free));
}

std::uint64_t Vitals::listeners() const {
    double all = 0;
    for (const char* transport : {"ws", "sse", "ndjson"})
        all += metrics_.gauge("anode_listeners", "Connected listeners", {{"transport", transport}})
                   .value();
    return static_cast<std::uint64_t>(all);
}

/// Cores that were busy for us since the last call.
double Vitals::cpu() {
    rusage usage{};
    (void)::getrusage(RUSAGE_SELF, &usage);
    const auto spent = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    const Duration used = spent(usage.ru_utime) + spent(usage.ru_stime);
    const Instant now = loop_.now().mono;
    const double share = cpu_at_ == Instant{} ? 0
                                              : std::chrono::duration<double>(used - cpu_before_) /
                                                    std::chrono::duration<double>(now - cpu_at_);
    cpu_before_ = used;
    cpu_at_ = now;
    return std::round(share * 1000) / 1000;
}

void Vitals::tick() {
    const double used = static_cast<double>(resident_bytes()) /
                        static_cast<double>(std::max<std::uint64_t>(memory_limit_, 1));
    const int level = used > 0.95 ? 3 : used > 0.90 ? 2 : used > 0.80 ? 1 : 0;
    if (shed_level_.exchange(level) != level)
        log::warn("node", "memory shed level changed",
                  {{"level", level}, {"percent", static_cast<int>(used * 100)}});
    engine_.shed(level >= 3);

    const Balance& now = engine_.balance();
    const Sources::Totals totals = sources_.totals();
    Bytes json;
    json::Writer out(json);
    out.begin_object()
        .member("node", facts_.id_text)
        .member("name", facts_.name)
        .member("at", text::rfc3339(loop_.now().wall));
    out.member("in_per_second", now.received - before_.received)
        .member("stored_per_second", now.stored - before_.stored);
    out.member("received", now.received)
        .member("stored", now.stored)
        .member("rejected", now.rejected);
    out.member("duplicates", now.duplicates).member("dropped", now.dropped);
    out.member("sources", totals.defined).member("sources_live", totals.live);
    out.member("sources_per_second", totals.messages_per_second)
        .member("memory_bytes", resident_bytes());
    out.member("memory_limit", memory_limit_).member("shed_level", level);
    out.member("sources_owned", totals.owned).member("listeners", listeners());
    out.member("cpu", cpu());
    const StoreStats stats = store_.stats();
    out.member("store_bytes", stats.bytes).member("store_pending", stats.pending_bytes);
    out.member("disk_free", stats.disk_free).member("disk_total", stats.disk_total);
    out.member("disk_full", stats.full);
    const Cluster cluster = cluster_ ? cluster_() : Cluster{};
    out.member("health_score", std::uint64_t{cluster.health_score})
        .member("links", std::uint64_t{cluster.links});
    out.member("clock_offset_ms", static_cast<double>(cluster.clock_offset.count()) / 1e3);
    pulse_.write(out);
    out.end_object();
    before_ = now;
    engine_.system_message("$sys.stats." + facts_.id_text, std::move(json));
    loop_.after(1s, [this] { tick(); });
}

}  // namespace anode::app
