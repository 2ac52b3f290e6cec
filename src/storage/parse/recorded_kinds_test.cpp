// Every kind of `belay parse` on what a real tool printed: recordings/md-reports.txt (user-mode Linux, mdadm
// 4.2), recordings/tool-reports.txt (the tools of Debian 12 on the ATA disks of a virtual machine of QEMU,
// Linux 6.1) and the recorded hosts. Of ZFS, which is in no kernel of Debian's, there is no recording yet.

#include "base/testing/must.h"
#include "host/recording.h"
#include "storage/parse/kinds.h"

#include <fstream>
#include <sstream>

namespace belay::storage::parse::recorded_kinds_test {
namespace {

std::string content_of(const std::string& name)
{
    std::ifstream file(fmt::format("{}/{}", BELAY_RECORDINGS, name));
    REQUIRE_MESSAGE(file, name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

using Texts = std::multimap<std::string, std::string>;

/// "@@@ KIND WORDS" over each; in the one of md the kinds of mdadm are without its name.
void add_reports(Texts& texts, const std::string& file)
{
    std::istringstream lines(content_of(file));
    auto current = texts.end();
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("@@@ ")) {
            current->second += line + '\n';
            continue;
        }
        const std::string kind = line.substr(4, line.find(' ', 4) - 4);
        current = texts.emplace(kind_named(kind) == nullptr ? "mdadm-" + kind : kind, "");
    }
}

void add_host(Texts& texts, const std::string& file)
{
    for (const host::RecordedContact& recorded : must(host::parse_recording(content_of(file)))) {
        const std::vector<std::string>& argv = recorded.contact.question.argv;
        if (argv.empty() || !recorded.contact.answer) continue;
        const std::string kind = argv.front() + "-json";
        if (kind_named(kind) != nullptr)
            texts.emplace(kind, std::get<host::Outcome>(*recorded.contact.answer).out);
    }
}

Texts all_recorded()
{
    Texts texts;
    add_reports(texts, "md-reports.txt");
    add_reports(texts, "tool-reports.txt");
    for (const char* host : {"sound-host.jsonl", "troubled-host.jsonl"}) add_host(texts, host);
    return texts;
}

}  // namespace

TEST_CASE("recorded: every kind of text is there from a real tool, and is understood")
{
    const Texts texts = all_recorded();
    for (const Kind& kind : kinds()) {
        const std::string name(kind.name);
        CAPTURE(name);
        CHECK(texts.contains(name) == (name != "zpool-status"));
        const auto [begin, end] = texts.equal_range(name);
        for (auto text = begin; text != end; ++text) CHECK(must(parse_as(kind, text->second)).is_object());
    }
}

TEST_CASE("recorded: tables of a GPT and an MBR, as sfdisk dumps them")
{
    const Texts texts = all_recorded();
    const auto [begin, end] = texts.equal_range("sfdisk-dump");
    REQUIRE(std::distance(begin, end) == 2);
    const Json gpt = must(parse_as(*kind_named("sfdisk-dump"), begin->second));
    CHECK(gpt.at("label") == "gpt");
    CHECK(gpt.at("partitions").size() == 3);
    CHECK(gpt.at("partitions")[1].at("name") == "half, one");
    CHECK(gpt.at("partitions")[1].at("size") == 32768 * 512);
    const Json mbr = must(parse_as(*kind_named("sfdisk-dump"), std::next(begin)->second));
    CHECK(mbr.at("label") == "dos");
    CHECK(mbr.at("partitions")[0].at("bootable") == true);
    CHECK(mbr.at("partitions")[2].at("number") == 5);
}

}  // namespace belay::storage::parse::recorded_kinds_test
