// What a command said that does something: only its last word counts, and any failure before it.

#include "upgrade/iosxe/show/install_outcome.h"

#include "upgrade/iosxe/show/testing/answers.h"

namespace belay::upgrade::iosxe::show::install_outcome_test {
namespace {

using Words = std::vector<std::string>;
using testing::with;
using testing::written_answer;

const InstallTask& task_of(const InstallOutcome& outcome, std::string_view name)
{
    for (const InstallTask& task : outcome.tasks)
        if (task.name == name) return task;
    FAIL("no task " << name);
    return outcome.tasks.front();
}

TEST_CASE("an add that both members passed")
{
    const InstallOutcome outcome = must(read_install_outcome(written_answer("install add"), "install add"));
    CHECK(outcome.succeeded());
    CHECK(outcome.command == "install_add");
    CHECK(outcome.started == "Sat Oct 10 03:44:10 UTC 2026");
    CHECK(outcome.ended == "Sat Oct 10 03:49:02 UTC 2026");
    CHECK(outcome.reasons.empty());
    const InstallTask& add = task_of(outcome, "Add");
    CHECK(add.passed == Words{"1", "2"});
    CHECK(add.failed.empty());
    CHECK(add.ended == Words{"1", "2"});
    CHECK(add.finished);
}

TEST_CASE("a newer release says the version that it added")
{
    const InstallOutcome outcome =
        must(read_install_outcome(written_answer("install add", 3), "install add"));
    CHECK(outcome.succeeded());
    CHECK(outcome.image_version == "17.12.04.0.4898");
    CHECK(outcome.ended == "Sat Oct 10 03:49:02 UTC 2026");
    CHECK(task_of(outcome, "Add").ended == Words{"1", "2"});
    CHECK(task_of(outcome, "Add").said.empty());
}

TEST_CASE("an add that failed on one member failed, although it is finished")
{
    const InstallOutcome outcome =
        must(read_install_outcome(written_answer("install add", 1), "install add"));
    CHECK(outcome.verdict == Verdict::failed);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.failed_members() == Words{"2"});
    const InstallTask& add = task_of(outcome, "Add");
    CHECK(add.finished);
    CHECK(add.passed == Words{"1"});
    CHECK(add.said == Words{"cp: cannot stat '/tmp/rp_provision': No such file or directory"});
    CHECK(outcome.reasons == Words{"Add: Passed on [1]. Failed on [2]",
                                   "FAILED: install_add exit(1) Mon Mar  2 23:34:41 UTC 2026"});
}

TEST_CASE("a success that is said after a member failed is none")
{
    const std::string text =
        with(written_answer("install add"), "Add: Passed on [1 2]", "Add: Passed on [1]. Failed on [2]");
    const InstallOutcome outcome = must(read_install_outcome(text, "install add"));
    CHECK(outcome.verdict == Verdict::failed);
    CHECK(outcome.failed_members() == Words{"2"});
}

TEST_CASE("what ends with a year is a time only where it begins with a day of the week")
{
    const std::string text = with(written_answer("install add", 1), "FAILED: install_add exit(1)",
                                  "ERROR: the add was not done, for its key had no more use after 2026\n"
                                  "FAILED: install_add exit(1)");
    const InstallOutcome outcome = must(read_install_outcome(text, "install add"));
    CHECK(outcome.ended == "Mon Mar 2 23:34:41 UTC 2026");
    CHECK(must(read_install_progress(text.substr(0, text.find("FAILED:")), "install add")).ended.empty());
}

TEST_CASE("an add that failed on every member")
{
    const std::string text =
        with(written_answer("install add", 1), "Add: Passed on [1]. Failed on [2]", "Add: Failed on [1 2]");
    CHECK(must(read_install_outcome(text, "install add")).failed_members() == Words{"1", "2"});
}

TEST_CASE("one-shot on a device that was booted from a bundle")
{
    const InstallOutcome outcome =
        must(read_install_outcome(written_answer("install add", 2), "install add"));
    CHECK(outcome.command == "install_add_activate_commit");
    CHECK(outcome.verdict == Verdict::failed);
    REQUIRE(outcome.reasons.size() == 2);
    CHECK(outcome.reasons[0].ends_with("is not supported in bundle boot mode"));
    CHECK(outcome.tasks.empty());
}

TEST_CASE("an activation, stage by stage")
{
    const InstallOutcome outcome =
        must(read_install_outcome(written_answer("install activate"), "install activate"));
    CHECK(outcome.succeeded());
    REQUIRE(outcome.stages.size() == 5);
    CHECK(outcome.stages[2].title == "Restarting Standby");
    CHECK(outcome.stages[4].number == 4);
    CHECK(outcome.verified.size() == 4);
    CHECK(outcome.verified[1] == "standby is in Standby Hot state");
    CHECK(task_of(outcome, "install_remote").passed == Words{"2"});
    CHECK(task_of(outcome, "install_active").passed == Words{"1"});
}

TEST_CASE("an activation whose line went away has no verdict, and says how far it came")
{
    const std::string whole = written_answer("install activate");
    const std::string lost = whole.substr(0, whole.find("Finished wait for Standby"));
    CHECK_FALSE(read_install_outcome(lost, "install activate"));
    const InstallOutcome outcome = must(read_install_progress(lost, "install activate"));
    CHECK(outcome.verdict == Verdict::unsaid);
    CHECK(outcome.stages.back().title == "Restarting Standby");
    CHECK_FALSE(task_of(outcome, "wait for Standby to reach terminal redundancy state").finished);
}

TEST_CASE("an abort that is not allowed failed, although it is completed")
{
    const InstallOutcome outcome =
        must(read_install_outcome(written_answer("install abort"), "install abort"));
    CHECK(outcome.verdict == Verdict::failed);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.ended == "Mon Mar 2 23:40:11 UTC 2026");
    CHECK(outcome.reasons.at(0) == "FAILED: ABORT operation is not allowed in ADDED state");
    CHECK(must(read_install_outcome(written_answer("install abort", 1), "install abort")).succeeded());
}

