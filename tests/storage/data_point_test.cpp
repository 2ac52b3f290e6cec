// What a restore of data does to a filesystem that somebody has written to since it was saved.

#include "storage/data_point.h"

#include "base/testing/must.h"
#include "host/faulty.h"
#include "procedures/procedures.h"
#include "simulated_ext.h"
#include "simulated_storage.h"

#include <doctest/doctest.h>

namespace belay::simulated {
namespace {

namespace data_point = storage::data_point;

/// An ext4 on a disk, which was saved; then a boot has mounted it, and somebody has written to it.
class WrittenSince {
  public:
    WrittenSince()
    {
        procedures::fill(catalogue_);
        machine_.plug({.name = "sdc", .size = {96 << 10}, .serial = "S1"});
        machine_.host().change([](host::Machine& world) {
            std::string& bytes = world.find("/dev/sdc")->bytes;
            const Range range{&bytes, 0, bytes.size()};
            Ext ext{.content = {"ext4", "eeeeeeee-0000-4000-8000-000000000001", ""}, .blocks = 96};
            REQUIRE(add_ext_file(range, ext, "old", "what was there at first"));
        });
        must(act(data_point::keep(source_)).apply(machine_.host(), arguments_));
        machine_.mount_for_good("sdc", "/srv/data");
        REQUIRE(boot_and_write("new"));
    }

    /// False: there is no filesystem that could be mounted.
    bool boot_and_write(const std::string& file)
    {
        machine_.host().power_cut(std::chrono::seconds(20));
        return machine_.write_file("/srv/data", file, "what came since");
    }

    operation::Inspection kept()
    {
        return must(act(data_point::keep(source_)).inspect(machine_.host(), arguments_));
    }
    Result<void> put_back(host::Host& host)
    {
        return act(data_point::put_back(source_)).apply(host, arguments_);
    }
    SimulatedStorage& machine() { return machine_; }
    bool has(const std::string& file) { return holds(machine_.bytes_of("sdc"), file); }
    static bool holds(std::string bytes, const std::string& file)
    {
        const auto ext = ext_on({&bytes, 0, bytes.size()});
        return ext && ext->files.contains(file);
    }
    bool is_there_or_saved(const std::string& file)
    {
        const auto has_it = [&](const Saved& saved) { return saved.is_whole && holds(saved.image, file); };
        return has(file) || std::ranges::any_of(saved_before_restore(), has_it);
    }
    std::vector<Saved> saved_before_restore()
    {
        std::vector<Saved> all = saved_in(machine_.world(), source_.folder + "/data");
        std::erase_if(all, [](const Saved& saved) { return saved.tag != "before-restore"; });
        return all;
    }

  private:
    const operation::Action& act(const operation::Act& asked)
    {
        arguments_ = asked.arguments;
        return *must(catalogue_.action(asked.action));
    }

    operation::Catalogue catalogue_;
    SimulatedStorage machine_;
    data_point::Source source_{"/dev/sdc", "/restore-points/1"};
    Json arguments_;
};

TEST_CASE("what was saved is whole only while all of it can be read back")
{
    using Found = operation::Inspection::Found;
    WrittenSince written;
    CHECK(written.kept().found == Found::done);
    written.machine().host().change([](host::Machine& world) {
        for (auto& [path, node] : world.nodes)
            if (path.starts_with("/restore-points/1/data/images/")) node.bytes[2000] ^= 1;
    });
    CHECK(written.kept().found == Found::partial);
    CHECK_FALSE(written.put_back(written.machine().host()));
    CHECK(written.has("new"));
}

TEST_CASE("what somebody wrote after a boot is saved with a tag before the restore, and once")
{
    WrittenSince written;
    must(written.put_back(written.machine().host()));
    CHECK_FALSE(written.has("new"));
    CHECK(written.has("old"));
    CHECK(written.machine().mounted().empty());
    REQUIRE(written.saved_before_restore().size() == 1);
    CHECK(WrittenSince::holds(written.saved_before_restore().front().image, "new"));

    must(written.put_back(written.machine().host()));
    CHECK(written.saved_before_restore().size() == 1);
}

TEST_CASE(
    "whatever goes wrong in a restore, what somebody wrote before it and after the next boot is not lost")
{
    using Kind = host::Fault::Kind;
    for (const Kind kind : {Kind::refuse, Kind::lost, Kind::dead}) {
        for (size_t at = 1;; ++at) {
            WrittenSince written;
            host::FaultyHost host(written.machine().host(), host::Fault{kind, at});
            const Result<void> done = written.put_back(host);
            INFO(host.log());
            CHECK(written.is_there_or_saved("new"));
            if (host.contacts() < at) break;
            CHECK_FALSE(done);

            const bool wrote = written.boot_and_write("newer");
            must(written.put_back(written.machine().host()));
            CHECK(written.has("old"));
            CHECK_FALSE(written.has("new"));
            CHECK(written.is_there_or_saved("new"));
            CHECK((!wrote || written.is_there_or_saved("newer")));
        }
    }
}

}  // namespace
}  // namespace belay::simulated
