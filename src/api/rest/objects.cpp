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
    json::Document document;
    if (const auto parsed = document.parse(request.body); !parsed)
        return refuse(json_problem(parsed.error()));
    if (!document.root().is_object()) return refuse(Problem::invalid("an object is expected"));
    Write write;
    write.name = request.param("name");
    write.body = request.body;
    write.patch = patch;
    write.create_only = request.none_match("*") || request.method == Method::Post;
    write.if_match = request.if_match();
    write.must_exist = patch || write.if_match.has_value();
    write.dry_run = request.flag("dry_run");
    write.actor = actor_of(request);
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

/// The object as it is, if the request's conditions hold: what a removal or a verb would be about.
void show_instead(Objects& objects, Request& request, Responder responder) {
    objects.get(std::string(request.param("name")),
                [responder = std::move(responder),
                 if_match = request.if_match()](Outcome<Object> object) mutable {
                    if (!object) return responder.problem(Problem::of(object.error()));
                    if (if_match && *if_match != "*" && *if_match != object->etag)
                        return responder.problem(Problem::of(
                            Failure{Failure::Why::Stale, "the object was changed meanwhile", {}}));
                    Response response = Response::json(std::move(object->json));
                    response.etag = object->etag;
                    send_from_node(std::move(responder), std::move(response));
                });
}

void remove(Objects& objects, ClusterState* state, Request& request, Responder responder) {
    auto wait = read_wait(request);
    if (!wait) return responder.problem(std::move(wait.error()));
    if (request.flag("dry_run")) return show_instead(objects, request, std::move(responder));
    objects.remove_if(
        std::string(request.param("name")), request.if_match().value_or("*"), actor_of(request),
        [responder = std::move(responder), state, wait = *wait](Outcome<void> done) mutable {
            if (!done) return responder.problem(Problem::of(done.error()));
            send_settled(state, wait, std::move(responder), Response::empty());
        });
}

/// One page of a list that is made whole: `after` is the number of items before it.
Answer page_of_list(const Request& request, const Bytes& json) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    const auto skip =
        range->after.empty() ? std::optional<std::uint64_t>(0) : text::parse_u64(range->after);
    if (!skip) return refuse_member("after", "the `next` of an earlier answer is expected");
    json::Document document;
    if (!document.parse(json) || !document.root()["items"].is_array()) return Response::json(json);
    const json::Value items = document.root()["items"];
    Bytes joined;
    std::uint64_t at = 0;
    for (json::Value item = items.first(); item; item = item.next_in(items), ++at) {
        if (at < *skip || at >= *skip + range->limit) continue;
        if (!joined.empty()) joined += ',';
        joined += item.raw();
    }
    Bytes beside;  // what the list says of itself, such as whose it is
    for (json::Value v = document.root().first(); v; v = v.next_in(document.root()))
        if (!v.is_named("items") && !v.is_named("next"))
            beside.append(",").append(text::json_string(v.name())).append(":").append(v.raw());
    const bool more = at > *skip + range->limit;
    return page_of(request, std::move(joined),
                   more ? std::optional(std::to_string(*skip + range->limit)) : std::nullopt,
                   beside);
}

/// What happens to an object, read in pages.
void look(Objects& objects, std::string what, Request& request, Responder responder) {
    if (refused_form(request, responder)) return;
    objects.act(std::string(request.param("name")), std::move(what), {}, request.caller.name,
                [&request, responder = std::move(responder)](Outcome<Bytes> outcome) mutable {
                    if (!outcome) return responder.problem(Problem::of(outcome.error()));
                    Answer answer = page_of_list(request, *outcome);
                    if (answer)
                        send_from_node(std::move(responder), std::move(*answer));
                    else
                        responder.problem(std::move(answer.error()));
                });
}

void act(Objects& objects, std::string verb, Request& request, Responder responder) {
    if (refused_form(request, responder)) return;
    if (!request.body.empty()) {
        json::Document document;
        if (const auto parsed = document.parse(request.body); !parsed)
            return responder.problem(json_problem(parsed.error()));
    }
    if (request.flag("dry_run")) return show_instead(objects, request, std::move(responder));
    objects.act(std::string(request.param("name")), std::move(verb), request.body,
                actor_of(request),
                [responder = std::move(responder)](Outcome<Bytes> outcome) mutable {
                    if (outcome)
                        send_from_node(std::move(responder), Response::json(std::move(*outcome)));
                    else
                        responder.problem(Problem::of(outcome.error()));
                });
}

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
            add_act(Method::Post, "/{name}:" + verb, verb);
        for (const std::string& verb : family_->trials) add_act(Method::Post, ":" + verb, verb);
        for (const std::string& what : family_->looks) add_look("/{name}/" + what, what);
        if (family_->schema) add_act(Method::Get, ":schema", "schema");
    }

private:
    void add_list() {
        const auto ask = [&objects = objects_, family = family_](Request& request) {
            return list(objects, *family, request);
        };
        router_.add(Method::Get, path_, answering(ask), RunOn::Worker);
    }
    void add_one() {
        const auto show = [&objects = objects_](Request& request, Responder responder) {
            get(objects, request, std::move(responder));
        };
        const auto drop = [&objects = objects_, state = state_](Request& request,
                                                                Responder responder) {
            remove(objects, state, request, std::move(responder));
        };
        router_.add(Method::Get, path_ + "/{name}", show);
        router_.add(Method::Delete, path_ + "/{name}", drop);
    }
    void add_writes() {
        const auto keep = [&objects = objects_, family = family_, state = state_](
                              Request& request, Responder responder) {
            write(objects, *family, state, request, std::move(responder));
        };
        router_.add(Method::Put, path_ + "/{name}", keep);
        if (family_->post) router_.add(Method::Post, path_, keep);
        if (family_->patch) router_.add(Method::Patch, path_ + "/{name}", keep);
    }
    void add_act(Method method, const std::string& behind, const std::string& verb) {
        const auto carry_out = [&objects = objects_, verb](Request& request, Responder responder) {
            act(objects, verb, request, std::move(responder));
        };
        router_.add(method, path_ + behind, carry_out);
    }

    void add_look(const std::string& behind, const std::string& what) {
        const auto show = [&objects = objects_, what](Request& request, Responder responder) {
            look(objects, what, request, std::move(responder));
        };
        router_.add(Method::Get, path_ + behind, show);
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
                .filters = {"state", "type", "owner", "origin", "enabled"},
                .verbs = {"enable", "disable", "restart", "move"},
                .looks = {"events", "errors", "items", "samples", "history"},
                .trials = {"test", "probe"},
                .schema = true},
               doors.state);
    add_family(router, doors.pipelines,
               {.plural = "pipelines",
                .filters = {"state", "owner", "origin", "enabled"},
                .verbs = {"test"},
                .trials = {"test"},
                .schema = true},
               doors.state);
    add_family(router, doors.retention,
               {.plural = "retention", .post = false, .patch = false, .filters = {"origin"}},
               doors.state);
}

}  // namespace anode::api::rest
