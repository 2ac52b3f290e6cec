// Snapshots from one repository into another by the command line.

#include "shop.h"

namespace belay::backup {
namespace {

/// A shop, and a second repository beside it.
class TwoPlaces : public Shop {
  public:
    TwoPlaces()
    {
        write("other-password", "battery staple\n");
        must_run({"init", "-q", "--copy-chunker-params", "--from-repo", path("repository"),
                  "--from-password-file", path("password")});
    }
    Said run(const Words& words, Words environment = {}) const
    {
        environment.insert(environment.end(), {"RESTIC_REPOSITORY=" + path("other"),
                                               "RESTIC_PASSWORD_FILE=" + path("other-password")});
        return run_program(environment, words);
    }
    std::string must_run(const Words& words, const Words& environment = {}) const
    {
        const Said said = run(words, environment);
        REQUIRE_MESSAGE(said.code == 0, said.out, said.err);
        return said.out;
    }
    /// restic on the other repository.
    std::string other_restic(Words words) const
    {
        const Words start = {"restic",          "--no-cache",          "-q", "-r", path("other"),
                             "--password-file", path("other-password")};
        words.insert(words.begin(), start.begin(), start.end());
        return Scratch::run(std::move(words));
    }
    std::set<std::string> files_of_other() const
    {
        std::set<std::string> files;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path("other")))
            if (entry.is_regular_file()) files.insert(entry.path().string());
        return files;
    }
};

TEST_CASE("snapshots are copied, restic checks and restores the copies, and a second copy copies nothing")
{
    const TwoPlaces places;
    places.must_belay({"run", "-q", places.path("tree"), "--tag", "first"});
    places.write("tree/added", "more");
    places.must_belay({"run", "-q", places.path("tree"), "--tag", "second"});
    const Words from = {"--from-repo", places.path("repository"), "--from-password-file",
                        places.path("password")};
    const auto with = [&](Words words) {
        words.insert(words.end(), from.begin(), from.end());
        return words;
    };
    CHECK(places.must_run(with({"copy", "--tag", "first"})).find("copied 1 snapshots, 0 were there") !=
          std::string::npos);
    const std::vector<Json> copied = Shop::lines(places.must_run(with({"copy", "--json"})));
    REQUIRE(copied.size() == 1);
    CHECK(copied.front().at("message_type") == "copied");
    const Json theirs = must(parse_json(places.other_restic({"snapshots", "--json"})));
    REQUIRE(theirs.size() == 2);
    CHECK(theirs.at(1).at("id") == copied.front().at("id"));
    CHECK(theirs.at(1).at("original") == copied.front().at("source"));
    CHECK(theirs.at(1).at("tags") == Json::array({"second"}));
    places.other_restic({"check", "--read-data"});
    places.other_restic({"restore", "latest", "--target", places.path("back")});
    Scratch::run({"diff", "-r", "--no-dereference", "--exclude=fifo", places.path("tree"),
                  places.path("back") + places.path("tree")});

    const std::set<std::string> before = places.files_of_other();
    CHECK(places.must_run(with({"copy"})).find("copied 0 snapshots, 2 were there") != std::string::npos);
    CHECK(places.files_of_other() == before);
}

TEST_CASE("the repository that is copied from comes from each option and variable that is promised")
{
    const TwoPlaces places;
    places.write("place", places.path("repository") + "\n");
    const std::string repository = places.path("repository"), password = places.path("password");
    const auto code = [&](const Words& words, const Words& environment) {
        Words all = {"copy", "-q", "--no-lock"};
        all.insert(all.end(), words.begin(), words.end());
        return places.run(all, environment).code;
    };
    CHECK(code({}, {}) == 1);
    const Words by_option = {"--from-password-file", password};
    const Words by_variable = {"RESTIC_FROM_PASSWORD=correct horse"};
    CHECK(code({"--from-repo", repository}, {}) != 0);
    CHECK(code({"--from-repo", repository}, by_variable) == 0);
    CHECK(code({"--from-repository-file", places.path("place")}, by_variable) == 0);
    CHECK(code(by_option, {"RESTIC_FROM_REPOSITORY=" + repository}) == 0);
    CHECK(code(by_option, {"RESTIC_FROM_REPOSITORY_FILE=" + places.path("place")}) == 0);
    const Words from = {"--from-repo", repository};
    CHECK(code(from, {"RESTIC_FROM_PASSWORD_FILE=" + password}) == 0);
    CHECK(code(from, {"RESTIC_FROM_PASSWORD_COMMAND=cat " + password}) == 0);
    CHECK(code({"--from-repo", repository, "--from-password-command", "cat " + password}, {}) == 0);
    CHECK(code(from, {"RESTIC_FROM_PASSWORD=wrong"}) == 12);
    CHECK(code({"--from-repo", places.path("nowhere")}, by_variable) == 10);
}

}  // namespace
}  // namespace belay::backup
