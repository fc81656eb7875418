#pragma once

#include "core/expr/machine.hpp"
#include "core/expr/node.hpp"

namespace anode::expr {

/// The one result of a node that has at most one.
Status eval(Machine& machine, const Node& node, const Val& input, Val& out);

/// What a walk does after a result.
enum class Flow : std::uint8_t { Go, Stop, Error };

/// A callable that is not owned: results go to it one by one.
class Sink {
public:
    template <class F>
    Sink(F& f)
        : self_(&f),
          call_([](void* self, const Val& value) { return (*static_cast<F*>(self))(value); }) {}
    Flow operator()(const Val& value) const { return call_(self_, value); }

private:
    void* self_;
    Flow (*call_)(void*, const Val&);
};

/// All results of a node, in order, until the sink stops.
Flow each(Machine& machine, const Node& node, const Val& input, Sink sink);

/// A built-in function; the kids of `node` are its arguments.
Status call(Machine& machine, const Node& node, const Val& input, Val& out);

}  // namespace anode::expr
