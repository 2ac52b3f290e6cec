#include "host/application/launch.h"

#include "base/invariant.h"
#include "host/application/process_handle.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <mutex>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::host {
namespace {

constexpr const char* search_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int first_passed = 3;
/// Above all that the child moves its descriptors to.
constexpr int most_passed = 256;
constexpr std::string_view pid_prefix = "LISTEN_PID=";
/// So many are on their way at a time, but for those that take longer.
constexpr size_t most_on_their_way = 4;
constexpr Milliseconds usual_way{20};

/// To copy our page tables for each child, and our pages after it, would cost many times what all else does.
/// A child that shares our memory needs a stack of its own, which the C library's clone() knows to give, but
/// not clone3(), without which there is no start in a control group. Sanitizers do not know such stacks.
#if defined(__x86_64__) && !defined(BELAY_SANITIZE_ADDRESS) && !defined(BELAY_SANITIZE_THREAD)
#define BELAY_CHILD_SHARES_MEMORY 1
constexpr uint64_t shares_memory = CLONE_VM;
#else
#define BELAY_CHILD_SHARES_MEMORY 0
constexpr uint64_t shares_memory = 0;
#endif

/// What the child does, to be named in an error.
enum class Doing : int {
    nothing,
    session,
    descriptors,
    mounts,
    read_only,
    limits,
    groups,
    user,
    rights,
    folder,
    program,
};

/// The page that both see.
struct Shared {
    Doing doing;
    int problem;  ///< errno; 0: it went well
};

/// Mapped once, for each child's start in turn.
class SharedPage {
  public:
    SharedPage()
        : page_(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
    {
    }
    ~SharedPage()
    {
        if (page_ != MAP_FAILED) munmap(page_, sizeof(Shared));
    }
    SharedPage(const SharedPage&) = delete;
    SharedPage& operator=(const SharedPage&) = delete;

    explicit operator bool() const { return page_ != MAP_FAILED; }
    volatile Shared& get() const { return *static_cast<volatile Shared*>(page_); }

  private:
    void* page_;
};

/// That of each child in turn, until it is its program.
class ChildStack {
  public:
    static constexpr size_t bytes = 64 << 10;
    ChildStack()
        : lowest_(
              mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0))
    {
    }
    ~ChildStack()
    {
        if (lowest_ != MAP_FAILED) munmap(lowest_, bytes);
    }
    ChildStack(const ChildStack&) = delete;
    ChildStack& operator=(const ChildStack&) = delete;

    explicit operator bool() const { return lowest_ != MAP_FAILED; }
    uint64_t lowest() const { return reinterpret_cast<uint64_t>(lowest_); }

  private:
    void* lowest_;
};

/// What one child after the other gets from us, always under the same numbers: low ones where they are taken
/// before there are many others, and above all that the child moves them to.
class PassedOn {
  public:
    /// Errors: those of the system.
    Result<void> take(int output, const std::vector<int>& others)
    {
        if (!nothing_) {
            const Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
            nothing_ = TRY(copy_of(nothing.number()));
        }
        while (places_.size() < 1 + others.size()) {
            Descriptor place = TRY(copy_of(nothing_.number()));
            places_.push_back(std::move(place));
        }
        others_.clear();
        border_ = nothing_.number() + 1;
        TRY(put(output, places_.front()));
        for (size_t i = 0; i < others.size(); ++i) {
            TRY(put(others[i], places_[i + 1]));
            others_.push_back(places_[i + 1].number());
        }
        return {};
    }
    /// Holds nothing of anybody any more.
    void let_go() const
    {
        for (size_t i = 0; i <= others_.size(); ++i) dup3(nothing_.number(), places_[i].number(), O_CLOEXEC);
    }

    int nothing() const { return nothing_.number(); }  ///< an empty file
    int output() const { return places_.front().number(); }
    const std::vector<int>& others() const { return others_; }
    int border() const { return border_; }  ///< above all of them

