#include "backup/pipeline/pack_queue.h"

namespace belay::backup {

PackQueue::PackQueue(Repository& repository, size_t writers, std::function<Result<void>()> may_write)
    : repository_(repository), may_write_(std::move(may_write)), writers_(writers)
{
    for (size_t i = 0; i < writers; ++i) threads_.emplace_back([this] { work(); });
}

PackQueue::~PackQueue()
{
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

Result<void> PackQueue::save(PackBuilder pack)
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || waiting_.size() + under_way_ < writers_; });
    if (error_) return std::unexpected(*error_);
    waiting_.push_back(std::move(pack));
    changed_.notify_all();
    return {};
}

Result<void> PackQueue::write_index(const std::vector<IndexedPack>& packs)
{
    TRY(repository_.save_text(FileKind::index, index_text(packs)));
    return {};
}

Result<IndexedPack> PackQueue::finish_and_save(PackBuilder pack)
{
    FinishedPack finished = TRY(pack.finish(repository_.key()));
    if (may_write_) TRY(may_write_());
    TRY(repository_.backend().save({FileKind::pack, finished.index.id}, finished.bytes));
    return std::move(finished.index);
}

void PackQueue::work()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return ends_ || !waiting_.empty(); });
        // What waits when this object goes is not needed: finish() was not called, or has failed.
        if (ends_) return;
        PackBuilder pack = std::move(waiting_.front());
        waiting_.pop_front();
        ++under_way_;
        changed_.notify_all();
        lock.unlock();
        Result<IndexedPack> saved = finish_and_save(std::move(pack));
        lock.lock();
        Result<void> done = saved ? Result<void>() : std::unexpected(saved.error());
        std::vector<IndexedPack> full;
        if (saved) {
            saved_blobs_ += saved->blobs.size();
            saved_.push_back(*std::move(saved));
            if (saved_blobs_ >= blobs_of_full_index) full = std::exchange(saved_, {}), saved_blobs_ = 0;
        }
        if (!full.empty()) {
            lock.unlock();
            done = write_index(full);
            lock.lock();
        }
        if (!done && !error_) error_ = done.error();
        --under_way_;
        changed_.notify_all();
    }
}

Result<void> PackQueue::finish()
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || (waiting_.empty() && under_way_ == 0); });
    if (error_) return std::unexpected(*error_);
    const std::vector<IndexedPack> rest = std::exchange(saved_, {});
    saved_blobs_ = 0;
    lock.unlock();
    return rest.empty() ? Result<void>() : write_index(rest);
}

}  // namespace belay::backup
