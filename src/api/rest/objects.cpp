#include "api/rest/objects.hpp"

#include <algorithm>

#include "api/rest/await.hpp"
#include "api/rest/settle.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

std::string name_of(const Bytes& json) {
    json::Document document;
    return document.parse(json) ? document.root()["name"].string() : std::string();
}

/// A listed object beside what it is sorted and found by.
struct Listed {
    std::string name;
    const Bytes* json;
};

bool fits(const json::Value& object, const Family& family, const Request& request) {
    for (const std::string& field : family.filters) {
        const auto wanted = request.arg(field);
        if (wanted && object[field].scalar() != wanted) return false;
    }
    return true;
}

Answer list(Objects& objects, const Family& family, const Request& request) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    const auto all =
        await<std::vector<Object>>([&](auto reply) { objects.list(std::move(reply)); });
    if (!all) return refuse({503, "not-ready", "the node did not answer in time", {}, 1000, {}});
    std::vector<Listed> found;
    json::Document document;
    for (const Object& object : *all) {
        if (!document.parse(object.json) || !fits(document.root(), family, request)) continue;
        std::string name = document.root()["name"].string();
        if (range->after.empty() || name > range->after)
            found.push_back({std::move(name), &object.json});
    }
    std::ranges::sort(found, {}, &Listed::name);
    const bool more = found.size() > range->limit;
    if (more) found.resize(range->limit);
    Bytes joined;
    for (const Listed& one : found) {
        if (!joined.empty()) joined += ',';
        joined += *one.json;
    }
    return page_of(request, std::move(joined),
                   more ? std::optional(found.back().name) : std::nullopt);
}

/// The conditions and the body of a write; the error is of the request itself.
Read<Write> read_write(const Request& request, bool patch) {
    if (auto problem = wrong_body_type(request, patch)) return refuse(std::move(*problem));
    json::Document document;
    if (const auto parsed = document.parse(request.body); !parsed)
        return refuse(Problem::bad_json(parsed.error().what));
    Write write;
    write.name = request.param("name");
    write.body = request.body;
    write.patch = patch;
    write.create_only = request.none_match("*") || request.method == Method::Post;
    write.if_match = request.if_match();
    write.must_exist = patch || write.if_match.has_value();
    write.dry_run = request.flag("dry_run");
    write.actor = request.caller.name;
    return write;
}

void write(Objects& objects, const Family& family, ClusterState* state, Request& request,
           Responder responder) {
    if (refused_form(request, responder)) return;
    auto write = read_write(request, request.method == Method::Patch);
    if (!write) return responder.problem(std::move(write.error()));
    auto wait = read_wait(request);
    if (!wait) return responder.problem(std::move(wait.error()));
    const bool dry_run = write->dry_run;
    if (dry_run) wait->reset();
    objects.write(std::move(*write),
                  [responder = std::move(responder), dry_run, state, wait = *wait,
                   path = "/v1/" + family.plural + "/"](Outcome<Written> outcome) mutable {
                      if (!outcome) return responder.problem(Problem::of(outcome.error()));
                      const bool created = outcome->created && !dry_run;
                      Response response =
                          Response::json(std::move(outcome->object.json), created ? 201 : 200);
                      response.etag = outcome->object.etag;
                      if (created)
                          response.headers.emplace_back(
                              "Location", path + text::percent_encode(name_of(response.body)));
                      send_settled(state, wait, std::move(responder), std::move(response));
                  });
}

void get(Objects& objects, Request& request, Responder responder) {
    if (refused_form(request, responder)) return;
    objects.get(std::string(request.param("name")),
                [responder = std::move(responder)](Outcome<Object> object) mutable {
                    if (!object) return responder.problem(Problem::of(object.error()));
                    Response response = Response::json(std::move(object->json));
                    response.cache_control = "no-cache";
                    response.etag = object->etag;
                    send_from_node(std::move(responder), std::move(response));
                });
}

void remove(Objects& objects, ClusterState* state, Request& request, Responder responder) {
    auto wait = read_wait(request);
    if (!wait) return responder.problem(std::move(wait.error()));
    objects.remove_if(
        std::string(request.param("name")), request.if_match().value_or("*"), request.caller.name,
        [responder = std::move(responder), state, wait = *wait](Outcome<void> done) mutable {
            if (!done) return responder.problem(Problem::of(done.error()));
            send_settled(state, wait, std::move(responder), Response::empty());
        });
}

void act(Objects& objects, std::string verb, Request& request, Responder responder) {
    if (refused_form(request, responder)) return;
    if (!request.body.empty()) {
        if (auto problem = wrong_body_type(request)) return responder.problem(std::move(*problem));
        json::Document document;
        if (const auto parsed = document.parse(request.body); !parsed)
            return responder.problem(Problem::bad_json(parsed.error().what));
    }
    objects.act(std::string(request.param("name")), std::move(verb), request.body,
                request.caller.name,
                [responder = std::move(responder)](Outcome<Bytes> outcome) mutable {
                    if (outcome)
                        send_from_node(std::move(responder), Response::json(std::move(*outcome)));
                    else
                        responder.problem(Problem::of(outcome.error()));
                });
}

