// The commands of images as a person types them, from an empty folder to an installed version.

#include "cli/fakes.h"
#include "cli/run.h"
#include "upgrade/image/testing/sample.h"

namespace belay::cli {
namespace {

namespace image = upgrade::image;

/// What was said to a command of images, and its exit code.
struct ImageSaid {
    int code = 0;
    std::string out, err;
    Json json() const { return must(parse_json(out)); }
};

ImageSaid image_says(std::vector<std::string> words)
{
    words.insert(words.begin(), "image");
    fakes::TextConsole console;
    const int code = run(words, console, [](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
        return fail(ErrorKind::unavailable, "no daemon is asked");
    });
    return {code, console.said, console.complained};
}

/// A folder with an image.toml and a pair of keys, one of them in a folder of those that are trusted.
class ImageDesk {
  public:
    ImageDesk()
    {
        image::write_file(path("image.toml"), image::shop_toml);
        image::write_file(path("root/bin/shop"), "#!/bin/sh\n", 0755);
        std::filesystem::create_symlink("shop", path("root/bin/sh"));
        REQUIRE(image_says({"key", path("key.pem")}).code == 0);
        image::write_file(path("keys/release.pem"), image::file_text(path("key.pub.pem")));
    }
    std::string path(const std::string& name) const { return folder_ / name; }
    std::vector<std::string> trusting(std::vector<std::string> words) const
    {
        words.insert(words.end(), {"--keys", path("keys")});
        return words;
    }
    std::vector<std::string> installing(std::vector<std::string> words) const
    {
        words.insert(words.end(), {"--root", path("library")});
        return words;
    }

  private:
    store::ScratchFolder folder_;
};

}  // namespace

TEST_CASE("an image goes from its folder to a host")
{
    const ImageDesk desk;
    const std::string file = desk.path("shop.image");
    const ImageSaid looked = image_says({"build", desk.path("."), "-o", file, "--dry-run"});
    CHECK(looked.code == 0);
    CHECK(looked.out.find("-rwxr-xr-x  10 B  bin/shop\n") != std::string::npos);
    CHECK(looked.out.find("lrwxrwxrwx        bin/sh -> shop\n") != std::string::npos);
    CHECK(looked.out.ends_with("nothing was written\n"));
    CHECK(!std::filesystem::exists(file));

    const ImageSaid built = image_says({"build", desk.path("image.toml"), "-o", file});
    CHECK(built.code == 0);
    CHECK(built.out.find("not signed\n  next: belay image sign") != std::string::npos);
    CHECK(image_says(desk.trusting({"verify", file})).code == static_cast<int>(ExitCode::refused));
    CHECK(image_says({"sign", file, "--key", desk.path("key.pem")}).code == 0);
    CHECK(image_says(desk.trusting({"verify", file})).out ==
          "shop 2.0 is whole and as it was built, signed by release.pem\n");
    const Json shown = image_says(desk.trusting({"show", file, "--json"})).json();
    CHECK(shown.at("signer") == "release.pem");
    CHECK(shown.at("image").at("version") == "2.0");
    CHECK(shown.at("files").size() == 3);

    CHECK(image_says(desk.installing({"list"})).out == "no image is installed\n");
    CHECK(image_says(desk.installing(desk.trusting({"expand", file}))).out ==
          fmt::format("shop 2.0 is in {}\n", desk.path("library/shop/2.0")));
    image::write_file(desk.path("library/packages.conf"), "[shop]\nruns = \"2.0\"\ncommitted = \"1.0\"\n");
    const std::string listed = image_says(desk.installing({"list"})).out;
    CHECK(
        listed.starts_with("St  Image  Version  Takes\n"
                           "D   shop   1.0      is not installed\n"
                           "U   shop   2.0      12 KiB\n\nSt: I inactive"));
    CHECK(image_says(desk.installing({"remove", "shop", "2.0"})).code == static_cast<int>(ExitCode::refused));
    CHECK(image_says(desk.installing(desk.trusting({"verify", "shop", "2.0"}))).code == 0);
    image::write_file(desk.path("library/shop/2.0/bin/shop"), "#!/bin/sx\n", 0755);
    CHECK(image_says(desk.installing(desk.trusting({"verify", "shop", "2.0"}))).code ==
          static_cast<int>(ExitCode::io));
    image::write_file(desk.path("library/packages.conf"), "");
    CHECK(image_says(desk.installing({"remove", "shop", "2.0"})).code == 0);
    image::write_file(desk.path("library/shop/3/.image/manifest.toml"), "format = 1\n");
    const ImageSaid damaged = image_says(desk.installing({"list"}));
    CHECK(damaged.code == static_cast<int>(ExitCode::io));
    CHECK(damaged.out.find("the key \"name\" is missing") != std::string::npos);
}

TEST_CASE("what is missing to a command of images is said with what leads on")
{
    const ImageDesk desk;
    const std::string file = desk.path("shop.image");
    REQUIRE(image_says({"build", desk.path("."), "-o", file}).code == 0);
    const auto usage = static_cast<int>(ExitCode::usage);
    CHECK(image_says({"build"}).code == usage);
    CHECK(image_says({"sign", file}).err.find("belay image key KEY.pem makes one") != std::string::npos);
    CHECK(image_says({"remove", "shop"}).code == usage);
    CHECK(image_says({"verify", file, "--keys", desk.path("nowhere")}).code ==
          static_cast<int>(ExitCode::not_found));
    CHECK(image_says({"key", desk.path("key.pem")}).code == static_cast<int>(ExitCode::refused));
    REQUIRE(chmod(desk.path("key.pem").c_str(), 0644) == 0);
    CHECK(image_says({"sign", file, "--key", desk.path("key.pem")}).err.find("chmod 600") !=
          std::string::npos);
    image::write_file(desk.path("image.toml"), "name = \"shop\"\nversion = \"two\"\n");
    const ImageSaid wrong = image_says({"build", desk.path("."), "-o", file, "--json"});
    CHECK(wrong.code == usage);
    CHECK(wrong.json().at("error").at("what").get<std::string>().starts_with(
        "image.toml:2:1: \"two\" is no version"));
}

}  // namespace belay::cli
