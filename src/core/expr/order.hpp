#pragma once

#include "core/expr/machine.hpp"

/// jq's order of values and what builds on it.
namespace anode::expr {

/// `order` is negative, nought or positive: null < false < true < numbers < strings < arrays < objects. NaN is below
/// every number, itself included.
Status compare(Machine& machine, const Val& a, const Val& b, int& order);
/// As jq's `contains`: parts of strings, of arrays and of objects, at any depth.
Status contains(Machine& machine, const Val& whole, const Val& part, bool& out);
/// A sorted copy, stable.
Status sorted(Machine& machine, const List& from, List& out);
/// The names in order, sorted.
Status sorted_names(Machine& machine, const Dict& from, List& out);

}  // namespace anode::expr
