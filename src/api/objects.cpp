#include "api/doors.hpp"

namespace anode::api {

/// For objects that cannot do it in one step: they are looked at first.
void Objects::remove_if(std::string name, std::string etag, std::string actor,
                        Reply<Outcome<void>> reply) {
    if (etag == "*") return remove(std::move(name), std::move(actor), std::move(reply));
    get(name, [this, name, etag = std::move(etag), actor = std::move(actor),
               reply = std::move(reply)](Outcome<Object> found) mutable {
        if (!found) return reply(std::unexpected(std::move(found.error())));
        if (found->etag != etag)
            return reply(std::unexpected(
                Failure{Failure::Why::Stale, "the object was changed meanwhile", {}}));
        remove(std::move(name), std::move(actor), std::move(reply));
    });
}

}  // namespace anode::api
