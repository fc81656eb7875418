#include "core/fanout/form.hpp"

#include "core/message/cursor.hpp"

namespace anode::fanout {

Line Encoder::line(const Judge& judge, const Form& form, std::uint8_t extra_flags) {
    text_.clear();
    append_message(text_, judge.block(), judge.index(), store_, form.style, extra_flags);
    Line line;
    line.text = text_;
    line.binary = form.style.format == Format::Data && !judge.entry().content_type.empty();
    if (form.framing->wants_cursor()) {
        cursor_.clear();
        Cursor::append_text(cursor_, store_, judge.entry().arrival,
                            judge.entry().ts() - kCursorSlack);
        line.cursor = cursor_;
    }
    return line;
}

}  // namespace anode::fanout
