#include "upgrade/iosxe/show/install_summary.h"

#include "upgrade/iosxe/show/install_table.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;

class SummaryReader {
  public:
    explicit SummaryReader(const Shown& shown) : shown_(shown) {}

    Result<InstallSummary> read()
    {
        for (const Line& line : shown_.lines) TRY(take(line, trimmed(line.text)));
        TRY(close_set());
        if (summary_.sets.empty()) return shown_.cut("it names no member");
        return std::move(summary_);
    }

  private:
    Result<void> take(const Line& line, std::string_view text)
    {
        if (text.starts_with('[')) return open_set(line, text);
        if (is_ruler(text)) {
            ruler_after_timer_ = timer_line_ != 0;
            return {};
        }
        if (summary_.sets.empty())
            return shown_.foreign(line.number, "it does not begin with the members of which it speaks");
        InstallSet& set = summary_.sets.back();
        if (timer_line_ != 0) return shown_.foreign(line.number, "there is text behind the abort timer");
        if (is_legend(text) || is_package_heading(text)) return {};
        if (const auto timer = after(text, "Auto abort timer:")) {
            set.timer = auto_abort_timer_of(*timer);
            timer_line_ = line.number;
            if (set.timer) return {};
            return shown_.foreign(line.number, fmt::format("\"{}\" is no state of the abort timer", *timer));
        }
        if (text.starts_with("No ") && text.ends_with(" Packages") && set.packages.empty()) {
            is_none_ = true;
            return {};
        }
        const auto package = package_of(text);
        if (!package) return shown_.foreign(line.number, fmt::format("\"{}\" is no package", text));
        set.packages.push_back(*package);
        return {};
    }

    /// "[ Switch 1 2 ] Installed Package(s) Information:"
    Result<void> open_set(const Line& line, std::string_view text)
    {
        TRY(close_set());
        const auto place = between(text, '[', ']');
        const bool is_heading = text.ends_with("Package(s) Information:");
        InstallSet set;
        if (place) {
            set.place = trimmed(*place);
            set.members = members_of(set.place);
        }
        if (!is_heading || set.members.empty() || summary_.sets.size() == most_members)
            return shown_.foreign(line.number, "the members are not named as they are in a heading");
        for (const std::string& member : set.members)
            if (summary_.of(member) != nullptr)
                return shown_.foreign(line.number, fmt::format("member {} is named twice", member));
        summary_.sets.push_back(std::move(set));
        timer_line_ = 0;
        ruler_after_timer_ = is_none_ = false;
        return {};
    }

    /// Packages are all there when the timer is, and the timer when the line under it is.
    Result<void> close_set() const
    {
        if (summary_.sets.empty()) return {};
        const InstallSet& set = summary_.sets.back();
        const bool is_whole =
            timer_line_ != 0 ? ruler_after_timer_ && (is_none_ || !set.packages.empty()) : is_none_;
        if (has_twice(set.packages, &InstalledPackage::version))
            return shown_.foreign(0, "a package is there twice");
        if (is_whole) return {};
        return shown_.cut(fmt::format("not all of \"{}\" is there", set.place));
    }

    const Shown& shown_;
    InstallSummary summary_;
    size_t timer_line_ = 0;  ///< of the last set; 0: not yet
    bool ruler_after_timer_ = false, is_none_ = false;
};

}  // namespace

const InstallSet* InstallSummary::of(std::string_view member) const
{
    for (const InstallSet& set : sets)
        if (std::ranges::find(set.members, member) != set.members.end()) return &set;
    return nullptr;
}

Result<InstallSummary> read_install_summary(std::string_view text, std::string_view command)
{
    const Shown all = TRY(shown(text, command));
    return SummaryReader(all).read();
}

void to_json(Json& json, const AutoAbortTimer& timer)
{
    json = {{"active", timer.active}};
    put(json, "operation", timer.operation);
    if (timer.left) json["seconds_left"] = timer.left->count();
}

void to_json(Json& json, const InstallSummary& summary)
{
    json = {{"sets", Json::array()}};
    for (const InstallSet& set : summary.sets) {
        Json one = {{"place", set.place}, {"members", set.members}, {"packages", json_of(set.packages)}};
        if (set.timer) one["timer"] = *set.timer;
        json["sets"].push_back(std::move(one));
    }
}

}  // namespace belay::upgrade::iosxe::show
