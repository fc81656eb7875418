#include "core/source/machine.hpp"

#include "core/source/poll.hpp"
#include "core/source/simple.hpp"
#include "core/source/stream.hpp"

namespace anode::source {

std::unique_ptr<Machine> make_machine(std::shared_ptr<const Definition> definition,
                                      Restored restored, const Secrets& secrets, Budgets& budgets,
                                      Rng rng) {
    const auto make = [&]<class M>(std::in_place_type_t<M>) -> std::unique_ptr<Machine> {
        return std::make_unique<M>(std::move(definition), std::move(restored), secrets, budgets,
                                   rng);
    };
    switch (definition->type) {
        case Type::Websocket:
        case Type::Sse:
            return make(std::in_place_type<StreamMachine>);
        case Type::Rest:
            return make(std::in_place_type<PollMachine>);
        case Type::Webhook:
            return make(std::in_place_type<WebhookMachine>);
        case Type::File:
            return make(std::in_place_type<FileMachine>);
        case Type::Test:
            return make(std::in_place_type<TestMachine>);
    }
    return nullptr;
}

}  // namespace anode::source
