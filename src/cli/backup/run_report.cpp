#include "cli/backup/run_report.h"

#include "cli/backup/node_text.h"

namespace belay::cli {

using backup::Compared;
using backup::NodeType;

namespace {

/// So many of those left out are named again at the end.
constexpr size_t most_named = 20;

const char* action_of(Compared compared)
{
    return compared == Compared::is_new ? "new" : compared == Compared::changed ? "modified" : "unchanged";
}

std::string names_text(const Style& style, std::string_view what, const std::vector<std::string>& names,
                       uint64_t count)
{
    if (count == 0) return "";
    std::string text = fmt::format("{}:\n", what);
    for (const std::string& name : names) text += "  " + path_text(style, name) + '\n';
    if (count > names.size()) text += fmt::format("  and {} more\n", count - names.size());
    return text;
}

}  // namespace

void RunReport::problem(const std::string& path, const Error& error)
{
    {
        const std::lock_guard lock(mutex_);
        if (left_out_.size() < most_named) left_out_.push_back(path);
    }
    if (context_.options().json)
        context_.error_line({{"message_type", "error"},
                             {"error", {{"message", error.what}}},
                             {"during", "archival"},
                             {"item", path}});
    else
        context_.problem(error);
}

void RunReport::changed_while_read(const std::string& path)
{
    {
        const std::lock_guard lock(mutex_);
        changed_.push_back(path);
    }
    if (context_.options().json)
        context_.json(
            {{"message_type", "warning"}, {"item", path}, {"message", "changed while it was read"}});
}

void RunReport::done(const std::string& path, const backup::Node& node, Compared compared)
{
    if (node.type == NodeType::file) {
        ++files_;
        bytes_ += node.size;
    }
    if (ProgressView::is_seen(context_)) {
        const std::lock_guard lock(mutex_);
        current_ = path;
    }
    if (context_.options().verbose < 2) return;
    const std::string item = node.type == NodeType::dir ? path + "/" : path;
    if (context_.options().json)
        context_.json({{"message_type", "verbose_status"},
                       {"action", action_of(compared)},
                       {"item", item},
                       {"data_size", node.size}});
    context_.out(fmt::format("{:<10}{}\n", action_of(compared), path_text(context_.style(), item)));
}

Progress RunReport::progress()
{
    const std::lock_guard lock(mutex_);
    return {.doing = "saving",
            .files_done = files_,
            .files_total = totals_.files,
            .bytes_done = bytes_,
            .bytes_total = totals_.bytes,
            .totals_are_known = totals_.is_complete,
            .problems = summary_.problems,
            .current = current_};
}

void RunReport::finish(Milliseconds passed, bool dry_run)
{
    const auto& [files, folders, bytes, problems, written, snapshot] = summary_;
    const uint64_t all_files = files.is_new + files.changed + files.unchanged;
    if (context_.options().json) {
        Json json = {{"message_type", "summary"},
                     {"files_new", files.is_new.load()},
                     {"files_changed", files.changed.load()},
                     {"files_unmodified", files.unchanged.load()},
                     {"dirs_new", folders.is_new.load()},
                     {"dirs_changed", folders.changed.load()},
                     {"dirs_unmodified", folders.unchanged.load()},
                     {"data_blobs", written.data_blobs},
                     {"tree_blobs", written.tree_blobs},
                     {"data_added", written.content},
                     {"data_added_packed", written.stored},
                     {"total_files_processed", all_files},
                     {"total_bytes_processed", bytes.load()},
                     {"total_duration", static_cast<double>(passed.count()) / 1000},
                     {"dry_run", dry_run}};
        if (snapshot) json["snapshot_id"] = snapshot->hex();
        context_.json(json);
        return;
    }
    const Style& style = context_.style();
    const auto row = [](std::string_view what, const backup::SavingSummary::Counts& counts) {
        return fmt::format("{:<9}{:>9} new, {:>9} changed, {:>9} unchanged\n", what, counts.is_new.load(),
                           counts.changed.load(), counts.unchanged.load());
    };
    std::string text = row("Files:", files) + row("Folders:", folders);
    text += fmt::format("{}    {} new, {} stored\n",
                        dry_run ? "Would add:" : "Added:   ", to_text(Bytes{written.content}),
                        to_text(Bytes{written.stored}));
    const uint64_t speed = passed.count() > 0 ? bytes * 1000 / static_cast<uint64_t>(passed.count()) : 0;
    text += fmt::format("Looked at {}, {}, in {} ({}/s)\n", counted(all_files, "file", "files"),
                        to_text(Bytes{bytes}), to_text(passed), to_text(Bytes{speed}));
    context_.note(text);
    std::string named;
    named += names_text(style, "Changed while they were read, and so perhaps no state that they ever had",
                        changed_, changed_.size());
    named += names_text(style, "Not saved, or not whole", left_out_, problems);
    if (!named.empty()) context_.say_on_error(named);
    if (snapshot) context_.note(fmt::format("snapshot {} saved\n", snapshot->short_hex()));
}

}  // namespace belay::cli
