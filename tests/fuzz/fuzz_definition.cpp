#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/source/grammar.hpp"
#include "core/source/items.hpp"
#include "core/source/shaper.hpp"

/// A definition, and behind a zero byte frames for it: nothing that comes in may do more than be refused.

using namespace anode;
using namespace anode::source;

namespace {

void shape_frames(const std::shared_ptr<const Definition>& definition, std::string_view frames) {
    Shaper shaper(definition);
    std::vector<Row> rows;
    std::vector<DeadLetter> letters;
    Shaper::Input input{.connection = 1, .wall = 1'700'000'000'000'000};
    while (!frames.empty()) {
        const std::size_t end = frames.find('\0');
        input.bytes = frames.substr(0, end);
        frames.remove_prefix(end == std::string_view::npos ? frames.size() : end + 1);
        rows.clear();
        letters.clear();
        shaper.recycle();
        static_cast<void>(shaper.shape(input, rows, letters));
        Bytes letter;
        for (const DeadLetter& dead : letters) append_dead_letter(letter, definition->name, dead);
        input.wall += 1000;
    }
}

void fill_steps(const Definition& definition) {
    const auto items = product(definition.items);
    Rng rng(1);
    std::uint64_t counter = 1;
    Context context{.wall = 1, .rng = &rng, .counter = &counter};
    if (items) context.items = std::span(*items).first(std::min<std::size_t>(items->size(), 16));
    for (const Step& step : definition.connect) {
        std::string out;
        if (const auto* send = std::get_if<SendStep>(&step.what))
            static_cast<void>(send->send.append(out, context));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t end = all.find('\0');
    json::Document document;
    if (!document.parse(all.substr(0, end))) return 0;
    static_cast<void>(redacted_json(document.root()));
    static_cast<void>(secret_places(document.root()));
    auto parsed = parse(document.root());
    if (!parsed) return 0;
    const auto definition = std::make_shared<const Definition>(std::move(*parsed));
    fill_steps(*definition);
    if (end != std::string_view::npos) shape_frames(definition, all.substr(end + 1));
    return 0;
}
