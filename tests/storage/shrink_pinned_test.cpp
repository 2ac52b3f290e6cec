// The simulated e2fsprogs are held to the real ones, which are run on a file: exit codes, and what is said
// but for the numbers.

#include "base/invariant.h"
#include "base/testing/must.h"
#include "host/real.h"
#include "simulated_ext.h"
#include "simulated_storage.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace belay::simulated {
namespace {

using Words = std::vector<std::string>;

/// With N for each number, DEVICE for the path, and no version of the real one's.
std::string without_numbers(std::string text, const std::string& path)
{
    for (size_t at = text.find(path); at != std::string::npos; at = text.find(path))
        text.replace(at, path.size(), "DEVICE");
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        const bool digit = std::isdigit(static_cast<unsigned char>(text[at])) != 0;
        if (!digit)
            out += text[at];
        else if (out.empty() || out.back() != 'N')
            out += 'N';
    }
    const size_t version = out.find("fs N.N.N ("), end = out.find('\n');
    return version < end ? out.substr(end + 1) : out;
}

class Twins {
  public:
    Twins()
        : real_(host::real_host()),
          file_(std::filesystem::temp_directory_path() / fmt::format("belay-ext-{}", ::getpid()))
    {
        std::ofstream(file_).flush();
        std::filesystem::resize_file(file_, 64 << 20);
        machine_.plug({.name = "sdc", .size = {96 << 10}, .serial = "S1"});
    }
    ~Twins()
    {
        std::error_code ignored;
        std::filesystem::remove(file_, ignored);
    }
    Twins(const Twins&) = delete;
    Twins& operator=(const Twins&) = delete;

    void make_filesystems()
    {
        run_real({"mke2fs", "-q", "-t", "ext4", "-b", "1024", "FILE"});
        run_real({"tune2fs", "-C", "3", "FILE"});
        machine_.host().change([](host::Machine& world) {
            std::string& bytes = world.find("/dev/sdc")->bytes;
            const Range range{&bytes, 0, bytes.size()};
            Ext ext{.content = {"ext4", "eeeeeeee-0000-4000-8000-000000000001", ""},
                    .blocks = 96,
                    .mount_count = 3};
            INVARIANT(add_ext_file(range, ext, "a", std::string(20 << 10, 'a')));
        });
    }
    /// The end of both devices is gone.
    void cut_off()
    {
        std::filesystem::resize_file(file_, 16 << 20);
        const std::string bytes = machine_.bytes_of("sdc");
        machine_.unplug("sdc");
        machine_.plug({.name = "sdc", .size = {24 << 10}, .serial = "S1"}, bytes.substr(0, 24 << 10));
    }

    host::Outcome run_real(Words argv)
    {
        std::ranges::replace(argv, std::string("FILE"), file_);
        return must(real_->run({.argv = std::move(argv), .effect = host::Effect::changes}));
    }
    host::Outcome run_simulated(Words argv)
    {
        std::ranges::replace(argv, std::string("FILE"), std::string("/dev/sdc"));
        return must(machine_.host().run({.argv = std::move(argv)}));
    }
    /// Both say the same. `size`: that is asked for, of the real and of the simulated one.
    void alike(const Words& argv, const std::string& real_size = {}, const std::string& size = {})
    {
        Words of_real = argv, of_simulated = argv;
        if (!size.empty()) {
            of_real.push_back(real_size);
            of_simulated.push_back(size);
        }
        const host::Outcome real = run_real(of_real), simulated = run_simulated(of_simulated);
        INFO(host::Command{.argv = argv}.to_text(), "\n", real.out, real.err);
        CHECK(simulated.exit_code == real.exit_code);
        CHECK(without_numbers(simulated.out, "/dev/sdc") == without_numbers(real.out, file_));
        CHECK(without_numbers(simulated.err, "/dev/sdc") == without_numbers(real.err, file_));
    }
    /// Each line that the simulated one says is one of the real one.
    void dumps_alike()
    {
        const Words argv = {"dumpe2fs", "-h", "FILE"};
        const std::string real = without_numbers(run_real(argv).out, file_),
                          simulated = without_numbers(run_simulated(argv).out, "/dev/sdc");
        INFO(real);
        for (size_t at = 0, end = 0; (end = simulated.find('\n', at)) != std::string::npos; at = end + 1)
            CHECK(real.contains(simulated.substr(at, end + 1 - at)));
    }
    static uint64_t mount_count(const host::Outcome& dumped)
    {
        constexpr std::string_view label = "Mount count:";
        return std::stoull(dumped.out.substr(dumped.out.find("\n" + std::string(label)) + label.size() + 1));
    }

  private:
    std::unique_ptr<host::Host> real_;
    std::string file_;
    SimulatedStorage machine_;
};

TEST_CASE("the simulated e2fsprogs say and refuse what the real ones say and refuse")
{
    Twins twins;
    twins.make_filesystems();
    const Words dump = {"dumpe2fs", "-h", "FILE"};
    twins.dumps_alike();
    CHECK(Twins::mount_count(twins.run_real(dump)) == 3);
    CHECK(Twins::mount_count(twins.run_simulated(dump)) == 3);
    twins.alike({"e2fsck", "-f", "-p", "FILE"});
    CHECK(Twins::mount_count(twins.run_real(dump)) == 0);
    CHECK(Twins::mount_count(twins.run_simulated(dump)) == 0);
    twins.alike({"resize2fs", "-P", "FILE"});
    twins.alike({"resize2fs", "FILE"}, "32768K", "48K");
    twins.alike({"resize2fs", "FILE"}, "32768K", "48K");
    twins.alike({"resize2fs", "FILE"}, "1024K", "20K");
    twins.dumps_alike();

    twins.cut_off();
    CHECK(twins.run_real({"e2fsck", "-f", "-p", "FILE"}).exit_code == 4);
    CHECK(twins.run_simulated({"e2fsck", "-f", "-p", "FILE"}).exit_code == 4);
    twins.alike({"resize2fs", "-P", "FILE"});
    twins.dumps_alike();
}

TEST_CASE("where there is no filesystem the simulated e2fsprogs refuse as the real ones do")
{
    Twins twins;
    twins.alike({"dumpe2fs", "-h", "FILE"});
    twins.alike({"resize2fs", "-P", "FILE"});
    CHECK(twins.run_real({"e2fsck", "-f", "-p", "FILE"}).exit_code == 8);
    CHECK(twins.run_simulated({"e2fsck", "-f", "-p", "FILE"}).exit_code == 8);
}

}  // namespace
}  // namespace belay::simulated
