#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "core/mesh/mesh.hpp"
#include "runtime/mesh_tls.hpp"

namespace anode {

class Loop;

struct MeshOptions {
    mesh::Config config;
    MeshSecurity security;
    /// A literal address and a port: `0.0.0.0:7947`, `[::]:7947`, `127.0.0.1:0` (the kernel's choice, see port()).
    std::string listen = "0.0.0.0:7947";
    std::size_t connections_max = 1'024;
};

struct MeshTraffic {
    std::uint64_t accepts = 0, dials = 0, handshake_failures = 0, turned_away = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;  ///< on the wire, TLS not counted
};

/// Sockets and time of one Mesh: a listener, dialled connections, TLS, one timer. Moves bytes, decides nothing.
/// Thread:  the loop's own, except post(). open(), handle() and close() also before the loop starts and after it ended.
/// Errors:  open() tells Malformed (address, keys, certificates) and Io (sockets). Later ones become LinkClosed.
/// Limits:  connections_max; what waits unsent of one connection is bounded by Mesh's own limits.
class MeshDriver {
public:
    /// Gets what is neither Dial, Send nor Close, in the machine's order; the outbox resolves slices. It may call handle():
    /// that input is applied after the outputs at hand. It does not destroy the driver.
    using OnOutput = std::function<void(const mesh::Output& output, const mesh::Outbox& outbox)>;

    /// Binds; hears nothing before start(). The loop outlives the driver.
    static Result<std::unique_ptr<MeshDriver>> open(Loop& loop, MeshOptions options,
                                                    OnOutput on_output);
    ~MeshDriver();
    MeshDriver(const MeshDriver&) = delete;
    MeshDriver& operator=(const MeshDriver&) = delete;

    void start(std::vector<mesh::KnownLog> logs);
    /// Applies an input at the loop's present time and does what the machine asks.
    void handle(const mesh::Input& input);
    /// handle() from any thread, soon. Dropped once the driver is closed or gone. The input holds no views.
    void post(mesh::Input input);
    void set_keys(const std::vector<Bytes>& keys);
    /// Closes all connections, says nothing to anybody. The machine can still be looked at.
    void close();

    [[nodiscard]] const mesh::Mesh& machine() const noexcept;
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] const MeshTraffic& traffic() const noexcept;

private:
    struct State;
    explicit MeshDriver(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace anode
