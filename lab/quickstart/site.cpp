// belay-quickstart-site: three throw-away hosts become one site; its configuration is changed, once for good,
// and once so that it returns by itself.

#include "site.h"

#include "screen.h"

#include <CLI/CLI.hpp>

namespace belay::lab {
namespace {

constexpr const char* site_file = "/root/site.toml";
constexpr const char* wrong_file = "/root/wrong.toml";

constexpr std::string_view site_text = R"([host.alpha]
address = "10.77.0.1"

[host.web1]
address = "10.77.0.2"

[host.web2]
address = "10.77.0.3"
)";

constexpr std::string_view wrong_text = R"([host.web1]
address = "10.77.0.99"
)";

class Show {
  public:
    explicit Show(Site site) : site_(std::move(site)), screen_(site_.program("")) {}

    Result<void> run()
    {
        TRY(make_the_site());
        TRY(change_for_good());
        return change_and_return();
    }

  private:
    Result<void> make_the_site()
    {
        say(strong("\n1. Three hosts become one site\n"));
        say(fmt::format(
            "\nOn alpha: belayd --listen {}:4880. For each host, itself included: belay host invite "
            "--name NAME on alpha,\nthe word that it says into belayd join - on the host; the key is "
            "made there, and never leaves it.\n",
            site_.address(0)));
        TRY(site_.enrol());
        TRY(on(0, "belay status"));
        return on(1, "belay status");
    }

    Result<void> change_for_good()
    {
        say(strong("\n2. The configuration of the site is changed, and confirmed\n"));
        TRY(write(site_file, site_text));
        TRY(on(0, fmt::format("belay config apply {} --timer 30m", site_file)));
        TRY(on(0, "belay commit 1"));
        return on(0, "belay config get host web1");
    }

    Result<void> change_and_return()
    {
        say(strong("\n3. A change that nobody confirms: it returns by itself\n"));
        TRY(write(wrong_file, wrong_text));
        TRY(on(0, fmt::format("belay config apply {} --timer 5s", wrong_file)));
        TRY(on(0, "belay show 2 --follow"));
        TRY(on(0, "belay config get host web1"));
        TRY(on(0, "belay config history"));
        return on(0, "belay status");
    }

    /// Shows a line as it is typed on a host.
    Result<void> on(size_t host, const std::string& line)
    {
        return screen_.show(site_.host(host), site_.name(host), line);
    }

    Result<void> write(const std::string& path, std::string_view text)
    {
        say(fmt::format("\n{} on alpha:\n{}", path, text));
        TRY(site_.run(0, {"tee", path}, text));
        return {};
    }

    Site site_;
    const Screen screen_;
};

Result<void> run()
{
    say("Booting three throw-away hosts (user-mode Linux) on a network of their own ...\n");
    const Folder folder = TRY(Folder::make());
    Show show(TRY(Site::build(folder)));
    TRY(show.run());
    say(strong("\nOn your own machines\n"));
    say("  sudo cmake --install build/release          on each\n"
        "  docs/site.md                                a controller, its hosts, people with accounts\n");
    return {};
}

}  // namespace
}  // namespace belay::lab

int main(int argc, char** argv)
{
    CLI::App app{"Shows a site of three throw-away hosts. Needs root, for the network between them."};
    app.footer("Example: ./quickstart site");
    CLI11_PARSE(app, argc, argv);
    const belay::Result<void> shown = belay::lab::run();
    if (shown) return 0;
    std::fprintf(stderr, "quickstart: %s\n", shown.error().what.c_str());
    if (!shown.error().next.empty()) std::fprintf(stderr, "  next: %s\n", shown.error().next.c_str());
    return 1;
}
