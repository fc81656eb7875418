#pragma once

#include "core/source/secret.hpp"

namespace anode {

/// Secrets of the environment and of files (≤ 64 KiB, read at each use, so that a renewed file counts at once).
/// Thread: any.
class SystemSecrets final : public source::Secrets {
public:
    [[nodiscard]] Result<std::string> value(const source::SecretRef& reference) const override;
};

}  // namespace anode
