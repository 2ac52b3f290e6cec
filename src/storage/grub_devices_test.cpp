#include "storage/grub_devices.h"

#include "base/testing/must.h"
#include "host/simulated.h"

#include <nlohmann/json.hpp>

namespace belay::storage::grub_devices {
namespace {

/// As a Debian 12 has it.
std::string file_with(const std::string& value_line)
{
    return "Name: grub-pc/hidden_timeout\nTemplate: grub-pc/hidden_timeout\nValue: true\nOwners: grub-pc\n\n"
           "Name: grub-pc/install_devices\nTemplate: grub-pc/install_devices\n" +
           value_line +
           "Owners: grub-pc\nFlags: seen\nVariables:\n CHOICES = /dev/vda (1 MB)\n\n"
           "Name: grub-pc/install_devices_empty\nTemplate: x\nValue: false\nOwners: grub-pc\n";
}

TEST_CASE("the disks of grub-pc are read out of debconf's file")
{
    CHECK(parse(file_with("Value: /dev/disk/by-id/a, /dev/disk/by-id/b\n")) ==
          List{"/dev/disk/by-id/a", "/dev/disk/by-id/b"});
    CHECK(parse(file_with("Value: /dev/sda\n")) == List{"/dev/sda"});
    CHECK(parse(file_with("")) == List{});
    CHECK(parse("Name: grub-pc/install_devices\nValue: /dev/sda") == List{"/dev/sda"});
    CHECK_FALSE(parse("Name: grub-pc/install_devices_empty\nValue: /dev/sda\n").has_value());
    CHECK_FALSE(parse("").has_value());
}

TEST_CASE("names come and go, and the others keep their places")
{
    CHECK(edited({"a", "b", "c"}, {{"d", "a"}, {"b"}}) == List{"a", "c", "d"});
    CHECK(edited({}, {{"a"}, {"b"}}) == List{"a"});
}

TEST_CASE("a host without debconf, or without grub-pc, has no such list")
{
    host::SimulatedHost host;
    CHECK_FALSE(must(read(host)).has_value());
    host.change([](host::Machine& machine) { machine.put_file(path, "Name: other/question\nValue: 1\n"); });
    CHECK_FALSE(must(read(host)).has_value());
}

TEST_CASE("an abort takes back what came, and leaves what somebody else has added meanwhile")
{
    host::SimulatedHost host;
    const auto list_is = [&](const std::string& value) {
        host.change(
            [&](host::Machine& machine) { machine.put_file(path, file_with("Value: " + value + "\n")); });
    };
    std::string told;
    host.install("debconf-communicate", [&](host::Machine&, const host::Command& command) {
        told = command.input;
        return Result<host::Outcome>(host::Outcome{});
    });
    operation::Catalogue catalogue;
    fill(catalogue);
    const operation::Act act = change({"/dev/a"}, {{"/dev/b"}, {}});
    const operation::Action& action = *must(catalogue.action(act.action));
    list_is("/dev/a");
    const operation::Json remembered = must(action.remember(host, act.arguments));
    REQUIRE(action.apply(host, act.arguments).has_value());
    CHECK(told == "set grub-pc/install_devices /dev/a, /dev/b\nfset grub-pc/install_devices seen true\n");
    list_is("/dev/a, /dev/b, /dev/c");
    CHECK(must(action.remains(host, act.arguments, remembered)) ==
          "the disks of grub-pc: /dev/a, /dev/b, /dev/c");
    REQUIRE(action.revert(host, act.arguments, remembered).has_value());
    CHECK(told.starts_with("set grub-pc/install_devices /dev/a, /dev/c\n"));
    list_is("/dev/a, /dev/c");
    CHECK(must(action.remains(host, act.arguments, remembered)).empty());
}

}  // namespace
}  // namespace belay::storage::grub_devices
