#include "site/media/conditions.h"

#include <doctest/doctest.h>

namespace belay::media {
namespace {

using std::chrono::seconds;

TEST_CASE("an entity tag is found among others, weak or not")
{
    const char* tag = "\"abc\"";
    for (const char* header :
         {"\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "\"abc\",\"x\"", " \"abc\" ", "*", " *"})
        CHECK_MESSAGE(names_tag(header, tag), header);
    for (const char* header :
         {"", "abc", "\"abcd\"", "\"ab\", \"c\"", "\"x*\"", ",", "W/abc", "w/\"abc\"", "\""})
        CHECK_MESSAGE(!names_tag(header, tag), header);
}

TEST_CASE("how long a client would wait")
{
    for (const char* header : {"wait=10", "WAIT = 10", "wait=\"10\"", "respond-async, wait=10",
                               "foo; bar=1, wait=10;x", "wait=10, wait=20", " wait=10 "})
        CHECK_MESSAGE(wait_preferred(header) == seconds(10), header);
    CHECK(wait_preferred("wait=0") == seconds(0));
    for (const char* header : {"", "wait", "wait=", "wait=-1", "wait=1.5", "wait=99999999999", "wait=1s",
                               "waits=1", "await=1", "foo; wait=1", "wait=\"", "return=minimal", ",,;=,"})
        CHECK_MESSAGE(!wait_preferred(header), header);
}

}  // namespace
}  // namespace belay::media