using Later = void (*)(Objects&, const Family&, Request&, Responder);

/// Adds the rows of one family.
class Rows {
public:
    Rows(Router& router, Objects& objects, Family family, ClusterState* state)
        : router_(router),
          objects_(objects),
          state_(state),
          family_(std::make_shared<const Family>(std::move(family))),
          path_("/v1/" + family_->plural) {}

    void add() {
        add_list();
        add_one();
        add_writes();
        for (const std::string& verb : family_->verbs)
            add_act(Method::Post, "/{name}:" + verb, verb, family_->write);
        for (const std::string& verb : family_->trials)
            add_act(Method::Post, ":" + verb, verb, family_->write);
        for (const std::string& look : family_->looks)
            add_act(Method::Get, "/{name}/" + look, look, family_->read);
        if (family_->schema) add_act(Method::Get, ":schema", "schema", family_->read);
    }

private:
    void add_list() {
        std::vector<std::string> args{"limit", "after"};
        args.insert(args.end(), family_->filters.begin(), family_->filters.end());
        router_.add(
            {.method = Method::Get,
             .pattern = path_,
             .role = family_->read,
             .handler = answering([&objects = objects_, family = family_](Request& request) {
                 return list(objects, *family, request);
             }),
             .run_on = RunOn::Worker,
             .summary = "All " + family_->plural + " with their state",
             .args = std::move(args)});
    }
    void add_one() {
        router_.add({.method = Method::Get,
                     .pattern = path_ + "/{name}",
                     .role = family_->read,
                     .handler =
                         [&objects = objects_](Request& request, Responder responder) {
                             get(objects, request, std::move(responder));
                         },
                     .summary = "One " + family_->singular});
        router_.add(
            {.method = Method::Delete,
             .pattern = path_ + "/{name}",
             .role = family_->write,
             .handler =
                 [&objects = objects_, state = state_](Request& request, Responder responder) {
                     remove(objects, state, request, std::move(responder));
                 },
             .summary = "Remove a " + family_->singular,
             .args = {"wait", "timeout"}});
    }
    void add_writes() {
        add_write(Method::Put, "/{name}", "Create or replace a " + family_->singular);
        if (family_->post) add_write(Method::Post, "", "Create a " + family_->singular);
        if (family_->patch)
            add_write(Method::Patch, "/{name}", "Change a " + family_->singular + " (merge patch)");
    }
    void add_write(Method method, const std::string& behind, std::string summary) {
        router_.add({.method = method,
                     .pattern = path_ + behind,
                     .role = family_->write,
                     .handler =
                         [&objects = objects_, family = family_, state = state_](
                             Request& request, Responder responder) {
                             write(objects, *family, state, request, std::move(responder));
                         },
                     .summary = std::move(summary),
                     .args = {"dry_run", "wait", "timeout"}});
    }
    void add_act(Method method, const std::string& behind, const std::string& verb, Role role) {
        router_.add({.method = method,
                     .pattern = path_ + behind,
                     .role = role,
                     .handler =
                         [&objects = objects_, verb](Request& request, Responder responder) {
                             act(objects, verb, request, std::move(responder));
                         },
                     .summary = summary_of(method, behind, verb),
                     .args = method == Method::Get ? std::vector<std::string>{"limit", "after"}
                                                   : std::vector<std::string>{}});
    }
    std::string summary_of(Method method, const std::string& behind,
                           const std::string& verb) const {
        if (verb == "schema") return "JSON schema of a " + family_->singular;
        if (method == Method::Get) return verb + " of a " + family_->singular;
        return verb + (behind.starts_with(':') ? " a given " : " a ") + family_->singular;
    }

    Router& router_;
    Objects& objects_;
    ClusterState* state_;
    std::shared_ptr<const Family> family_;
    std::string path_;
};

}  // namespace

void add_family(Router& router, Objects& objects, Family family, ClusterState* state) {
    Rows(router, objects, std::move(family), state).add();
}

void add_objects(Router& router, const Context& context) {
    const Doors& doors = context->doors;
    add_family(router, doors.sources,
               {.plural = "sources",
                .singular = "source",
                .filters = {"state", "type", "owner", "origin", "enabled"},
                .verbs = {"enable", "disable", "restart", "move"},
                .looks = {"events", "errors", "items", "samples", "history"},
                .trials = {"test", "probe"},
                .schema = true},
               doors.state);
    add_family(router, doors.pipelines,
               {.plural = "pipelines",
                .singular = "pipeline",
                .filters = {"state", "owner", "origin", "enabled"},
                .verbs = {"test"},
                .trials = {"test"},
                .schema = true},
               doors.state);
    add_family(router, doors.retention,
               {.plural = "retention",
                .singular = "retention rule",
                .write = Role::Admin,
                .post = false,
                .patch = false,
                .filters = {"origin"}},
               doors.state);
}

}  // namespace anode::api::rest
