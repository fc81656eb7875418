#include "api/dashboard/assets.hpp"

#include <gtest/gtest.h>

#include <string>

#include "api/dashboard/serve.hpp"

namespace anode::api::dashboard {
namespace {

/// Two files of which each form tells what it is.
std::string archive() {
    return "anode-dashboard 1 0123\n"
           "/ui/a/app-X.js\ttext/javascript\tt2\t12 5\t17 2\t19 3\n"
           "/index.html\ttext/html\tt1\t0 6\t6 3\t9 3\n"
           "\n"
           "plain1br1gz1plainbrgz2";
}

Request ask(std::string path, std::string encodings = {}) {
    Request request;
    request.path = std::move(path);
    if (!encodings.empty()) request.headers.emplace_back("accept-encoding", std::move(encodings));
    return request;
}

std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
        if (key == name) return value;
    return {};
}

TEST(DashboardAssets, EachFileIsFoundByItsPath) {
    const std::string bytes = archive();
    const Assets assets(bytes);
    ASSERT_NE(assets.find("/index.html"), nullptr);
    EXPECT_EQ(assets.find("/index.html")->plain, "plain1");
    EXPECT_EQ(assets.find("/ui/a/app-X.js")->gzip, "gz2");
    EXPECT_EQ(assets.find("/ui/a/other.js"), nullptr);
}

TEST(DashboardAssets, AnArchiveThatWasLeftOutSaysWhy) {
    const Assets assets("anode-dashboard 0 Node.js was not found\n\n");
    EXPECT_TRUE(assets.empty());
    EXPECT_EQ(assets.why_empty(), "Node.js was not found");
}

TEST(DashboardAssets, ABrokenArchiveHasNoFiles) {
    const std::string whole = archive();
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        EXPECT_TRUE(Assets(std::string_view(whole).substr(0, cut)).empty()) << cut;
    EXPECT_FALSE(Assets(whole).empty());
}

TEST(DashboardServe, EveryViewIsThePageAndMustBeAskedForAnew) {
    const std::string bytes = archive();
    const Assets assets(bytes);
    for (const char* path : {"/", "/ui", "/ui/sources", "/ui/sources/a%2Fb", "/ui/../etc"}) {
        const Response response = serve(assets, ask(path));
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "plain1");
        EXPECT_EQ(response.cache_control, "no-cache");
    }
}

TEST(DashboardServe, AFileWhoseNameChangesWithItsContentMayBeKept) {
    const std::string bytes = archive();
    const Response response = serve(Assets(bytes), ask("/ui/a/app-X.js"));
    EXPECT_EQ(response.body, "plain");
    EXPECT_EQ(response.cache_control, "public, max-age=31536000, immutable");
}

TEST(DashboardServe, EachFormHasATagOfItsOwn) {
    const std::string bytes = archive();
    const Assets assets(bytes);
    const Response brotli = serve(assets, ask("/", "gzip, br"));
    const Response gzip = serve(assets, ask("/", "gzip"));
    EXPECT_EQ(brotli.body, "br1");
    EXPECT_EQ(header(brotli, "Content-Encoding"), "br");
    EXPECT_EQ(gzip.body, "gz1");
    EXPECT_EQ(header(gzip, "Vary"), "Accept-Encoding");
    EXPECT_NE(brotli.etag, gzip.etag);
    EXPECT_NE(gzip.etag, serve(assets, ask("/")).etag);
}

TEST(DashboardServe, AnUnknownFileIsNotThePage) {
    const std::string bytes = archive();
    EXPECT_EQ(serve(Assets(bytes), ask("/ui/a/app-Y.js")).status, 404);
}

TEST(DashboardServe, ABuildWithoutItSaysSoAndStillShowsWhereThingsAre) {
    const Assets assets("anode-dashboard 0 Node.js was not found\n\n");
    const Response page = serve(assets, ask("/ui/sources"));
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("left out of this program: Node.js was not found."),
              std::string::npos);
    EXPECT_NE(page.body.find("/openapi.json"), std::string::npos);
    EXPECT_EQ(serve(assets, ask("/ui/page.css")).content_type, "text/css; charset=utf-8");
}

TEST(DashboardServe, NothingMayComeFromElsewhere) {
    for (const char* archive : {"anode-dashboard 0 left out\n\n", "broken"})
        EXPECT_TRUE(header(serve(Assets(archive), ask("/")), "Content-Security-Policy")
                        .starts_with("default-src 'none'; script-src 'self'"));
}

}  // namespace
}  // namespace anode::api::dashboard
