// The commands about images that a daemon is asked for.

#include "base/base64.h"
#include "base/digest.h"
#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/image_progress.h"
#include "cli/image_text.h"
#include "cli/session.h"
#include "host/files.h"

#include <filesystem>

namespace belay::cli {
namespace {

constexpr uint64_t piece_bytes = 1 << 20;
constexpr int exit_after_signal = 128;

}  // namespace

/// What was sent before and did not come to its end is not sent again.
Result<int> Session::image_publish()
{
    std::error_code problem;
    const std::string path = std::filesystem::absolute(asked_.target, problem).lexically_normal().string();
    const std::string file = TRY(sha256_of_file(path));
    const uint64_t bytes = std::filesystem::file_size(path, problem);
    if (problem) return std::unexpected(system_error("look at " + path, problem.value()));
    ImageProgress progress(console_, style_, "sending", !asked_.json);
    const upgrade::image::Progress tell = progress.callback();
    Json answer;
    uint64_t next = 0;
    do {
        const uint64_t size = std::min(piece_bytes, bytes - next);
        const std::string piece = TRY(host::files::read_at(path, Bytes{next}, Bytes{size}));
        answer = TRY(client_.call(
            "ImageUpload", {{"file", file}, {"bytes", bytes}, {"offset", next}, {"data", to_base64(piece)}}));
        next = static_cast<uint64_t>(number_of(answer, "next"));
        if (const Result<void> goes_on = tell(Bytes{next}, Bytes{bytes}); !goes_on) {
            if (progress.signal()) return exit_after_signal + *progress.signal();
            return std::unexpected(goes_on.error());
        }
    } while (next < bytes && !has(answer, "image"));
    if (!has(answer, "image"))
        return fail(ErrorKind::corrupt, fmt::format("{} was sent, and is no image there", path),
                    fmt::format("belay image verify '{}'", path));
    const Json& image = object_of(answer, "image");
    say(image,
        fmt::format("{0} {1} is there for the hosts ({2})\n  next: belay plan pair.upgrade --pair NAME "
                    "--version {1}; the first time: belay run image.install --image {0} --version {1}\n",
                    text_of(style_, image, "image"), text_of(style_, image, "version"),
                    to_text(Bytes{bytes})));
    return 0;
}

Result<int> Session::image_withdraw()
{
    const Json answer =
        TRY(client_.call("ImageWithdraw", {{"image", asked_.target}, {"version", asked_.name}}));
    say(answer, fmt::format("{} {} is not given to hosts any more; where it is installed it stays\n",
                            asked_.target, asked_.name));
    return 0;
}

Result<int> Session::image_summary()
{
    Json answer = TRY(client_.call("ImageSummary", Json::object()));
    answer["pairs"] = pairs();
    say(answer, images_text(style_, answer));
    return 0;
}

/// On every host, one by one: what was done, or why it was not.
Result<int> Session::image_tidy()
{
    const bool removes = asked_.command == Command::image_remove_inactive;
    const Json answer = TRY(client_.call(removes ? "ImageRemoveInactive" : "ImageClear",
                                         {{"image", asked_.target}, {"dry_run", asked_.dry_run}}));
    say(answer, tidy_text(style_, answer, asked_.dry_run));
    for (const Json& host : list_of(answer, "hosts")) {
        if (has(host, "problem")) return static_cast<int>(ExitCode::failed);
    }
    return 0;
}

}  // namespace belay::cli
