#include "api/dashboard/small_page.hpp"

#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"

namespace anode::api::dashboard {

namespace {

constexpr std::string_view kWhy = "@why@";

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>aNode</title>
<link rel="stylesheet" href="/ui/page.css">
</head>
<body>
<main>
<h1>aNode</h1>
<p>This is a node of a real-time data hub. Sources write messages to topics; whoever knows a URL can listen.</p>
<p>The dashboard is left out of this program: @why@. Everything it would show is in the API.</p>
<h2>Look</h2>
<ul>
<li><a href="/healthz?verbose">Health</a>, <a href="/metrics">metrics</a>, <a href="/v1/version">version</a></li>
<li><a href="/v1/cluster">Cluster</a>, <a href="/v1/nodes">nodes</a>, <a href="/v1/listeners">listeners</a>, <a href="/v1/storage">storage</a></li>
<li><a href="/v1/sources">Sources</a>, <a href="/v1/pipelines">pipelines</a>, <a href="/v1/topics">topics</a></li>
<li><a href="/v1/events">Events</a>, <a href="/v1/gaps">gaps</a>, <a href="/v1/audit">audit</a></li>
</ul>
<h2>Listen</h2>
<pre>curl -N 'http://HOST:7945/v1/stream?topics=&gt;'
websocat 'ws://HOST:7945/v1/stream?topics=a.*&amp;from=-5m'</pre>
<h2>Publish</h2>
<pre>curl -H 'Content-Type: application/json' -d '{"hello":"world"}' http://HOST:7945/v1/topics/my.topic/messages</pre>
<h2>Describe</h2>
<ul>
<li><a href="/openapi.json">openapi.json</a>: everything that is asked and answered</li>
<li><a href="/asyncapi.json">asyncapi.json</a>: everything that flows</li>
</ul>
</main>
</body>
</html>
)";

constexpr std::string_view kStyle =
    R"(:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#fafafa, #16181c); color: light-dark(#1c1e21, #e4e6ea); }
main { max-width: 44rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 2rem; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
a { color: light-dark(#0b57d0, #8ab4f8); }
pre { overflow-x: auto; padding: .75rem 1rem; border-radius: .5rem; background: light-dark(#eef0f3, #22252b); }
)";

}  // namespace

Response small_page(std::string_view why, const Request& request) {
    const bool style = request.path == "/ui/page.css";
    Response response;
    response.body = style ? kStyle : kPage;
    response.content_type = style ? "text/css; charset=utf-8" : "text/html; charset=utf-8";
    if (!style) response.body.replace(response.body.find(kWhy), kWhy.size(), why);
    Bytes raw;
    put_be(raw, hash64(response.body));
    response.etag = text::hex(raw);
    response.cache_control = "no-cache";
    return response;
}

}  // namespace anode::api::dashboard
