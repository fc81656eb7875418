#include "core/message/envelope.hpp"

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "unit/message/support.hpp"

namespace anode {
namespace {

using test::log_of;
using test::random_bytes;
using test::random_topic;

constexpr WallTime kTs = 1'767'225'600'123'456;
constexpr std::uint32_t kStore = 99;

class EnvelopeSpec : public testing::Test {
protected:
    static Draft trade() {
        Draft out;
        out.topic = "crypto.binance.BTCUSDT.trade";
        out.source = "binance-spot";
        out.payload = R"({"p":"91234.10","q":"0.0020"})";
        return out;
    }

    BlockPtr block() {
        BlockBuilder builder;
        builder.add(Hlc::at(kTs), draft);
        return builder.seal(log_of(1), 17, {5});
    }
    std::string written(Format format, bool provenance = false, std::uint8_t extra = 0) {
        Bytes out;
        append_message(out, *block(), 0, kStore, {format, provenance}, extra);
        return out;
    }
    std::string envelope() { return written(Format::Envelope); }

    Draft draft = trade();
    Cursor cursor{kStore, {5}, kTs - kCursorSlack, {}};
    std::string id = block()->entry(0).id(log_of(1).node).text();
    std::string node = log_of(1).node.text();
};

TEST_F(EnvelopeSpec, HasTheMembersInTheOrderOfTheInterface) {
    EXPECT_EQ(envelope(),
              "{\"cursor\":\"" + cursor.text() + "\",\"id\":\"" + id +
                  "\",\"topic\":\"crypto.binance.BTCUSDT.trade\",\"ts\":1767225600123456,"
                  "\"src\":\"binance-spot\",\"node\":\"" +
                  node + "\",\"data\":{\"p\":\"91234.10\",\"q\":\"0.0020\"}}");
}

TEST_F(EnvelopeSpec, ShowsWhatIsNotImplied) {
    draft.key = "BTC\"\n";
    draft.kind = Kind::Snapshot;
    draft.source_time = -5;
    draft.flags = flag::kBackfill | flag::kRepeat;
    EXPECT_THAT(
        envelope(),
        testing::HasSubstr(
            R"(,"key":"BTC\"\n","kind":"snapshot","sts":-5,"flags":["backfill","repeat"],"data":{)"));
    EXPECT_THAT(
        written(Format::Envelope, false, flag::kLate | flag::kReplay | flag::kPartitioned),
        testing::HasSubstr(R"("flags":["backfill","late","replay","partitioned","repeat"])"));
}

TEST_F(EnvelopeSpec, CarriesBytesThatAreNoJsonAsBase64WithTheirType) {
    draft.payload = BytesView("\0\xff\x01\x02", 4);
    draft.content_type = "application/x-thing";
    EXPECT_THAT(envelope(), testing::HasSubstr(R"(,"b64":"AP8BAg==","ct":"application/x-thing"})"));
    EXPECT_EQ(written(Format::Data), draft.payload);
    EXPECT_THAT(
        written(Format::CloudEvents),
        testing::HasSubstr(R"("datacontenttype":"application/x-thing","data_base64":"AP8BAg==")"));
}

TEST_F(EnvelopeSpec, TellsWhereTheMessageCameFromOnRequest) {
    EXPECT_THAT(written(Format::Envelope, true),
                testing::EndsWith(",\"prov\":{\"seq\":17,\"incarnation\":\"" +
                                  std::to_string(log_of(1).epoch.value) + "\",\"lane\":1}}"));
}

TEST_F(EnvelopeSpec, ADeleteWithoutPayloadHasTheValueNull) {
    draft.payload = "";
    draft.kind = Kind::Delete;
    EXPECT_THAT(envelope(), testing::HasSubstr(R"("kind":"delete","data":null})"));
    EXPECT_EQ(written(Format::Data), "null");
}

TEST_F(EnvelopeSpec, TheDataFormatIsThePayloadAlone) {
    EXPECT_EQ(written(Format::Data), draft.payload);
}

TEST_F(EnvelopeSpec, SpeaksCloudEvents) {
    draft.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    draft.source = "a source/1";
    EXPECT_EQ(
        written(Format::CloudEvents),
        "{\"specversion\":\"1.0\",\"id\":\"" + id +
            "\",\"source\":\"/sources/a%20source%2F1\",\"type\":\"anode.message\","
            "\"subject\":\"crypto.binance.BTCUSDT.trade\",\"time\":\"2026-01-01T00:00:00.123456Z\","
            "\"datacontenttype\":\"application/"
            "json\",\"data\":{\"p\":\"91234.10\",\"q\":\"0.0020\"},"
            "\"anodecursor\":\"" +
            cursor.text() + "\",\"anodenode\":\"" + node +
            "\",\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}");
}

TEST_F(EnvelopeSpec, TheWatermarkCanBeHeldBack) {
    Bytes out;
    append_message(out, *block(), 0, kStore, {}, 0, 1234);
    cursor.watermark = 1234;
    EXPECT_THAT(out, testing::StartsWith("{\"cursor\":\"" + cursor.text() + "\""));
}

TEST_F(EnvelopeSpec, AppendsAndLeavesWhatIsThere) {
    Bytes out = "before";
    append_message(out, *block(), 0, kStore, {});
    EXPECT_EQ(out, "before" + envelope());
}

TEST_F(EnvelopeSpec, AnyMessageIsOneLineOfValidJson) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Rng rng(seed);
        const std::string topic = random_topic(rng), source = random_bytes(rng, 300),
                          key = random_bytes(rng, 300), type = random_bytes(rng, 300),
                          trace = random_bytes(rng, 300), payload = random_bytes(rng, 300);
        draft = {topic,
                 source,
                 type.empty() ? BytesView("1") : BytesView(payload),
                 type,
                 key,
                 static_cast<Kind>(rng.below(4)),
                 static_cast<std::uint8_t>(rng.below(32)),
                 static_cast<WallTime>(rng.next()),
                 {},
                 {},
                 trace};
        for (const Format format : {Format::Envelope, Format::CloudEvents}) {
            const std::string line = written(format, rng.chance(0.5));
            json::Document document;
            const auto parsed = document.parse(line);
            ASSERT_TRUE(parsed) << parsed.error().what << line;
            EXPECT_EQ(line.find('\n'), std::string::npos);
            const auto subject = document.root()[format == Format::Envelope ? "topic" : "subject"];
            EXPECT_EQ(subject.string(), topic);
        }
    }
}

}  // namespace
}  // namespace anode