  private:
    static Result<Descriptor> copy_of(int descriptor)
    {
        Descriptor copy(fcntl(descriptor, F_DUPFD_CLOEXEC, first_passed + most_passed));
        if (!copy) return std::unexpected(system_error("pass a descriptor on", errno));
        return copy;
    }
    Result<void> put(int descriptor, const Descriptor& place)
    {
        if (dup3(descriptor, place.number(), O_CLOEXEC) < 0)
            return std::unexpected(system_error("pass a descriptor on", errno));
        border_ = std::max(border_, place.number() + 1);
        return {};
    }

    Descriptor nothing_;
    std::vector<Descriptor> places_;
    std::vector<int> others_;
    int border_ = 0;
};

/// All that the child needs, made before it is: it may not allocate.
struct Prepared {
    explicit Prepared(Launch of) : launch(std::move(of)) {}
    const Launch launch;
    std::vector<char*> argv, environment;
    std::string listen_pid;
    std::vector<std::string> texts;  ///< of the environment
    rlimit open_files{};
    bool own_session = false;  ///< else a process group alone
};

char* text_of(const std::string& text)
{
    return const_cast<char*>(text.c_str());
}

void make_environment(Prepared& prepared)
{
    const Launch& launch = prepared.launch;
    std::vector<std::string>& texts = prepared.texts;
    texts = launch.environment;
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(launch.environment,
                                   [&](const std::string& text) { return text.starts_with(name); });
    };
    if (!has("PATH=")) texts.emplace_back(search_path);
    if (launch.account) {
        const Account& account = *launch.account;
        if (!has("USER=")) texts.push_back("USER=" + account.name);
        if (!has("LOGNAME=")) texts.push_back("LOGNAME=" + account.name);
        if (!has("HOME=")) texts.push_back("HOME=" + account.home);
        if (!has("SHELL=")) texts.push_back("SHELL=" + account.shell);
    }
    if (!launch.passed_names.empty()) {
        texts.push_back(fmt::format("LISTEN_FDS={}", launch.passed_names.size()));
        texts.push_back(fmt::format("LISTEN_FDNAMES={}", fmt::join(launch.passed_names, ":")));
        // The number is written by the child, who knows it.
        prepared.listen_pid = std::string(pid_prefix) + std::string(12, '\0');
        prepared.environment.push_back(prepared.listen_pid.data());
    }
    for (const std::string& text : texts) prepared.environment.push_back(text_of(text));
    prepared.environment.push_back(nullptr);
}

/// A session of its own keeps it from our terminal. Without one it would cost it its turn alone: the
/// scheduler takes each session for a group that has to wait for all others first (sched(7), autogroup),
/// which is milliseconds for each start where the processors are in use.
bool have_terminal()
{
    return static_cast<bool>(Descriptor(open("/dev/tty", O_RDONLY | O_CLOEXEC)));
}

void prepare(Prepared& prepared)
{
    static const bool has_terminal = have_terminal();
    prepared.own_session = has_terminal;
    const Launch& launch = prepared.launch;
    INVARIANT(launch.passed.size() < most_passed);
    for (const std::string& word : launch.argv) prepared.argv.push_back(text_of(word));
    prepared.argv.push_back(nullptr);
    make_environment(prepared);
    getrlimit(RLIMIT_NOFILE, &prepared.open_files);
    const rlim_t standard = std::min<rlim_t>(1024, prepared.open_files.rlim_max);
    prepared.open_files.rlim_cur = launch.open_files.value_or(standard);
    prepared.open_files.rlim_max = launch.open_files.value_or(prepared.open_files.rlim_max);
}

// Below, until live(): in the child, by system calls alone, whose problems are returned: the C library's
// errno is ours, and its own ways to change the account speak to its threads, which are not the child's. It
// may share our memory: it changes nothing in it but what is made for it. No handler of ours runs in it, and
// who it becomes cannot look into us by it: with its change of account the kernel lets nobody trace what has
// this memory.

template <typename Argument>
long word_of(Argument argument)
{
    if constexpr (std::is_null_pointer_v<Argument>)
        return 0;
    else if constexpr (std::is_pointer_v<Argument>)
        return reinterpret_cast<long>(argument);
    else
        return static_cast<long>(argument);
}

