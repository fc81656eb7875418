#pragma once

#include <cstdint>
#include <memory>

#include "core/source/machine_io.hpp"
#include "runtime/source_driver.hpp"

/// One connection, stream or file of a source, as the driver holds it. A part of source_driver.cpp.
namespace anode {

/// What a link tells its driver. After closed() or file_end() nothing follows.
class LinkOwner {
public:
    virtual ~LinkOwner() = default;
    virtual void step(const source::Input& input) = 0;
    virtual void batch_end() = 0;
    /// The link ended; `why` becomes an input unless the machine has let go of the link.
    virtual void link_closed(source::ConnId conn, source::Failure why) = 0;
    virtual void link_ended(source::ConnId conn) = 0;
    virtual void note(std::string_view kind, std::string detail) = 0;
};

class SourceLink {
public:
    virtual ~SourceLink() = default;
    virtual Result<void> send(BytesView, bool /*binary*/) {
        return fail(Errc::Unsupported, "nothing can be sent");
    }
    virtual Result<void> ping(BytesView) { return fail(Errc::Unsupported, "nothing can be sent"); }
    virtual void reading(bool on) = 0;
    /// False if the link is gone at once; true if it says good-bye first (link_closed() follows).
    virtual bool close(std::uint16_t code, BytesView reason) = 0;
    [[nodiscard]] virtual std::uint64_t bytes_in() const noexcept = 0;

    bool muted = false;  ///< the machine has let go of it
};

/// Opens what the action wants. The answer always comes later, as steps of `owner`, which outlives the link.
std::unique_ptr<SourceLink> open_link(SourceWorld world, LinkOwner& owner,
                                      const source::act::Open& wanted);
std::unique_ptr<SourceLink> open_link(SourceWorld world, LinkOwner& owner,
                                      const source::act::OpenFile& wanted);

source::Failure failure(source::ErrorClass kind, std::string detail);

}  // namespace anode
