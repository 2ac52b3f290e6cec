#include "site/media/account_book.h"

#include "base/testing/must.h"
#include "site/media/doorkeeper.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace belay::media {
namespace {

class StateFolder {
  public:
    StateFolder()
    {
        std::string pattern = std::filesystem::temp_directory_path() / "belay-media-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~StateFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;
    std::string book() const { return path_ + "/accounts.json"; }

  private:
    std::string path_;
};

TEST_CASE("accounts are added, changed and kept; what makes no sense changes nothing")
{
    const StateFolder folder;
    must(change_account_book(folder.book(), [](AccountBook& book) -> Result<void> {
        TRY(book.add("anna", "open sesame"));
        TRY(book.grant("anna", "team", Access::append));
        return book.set_quota("team", 1000);
    }));
    const AccountBook book = must(read_account_book(folder.book()));
    CHECK(book.access("anna", "team") == Access::append);
    CHECK(!book.access("anna", "other"));
    CHECK(!book.access("bert", "team"));
    CHECK(book.quotas.at("team") == 1000);
    CHECK((std::filesystem::status(folder.book()).permissions() & std::filesystem::perms::others_all) ==
          std::filesystem::perms::none);
    const auto kind_of = [&](const std::function<Result<void>(AccountBook&)>& change) {
        const Result<void> done = change_account_book(folder.book(), change);
        REQUIRE(!done);
        return done.error().kind;
    };
    CHECK(kind_of([](AccountBook& now) { return now.add("anna", "open sesame"); }) == ErrorKind::busy);
    CHECK(kind_of([](AccountBook& now) { return now.add("bert", "short"); }) == ErrorKind::usage);
    CHECK(kind_of([](AccountBook& now) { return now.add("bert", std::string(73, 'x')); }) ==
          ErrorKind::usage);
    for (const char* name : {"", ".", "a/b", "a:b", "data", "config", "a\nb", ".a"})
        CHECK(kind_of([&](AccountBook& now) { return now.add(name, "open sesame"); }) == ErrorKind::usage);
    CHECK(kind_of([](AccountBook& now) { return now.grant("anna", "../x", Access::full); }) ==
          ErrorKind::usage);
    CHECK(kind_of([](AccountBook& now) { return now.grant("bert", "team", Access::full); }) ==
          ErrorKind::not_found);
    CHECK(kind_of([](AccountBook& now) { return now.grant("anna", "other", std::nullopt); }) ==
          ErrorKind::not_found);
    CHECK(kind_of([](AccountBook& now) {
              return now.add_hashed("bert", "{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=");
          }) == ErrorKind::usage);
    CHECK(must(read_account_book(folder.book())).accounts.size() == 1);
}

TEST_CASE("a damaged book is said, and the server goes on with what it knew")
{
    const StateFolder folder;
    must(change_account_book(folder.book(),
                             [](AccountBook& book) { return book.add("anna", "open sesame"); }));
    site::Log log(site::LogLevel::none);
    Doorkeeper doorkeeper(folder.book(), log);
    CHECK(doorkeeper.book()->accounts.size() == 1);
    for (const char* text :
         {"", "{", "[]", R"({"version": 2, "accounts": {}, "spaces": {}})",
          R"({"version": 1, "accounts": {"a/b": {"password": "x", "spaces": {}}}, "spaces": {}})",
          R"({"version": 1, "accounts": {"a": {"password": 1, "spaces": {}}}, "spaces": {}})",
          R"({"version": 1, "accounts": {"a": {"password": "x", "spaces": {"b": "all"}}}, "spaces": {}})"}) {
        std::ofstream(folder.book()) << text;
        const Result<AccountBook> read = read_account_book(folder.book());
        REQUIRE_MESSAGE(!read, text);
        CHECK(read.error().kind == ErrorKind::corrupt);
        CHECK(doorkeeper.book()->accounts.size() == 1);
    }
}

TEST_CASE("passwords: right ones are remembered until they change, wrong ones make their address wait")
{
    using Found = Doorkeeper::Found;
    const StateFolder folder;
    must(change_account_book(folder.book(),
                             [](AccountBook& book) { return book.add("anna", "open sesame"); }));
    site::Log log(site::LogLevel::none);
    Doorkeeper doorkeeper(folder.book(), log);
    const Milliseconds now(1'000'000);
    CHECK(!doorkeeper.remembers("anna", "open sesame"));
    CHECK(doorkeeper.check("anna", "open sesame", "10.0.0.1", now) == Found::right);
    CHECK(doorkeeper.remembers("anna", "open sesame"));
    CHECK(!doorkeeper.remembers("anna", "open sesame2"));
    CHECK(!doorkeeper.remembers("bert", "open sesame"));
    for (unsigned i = 0; i < site::Attempts::free_ones; ++i)
        CHECK(doorkeeper.check("anna", "wrong one", "10.0.0.2", now) == Found::wrong);
    CHECK(doorkeeper.check("anna", "wrong one", "10.0.0.2", now) == Found::not_now);
    CHECK(doorkeeper.check("anna", "another wrong one", "10.0.0.3", now) == Found::wrong);
    CHECK(doorkeeper.check("anna", "wrong one", "10.0.0.2", now + std::chrono::minutes(2)) == Found::wrong);
    must(change_account_book(folder.book(),
                             [](AccountBook& book) { return book.set_password("anna", "close sesame"); }));
    CHECK(!doorkeeper.remembers("anna", "open sesame"));
    CHECK(doorkeeper.check("anna", "open sesame", "10.0.0.4", now) == Found::wrong);
    CHECK(doorkeeper.check("anna", "close sesame", "10.0.0.1", now) == Found::right);
    must(change_account_book(folder.book(),
                             [](AccountBook& book) { return book.set_disabled("anna", true); }));
    CHECK(doorkeeper.check("anna", "close sesame", "10.0.0.1", now) == Found::wrong);
    CHECK(doorkeeper.check("nobody", "close sesame", "10.0.0.1", now) == Found::wrong);
}

}  // namespace
}  // namespace belay::media
