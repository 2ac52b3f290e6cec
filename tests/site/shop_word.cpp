#include "shop_word.h"

namespace belay::faults {
namespace {

using namespace std::chrono_literals;

constexpr const char* shop = "/var/lib/belay/shop";
constexpr const char* page = "/root/shop.toml";

/// Each phase leaves a trace that is seen from outside: "next" is there from add to commit, "word" says the
/// new word from activate on.
constexpr std::string_view runbook = R"(name = "shop-word"
summary = "Let the shop say ${word}"

[variables.word]
meaning = "what it says"
pattern = "[a-z0-9-]+"

[[step]]
name = "prepare"
title = "Prepare the new word"
phase = "add"
write = { path = "/var/lib/belay/shop/next", text = "${word}\n" }

[[step]]
name = "switch"
title = "Say it"
phase = "activate"
write = { path = "/var/lib/belay/shop/word", text = "${word}\n" }

[[step]]
name = "open"
title = "The shop opens"
phase = "activate"
wait-for = { run = ["test", "!", "-e", "/var/lib/belay/shop/closed"], timeout = "1s", every = "1s" }

[[step]]
name = "let-go"
title = "What was prepared is let go"
phase = "commit"
check = ["test", "!", "-e", "/var/lib/belay/shop/next"]
run = ["rm", "/var/lib/belay/shop/next"]
one-way = "what was prepared is gone"
)";

class ShopWord final : public Subject {
  public:
    explicit ShopWord(bool works_on_controller) : works_on_controller_(works_on_controller) {}

    Result<void> equip(lab::Site& site, size_t host) override
    {
        if (host != alpha) return {};
        TRY(site.run(alpha, {"tee", page}, runbook));
        return {};
    }

    Result<void> set_up(lab::Site& site, const std::function<Result<void>(size_t)>&) override
    {
        for (const size_t host : members()) {
            TRY(site.run(host, {"mkdir", shop}));
            TRY(site.run(host, {"tee", fmt::format("{}/word", shop)}, standing_ + "\n"));
            TRY(site.run(host, {"sync"}));
        }
        return {};
    }

    Result<void> prepare(lab::Site& site, const Strike& strike, const std::string& word) override
    {
        word_ = word;
        const bool fails = strike.course == Course::fails;
        TRY(site.run(web2, {fails ? "touch" : "rm", fails ? "--" : "-f", fmt::format("{}/closed", shop)}));
        return {};
    }

    std::vector<std::string> plan() const override
    {
        return {"runbook",
                "add",
                page,
                "--set",
                "word=" + word_,
                "--on",
                works_on_controller_ ? "web1,web2,alpha" : "web1,web2",
                "--waves",
                "1",
                "--wave-soak",
                "1s"};
    }

    Milliseconds short_timer() const override { return 20s; }

    std::vector<size_t> members() const override
    {
        std::vector<size_t> all = {web1, web2};
        if (works_on_controller_) all.push_back(alpha);
        return all;
    }

    Result<void> check(lab::Site& site, bool is_committed) override
    {
        for (const size_t host : members()) {
            const std::string there =
                TRY(site.run(host, {"sh", "-c", fmt::format("cd {}; ls -A; cat word", shop)}));
            const bool closed = there.starts_with("closed\n");
            const std::string wanted =
                fmt::format("{}word\n{}\n", closed ? "closed\n" : "", is_committed ? word_ : standing_);
            if (there != wanted)
                return fail(ErrorKind::failed, fmt::format("on {} there is \"{}\", and not \"{}\"",
                                                           site.name(host), there, wanted));
        }
        if (is_committed) standing_ = word_;
        return {};
    }

  private:
    const bool works_on_controller_;  ///< too
    std::string word_;                ///< that the operation brings
    std::string standing_ = "old";    ///< the one that the last one committed left
};

}  // namespace

std::unique_ptr<Subject> shop_word(bool works_on_controller)
{
    return std::make_unique<ShopWord>(works_on_controller);
}

std::map<Course, Journals> journals_of_shop_word()
{
    return {
        {Course::commits, {.counts = {16, 12, 12}}},
        {Course::fails, {.counts = {17, 11, 12}, .before_the_turn = {10, 6, 5}}},
        {Course::aborts, {.counts = {20, 11, 11}, .before_the_turn = {12, 6, 6}}},
        {Course::expires,
         {.counts = {18, 12, 11}, .before_the_timer_ends = {{12, 7, 7}}, .timer_runs_from = 10}},
    };
}

}  // namespace belay::faults
