#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "api/table/documents.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"

/// `/v1/openapi.json` and `/v1/asyncapi.json`, made from the table once.
namespace anode::api::rest {

namespace {

Handler document(Bytes json) {
    Bytes raw;
    put_be(raw, hash64(json));
    Response response = Response::json(std::move(json));
    response.etag = text::hex(raw);
    response.cache_control = "no-cache";
    return answering([shared = std::make_shared<const Response>(std::move(response))](
                         Request&) -> Answer { return *shared; });
}

}  // namespace

void add_descriptions(Router& router, const Context& context) {
    const std::string& version = context->doors.node.facts().version;
    const Handler openapi = document(openapi_json(version, context->public_url));
    const Handler asyncapi = document(asyncapi_json(version, context->public_url));
    for (const char* base : {"", "/v1"}) {
        const std::string path(base);
        router.add(Method::Get, path + "/openapi.json", openapi, RunOn::Worker);
        router.add(Method::Get, path + "/asyncapi.json", asyncapi, RunOn::Worker);
    }
}

}  // namespace anode::api::rest
