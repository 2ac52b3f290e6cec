#pragma once
// For tests: a folder that goes with its owner, programs that are run in it, and a tree with every kind of
// file.

#include "base/testing/must.h"
#include "host/real.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/stat.h>
#include <sys/xattr.h>

namespace belay::backup {

class Scratch {
  public:
    Scratch()
    {
        std::string pattern = std::filesystem::temp_directory_path() / "belay-backup-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
        write("password", "correct horse\n");
    }
    ~Scratch()
    {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    static constexpr std::string_view password = "correct horse";

    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    void write(const std::string& name, std::string_view content) const
    {
        std::ofstream file(path(name), std::ios::binary);
        file.write(content.data(), static_cast<std::streamsize>(content.size()));
        REQUIRE(file.flush().good());
    }
    std::string read(const std::string& name) const
    {
        std::ifstream file(path(name), std::ios::binary);
        REQUIRE(file.good());
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    /// What a program prints; it must succeed.
    static std::string run(std::vector<std::string> argv)
    {
        const std::unique_ptr<host::Host> machine = host::real_host();
        host::Command command{.argv = std::move(argv), .effect = host::Effect::changes};
        command.limit = std::chrono::minutes(2);
        const host::Outcome outcome = must(machine->run(command));
        REQUIRE_MESSAGE(outcome.exit_code == 0, command.to_text(), "\n", outcome.out, outcome.err);
        return outcome.out;
    }
    /// Debian's restic on the repository "repository" of this folder.
    std::string restic(std::vector<std::string> words) const
    {
        const std::vector<std::string> start = {"restic",          "--no-cache",     "-r", path("repository"),
                                                "--password-file", path("password"), "-q"};
        words.insert(words.begin(), start.begin(), start.end());
        return run(std::move(words));
    }

    static std::string random_text(size_t size, unsigned seed)
    {
        std::mt19937_64 random(seed);
        std::string text(size, '\0');
        for (char& c : text) c = static_cast<char>(random());
        return text;
    }

    /// Makes `tree` with every kind of file that a test may make.
    void make_tree() const
    {
        std::filesystem::create_directories(path("tree/folder/deeper"));
        write("tree/empty", "");
        write("tree/small", "a few bytes\n");
        write("tree/large", random_text(5 << 20, 11));
        write("tree/folder/zeros", std::string(3 << 20, '\0'));
        std::string text(200000, 'l');
        text += "<&>\"\\";
        write("tree/folder/text", text);
        write("tree/folder/deeper/odd \x01\xff\n\"name\"", "odd");
        write(
            "tree/folder/deeper/gr\xc3\xbc\xc3\x9f"
            "e",
            "umlauts");
        std::filesystem::create_symlink("../nowhere", path("tree/folder/link"));
        std::filesystem::create_hard_link(path("tree/small"), path("tree/folder/hard"));
        REQUIRE(::mkfifo(path("tree/fifo").c_str(), 0640) == 0);
        REQUIRE(::chmod(path("tree/small").c_str(), 04751) == 0);
        REQUIRE(::chmod(path("tree/folder").c_str(), 01777) == 0);
        // Not every filesystem has them.
        static_cast<void>(::setxattr(path("tree/small").c_str(), "user.note", "\0value", 6, 0));
        const timespec times[2] = {{1234567890, 123456789}, {-5, 1}};
        REQUIRE(::utimensat(AT_FDCWD, path("tree/small").c_str(), times, 0) == 0);
    }

  private:
    std::string folder_;
};

}  // namespace belay::backup