/// What the system call returns; -errno where it failed.
template <typename... Arguments>
long change(long number, Arguments... arguments)
{
#if BELAY_CHILD_SHARES_MEMORY
    const std::array<long, 6> words{word_of(arguments)...};
    register long fourth asm("r10") = words[3];
    register long fifth asm("r8") = words[4];
    register long sixth asm("r9") = words[5];
    long result = number;
    asm volatile("syscall"
                 : "+a"(result)
                 : "D"(words[0]), "S"(words[1]), "d"(words[2]), "r"(fourth), "r"(fifth), "r"(sixth)
                 : "rcx", "r11", "memory");
    return result;
#else
    const long result = syscall(number, arguments...);
    return result < 0 ? -errno : result;
#endif
}

/// Its table of descriptors is ours up to here: of what it has then, the kernel copies nothing but what is
/// passed on, and not thousands to be closed again.
long place_descriptors(const PassedOn& passed_on)
{
    long result = change(SYS_close_range, passed_on.border(), ~0U, CLOSE_RANGE_UNSHARE);
    const auto put = [&](int from, int to) {
        if (result >= 0) result = change(SYS_dup2, from, to);
    };
    put(passed_on.nothing(), STDIN_FILENO);
    put(passed_on.output(), STDOUT_FILENO);
    put(passed_on.output(), STDERR_FILENO);
    int next = first_passed;
    for (const int passed : passed_on.others()) put(passed, next++);
    // At once, not when the program is loaded: that may take long, and a lock of ours would be held by it.
    return result < 0 ? result : change(SYS_close_range, next, ~0U, 0);
}

void write_own_pid(Prepared& prepared)
{
    if (prepared.listen_pid.empty()) return;
    std::array<char, 12> digits{};
    size_t count = 0;
    for (long rest = change(SYS_getpid); rest > 0; rest /= 10)
        digits.at(count++) = static_cast<char>('0' + rest % 10);
    char* at = prepared.listen_pid.data() + pid_prefix.size();
    while (count > 0) *at++ = digits.at(--count);
}

long mount_at(const char* what, const char* where, const char* kind, unsigned long flags, const char* options)
{
    return change(SYS_mount, what, where, kind, flags, options);
}

