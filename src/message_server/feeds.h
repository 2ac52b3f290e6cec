#pragma once
// What is kept goes on to the outputs: each reads the store at its own pace, from where it was, and how far
// it came is kept there too. A receiver that is away holds up nobody and loses nothing that the store still
// has; after a crash, of this program or of a receiver, some of it may come twice.

#include "message_server/keeper.h"
#include "message_server/receivers.h"

#include <condition_variable>
#include <thread>

namespace belay::message_server {

/// One output, in a thread of its own.
class Feed {
  public:
    /// The store and the keeper outlive it. One of this name that there was goes on where it was; a new one
    /// begins with what comes now.
    Feed(OpenStore& store, Keeper& keeper, framework::messages::Output output);
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;
    /// Waits for what its receiver is just taking: some seconds at most.
    ~Feed();

    const framework::messages::Output& output() const { return output_; }
    void stop_soon();
    /// {name, sent, refused, behind, problem, since_ms}: messages that it took since the program has begun;
    /// how many numbers of the store are still before it; null, or why it takes none, and since when.
    Json status() const;

  private:
    void run(const std::stop_token& stop);
    bool find_place(const std::stop_token& stop);
    void pass_on(const std::stop_token& stop);
    Result<std::vector<framework::messages::StoredMessage>> next_ones();
    void deliver(const std::vector<framework::messages::StoredMessage>& found, const std::stop_token& stop);
    void tell_of_missed();
    void failed(const Error& problem, const std::stop_token& stop);
    void works();
    void tell_of_refused(const Taken& taken);
    void remember(bool at_once);
    void pause(Milliseconds how_long, const std::stop_token& stop);

    OpenStore& store_;
    Keeper& keeper_;
    const framework::messages::Output output_;
    const std::string source_;
    std::unique_ptr<Receiver> receiver_;

    mutable std::mutex mutex_;  ///< of what status() tells
    std::condition_variable_any woken_;
    uint64_t after_ = 0;  ///< number of the last that it took, or that is none of its levels
    uint64_t sent_ = 0, refused_ = 0;
    std::optional<std::string> problem_;
    Milliseconds failing_since_{0};  ///< wall clock

    // Of its thread alone:
    Milliseconds pause_{0};
    bool is_told_ = false;  ///< that it fails
    uint64_t remembered_ = 0, untold_ = 0;
    std::chrono::steady_clock::time_point remembered_at_{}, refusal_told_at_{};
    std::jthread thread_;
};

/// Those that the configuration wants. Threads: any, one changes them at a time.
class Feeds {
  public:
    Feeds(OpenStore& store, Keeper& keeper) : store_(store), keeper_(keeper) {}
    Feeds(const Feeds&) = delete;
    Feeds& operator=(const Feeds&) = delete;
    ~Feeds();

    /// One that has changed begins anew where it was; one that is gone is forgotten. May take some seconds.
    void are(const std::vector<framework::messages::Output>& wanted);
    Json status() const;
    /// Nothing more goes on.
    void stop_soon();

  private:
    OpenStore& store_;
    Keeper& keeper_;
    std::mutex changing_;
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<Feed>> feeds_;
};

}  // namespace belay::message_server
