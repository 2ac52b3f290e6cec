#include "cli/catalog/refreshing.h"

#include "backup/cataloging/take_in.h"
#include "cli/backup/progress.h"

#include <algorithm>

namespace belay::cli {
namespace {

using backup::CatalogFolder;
using backup::Registration;
using backup::TakenIn;
using backup::catalog::Catalog;
using backup::catalog::Use;

Json taken_json(const Registration& registration, const TakenIn& taken, Milliseconds passed)
{
    return {{"message_type", "refreshed"},
            {"repository", registration.id.hex()},
            {"location", registration.shown_location},
            {"snapshots_new", taken.snapshots_new.load()},
            {"snapshots_gone", taken.snapshots_gone.load()},
            {"snapshots_left_out", taken.snapshots_left_out.load()},
            {"trees", taken.trees.load()},
            {"entries", taken.entries.load()},
            {"seconds_elapsed", static_cast<double>(passed.count()) / 1000}};
}

class RefreshCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.words("repositories", said_, "these alone: locations, or beginnings of ids");
    }

    Result<int> run(BackupContext& context) override
    {
        const CatalogFolder folder = catalog_folder(context);
        const host::Descriptor lock = TRY(lock_catalog(context, folder));
        const std::vector<Registration> all = TRY(folder.registrations());
        std::vector<Registration> chosen;
        for (const std::string& said : said_) {
            Registration one = TRY(registration_called(all, said));
            chosen.push_back(std::move(one));
        }
        if (said_.empty()) chosen = all;
        if (chosen.empty())
            context.note("the catalog has no repository\n  next: belay catalog add LOCATION\n");
        const std::unique_ptr<Catalog> catalog = TRY(folder.open(Use::write));
        return refresh_repositories(context, folder, chosen, *catalog);
    }

  private:
    std::vector<std::string> said_;
};

class RebuildCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.flag("--skip-missing", skip_missing_,
                     "leave out what cannot be read; else the catalog stays as it was");
    }

    Result<int> run(BackupContext& context) override
    {
        const CatalogFolder folder = catalog_folder(context);
        const host::Descriptor lock = TRY(lock_catalog(context, folder));
        std::unique_ptr<Catalog> catalog = TRY(folder.make_beside());
        Result<int> code = refresh_repositories(context, folder, TRY(folder.registrations()), *catalog);
        if (!code || (*code != 0 && !skip_missing_)) {
            catalog.reset();
            folder.drop_beside();
            if (!code) return code;
            context.say_on_error(
                "the catalog stays as it was\n  next: belay catalog rebuild --skip-missing\n");
            return code;
        }
        TRY(folder.put_in_place(std::move(catalog)));
        context.note("the catalog was made anew\n");
        return code;
    }

  private:
    bool skip_missing_ = false;
};

}  // namespace

RepositoryRefresh::RepositoryRefresh(BackupContext& context, const CatalogFolder& folder,
                                     const Registration& registration, const CommonOptions& options)
    : context_(context), folder_(folder), registration_(registration), own_(context, options)
{
}

Result<void> RepositoryRefresh::open()
{
    repository_ = TRY(own_.open(backup::Access::shared));
    if (repository_->config().id == registration_.id) return {};
    return fail(ErrorKind::refused,
                fmt::format("{} holds another repository than it did", registration_.shown_location),
                "belay catalog remove and add it again");
}

Result<void> RepositoryRefresh::take_into(Catalog& catalog)
{
    TakenIn taken;
    backup::TakingIn how{.location = registration_.shown_location, .one_client = registration_.one_client};
    how.is_given_up = &own_.given_up();
    how.problem = [this](const Error& error) { own_.problem(error); };
    Milliseconds passed{0};
    Result<void> done;
    {
        const ProgressView view(own_, [&] {
            return Progress{.doing = "taking in " + registration_.shown_location,
                            .unit = "folders",
                            .files_done = taken.trees,
                            .files_total = std::max<uint64_t>(taken.trees, taken.trees_expected),
                            .totals_are_known = taken.trees_expected > 0};
        });
        done = take_in(*repository_, catalog, how, taken);
        passed = view.passed();
    }
    own_.unlock();
    TRY(done);
    if (context_.options().json) context_.json(taken_json(registration_, taken, passed));
    context_.note(fmt::format("{}: {} new, {} gone; {} folders with {} entries read in {}\n",
                              clean(context_.style(), registration_.shown_location),
                              counted(taken.snapshots_new, "snapshot", "snapshots"),
                              taken.snapshots_gone.load(), taken.trees.load(), taken.entries.load(),
                              to_text(passed)));
    if (own_.problems() == 0) return {};
    return fail(
        ErrorKind::corrupt,
        fmt::format("{} of {} could not be taken in",
                    counted(taken.snapshots_left_out, "snapshot", "snapshots"), registration_.shown_location),
        "belay backup check --repository-file " + folder_.location_file(registration_.id));
}

Result<int> refresh_repositories(BackupContext& context, const CatalogFolder& folder,
                                 const std::vector<Registration>& repositories, Catalog& catalog)
{
    uint64_t problems = 0;
    for (const Registration& one : repositories) {
        RepositoryRefresh refresh(context, folder, one, options_of_repository(context, folder, one));
        Result<void> done = refresh.open();
        if (done) done = refresh.take_into(catalog);
        if (done) continue;
        ++problems;
        // What was written since the last commit is incomplete, and of no use to the others.
        const bool is_of_catalog =
            catalog.connection().in_transaction() && done.error().kind != ErrorKind::corrupt;
        if (is_of_catalog || done.error().kind == ErrorKind::no_space) return std::unexpected(done.error());
        if (repositories.size() == 1) {
            if (done.error().kind == ErrorKind::corrupt) {
                context.problem(done.error());
                return static_cast<int>(BackupExit::incomplete);
            }
            return std::unexpected(done.error());
        }
        context.problem(done.error());
    }
    return static_cast<int>(problems == 0 ? BackupExit::done : BackupExit::incomplete);
}

std::unique_ptr<BackupCommand> make_catalog_refresh_command()
{
    return std::make_unique<RefreshCommand>();
}

std::unique_ptr<BackupCommand> make_catalog_rebuild_command()
{
    return std::make_unique<RebuildCommand>();
}

}  // namespace belay::cli