TEST_CASE("a commit of both members, and the removal of what does not run")
{
    CHECK(must(read_install_outcome(written_answer("install commit"), "install commit")).succeeded());
    const InstallOutcome removed =
        must(read_install_outcome(written_answer("install remove"), "install remove"));
    CHECK(removed.succeeded());
    CHECK(removed.deleted ==
          Words{"/flash/cat9k-rpbase.17.09.05.SPA.pkg", "/flash/cat9k-rpboot.17.09.05.SPA.pkg",
                "/flash/cat9k-rpbase.17.09.05.SPA.pkg", "/flash/cat9k-rpboot.17.09.05.SPA.pkg"});
    CHECK(task_of(removed, "Post_Remove_Cleanup").passed == Words{"1", "2"});
}

TEST_CASE("\"Files deleted\" is a success of files, not of the command")
{
    const std::string text = written_answer("install remove");
    CHECK_FALSE(
        read_install_outcome(text.substr(0, text.rfind("SUCCESS: install_remove")), "install remove"));
    const std::string failed = with(text, "SUCCESS: install_remove ", "FAILED: install_remove exit(1) ");
    CHECK(must(read_install_outcome(failed, "install remove")).verdict == Verdict::failed);
}

TEST_CASE("a clearing says on which members it was; the other one may have been left out")
{
    const std::string text = written_answer("clear install state");
    const InstallOutcome outcome = must(read_install_outcome(text, "clear install state"));
    CHECK(outcome.succeeded());
    CHECK(task_of(outcome, "clear_install_state").passed == Words{"1"});
    CHECK_FALSE(
        read_install_outcome(with(text, "Finished clear_install_state\n", ""), "clear install state"));
    const std::string failed = with(text, "Passed on [1]", "Failed on [1]");
    CHECK(must(read_install_outcome(failed, "clear install state")).verdict == Verdict::failed);
}

TEST_CASE("an answer to another command is refused, also two answers in one")
{
    CHECK_FALSE(read_install_outcome(written_answer("install commit"), "install abort"));
    CHECK_FALSE(read_install_outcome(written_answer("install add"), "install activate"));
    const std::string commit = written_answer("install commit");
    CHECK_FALSE(read_install_outcome(commit + commit, "install commit"));
    CHECK_FALSE(read_install_outcome("% Invalid input detected at '^' marker.\n", "install commit"));
    CHECK_FALSE(read_install_progress("", "install commit"));
}

}  // namespace
}  // namespace belay::upgrade::iosxe::show::install_outcome_test
