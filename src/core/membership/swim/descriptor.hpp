#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.hpp"
#include "core/membership/types.hpp"

namespace anode::membership {

/// What a member announced of itself: never changed, shared by every view that believes the same.
/// Thread: whoever runs the nodes that share a NamePool; the count is a plain number.
struct Descriptor {
    Address address;
    Versions versions;
    bool ours = false;  ///< the metadata is a NodeMeta
    bool fast = false;  ///< and tells the capability kFast
    std::uint32_t references = 0;
    Bytes meta;

    [[nodiscard]] bool same(const Address& other_address, BytesView other_meta,
                            const Versions& other_versions) const noexcept {
        return address == other_address && meta == other_meta && versions == other_versions;
    }
};

/// Eight bytes that hold a Descriptor.
class DescriptorRef {
public:
    DescriptorRef() = default;
    explicit DescriptorRef(Descriptor* descriptor) noexcept : descriptor_(descriptor) {
        if (descriptor_ != nullptr) ++descriptor_->references;
    }
    DescriptorRef(const DescriptorRef& other) noexcept : DescriptorRef(other.descriptor_) {}
    DescriptorRef(DescriptorRef&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
    DescriptorRef& operator=(DescriptorRef other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~DescriptorRef() {
        if (descriptor_ != nullptr && --descriptor_->references == 0) delete descriptor_;
    }
    const Descriptor* operator->() const noexcept { return descriptor_; }
    const Descriptor& operator*() const noexcept { return *descriptor_; }
    explicit operator bool() const noexcept { return descriptor_ != nullptr; }

private:
    Descriptor* descriptor_ = nullptr;
};

}  // namespace anode::membership