long mount_own_tmp()
{
    return mount_at("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

long make_read_only(const std::string& path)
{
    const char* const name = path.c_str();
    const long bound = mount_at(name, name, nullptr, MS_BIND | MS_REC, nullptr);
    return bound < 0 ? bound
                     : mount_at(nullptr, name, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_REC, nullptr);
}

bool has_own_mounts(const Launch& launch)
{
    return launch.private_tmp || !launch.read_only.empty();
}

long leave_our_mounts()
{
    const long left = change(SYS_unshare, CLONE_NEWNS);
    return left < 0 ? left : mount_at(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr);
}

/// The bounding set first: it needs what is given up then.
long bound_capabilities(uint64_t kept)
{
    for (int capability = 0; capability < 64; ++capability) {
        if ((kept >> capability & 1) != 0) continue;
        if (change(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0) == -EPERM) return -EPERM;
    }
    return change(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

long keep_capabilities(uint64_t kept)
{
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> sets{};
    for (size_t half = 0; half < sets.size(); ++half) {
        const auto bits = static_cast<uint32_t>(kept >> (32 * half));
        sets.at(half) = {.effective = bits, .permitted = bits, .inheritable = bits};
    }
    long result = change(SYS_capset, &header, sets.data());
    for (int capability = 0; capability < 64 && result >= 0; ++capability) {
        if ((kept >> capability & 1) != 0)
            result = change(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    }
    return result;
}

long become_user(const Account& account)
{
    return change(SYS_setresuid, account.user, account.user, account.user);
}

long join_groups(const Account& account)
{
    const long joined = change(SYS_setgroups, account.groups.size(), account.groups.data());
    return joined < 0 ? joined : change(SYS_setresgid, account.group, account.group, account.group);
}

long leave_our_group(bool own_session)
{
    const uint64_t none = 0;
    const long unblocked = change(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
    if (unblocked < 0) return unblocked;
    return own_session ? change(SYS_setsid) : change(SYS_setpgid, 0, 0);
}

/// What the process does before it becomes the program. Comes back only where that failed, with it said.
void become(Prepared& prepared, const PassedOn& passed_on, volatile Shared& shared)
{
    const Launch& launch = prepared.launch;
    const auto did = [&](Doing doing, long result) {
        if (result >= 0) return true;
        shared.doing = doing;
        shared.problem = static_cast<int>(-result);
        return false;
    };
    if (!did(Doing::session, leave_our_group(prepared.own_session))) return;
    change(SYS_umask, 022);
    write_own_pid(prepared);
    if (!did(Doing::descriptors, place_descriptors(passed_on))) return;
    if (has_own_mounts(launch) && !did(Doing::mounts, leave_our_mounts())) return;
    for (const std::string& path : launch.read_only) {
        if (!did(Doing::read_only, make_read_only(path))) return;
    }
    if (launch.private_tmp && !did(Doing::mounts, mount_own_tmp())) return;
    if (!did(Doing::limits, change(SYS_prlimit64, 0, RLIMIT_NOFILE, &prepared.open_files, nullptr))) return;
    if (launch.capabilities && !did(Doing::rights, bound_capabilities(*launch.capabilities))) return;
    if (launch.account && (!did(Doing::groups, join_groups(*launch.account)) ||
                           !did(Doing::user, become_user(*launch.account))))
        return;
    if (launch.capabilities && !did(Doing::rights, keep_capabilities(*launch.capabilities))) return;
    if (launch.no_new_privileges && !did(Doing::rights, change(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
        return;
    if (!did(Doing::folder, change(SYS_chdir, launch.folder.c_str()))) return;
    did(Doing::program,
        change(SYS_execve, launch.program.c_str(), prepared.argv.data(), prepared.environment.data()));
}

struct NewChild {
    NewChild(Prepared& of, const PassedOn& gets, volatile Shared& says)
        : prepared(of), passed_on(gets), shared(says)
    {
    }
    Prepared& prepared;
    const PassedOn& passed_on;
    volatile Shared& shared;
};

/// The child's whole life.
[[noreturn]] void live(NewChild& child)
{
    become(child.prepared, child.passed_on, child.shared);
    while (true) change(SYS_exit_group, 127);
}

/// Its number, or -errno. In the child it does not come back. With a stack of its own in `arguments`, what it
/// was called from is not there for the child, which goes on in live() at once.
#if BELAY_CHILD_SHARES_MEMORY
long make_child(clone_args& arguments, NewChild& child)
{
    register void (*begin)(NewChild&) asm("r8") = live;
    register NewChild* its asm("r9") = &child;
    long pid = SYS_clone3;
    asm volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%ebp, %%ebp\n\t"  // the outermost frame
        "mov %%r9, %%rdi\n\t"
        "call *%%r8\n\t"
        "hlt\n"
        "1:"
        : "+a"(pid)
        : "D"(&arguments), "S"(sizeof arguments), "r"(begin), "r"(its)
        : "rcx", "r11", "memory");
    return pid;
}
#else
long make_child(clone_args& arguments, NewChild& child)
{
    const long pid = change(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) live(child);
    return pid;
}
#endif

std::string text_of(Doing doing, const Launch& launch)
{
    const std::string user = launch.account ? launch.account->name : "";
    switch (doing) {
        case Doing::nothing:
            return fmt::format("start {}", launch.program);
        case Doing::session:
            return "leave our process group";
        case Doing::descriptors:
            return "open its files";
        case Doing::mounts:
            return "give it mounts of its own";
        case Doing::read_only:
            return fmt::format("make {} read-only for it", fmt::join(launch.read_only, ", "));
        case Doing::limits:
            return "set its limit of open files";
        case Doing::groups:
            return fmt::format("join the groups of user {}", user);
        case Doing::user:
            return fmt::format("become user {}", user);
        case Doing::rights:
            return "give it its capabilities";
        case Doing::folder:
            return fmt::format("enter its working directory {}", launch.folder);
        case Doing::program:
            return fmt::format("run {}", launch.program);
    }
    return {};
}

/// Since the boot, as the kernel tells when a process began. It is not asked where there is no need: it would
/// let us wait until the program is loaded.
uint64_t ticks_now()
{
    static const auto in_a_second = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * in_a_second +
           static_cast<uint64_t>(now.tv_nsec) / (1'000'000'000 / in_a_second);
}

Error problem_of(const Launch& launch, Doing doing, int problem)
{
    Error error = system_error(text_of(doing, launch), problem);
    if (problem == EPERM && launch.account)
        error.next = "run the supervisor as root, or the application as the user that the supervisor has";
    return error;
}

class Start;

/// What a process needs of us on its way; one after the other has it.
struct Track {
    const SharedPage page;
    const ChildStack stack;
    PassedOn passed_on;
    std::shared_ptr<Start> used_by;
};

struct Tracks {
    std::mutex mutex;
    std::deque<Track> all;
    const int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
};

/// Never taken down: at our end a process may still be on its way.
Tracks& tracks()
{
    static Tracks* const ours = new Tracks;  // NOLINT(cppcoreguidelines-owning-memory)
    return *ours;
}

class Start final : public Launching, public std::enable_shared_from_this<Start> {
  public:
    explicit Start(Launch of) : prepared_(std::move(of)) { prepare(prepared_); }

    Result<void> begin()
    {
        std::unique_lock lock(tracks().mutex);
        Track& track = free_track(lock);
        if (!track.page || !track.stack) return std::unexpected(system_error("map a page", ENOMEM));
        TRY(track.passed_on.take(prepared_.launch.output, prepared_.launch.passed));
        if (const long problem = make_process(track); problem < 0) {
            track.passed_on.let_go();
            return std::unexpected(problem_of(prepared_.launch, Doing::nothing, static_cast<int>(-problem)));
        }
        track.used_by = shared_from_this();
        track_ = &track;
        return {};
    }

    Launched& process() override { return launched_; }

    bool has_arrived(Milliseconds patience) override
    {
        const auto until = steady_clock::now() + patience;
        while (is_on_its_way()) {
            const auto left =
                std::chrono::duration_cast<std::chrono::nanoseconds>(until - steady_clock::now());
            if (left.count() <= 0) return false;
            wait(&left);
        }
        return true;
    }

    Result<void> finish() override
    {
        while (is_on_its_way()) wait(nullptr);
        const std::lock_guard lock(tracks().mutex);
        settle();
        if (problem_ == 0) return {};
        return std::unexpected(problem_of(prepared_.launch, doing_, problem_));
    }

  private:
    using steady_clock = std::chrono::steady_clock;

    /// Those of which one may hope that it is free in a moment are waited for; one that is stuck needs its
    /// own for as long as it is.
    static Track& free_track(std::unique_lock<std::mutex>& lock)
    {
        while (true) {
            std::shared_ptr<Start> soonest;
            for (Track& track : tracks().all) {
                if (track.used_by && !track.used_by->is_on_its_way()) track.used_by->settle();
                if (!track.used_by) return track;
                const bool is_young = steady_clock::now() - track.used_by->begun_ < usual_way;
                if (is_young && (!soonest || track.used_by->begun_ < soonest->begun_))
                    soonest = track.used_by;
            }
            if (!soonest || tracks().all.size() < most_on_their_way) return tracks().all.emplace_back();
            lock.unlock();
            static_cast<void>(soonest->has_arrived(usual_way));
            lock.lock();
        }
    }

    long make_process(Track& track)
    {
        const Launch& launch = prepared_.launch;
        child_.emplace(prepared_, track.passed_on, track.page.get());
        child_->shared.doing = Doing::nothing;
        child_->shared.problem = 0;
        int process = -1;
        clone_args arguments{};
        arguments.flags = CLONE_FILES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
        arguments.pidfd = reinterpret_cast<uint64_t>(&process);
        arguments.exit_signal = SIGCHLD;
        if (launch.control_group) {
            arguments.flags |= CLONE_INTO_CGROUP;
            arguments.cgroup = static_cast<uint64_t>(*launch.control_group);
        }
        if (shares_memory != 0) {
            arguments.flags |= shares_memory | CLONE_CHILD_CLEARTID;
            arguments.stack = track.stack.lowest();
            arguments.stack_size = ChildStack::bytes;
            arguments.child_tid = reinterpret_cast<uint64_t>(&is_on_its_way_);
            is_on_its_way_ = 1;
        } else {
            arguments.flags |= CLONE_VFORK;
        }
        begun_ = steady_clock::now();
        const uint64_t before = ticks_now();
        const long pid = make_child(arguments, *child_);
        const uint64_t after = ticks_now();
        if (pid < 0) return pid;
        launched_ = {.pid = static_cast<pid_t>(pid), .started = after, .process = Descriptor(process)};
        if (before != after) launched_.started = start_of(launched_.pid).value_or(0);
        return pid;
    }

    bool is_on_its_way() const { return __atomic_load_n(&is_on_its_way_, __ATOMIC_ACQUIRE) != 0; }

    void wait(const std::chrono::nanoseconds* limit) const
    {
        timespec span{};
        if (limit != nullptr)
            span = {.tv_sec = limit->count() / 1'000'000'000, .tv_nsec = limit->count() % 1'000'000'000};
        syscall(SYS_futex, &is_on_its_way_, FUTEX_WAIT, 1, limit == nullptr ? nullptr : &span, nullptr, 0);
    }

    /// It has arrived: another may come. With the mutex of the tracks held.
    void settle()
    {
        if (track_ == nullptr) return;
        doing_ = child_->shared.doing;
        problem_ = child_->shared.problem;
        track_->passed_on.let_go();
        // Its change of account has made the memory that it shared with us one of which there is no dump.
        if (shares_memory != 0 && prepared_.launch.account)
            prctl(PR_SET_DUMPABLE, tracks().dumpable, 0, 0, 0);
        const std::shared_ptr<Start> own = std::move(std::exchange(track_, nullptr)->used_by);
    }

    Prepared prepared_;
    std::optional<NewChild> child_;
    Track* track_ = nullptr;  ///< while it is on its way
    Launched launched_;
    steady_clock::time_point begun_;
    Doing doing_ = Doing::nothing;
    int problem_ = 0;
    /// The kernel clears it when the child no longer has our memory.
    uint32_t is_on_its_way_ = 0;
};

}  // namespace

Result<std::shared_ptr<Launching>> begin_launch(Launch launch)
{
    auto start = std::make_shared<Start>(std::move(launch));
    TRY(start->begin());
    return start;
}

Result<Launched> launch(Launch launch)
{
    const std::shared_ptr<Launching> launching = TRY(begin_launch(std::move(launch)));
    const Result<void> begun = launching->finish();
    if (begun) return std::move(launching->process());
    siginfo_t ended{};
    waitid(P_PIDFD, static_cast<id_t>(launching->process().process.number()), &ended, WEXITED);
    return std::unexpected(begun.error());
}

Result<Account> account_named(const std::string& user)
{
    std::array<char, 16 << 10> room{};
    passwd entry{};
    passwd* found = nullptr;
    const int problem = getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found);
    if (found == nullptr && problem != 0)
        return std::unexpected(system_error(fmt::format("look for user {}", user), problem));
    if (found == nullptr)
        return fail(ErrorKind::not_found, fmt::format("there is no user {} on this host", user),
                    fmt::format("adduser --system {}", user));
    Account account{.user = entry.pw_uid,
                    .group = entry.pw_gid,
                    .name = user,
                    .home = entry.pw_dir,
                    .shell = entry.pw_shell};
    int count = 64;
    account.groups.resize(static_cast<size_t>(count));
    if (getgrouplist(user.c_str(), entry.pw_gid, account.groups.data(), &count) < 0) {
        account.groups.resize(static_cast<size_t>(count));
        getgrouplist(user.c_str(), entry.pw_gid, account.groups.data(), &count);
    }
    account.groups.resize(static_cast<size_t>(count));
    return account;
}

Result<uint64_t> capability_mask(const std::vector<std::string>& names)
{
    uint64_t mask = 0;
    for (const std::string& name : names) {
        cap_value_t value = 0;
        if (cap_from_name(name.c_str(), &value) != 0)
            return fail(ErrorKind::usage, fmt::format("there is no capability {}", name),
                        "man 7 capabilities; they are written as cap_net_bind_service");
        mask |= uint64_t{1} << value;
    }
    return mask;
}

}  // namespace belay::host
