#pragma once

#include <string>
#include <vector>

#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"

/// Stored objects over HTTP, the same for every kind: lists, versions, conditions, verbs.
/// Source: interfaces, sections 9 and 10.
namespace anode::api::rest {

/// One kind of object and which rows of the table it serves.
struct Family {
    std::string plural;  ///< `sources`: the path is `/v1/sources`
    bool post = true, patch = true;
    std::vector<std::string> filters = {};  ///< members a list can be filtered by
    std::vector<std::string> verbs = {};    ///< `POST …/{name}:verb`
    std::vector<std::string> looks = {};    ///< `GET …/{name}/look`
    std::vector<std::string> trials = {};   ///< `POST …:verb`
    bool schema = false;                    ///< `GET …:schema`
};

/// `objects` and `state` outlive the router. Without a state nobody is waited for.
void add_family(Router& router, Objects& objects, Family family, ClusterState* state = nullptr);

}  // namespace anode::api::rest
