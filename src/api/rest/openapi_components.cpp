#include "api/rest/openapi.hpp"

namespace anode::api::rest {

std::string_view openapi_components() {
    return R"({"securitySchemes":{"token":{"type":"http","scheme":"bearer","description":"`an_…`, made by POST /v1/tokens"}},)"
           R"("parameters":{)"
           R"("IfMatch":{"name":"If-Match","in":"header","description":"Change only this version: 412 if it is stale","schema":{"type":"string"}},)"
           R"("IfNoneMatch":{"name":"If-None-Match","in":"header","description":"`*`: create only","schema":{"type":"string"}},)"
           R"("IdempotencyKey":{"name":"Idempotency-Key","in":"header","description":"The same key within 10 minutes adds nothing","schema":{"type":"string","maxLength":255}}},)"
           R"("responses":{"Problem":{"description":"What went wrong","content":{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}}},)"
           R"("schemas":{)"
           R"("Problem":{"type":"object","required":["type","title","status","code","detail","instance","errors","retry_ms"],"properties":{)"
           R"("type":{"type":"string","format":"uri"},"title":{"type":"string"},"status":{"type":"integer"},"code":{"type":"string"},)"
           R"("detail":{"type":"string"},"instance":{"type":"string"},"errors":{"type":"array","items":{"$ref":"#/components/schemas/ProblemError"}},)"
           R"("retry_ms":{"type":["integer","null"]}}},)"
           R"("ProblemError":{"type":"object","required":["pointer","code"],"properties":{"pointer":{"type":"string"},"code":{"type":"string"},"detail":{"type":"string"}}},)"
           R"("Message":{"type":"object","required":["cursor","id","topic","ts","src","node"],"properties":{)"
           R"("cursor":{"type":"string","maxLength":512},"id":{"type":"string","minLength":26,"maxLength":26},"topic":{"type":"string","maxLength":255},)"
           R"("ts":{"type":"integer"},"src":{"type":"string"},"node":{"type":"string"},"data":true,"b64":{"type":"string","contentEncoding":"base64"},)"
           R"("ct":{"type":"string"},"key":{"type":"string"},"kind":{"type":"string","enum":["set","delete","retract","snapshot"]},"sts":{"type":"integer"},)"
           R"("flags":{"type":"array","items":{"type":"string","enum":["backfill","late","replay","partitioned","repeat"]}},"prov":{"type":"object"}}},)"
           R"("CloudEvent":{"type":"object","required":["specversion","id","source","type"],"properties":{"specversion":{"const":"1.0"},"id":{"type":"string"},)"
           R"("source":{"type":"string"},"type":{"type":"string"},"subject":{"type":"string"},"time":{"type":"string","format":"date-time"},)"
           R"("datacontenttype":{"type":"string"},"data":true,"data_base64":{"type":"string","contentEncoding":"base64"}}},)"
           R"("Published":{"type":"object","required":["accepted","rejected","last","ack"],"properties":{"accepted":{"type":"integer"},)"
           R"("rejected":{"type":"array","items":{"type":"object","properties":{"line":{"type":"integer"},"code":{"type":"string"},"detail":{"type":"string"}}}},)"
           R"("last":{"type":["string","null"]},"ack":{"type":"string"}}},)"
           R"("Object":{"type":"object"},)"
           R"("Page":{"type":"object","required":["items","next"],"properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/Object"}},"next":{"type":["string","null"]}}},)"
           R"("MessagePage":{"type":"object","required":["items","next"],"properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/Message"}},"next":{"type":["string","null"]}}}}})";
}

}  // namespace anode::api::rest
