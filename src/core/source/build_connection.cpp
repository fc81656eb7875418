#include "core/source/build.hpp"
#include "core/source/items.hpp"

namespace anode::source {

namespace {

QueryValue query_of(const json::Value& v) {
    QueryValue made{.name = v.name()};
    if (v.is_array()) {
        made.list = true;
        each(v, [&](const json::Value& e) { made.of.push_back(filler_of(e)); });
    } else if (const json::Value of = v["of"]; of.is_array()) {
        made.list = true;
        made.join = v["join"].string();
        each(of, [&](const json::Value& e) { made.of.push_back(filler_of(e)); });
    } else {
        made.of.push_back(filler_of(v));
    }
    return made;
}

HttpSpec http_of(const json::Value& v) {
    HttpSpec made;
    set(v["method"], made.method);
    if (!v["body"].is_null()) made.body = message_of(v["body"]);
    set(v["user_agent"], made.user_agent);
    set(v["proxy"], made.proxy);
    set(v["subprotocol"], made.subprotocol);
    set(v["origin"], made.origin);
    set(v["deflate"], made.deflate);
    set(v["timeout"], made.timeout);
    const json::Value tls = v["tls"];
    set(tls["ca"], made.tls.ca);
    set(tls["insecure"], made.tls.insecure);
    set(tls["server_name"], made.tls.server_name);
    return made;
}

ItemList list_of(const json::Value& v) {
    ItemList made{.name = v.name()};
    if (v.is_array()) {
        made.fixed = read_item_array(made.name, v).value_or(std::vector<Item>());
        return made;
    }
    ItemList::Fetched fetched{.get = template_of(v["get"], Place::Url), .select = expr::Path()};
    const json::Value select = v["select"];
    if (expr::is_expression(select.string())) {
        fetched.select = program_of(select);
    } else {
        fetched.select = path_of(select);
    }
    set(v["every"], fetched.every);
    made.fetched = std::move(fetched);
    return made;
}

}  // namespace

void build_connection(const json::Value& root, Definition& made) {
    const json::Value url = root["url"];
    if (url.is_string()) made.url.push_back(template_of(url, Place::Url));
    if (url.is_array())
        each(url, [&](const json::Value& v) { made.url.push_back(template_of(v, Place::Url)); });
    set(root["urls"], made.urls, {{"order", Urls::Order}, {"race", Urls::Race}});
    made.headers = headers_of(root["headers"]);
    each(root["query"], [&](const json::Value& v) { made.query.push_back(query_of(v)); });
    made.http = http_of(root["http"]);
    each(root["items"], [&](const json::Value& v) { made.items.push_back(list_of(v)); });
    set(root["shard"]["items"], made.shard.items);
    each(root["shard"]["route"], [&](const json::Value& v) {
        made.shard.route.push_back({program_of(v["match"]), template_of(v["url"], Place::Url)});
    });
}

}  // namespace anode::source
