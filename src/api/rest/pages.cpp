#include "api/dashboard/serve.hpp"
#include "api/rest/rest.hpp"

/// `GET /` and `/ui…`: the dashboard. Each of its views has an address of its own below `/ui`, and all of them are one page.
/// Source: interfaces, sections 10 and 15.
namespace anode::api::rest {

void add_pages(Router& router, const Context&) {
    const auto add = [&router](std::string pattern, std::string summary) {
        router.add({.method = Method::Get,
                    .pattern = std::move(pattern),
                    .role = Role::None,
                    .handler =
                        [](Request& request, Responder responder) {
                            responder.send(
                                dashboard::serve(dashboard::Assets::built_in(), request));
                        },
                    .summary = std::move(summary),
                    .args = {"*"}});
    };
    add("/", "The dashboard: what a person who runs this looks at");
    add("/ui", "The dashboard");
    add("/ui/{path*}", "The dashboard's files, and each of its views");
}

}  // namespace anode::api::rest
